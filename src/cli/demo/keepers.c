#include "cli/demo/keepers.h"

#include <stdio.h>

#include "cli/demo/troop.h"

static const struct chapter {
	const char *heading; /* null: goes on */
	enum status (*run)(struct troop *troop);
} story[] = {
	{"Three keepers, one key", keepers_found},
	{nullptr, keepers_serve},
	{nullptr, keepers_enrol},
	{nullptr, keepers_make_key},
	{nullptr, keepers_sign},
	{"One is killed", keepers_kill},
	{"One is copied", keepers_roll_back},
	{nullptr, keepers_refresh},
	{"One says no", keepers_forbid},
	{"The auditor", keepers_replay},
};

static enum status
tell(struct troop *troop) {
	for (size_t i = 0; i < ARRAY_LENGTH(story); i++) {
		if (story[i].heading != nullptr)
			narrate_heading(story[i].heading);
		TRY(story[i].run(troop));
		if (interrupt_came())
			return fail(STATUS_UNAVAILABLE, "demo.interrupted: by a signal");
	}
	return OK;
}

static enum status
play(struct troop *troop, const char *amounts) {
	int64_t start_ns = io_boottime_ns(io_system());
	size_t receipts = 0;
	char time[NUMBER_SIZE];
	TRY(troop_open(troop, amounts));
	printf("Gatehouse " GATEHOUSE_VERSION
	       ": three keepers of Northwind share a key. Amounts are drawn from \"%s\"; all "
	       "numbers are of this run.\n",
	       amounts);
	TRY(tell(troop));
	for (size_t i = 0; i < KEEPERS; i++)
		receipts += troop->stages[i]->receipt_count;
	printf("\nEvery step gave what it must: %zu receipts kept, in all %s.\n", receipts,
	       number_time(io_boottime_ns(io_system()) - start_ns, time));
	return OK;
}

enum status
keepers_demo(const char *amounts) {
	struct troop troop = {};
	enum status status = play(&troop, amounts);
	fflush(stdout);
	for (size_t i = 0; status != OK && !interrupt_came() && i < KEEPERS; i++)
		if (troop.stages[i] != nullptr && troop.stages[i]->house.log != nullptr) {
			fprintf(stderr, "keeper %s:\n", troop_names[i]);
			house_show_log(&troop.stages[i]->house);
		}
	char why[512];
	snprintf(why, sizeof why, "%s", status == OK ? "" : fail_message());
	troop_close(&troop);
	return status == OK ? OK : fail(status, "%s", why);
}
