/*
 * The command of the offline verifier: `gatehouse-verify`, and `gatehouse ledger verify`, which is the same.
 *
 *   VERB receipt FILE [--entry FILE]        one receipt; the entry where the receipt does not carry it
 *   VERB checkpoint FILE                    one signed head
 *   VERB log DIRECTORY                      a data directory (with "ledger" and "public") or a ledger directory
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

/* argv[0] is what messages call the command; argv[1] is the verb. */
int verify_command(int argc, char **argv);

#endif
