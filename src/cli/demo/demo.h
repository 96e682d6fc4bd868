/*
 * `gatehouse demo`: a firm is founded, its transfers go through the gate, four attackers try, an auditor checks. Everything is real
 * and of this run: processes of this same program over loopback, fresh keys, a log on disk; each step is told in one line whose
 * numbers are read from the answers and entries of this run, and compared with what the step must give.
 *
 * The installation lives in a temporary directory, which goes with the demo. Everything that is started stops with it: at the end,
 * at a step that fails, on SIGINT and SIGTERM, and when it is killed.
 */
#ifndef GATEHOUSE_CLI_DEMO_DEMO_H
#define GATEHOUSE_CLI_DEMO_DEMO_H

struct demo_options {
	const char *amounts; /* a text that the amounts are drawn from; null: "gatehouse" */
	bool keepers;        /* the story of three keepers that share a key, instead */
	bool keep;           /* stay serving at the end, until a signal */
};

/* Returns the exit code: 0 if every step gave what it must, 1 if one did not, 3 if the processes could not be started. */
int demo_run(const struct demo_options *options);

#endif
