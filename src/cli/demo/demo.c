#include "cli/demo/demo.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/demo/interrupt.h"
#include "cli/demo/keepers.h"
#include "cli/demo/stage.h"

/* --- The story. --- */

static const struct chapter {
	const char *heading; /* null: goes on */
	enum status (*run)(struct stage *stage);
} story[] = {
	{"The firm", step_found},
	{nullptr, step_serve},
	{nullptr, step_enrol_passkeys},
	{nullptr, step_make_keys},
	{"Eight requests", step_small_transfer},
	{nullptr, step_token_transfer},
	{nullptr, step_bitcoin},
	{nullptr, step_sanctioned},
	{nullptr, step_unlimited_approve},
	{nullptr, step_tampered},
	{nullptr, step_replayed},
	{nullptr, step_velocity},
	{nullptr, step_witness},
	{"Four attackers", attack_root},
	{nullptr, attack_gateway},
	{nullptr, attack_display},
	{nullptr, attack_old_data},
	{nullptr, attack_operator},
	{"The auditor, with nothing but the files and what was pinned at the founding", step_witness},
	{nullptr, audit_verify},
	{nullptr, audit_replay},
	{nullptr, audit_times},
};

static enum status
tell(struct stage *stage) {
	for (size_t i = 0; i < ARRAY_LENGTH(story); i++) {
		if (story[i].heading != nullptr)
			narrate_heading(story[i].heading);
		TRY(story[i].run(stage));
		if (interrupt_came())
			return fail(STATUS_UNAVAILABLE, "demo.interrupted: by a signal");
	}
	return OK;
}

/* --- Staying. --- */

/* One transfer waits for one of treasury, and nothing else for anybody: another approved it at an own terminal. */
static enum status
leave_order(struct stage *stage) {
	struct psbt_order order = {.to = BITCOIN_PAYEE_ADDRESS,
				   .sats = amount_pick(stage->amounts, "waiting", 30'000'000, 60'000'000),
				   .fee_sats = 2'000,
				   .serial = 5};
	struct told held, approved;
	const char *payload;
	memcpy(order.public_key, stage->bitcoin_key, sizeof order.public_key);
	TRY(actor_reject(&stage->actors, ACTOR_PERSON_3, stage->attacked));
	TRY(psbt_payload(&stage->arena, &order, &payload));
	TRY(actor_ask(&stage->actors, ACTOR_TREASURER, "sign", "key:btc-treasury", payload, &held));
	TRY(stage_expect(stage, "a large PSBT", &held, "held"));
	TRY(actor_approve(&stage->actors, ACTOR_PERSON_3, held.operation, &approved));
	return stage_expect(stage, "a large PSBT, one approval", &approved, "held");
}

static enum status
stay(struct stage *stage) {
	const char *reason, *link, *port = strrchr(stage->house.console, ':') + 1;
	TRY(house_guard_by_witness(&stage->house));
	TRY(house_serve(&stage->house, &reason));
	TRY(leave_order(stage));
	TRY(passkey_invite(stage, ACTOR_PERSON_1, &link));
	const char *keys = stage->house.keys;
	printf("\nIt stays serving until Ctrl-C. The console is at %s, on this machine alone; from another one:\n"
	       "  ssh -L %s:localhost:%s THIS-MACHINE\n"
	       "You are person 1, of treasury. This link enrols a passkey of yours, once; then sign in: a transfer "
	       "waits for you.\n"
	       "  %s\n",
	       stage->house.console, port, port, link);
	printf("The command line asks https://%s. Everybody has a profile in %s:\n", stage->house.authority, keys);
	printf("  gatehouse op list --profile %s/1.yaml\n", keys);
	printf("  gatehouse policy show --profile %s/4.yaml\n", keys);
	printf("  gatehouse key freeze eth-hot --profile %s/5.yaml\n", keys);
	printf("  gatehouse ledger verify log %s --policy %s --accept-tail\n", stage->house.data,
	       stage->house.policy_path);
	printf("Receipts verify in gatehouse-verify.html, opened from disk, with %s\n", stage->house.policy_path);
	fflush(stdout);
	while (!interrupt_came())
		poll(nullptr, 0, 1000);
	printf("\nStopping.\n");
	return OK;
}

/* --- All of it. --- */

static void
stage_free(struct stage *stage) {
	actors_free(&stage->actors);
	arena_free(&stage->arena);
}

static void
say_end(const struct stage *stage, int64_t elapsed_ns) {
	char time[NUMBER_SIZE], founded[NUMBER_SIZE], served[NUMBER_SIZE];
	printf("\nEvery step gave what it must: %zu receipts kept, %u attempts of attackers came to nothing. Founding "
	       "%s, start %s, "
	       "in all %s.\n",
	       stage->receipt_count, stage->refused, number_time(stage->founded_ns, founded),
	       number_time(stage->served_ns, served), number_time(elapsed_ns, time));
}

static enum status
play(struct stage *stage) {
	int64_t start_ns = io_boottime_ns(io_system());
	TRY(house_open(&stage->house, stage->keep));
	printf("Gatehouse " GATEHOUSE_VERSION
	       ": Northwind goes through its gate. Amounts are drawn from \"%s\"; all numbers are of this "
	       "run.\nEverything lies in %s; gateway, keeper and witness run %s.\n",
	       stage->amounts, stage->house.directory,
	       geteuid() == 0 ? "under users of their own" : "under your own user, since you are not root");
	TRY(tell(stage));
	say_end(stage, io_boottime_ns(io_system()) - start_ns);
	return stage->keep ? stay(stage) : OK;
}

static int
say_outcome(enum status status, const char *why) {
	fflush(stdout);
	bool is_interrupted = status != OK && interrupt_came(); /* whatever the step that it came in made of it */
	if (is_interrupted)
		fprintf(stderr, "\ngatehouse demo: interrupted; what was started stops\n");
	else if (status != OK)
		fprintf(stderr, "\ngatehouse demo: a step did not give what it must:\n  %s\n", why);
	if (status == OK)
		return EXIT_DONE;
	return is_interrupted || status == STATUS_UNAVAILABLE ? EXIT_UNREACHABLE : EXIT_FOUND;
}

static void
begin(void) {
	log_start("demo", LOG_LEVEL_ERROR);
	interrupt_watch();
	setvbuf(stdout, nullptr, _IOLBF, 0);
}

int
demo_run(const struct demo_options *options) {
	const char *amounts = options->amounts == nullptr ? "gatehouse" : options->amounts;
	begin();
	if (options->keepers) {
		enum status told = keepers_demo(amounts);
		return say_outcome(told, fail_message());
	}
	struct stage *stage = calloc(1, sizeof *stage);
	if (stage == nullptr)
		return EXIT_INTERNAL;
	stage->amounts = amounts;
	stage->keep = options->keep;
	stage->house.program = stage->house.front_listener = -1;
	enum status status = play(stage);
	int code = say_outcome(status, fail_message());
	if (status != OK && !interrupt_came() && stage->house.log != nullptr)
		house_show_log(&stage->house);
	house_close(&stage->house);
	stage_free(stage);
	free(stage);
	return code;
}
