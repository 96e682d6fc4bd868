#include "ledger/tlog_policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"

constexpr size_t WORDS_MAX = 3 + TLOG_POLICY_WITNESSES_MAX + TLOG_POLICY_GROUPS_MAX;

/* What a name stands for: a witness or a group, by its number. */
struct party {
	struct bytes name;
	bool is_group;
	size_t number;
	bool is_member; /* of a group already */
};

struct group {
	size_t threshold;
	size_t member_count;
	size_t members[TLOG_POLICY_WITNESSES_MAX + TLOG_POLICY_GROUPS_MAX]; /* numbers of parties */
};

struct tlog_policy {
	struct arena arena;
	struct tlog_policy_key logs[TLOG_POLICY_LOGS_MAX];
	size_t log_count;
	struct tlog_policy_key witnesses[TLOG_POLICY_WITNESSES_MAX];
	size_t witness_count;
	struct group groups[TLOG_POLICY_GROUPS_MAX];
	size_t group_count;
	struct party parties[TLOG_POLICY_WITNESSES_MAX + TLOG_POLICY_GROUPS_MAX];
	size_t party_count;
	bool has_quorum_line;
	const struct party *quorum; /* null: none */
};

struct line {
	size_t number;
	struct bytes words[WORDS_MAX];
	size_t count;
};

[[gnu::format(printf, 3, 4)]] static enum status
fail_line(const struct line *line, const char *name, const char *format, ...) {
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return fail(STATUS_INVALID, "policy.%s: line %zu: %s", name, line->number, text);
}

/* --- Parsing --- */

static enum status
split_words(struct bytes text, struct line *line) {
	line->count = 0;
	for (size_t at = 0; at < text.len; at++)
		if ((text.data[at] < 0x20 && text.data[at] != '\t') || text.data[at] == 0x7f)
			return fail_line(line, "character", "0x%02x at column %zu", text.data[at], at + 1);
	for (size_t at = 0; at < text.len;) {
		uint8_t c = text.data[at];
		if (c == ' ' || c == '\t') {
			at++;
			continue;
		}
		if (c == '#' && line->count == 0)
			return OK;
		size_t start = at;
		while (at < text.len && text.data[at] != ' ' && text.data[at] != '\t')
			at++;
		if (line->count == WORDS_MAX)
			return fail_line(line, "words", "more than %zu words", WORDS_MAX);
		line->words[line->count++] = bytes_of(text.data + start, at - start);
	}
	return OK;
}

static enum status
expect_words(const struct line *line, size_t least, size_t most) {
	if (line->count < least || line->count > most)
		return fail_line(line, "words", "%zu words, expected %zu to %zu", line->count, least, most);
	return OK;
}

static bool
is_same_public_key(const struct note_key *a, const struct note_key *b) {
	return bytes_equal(bytes_of(a->public_key, a->public_key_len), bytes_of(b->public_key, b->public_key_len));
}

/* A vkey and perhaps a URL into a new row of keys; on failure nothing is added. */
static enum status
add_key(struct tlog_policy *policy, const struct line *line, size_t vkey_at, enum note_key_type classical,
	struct tlog_policy_key *keys, size_t *count, size_t capacity) {
	if (*count == capacity)
		return fail_line(line, "limit", "more than %zu of them", capacity);
	struct tlog_policy_key *added = &keys[*count];
	enum status status = note_key_parse(line->words[vkey_at], &added->key);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != OK)
		return fail_line(line, "vkey", "%s", fail_message());
	(*count)++; /* owned from here on */
	if (added->key.type != classical && added->key.type != NOTE_COSIGNATURE_MLDSA44)
		return fail_line(line, "key_type", "0x%02x, expected 0x%02x or 0x06", (unsigned)added->key.type,
				 (unsigned)classical);
	for (size_t i = 0; i + 1 < *count; i++)
		if (is_same_public_key(&keys[i].key, &added->key))
			return fail_line(line, "duplicate_key", "the same public key as of %s before",
					 keys[i].key.name);
	if (line->count > vkey_at + 1) {
		added->url = arena_copy(&policy->arena, line->words[vkey_at + 1]);
		TRY_ALLOC(added->url.data);
	}
	return OK;
}

static struct party *
find_party(struct tlog_policy *policy, struct bytes name) {
	for (size_t i = 0; i < policy->party_count; i++)
		if (bytes_equal(policy->parties[i].name, name))
			return &policy->parties[i];
	return nullptr;
}

static enum status
add_party(struct tlog_policy *policy, const struct line *line, struct bytes name, bool is_group, size_t number) {
	if (bytes_equal_text(name, "none"))
		return fail_line(line, "name", "none is not a name");
	if (find_party(policy, name) != nullptr)
		return fail_line(line, "name", "%.*s is defined twice", BYTES_ARGS(name));
	struct bytes copy = arena_copy(&policy->arena, name);
	TRY_ALLOC(copy.data);
	policy->parties[policy->party_count++] = (struct party){.name = copy, .is_group = is_group, .number = number};
	return OK;
}

static enum status
parse_log(struct tlog_policy *policy, const struct line *line) {
	TRY(expect_words(line, 2, 3));
	return add_key(policy, line, 1, NOTE_ED25519, policy->logs, &policy->log_count, TLOG_POLICY_LOGS_MAX);
}

static enum status
parse_witness(struct tlog_policy *policy, const struct line *line) {
	TRY(expect_words(line, 3, 4));
	size_t number = policy->witness_count;
	TRY(add_key(policy, line, 2, NOTE_COSIGNATURE_ED25519, policy->witnesses, &policy->witness_count,
		    TLOG_POLICY_WITNESSES_MAX));
	TRY(add_party(policy, line, line->words[1], false, number));
	policy->witnesses[number].name = policy->parties[policy->party_count - 1].name;
	return OK;
}

static enum status
parse_threshold(const struct line *line, struct bytes word, size_t members, size_t *threshold) {
	uint64_t number;
	if (bytes_equal_text(word, "all")) {
		*threshold = members;
		return OK;
	}
	if (bytes_equal_text(word, "any")) {
		*threshold = 1;
		return OK;
	}
	if (decimal_decode(word, &number) != OK || number < 1 || number > members)
		return fail_line(line, "threshold", "%.*s, expected all, any or 1 to %zu", BYTES_ARGS(word), members);
	*threshold = (size_t)number;
	return OK;
}

static enum status
parse_group(struct tlog_policy *policy, const struct line *line) {
	TRY(expect_words(line, 4, WORDS_MAX));
	if (policy->group_count == TLOG_POLICY_GROUPS_MAX)
		return fail_line(line, "limit", "more than %zu groups", TLOG_POLICY_GROUPS_MAX);
	struct group *group = &policy->groups[policy->group_count];
	size_t members = line->count - 3;
	TRY(parse_threshold(line, line->words[2], members, &group->threshold));
	for (size_t i = 0; i < members; i++) {
		struct bytes name = line->words[3 + i];
		struct party *member = find_party(policy, name);
		if (member == nullptr)
			return fail_line(line, "undefined", "%.*s is not defined above", BYTES_ARGS(name));
		if (member->is_member)
			return fail_line(line, "member", "%.*s is a member of a group already", BYTES_ARGS(name));
		member->is_member = true;
		group->members[group->member_count++] = (size_t)(member - policy->parties);
	}
	return add_party(policy, line, line->words[1], true, policy->group_count++);
}

static enum status
parse_quorum(struct tlog_policy *policy, const struct line *line) {
	TRY(expect_words(line, 2, 2));
	if (policy->has_quorum_line)
		return fail_line(line, "quorum", "a second quorum");
	policy->has_quorum_line = true;
	if (bytes_equal_text(line->words[1], "none"))
		return OK;
	policy->quorum = find_party(policy, line->words[1]);
	if (policy->quorum == nullptr)
		return fail_line(line, "undefined", "%.*s is not defined above", BYTES_ARGS(line->words[1]));
	return OK;
}

static enum status
parse_line(struct tlog_policy *policy, const struct line *line) {
	static const struct {
		const char *word;
		enum status (*parse)(struct tlog_policy *policy, const struct line *line);
	} kinds[] = {
		{"log", parse_log},
		{"witness", parse_witness},
		{"group", parse_group},
		{"quorum", parse_quorum},
	};
	if (line->count == 0)
		return OK;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (bytes_equal_text(line->words[0], kinds[i].word))
			return kinds[i].parse(policy, line);
	return fail_line(line, "keyword", "expected log, witness, group or quorum");
}

enum status
tlog_policy_parse(struct bytes text, struct tlog_policy **policy) {
	if (text.len > TLOG_POLICY_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "policy.size: %zu bytes, at most %zu", text.len, TLOG_POLICY_SIZE_MAX);
	_cleanup_(tlog_policy_destroy) struct tlog_policy *parsed = calloc(1, sizeof *parsed);
	TRY_ALLOC(parsed);
	struct cursor cursor = cursor_of(text);
	struct line line = {};
	while (cursor.left > 0) {
		struct bytes raw;
		line.number++;
		if (cursor_until(&cursor, "policy.line", '\n', &raw) != OK)
			return fail_line(&line, "line", "does not end in a line feed");
		TRY(split_words(raw, &line));
		TRY(parse_line(parsed, &line));
	}
	if (!parsed->has_quorum_line)
		return fail_line(&line, "quorum", "no quorum line");
	*policy = TAKE(parsed);
	return OK;
}

void
tlog_policy_destroy(struct tlog_policy **policy) {
	struct tlog_policy *gone = *policy;
	*policy = nullptr;
	if (gone == nullptr)
		return;
	for (size_t i = 0; i < gone->log_count; i++)
		note_key_free(&gone->logs[i].key);
	for (size_t i = 0; i < gone->witness_count; i++)
		note_key_free(&gone->witnesses[i].key);
	arena_free(&gone->arena);
	free(gone);
}

size_t
tlog_policy_log_count(const struct tlog_policy *policy) {
	return policy->log_count;
}

const struct tlog_policy_key *
tlog_policy_log(const struct tlog_policy *policy, size_t i) {
	return &policy->logs[i];
}

size_t
tlog_policy_witness_count(const struct tlog_policy *policy) {
	return policy->witness_count;
}

const struct tlog_policy_key *
tlog_policy_witness(const struct tlog_policy *policy, size_t i) {
	return &policy->witnesses[i];
}

bool
tlog_policy_demands_witnesses(const struct tlog_policy *policy) {
	return policy->quorum != nullptr;
}

/* --- Checking --- */

static enum status
check_log_key(const struct note *note, const struct checkpoint *checkpoint, const struct note_key *key,
	      struct tlog_verdict *verdict) {
	bool is_classical = key->type == NOTE_ED25519;
	uint64_t time_s = 0;
	enum status status =
		is_classical ? note_verify_ed25519(note, key) : cosignature_verify(note, checkpoint, key, &time_s);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	*(is_classical ? &verdict->has_ed25519 : &verdict->has_mldsa44) = true;
	if (time_s > verdict->log_time_s)
		verdict->log_time_s = time_s;
	return OK;
}

static enum status
check_log(const struct tlog_policy *policy, const struct note *note, const struct checkpoint *checkpoint,
	  struct tlog_verdict *verdict) {
	bool is_known = false;
	for (size_t i = 0; i < policy->log_count; i++) {
		const struct note_key *key = &policy->logs[i].key;
		if (!bytes_equal(note_key_name(key), checkpoint->origin))
			continue;
		is_known = true;
		TRY(check_log_key(note, checkpoint, key, verdict));
	}
	if (!is_known)
		return fail(STATUS_UNAUTHORIZED, "policy.origin: %.*s is not a log of the policy",
			    BYTES_ARGS(checkpoint->origin));
	if (!verdict->has_ed25519 && !verdict->has_mldsa44)
		return fail(STATUS_UNAUTHORIZED, "policy.unsigned: no key of the policy for %.*s signed",
			    BYTES_ARGS(checkpoint->origin));
	return OK;
}

/* Groups name only what stands above them, so one pass in their order is enough. */
static bool
is_satisfied(const struct tlog_policy *policy, const bool *has_signed) {
	bool satisfied[TLOG_POLICY_GROUPS_MAX] = {};
	for (size_t i = 0; i < policy->group_count; i++) {
		const struct group *group = &policy->groups[i];
		size_t present = 0;
		for (size_t m = 0; m < group->member_count; m++) {
			const struct party *member = &policy->parties[group->members[m]];
			present += member->is_group ? satisfied[member->number] : has_signed[member->number];
		}
		satisfied[i] = present >= group->threshold;
	}
	const struct party *quorum = policy->quorum;
	return quorum != nullptr && (quorum->is_group ? satisfied[quorum->number] : has_signed[quorum->number]);
}

enum status
tlog_policy_check(const struct tlog_policy *policy, const struct note *note, const struct checkpoint *checkpoint,
		  struct tlog_verdict *verdict) {
	*verdict = (struct tlog_verdict){};
	TRY(check_log(policy, note, checkpoint, verdict));
	bool has_signed[TLOG_POLICY_WITNESSES_MAX] = {};
	for (size_t i = 0; i < policy->witness_count; i++) {
		uint64_t time_s;
		enum status status = cosignature_verify(note, checkpoint, &policy->witnesses[i].key, &time_s);
		if (status == STATUS_NOT_FOUND)
			continue;
		TRY(status);
		has_signed[i] = true;
		verdict->cosignatures++;
		if (time_s > verdict->witnessed_s)
			verdict->witnessed_s = time_s;
	}
	verdict->has_quorum = is_satisfied(policy, has_signed);
	return OK;
}
