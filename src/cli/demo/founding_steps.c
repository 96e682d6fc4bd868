/* The firm is founded, its processes start, its keys are made. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/demo/embedded.h"
#include "cli/demo/stage.h"
#include "cli/founding.h"
#include "crypto/sign.h"
#include "keys/key.h"
#include "model/entry.h"

constexpr int64_t PASSKEY_WAIT_MS = 1'000;

/* The text until the number that stands behind `before` in that policy, and another in its place; *rest is what follows. */
static enum status
replace_number(struct bytes text, const char *id, const char *before, int64_t by, struct buffer *to, int64_t *was,
	       struct bytes *rest) {
	const uint8_t *end = text.data + text.len, *policy = memmem(text.data, text.len, id, strlen(id));
	const uint8_t *number =
		policy == nullptr ? nullptr : memmem(policy, (size_t)(end - policy), before, strlen(before));
	if (number == nullptr)
		return stage_check(false, "the shipped policies", "expected a wait of new passkeys");
	number += strlen(before);
	size_t digits = 0;
	while (number + digits < end && number[digits] >= '0' && number[digits] <= '9')
		digits++;
	uint64_t wait_ms;
	TRY(decimal_decode(bytes_of(number, digits), &wait_ms));
	*was = (int64_t)wait_ms;
	buffer_append(to, text.data, (size_t)(number - text.data));
	buffer_append_format(to, "%lld", (long long)by);
	*rest = bytes_of(number + digits, (size_t)(end - number) - digits);
	return buffer_status(to);
}

/* The shipped policies with one wait changed, which they state twice: how long a new passkey of an approver waits. Nobody could see
 * the demo's passkeys at work before tomorrow otherwise. */
static enum status
write_policies(struct stage *stage, struct buffer *to) {
	struct bytes rest = embedded_policies;
	int64_t least_ms;
	TRY(replace_number(rest, "@id(\"administer\")", "context.change.waiting_ms < ", PASSKEY_WAIT_MS, to,
			   &stage->shipped_wait_ms, &rest));
	TRY(replace_number(rest, "@id(\"approvers_wait\")", "context.change.waiting_ms >= ", PASSKEY_WAIT_MS, to,
			   &least_ms, &rest));
	stage->passkey_wait_ms = PASSKEY_WAIT_MS;
	buffer_append_bytes(to, rest);
	return buffer_status(to);
}

/* And the invariant that holds the policies to it. */
static enum status
write_invariants(struct buffer *to) {
	struct bytes rest = {};
	int64_t least_ms;
	TRY(replace_number(embedded_invariants, "@id(\"approvers_wait_an_hour\")",
			   "context.change.waiting_ms >= ", PASSKEY_WAIT_MS, to, &least_ms, &rest));
	buffer_append_bytes(to, rest);
	return buffer_status(to);
}

enum status
stage_write_founding(struct stage *stage) {
	_cleanup_(buffer_free) struct buffer policies = {}, invariants = {};
	TRY(write_policies(stage, &policies));
	TRY(write_invariants(&invariants));
	const struct {
		const char *path;
		struct bytes content;
	} files[] = {
		{"policy/bundle.yaml", embedded_bundle},
		{"policy/policies.cedar", buffer_bytes(&policies)},
		{"policy/invariants.cedar", buffer_bytes(&invariants)},
	};
	const char *folder = house_path(&stage->house, "policy");
	TRY_ALLOC(folder);
	TRY(io_replace_file(io_system(), stage->house.founding_path, embedded_firm));
	TRY(io_make_directory(io_system(), folder));
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		const char *path = house_path(&stage->house, files[i].path);
		TRY_ALLOC(path);
		TRY(io_replace_file(io_system(), path, files[i].content));
	}
	return OK;
}

static enum status
read_instance(struct stage *stage, const char **instance) {
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	struct bytes name, origin;
	const char *path = house_path(&stage->house, "data/installation.json");
	TRY_ALLOC(path);
	TRY(io_read_file(io_system(), path, 64 * 1024, &text));
	TRY(json_read(&stage->arena, buffer_bytes(&text), (struct json_limits){}, &document));
	TRY(json_need_string(document, "installation", "instance", &name));
	TRY(json_need_string(document, "installation", "origin", &origin));
	stage->origin = arena_text(&stage->arena, origin);
	TRY_ALLOC(stage->origin);
	*instance = arena_text(&stage->arena, name);
	TRY_ALLOC(*instance);
	return OK;
}

enum status
step_found(struct stage *stage) {
	struct house *house = &stage->house;
	_cleanup_(buffer_free) struct buffer output = {};
	_cleanup_(founding_free) struct founding founding = {};
	const char *instance, *one = house_path(house, "keys/1"), *three = house_path(house, "keys/3");
	int exit_code;
	int64_t start_ns = io_boottime_ns(io_system());
	TRY_ALLOC(one);
	TRY_ALLOC(three);
	TRY(actors_make(&stage->actors, house, "northwind.example"));
	TRY(stage_write_founding(stage));
	TRY(HOUSE_RUN(house, 0, &output, &exit_code, "init", "--config", house->config_path, "--founding",
		      house->founding_path, "--sign-with", one, "--sign-with", three, "--pins", house->pins_path,
		      "--json"));
	TRY(stage_check(exit_code == 0, "gatehouse init", "expected exit code 0; its words are in the demo's log"));
	TRY(founding_read(house->founding_path, &founding));
	TRY(read_instance(stage, &instance));
	TRY(stage_check(strcmp(instance, stage->actors.instance) == 0, "the instance", "differs from examples/firm"));
	stage->founded_ns = io_boottime_ns(io_system()) - start_ns;
	char time[NUMBER_SIZE];
	narrate("the firm is founded", "done", number_time(stage->founded_ns, time),
		"%s: %zu legal entities, %zu zones, %zu people, %zu workloads", instance, founding.entities,
		founding.zones, founding.people, founding.workloads);
	return OK;
}

/* --- Processes. --- */

/* Under which user a process runs, as the kernel says. */
static enum status
user_of(pid_t process, unsigned *user) {
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/status", (int)process);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
	if (file >= 0)
		close(file);
	text[got < 0 ? 0 : got] = '\0';
	const char *line = strstr(text, "\nUid:\t");
	if (line == nullptr)
		return fail(STATUS_IO, "demo.user: no user of process %d in %s", (int)process, path);
	*user = (unsigned)strtoul(line + 6, nullptr, 10);
	return OK;
}

static enum status
start_witness(struct stage *stage) {
	_cleanup_(buffer_free) struct buffer policy = {}, lines = {};
	struct house *house = &stage->house;
	TRY(house_make_witness(house, &lines));
	TRY(io_read_file(io_system(), house->pins_path, 64 * 1024, &policy));
	/* What the auditor pins: the log's keys, and both signatures of the witness. */
	const char *quorum = memmem(policy.data, policy.len, "quorum none", 11);
	TRY(stage_check(quorum != nullptr, "the pins", "expected log lines and \"quorum none\""));
	policy.len = (size_t)((const uint8_t *)quorum - policy.data);
	buffer_append_bytes(&policy, buffer_bytes(&lines));
	buffer_append_text(&policy, "group both all witness.example/ed25519 witness.example/mldsa44\nquorum both\n");
	TRY(buffer_status(&policy));
	TRY(io_replace_file(io_system(), house->policy_path, buffer_bytes(&policy)));
	if (chmod(house->pins_path, 0644) != 0 || chmod(house->policy_path, 0644) != 0)
		return fail_errno(STATUS_IO, "demo.mode: %s", house->pins_path);
	return house_start_witness(house, house->pins_path);
}

enum status
step_serve(struct stage *stage) {
	const char *reason = "";
	char time[NUMBER_SIZE];
	int64_t start_ns = io_boottime_ns(io_system());
	TRY(house_serve(&stage->house, &reason));
	stage->served_ns = io_boottime_ns(io_system()) - start_ns;
	narrate("the processes start", "ready", number_time(stage->served_ns, time),
		"supervisor %d, gateway and keeper, confined; https://%s", (int)stage->house.serving,
		stage->house.authority);
	TRY(start_witness(stage));
	unsigned user, own = (unsigned)geteuid();
	TRY(user_of(stage->house.witnessing, &user));
	narrate("a witness starts", "ready", "1 process", "process %d, its own key and directory, %s user %u%s",
		(int)stage->house.witnessing, user == own ? "under the same" : "under its own", user,
		user == own ? ": not root" : "");
	return OK;
}

/* --- Keys. --- */

/* One of security asks, two others approve at their own terminals. */
static enum status
make_key(struct stage *stage, const char *account, const char *id, struct told *made) {
	struct actors *actors = &stage->actors;
	struct told asked;
	const char *resource = arena_format(&stage->arena, "account:%s", account);
	const char *payload = arena_format(&stage->arena,
					   "{\"algorithm\":\"secp256k1\",\"id\":\"%s\",\"material\":\"single\","
					   "\"purpose\":\"transfer\"}",
					   id);
	TRY_ALLOC(resource);
	TRY_ALLOC(payload);
	TRY(actor_ask(actors, ACTOR_PERSON_4, "key.create", resource, payload, &asked));
	TRY(stage_expect(stage, "a new key", &asked, "held"));
	TRY(actor_approve(actors, ACTOR_PERSON_3, asked.operation, made));
	TRY(stage_expect(stage, "a new key, one approval", made, "held"));
	TRY(actor_approve(actors, ACTOR_PERSON_5, asked.operation, made));
	return stage_expect(stage, "a new key, two approvals", made, "done");
}

enum status
stage_public_key(const struct told *made, uint8_t public_key[33]) {
	const json *record;
	struct key_info info;
	TRY(json_need(made->result, "result", "key", JSON_OBJECT, &record));
	TRY(key_read(record, &info));
	TRY(stage_check(info.public_key_len == 33, "a new key", "expected a compressed public key"));
	memcpy(public_key, info.public_key, 33);
	return OK;
}

enum status
stage_address(struct stage *stage, const uint8_t public_key[33], const char **address) {
	uint8_t uncompressed[65];
	char text[EVM_ADDRESS_TEXT_SIZE];
	TRY(secp256k1_public_uncompressed(bytes_of(public_key, 33), uncompressed));
	struct evm_address made = evm_address_of_key(uncompressed);
	evm_address_format(&made, text);
	*address = arena_text(&stage->arena, bytes_of_text(text));
	TRY_ALLOC(*address);
	return OK;
}

enum status
step_make_keys(struct stage *stage) {
	struct told ether, bitcoin;
	uint8_t public_key[33];
	char number[NUMBER_SIZE];
	TRY(make_key(stage, "options-hot", "eth-hot", &ether));
	TRY(make_key(stage, "treasury-cold", "btc-treasury", &bitcoin));
	TRY(stage_public_key(&ether, public_key));
	TRY(stage_address(stage, public_key, &stage->ether_address));
	TRY(stage_public_key(&bitcoin, stage->bitcoin_key));
	snprintf(number, sizeof number, "entry %lld", (long long)bitcoin.entry);
	narrate("keys are made", "done", number,
		"eth-hot, btc-treasury: asked by person 4, approved by persons 3 and 5");
	return OK;
}
