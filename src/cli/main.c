/* gatehouse: one program; what it does is said by cli/commands.c. */
#include "cli/command.h"

int
main(int argc, char **argv) {
	return command_main(argc, argv);
}
