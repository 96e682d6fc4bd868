/*
 * The command of the offline verifier: `gatehouse-verify`, and `gatehouse ledger verify`, which is the same.
 *
 *   receipt FILE [--entry FILE]        one receipt; the entry where the receipt does not carry it
 *   checkpoint FILE                    one signed head
 *   log DIRECTORY                      a data directory (with "ledger" and "public") or a ledger directory
 *
 *   --policy FILE      the pinned logs, witnesses and quorum (C2SP tlog-policy)
 *   --key VKEY         a pinned key of the log, instead of a policy; give both keys
 *   --older FILE       a head or receipt that somebody kept: this must continue it (for log: up to 16 times)
 *   --consistency FILE a consistency proof from --older, one base64 hash a line (for receipt and checkpoint)
 *   --witnessed FILE   the newest cosigned head, where it is not the directory's public/checkpoint.witnessed (log)
 *   --heads all|some|newest   whose signatures are checked besides the newest head's (log; default some)
 *   --tiles            compare the published tiles with the log (log)
 *   --accept-tail      entries beyond the newest cosigned head do not weaken the result (log)
 *   --json             one canonical JSON object on standard output
 *
 * The first line says verified, weaker or refused. Exit code: 0 verified; 1 weaker or refused; 2 usage, or a file that is not
 * there; 4 internal. No network, no state, nothing is written.
 */
#ifndef GATEHOUSE_LEDGER_VERIFY_COMMAND_H
#define GATEHOUSE_LEDGER_VERIFY_COMMAND_H

#include "ledger/verify_log.h"

constexpr size_t VERIFY_KEYS_MAX = 8;

struct verify_arguments {
	const char *program; /* what messages call the command: "gatehouse ledger verify" */
	const char *verb, *subject;
	const char *entry, *policy, *consistency, *witnessed, *heads;
	const char *keys[VERIFY_KEYS_MAX];
	size_t key_count;
	const char *older[VERIFY_OLDER_MAX];
	size_t older_count;
	bool tiles, accept_tail, json;
};

/* Verifies as was asked; returns the exit code. */
int verify_run(const struct verify_arguments *arguments);
/* The same from the words of `gatehouse-verify`; argv[0] is what messages call it. */
int verify_command(int argc, char **argv);

#endif
