/* Three keepers of one key: founded, enrolled, the key made among them, and what they do when one dies, goes back, or says no. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/demo/troop.h"
#include "keys/key.h"

constexpr int PATIENCE_MS = 60'000;
constexpr int LOOK_MS = 5;
constexpr unsigned ATTEMPTS_MAX = 10; /* to die in the last round */

static const char *
number_of(const char *before, int64_t value, const char *after, char text[static NUMBER_SIZE]) {
	snprintf(text, NUMBER_SIZE, "%s%lld%s", before, (long long)value, after);
	return text;
}

/* --- Founding. --- */

static enum status
found_one(struct troop *troop, enum troop_member member) {
	struct stage *stage = troop->stages[member];
	struct house *house = &stage->house;
	_cleanup_(buffer_free) struct buffer output = {};
	const char *one = house_path(house, "keys/1"), *three = house_path(house, "keys/3");
	int exit_code;
	TRY_ALLOC(one);
	TRY_ALLOC(three);
	if (member == KEEPER_A)
		TRY(actors_make(&stage->actors, house, "northwind.example"));
	else
		TRY(actors_join(&stage->actors, house, &troop->stages[KEEPER_A]->actors, 1000 * (unsigned)member));
	TRY(stage_write_founding(stage));
	TRY(HOUSE_RUN(house, 0, &output, &exit_code, "init", "--config", house->config_path, "--founding",
		      house->founding_path, "--keeper", troop_names[member], "--sign-with", one, "--sign-with", three,
		      "--json"));
	return stage_check(exit_code == 0, "gatehouse init", "expected exit code 0; its words are in the demo's log");
}

enum status
keepers_found(struct troop *troop) {
	char time[NUMBER_SIZE];
	int64_t start_ns = io_boottime_ns(io_system());
	for (size_t i = 0; i < KEEPERS; i++)
		TRY(found_one(troop, (enum troop_member)i));
	narrate("three keepers are founded", "done", number_time(io_boottime_ns(io_system()) - start_ns, time),
		"one founding document and the same five people; each its own log, keys and directory");
	return OK;
}

enum status
keepers_serve(struct troop *troop) {
	char time[NUMBER_SIZE];
	const char *reason = "";
	int64_t start_ns = io_boottime_ns(io_system());
	for (size_t i = 0; i < KEEPERS; i++)
		TRY(house_serve(&troop->stages[i]->house, &reason));
	narrate("their processes start", "ready", number_time(io_boottime_ns(io_system()) - start_ns, time),
		"supervisor %d, supervisor %d, supervisor %d, each with gateway and keeper",
		(int)troop->stages[KEEPER_A]->house.serving, (int)troop->stages[KEEPER_B]->house.serving,
		(int)troop->stages[KEEPER_C]->house.serving);
	return OK;
}

/* What the keeper shows of itself, with the party that people give it, is what is enrolled. */
static enum status
write_enrolment(struct stage *of, enum troop_member party, struct buffer *payload) {
	struct told told;
	const json *own, *member;
	struct bytes name;
	struct json_writer w;
	TRY(actor_get(&of->actors, ACTOR_PERSON_1, "/v1/keepers", &told));
	TRY(json_need(told.document, "keepers", "own", JSON_OBJECT, &own));
	json_writer_start(&w, payload);
	json_write_object(&w);
	struct json_iterator iterator = json_iterate(own);
	while ((member = json_next(&iterator, &name)) != nullptr) {
		if (bytes_equal_text(name, "party"))
			continue;
		json_write_key_bytes(&w, name);
		json_write_value(&w, member);
	}
	json_write_member_integer(&w, "party", (int64_t)party + 1);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(payload, '\0');
	return buffer_status(payload);
}

enum status
keepers_enrol(struct troop *troop) {
	char time[NUMBER_SIZE];
	unsigned operations = 0;
	int64_t start_ns = io_boottime_ns(io_system());
	for (size_t at = 0; at < KEEPERS; at++)
		for (size_t of = 0; of < KEEPERS; of++, operations++) {
			_cleanup_(buffer_free) struct buffer payload = {};
			struct told told;
			TRY(write_enrolment(troop->stages[of], (enum troop_member)of, &payload));
			TRY(troop_decide(troop->stages[at], "keeper.add", "system:gatehouse",
					 (const char *)payload.data, &told));
		}
	TRY(troop_wait_all_up(troop));
	narrate("they enrol each other", "up", number_time(io_boottime_ns(io_system()) - start_ns, time),
		"%u operations, each asked by person 4 and approved by persons 3 and 5; TLS 1.3 between keepers, "
		"ML-KEM "
		"and ML-DSA",
		operations);
	return OK;
}

/* --- The key. --- */

/* Each keeper is done when it has heard the pledges of all, which may be after the one that was asked. */
static enum status
wait_for_key(struct stage *stage, struct told *shown) {
	for (int waited = 0; waited < PATIENCE_MS && !interrupt_came(); waited += LOOK_MS) {
		TRY(actor_get(&stage->actors, ACTOR_PERSON_1, "/v1/keys/vault", shown));
		if (shown->status != 404)
			return OK;
		poll(nullptr, 0, LOOK_MS);
	}
	return fail(STATUS_CONFLICT, "demo.key: a keeper does not have the key");
}

enum status
keepers_make_key(struct troop *troop) {
	static const char payload[] = "{\"algorithm\":\"secp256k1\",\"id\":\"vault\",\"material\":\"single\","
				      "\"parties\":[\"a\",\"b\",\"c\"],\"purpose\":\"transfer\",\"scheme\":\"ecdsa\","
				      "\"threshold\":\"2-of-3\"}";
	struct stage *stage = troop->stages[KEEPER_A];
	struct told made, shown;
	uint8_t public_key[33];
	char time[NUMBER_SIZE];
	int64_t start_ns = io_boottime_ns(io_system());
	TRY(troop_decide(stage, "key.create", "account:options-hot", payload, &made));
	int64_t elapsed_ns = io_boottime_ns(io_system()) - start_ns;
	TRY(stage_public_key(&made, public_key));
	for (size_t i = 0; i < KEEPERS; i++) {
		struct key_info info;
		TRY(stage_address(troop->stages[i], public_key, &troop->stages[i]->ether_address));
		TRY(wait_for_key(troop->stages[i], &shown));
		TRY(key_read(shown.document, &info));
		TRY(stage_check(memcmp(info.public_key, public_key, sizeof public_key) == 0 && info.threshold == 2 &&
					info.parties == 3,
				"the key", "expected the same at every keeper, 2 of 3"));
	}
	narrate("a key is made, 2 of 3", "done", number_time(elapsed_ns, time),
		"%s; whole it is nowhere and never was: each keeper has a share of its own", stage->ether_address);
	return OK;
}

enum status
keepers_sign(struct troop *troop) {
	int64_t cents;
	const char *id;
	char usd[NUMBER_SIZE], shortened[NUMBER_SIZE];
	TRY(troop_sign(troop, KEEPER_A, &cents, &id));
	narrate("a transfer", "signed", number_usd(cents, usd),
		"asked of a, decided by all three; transaction %s, by the key's address", name_short(id, shortened));
	return OK;
}

/* --- One dies. --- */

struct asking {
	pid_t process;
	int output;
};

/* A client of its own, which waits for the answer, and hands its body on. */
static enum status
ask_beside(struct stage *stage, const struct troop_transfer *transfer, struct asking *asking) {
	int ends[2];
	if (pipe(ends) != 0)
		return fail_errno(STATUS_IO, "demo.pipe");
	connection_hang_up(stage->actors.actors[ACTOR_SETTLEMENT].connection);
	fflush(stdout);
	asking->process = fork();
	if (asking->process == 0) {
		struct told told;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bool told_all = actor_send(&stage->actors, &transfer->request, &told) == OK &&
				write(ends[1], told.body.data, told.body.len) == (ssize_t)told.body.len;
		_exit(told_all ? (int)(told.status / 100) : 0);
	}
	close(ends[1]);
	asking->output = ends[0];
	return asking->process > 0 ? OK : fail_errno(STATUS_IO, "demo.fork");
}

static enum status
hear_answer(struct stage *stage, struct asking *asking, struct told *told) {
	_cleanup_(buffer_free) struct buffer body = {};
	int status;
	for (;;) {
		if (!buffer_reserve(&body, 64 * 1024))
			return buffer_status(&body);
		ssize_t got = read(asking->output, body.data + body.len, 64 * 1024);
		if (got <= 0)
			break;
		body.len += (size_t)got;
	}
	close(asking->output);
	waitpid(asking->process, &status, 0);
	struct connection_answer answer = {.status = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) * 100 : 0,
					   .body = arena_copy(&stage->actors.arena, buffer_bytes(&body))};
	TRY_ALLOC(answer.body.data);
	told_read(&stage->actors.arena, &answer, told);
	return OK;
}

/* When the frames that end the signature have left both, and have come to neither, b goes. */
static enum status
kill_one(struct troop *troop, struct troop_transfer *transfer, struct told *told, bool *killed) {
	struct stage *a = troop->stages[KEEPER_A], *b = troop->stages[KEEPER_B];
	struct asking asking;
	TRY(troop_prepare(troop, KEEPER_A, 60'000'000, 100'000'000, transfer)); /* more than is signed in its place */
	TRY(wire_arm(&troop->wire));
	TRY(ask_beside(a, transfer, &asking));
	enum status status = wire_wait(&troop->wire, asking.output, killed);
	if (status == OK && *killed) {
		actors_hang_up(&b->actors);
		house_crash(&b->house);
	}
	if (status != OK)
		kill(asking.process, SIGKILL);
	enum status heard = hear_answer(a, &asking, told);
	TRY(status);
	TRY(heard);
	troop->nonce += strcmp(told->state, "done") == 0;
	return wire_disarm(&troop->wire);
}

static enum status
start_again(struct troop *troop, enum troop_member member) {
	const char *reason = "";
	TRY(house_serve(&troop->stages[member]->house, &reason));
	return troop_wait_all_up(troop);
}

enum status
keepers_kill(struct troop *troop) {
	struct stage *a = troop->stages[KEEPER_A], *b = troop->stages[KEEPER_B];
	struct troop_transfer transfer;
	struct told told = {}, shown;
	int64_t cents, lost, before;
	const char *id;
	char number[NUMBER_SIZE], shortened[NUMBER_SIZE], hex[65];
	bool killed = false;
	for (unsigned i = 0; !killed; i++) { /* where b does not permit within 2 s, a and c sign it */
		TRY(stage_check(i < ATTEMPTS_MAX, "one dies in the middle", "expected a and b to sign"));
		TRY(troop_wait_all_up(troop));
		TRY(kill_one(troop, &transfer, &told, &killed));
	}
	TRY(stage_check(strcmp(told.state, "unknown") == 0, "a transfer during which one dies",
			"expected a not to know what became of it"));
	TRY(stage_check(json_get(told.document, "result") == nullptr, "a transfer during which one dies",
			"expected nothing signed"));
	TRY(troop_spent(a, &told, &lost, &before));
	narrate("b dies while it signs", "unknown", number_of("entry ", told.entry, "", number),
		"a's frame had left, and none had come: b may have signed; a says: %s", troop_words(a, &told));
	TRY(troop_wait_state(a, "c", "up"));
	TRY(troop_sign(troop, KEEPER_A, &cents, &id));
	TRY(stage_check(lost > cents && troop->spent == before, "the limit of a",
			"expected it to count what may have been signed"));
	narrate("the other two sign", "signed", number_usd(cents, number),
		"asked anew, with the same nonce, by a and c: transaction %s", name_short(id, shortened));
	narrate("its limit is not freed", "kept", number_usd(troop->spent, number),
		"in the hour: of the two with one nonce the greater counts, the %s whose share had left",
		number_usd(lost, (char[NUMBER_SIZE]){}));
	TRY(start_again(troop, KEEPER_B));
	hex_encode(hash256_bytes(&transfer.operation), hex);
	const char *target = arena_format(&b->arena, "/v1/operations/%s", hex);
	TRY_ALLOC(target);
	TRY(actor_get(&b->actors, ACTOR_PERSON_1, target, &shown));
	TRY(stage_check(strcmp(shown.state, "unknown") == 0, "the transfer at b",
			"expected an intent without outcome"));
	narrate("b starts again", "unknown", number_of("entry ", shown.entry, "", number),
		"its intent has no outcome; it stays so until people say what happened, and is never tried again");
	return OK;
}

/* --- One goes back. --- */

static enum status
restart_with(struct troop *troop, enum troop_member member, const char *from, const char *to) {
	struct stage *stage = troop->stages[member];
	const char *reason = "";
	TRY(stage_stop(stage));
	TRY(house_copy(from, to));
	return house_serve(&stage->house, &reason);
}

enum status
keepers_roll_back(struct troop *troop) {
	struct stage *a = troop->stages[KEEPER_A], *b = troop->stages[KEEPER_B], *c = troop->stages[KEEPER_C];
	const char *old = house_path(&b->house, "old"), *id;
	const json *row, *at;
	struct bytes reason;
	int64_t last, grown, refused_at, cents;
	char number[NUMBER_SIZE];
	TRY_ALLOC(old);
	TRY(restart_with(troop, KEEPER_B, b->house.data, old));
	TRY(troop_wait_all_up(troop));
	/* More than a start writes of its own: what is put back is shorter than what was seen. */
	for (size_t i = 0; i < 3; i++)
		TRY(troop_sign(troop, KEEPER_B, &cents, &id));
	last = b->receipts[b->receipt_count - 1].entry;
	TRY(troop_wait_shown(c, "b", last, &grown));
	TRY(troop_wait_shown(a, "b", last, &grown));
	TRY(restart_with(troop, KEEPER_B, old, b->house.data));
	TRY(troop_wait_state(a, "b", "refused"));
	TRY(troop_wait_state(c, "b", "refused"));
	TRY(troop_peer(a, "b", &row));
	TRY(json_need_string(row, "keepers", "reason", &reason));
	TRY(json_need(row, "keepers", "refused_at", JSON_OBJECT, &at));
	TRY(json_need_integer(at, "keepers.refused_at", "size", &refused_at));
	TRY(stage_check(bytes_equal_text(reason, "peers.behind") && refused_at < grown, "keeper b, put back",
			"expected peers.behind, with a smaller log"));
	narrate("b is copied and put back", "refused", number_of("", refused_at, " entries", number),
		"%.*s: a and c have seen %lld of it", BYTES_ARGS(reason), (long long)grown);
	TRY(troop_sign(troop, KEEPER_A, &cents, &id));
	narrate("a and c go on", "signed", number_usd(cents, number), "without b");
	return OK;
}

/* People say at every keeper from which head on its log counts again. */
static enum status
readmit(struct troop *troop) {
	struct stage *a = troop->stages[KEEPER_A], *b = troop->stages[KEEPER_B];
	const json *row, *at;
	struct bytes root;
	struct told told;
	int64_t size;
	TRY(troop_peer(a, "b", &row));
	TRY(json_need(row, "keepers", "refused_at", JSON_OBJECT, &at));
	TRY(json_need_integer(at, "keepers.refused_at", "size", &size));
	TRY(json_need_string(at, "keepers.refused_at", "root", &root));
	const char *payload = arena_format(&a->arena, "{\"name\":\"b\",\"root\":\"%.*s\",\"size\":%lld}",
					   BYTES_ARGS(root), (long long)size);
	TRY_ALLOC(payload);
	TRY(troop_decide(b, "keeper.readmit", "system:gatehouse", payload, &told));
	return troop_decide(a, "keeper.readmit", "system:gatehouse", payload, &told); /* c has it from a */
}

enum status
keepers_refresh(struct troop *troop) {
	struct stage *a = troop->stages[KEEPER_A], *b = troop->stages[KEEPER_B];
	struct troop_transfer transfer;
	struct told told;
	const json *record, *row;
	struct key_info info;
	int64_t cents, admission;
	const char *id;
	char number[NUMBER_SIZE];
	TRY(readmit(troop));
	TRY(troop_wait_all_up(troop));
	TRY(troop_peer(a, "b", &row));
	TRY(json_need_integer(row, "keepers", "admission", &admission));
	TRY(troop_prepare(troop, KEEPER_B, 10'000'000, 50'000'000, &transfer));
	TRY(actor_send(&b->actors, &transfer.request, &told));
	TRY(troop_expect_refused("a transfer by a keeper that was put back", &told, "joint."));
	narrate("people re-admit it", "up", number_of("admission ", admission, "", number),
		"two at each keeper; its share of before counts no more: %s", troop_words(b, &told));
	TRY(troop_decide(a, "key.refresh", "key:vault", "{}", &told));
	TRY(json_need(told.result, "result", "key", JSON_OBJECT, &record));
	TRY(key_read(record, &info));
	TRY(stage_check(info.epoch == 2, "the refreshed key", "expected its second epoch"));
	TRY(troop_wait_all_up(troop));
	TRY(troop_sign(troop, KEEPER_B, &cents, &id));
	narrate("its shares are dealt anew", "done", number_of("epoch ", info.epoch, "", number),
		"the same address; b signs again, %s", number_usd(cents, (char[NUMBER_SIZE]){}));
	return OK;
}

/* --- One says no. --- */

static const char LOCAL_POLICY[] = "@id(\"no-large\")\n@reason(\"at this keeper nothing above 200 USD\")\n"
				   "forbid (principal, action == Action::\"sign\", resource)\n"
				   "when { context has transfer.usd_cents && context.transfer.usd_cents > 20000 };\n";

static enum status
pack_local(struct house *house, const char **file) {
	_cleanup_(buffer_free) struct buffer output = {};
	const char *folder = house_path(house, "local"), *bundle = house_path(house, "local/bundle.yaml"),
		   *policy = house_path(house, "local/local.cedar");
	int exit_code;
	*file = house_path(house, "local.bundle");
	TRY_ALLOC(folder);
	TRY_ALLOC(bundle);
	TRY_ALLOC(policy);
	TRY_ALLOC(*file);
	TRY(io_make_directory(io_system(), folder));
	TRY(io_replace_file(io_system(), bundle,
			    BYTES_OF_LITERAL("name: own\nversion: \"1\"\ngroups: [treasury, security]\n")));
	TRY(io_replace_file(io_system(), policy, bytes_of_text(LOCAL_POLICY)));
	TRY(HOUSE_RUN(house, 0, &output, &exit_code, "policy", "pack", folder, "--out", *file));
	return stage_check(exit_code == 0, "gatehouse policy pack", "expected exit code 0");
}

static enum status
wait_for_local(struct stage *stage, const char **hash) {
	struct told told;
	const json *local;
	struct bytes text;
	for (int waited = 0; waited < PATIENCE_MS && !interrupt_came(); waited += LOOK_MS) {
		TRY(actor_get(&stage->actors, ACTOR_PERSON_1, "/v1/policy", &told));
		local = json_get(told.document, "local");
		if (local != nullptr) {
			TRY(json_need_string(local, "policy.local", "bundle", &text));
			*hash = arena_text(&stage->arena, text);
			TRY_ALLOC(*hash);
			return OK;
		}
		poll(nullptr, 0, LOOK_MS);
	}
	return fail(STATUS_CONFLICT, "demo.local: the local bundle is not in force");
}

enum status
keepers_forbid(struct troop *troop) {
	struct stage *a = troop->stages[KEEPER_A], *c = troop->stages[KEEPER_C];
	struct troop_transfer transfer;
	struct told told;
	const char *file, *hash;
	int64_t cents;
	const char *id;
	char number[NUMBER_SIZE], shortened[NUMBER_SIZE];
	TRY(pack_local(&c->house, &file));
	c->house.settings = arena_format(&c->house.arena, "%slocal_bundle: %s\n", c->house.settings, file);
	TRY_ALLOC(c->house.settings);
	TRY(house_configure(&c->house));
	kill(c->house.serving, SIGHUP);
	TRY(wait_for_local(c, &hash));
	narrate("c has a policy of its own", "in force", "1 forbid", "nothing above 200 USD: %s, in c's log alone",
		name_short(hash, shortened));
	TRY(troop_prepare(troop, KEEPER_A, 100'000'000, 500'000'000, &transfer)); /* 300 to 1,500 USD */
	TRY(actor_send(&a->actors, &transfer.request, &told));
	TRY(troop_expect_refused("a transfer that one forbids", &told, "forbidden by local:no-large (keeper c)"));
	narrate("a larger transfer", "refused", number_of("entry ", told.entry, "", number),
		"a and b permit it; a says: %s", troop_words(a, &told));
	TRY(troop_sign(troop, KEEPER_A, &cents, &id));
	narrate("a smaller one", "signed", number_usd(cents, number), "all three permit it");
	return OK;
}

/* --- What their logs say. --- */

enum status
keepers_replay(struct troop *troop) {
	int64_t same = 0;
	char number[NUMBER_SIZE];
	for (size_t i = 0; i < KEEPERS; i++) {
		struct stage *stage = troop->stages[i];
		_cleanup_(buffer_free) struct buffer output = {};
		const json *counts;
		int64_t own, different;
		int exit_code;
		TRY(stage_stop(stage));
		TRY(HOUSE_RUN(&stage->house, 0, &output, &exit_code, "ledger", "replay", stage->house.data, "--json"));
		TRY(json_read(&stage->arena, buffer_bytes(&output), (struct json_limits){}, &counts));
		TRY(json_need_integer(counts, "replay", "same", &own));
		TRY(json_need_integer(counts, "replay", "different", &different));
		TRY(stage_check(exit_code == 0 && different == 0 && own > 0, "replay", "expected the same decisions"));
		same += own;
	}
	narrate("replay of the three logs", "the same", number_of("", same, " decisions", number),
		"decided again from each log alone, with the bundle of all and c's own; different 0");
	return OK;
}
