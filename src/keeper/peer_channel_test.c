#include "tests/test.h"

#include "crypto/sign.h"
#include "keeper/peer_channel.h"
#include "keeper/peer_reader.h"

/* Two keepers and a stranger, each with its keys; channels between two of them are carried by hand. */
struct keeper_keys {
	char name[8];
	uint8_t seed[32], key[32];
	struct pinned_identity *identity;
};

struct stage {
	struct keeper_keys keepers[3];
	struct peer_channel *dialler, *listener;
};

static void
make_keys(struct keeper_keys *keys, uint8_t number) {
	uint8_t certificate_seed[32] = {number};
	_cleanup_(buffer_free) struct buffer der = {};
	*keys = (struct keeper_keys){.name = {(char)('a' + number)}, .seed = {number, 1}};
	assert_ok(ed25519_public_key(keys->seed, keys->key));
	assert_ok(pinned_certificate_make(certificate_seed, &der));
	assert_ok(pinned_identity_create(&keys->identity, certificate_seed, buffer_bytes(&der)));
}

static struct stage
make_stage(void) {
	struct stage stage = {};
	for (uint8_t i = 0; i < 3; i++)
		make_keys(&stage.keepers[i], i);
	return stage;
}

static void
free_stage(struct stage *stage) {
	peer_channel_close(&stage->dialler);
	peer_channel_close(&stage->listener);
	for (size_t i = 0; i < 3; i++)
		pinned_identity_destroy(&stage->keepers[i].identity);
}

static struct peer_candidate
candidate_of(const struct keeper_keys *keys) {
	struct peer_candidate candidate = {.certificate = *pinned_identity_hash(keys->identity)};
	memcpy(candidate.name, keys->name, sizeof keys->name);
	memcpy(candidate.key, keys->key, sizeof keys->key);
	return candidate;
}

static struct peer_channel *
open_channel(const struct keeper_keys *own, bool is_dialler, const struct peer_candidate *candidates, size_t count) {
	struct peer_channel *channel = nullptr;
	assert_ok(peer_channel_open(&(struct peer_channel_terms){.identity = own->identity,
								 .seed = own->seed,
								 .key = own->key,
								 .instance = "northwind",
								 .own = own->name,
								 .is_dialler = is_dialler,
								 .candidates = candidates,
								 .candidate_count = count},
				    &channel));
	return channel;
}

static void
open_both(struct stage *stage) {
	const struct peer_candidate a = candidate_of(&stage->keepers[0]), b = candidate_of(&stage->keepers[1]);
	peer_channel_close(&stage->dialler);
	peer_channel_close(&stage->listener);
	stage->dialler = open_channel(&stage->keepers[0], true, &b, 1);
	stage->listener = open_channel(&stage->keepers[1], false, &a, 1);
}

/* All that one has to say, to the other. */
static enum status
carry(struct peer_channel *from, struct peer_channel *to) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	assert_ok(peer_channel_output(from, SIZE_MAX, &bytes));
	return peer_channel_take(to, buffer_bytes(&bytes));
}

static void
converse(struct stage *stage) {
	for (int turn = 0; turn < 6; turn++) {
		assert_ok(carry(stage->dialler, stage->listener));
		assert_ok(carry(stage->listener, stage->dialler));
	}
}

static void
expect_message(struct peer_channel *channel, enum peer_kind expected, struct bytes body) {
	enum peer_kind kind;
	struct bytes got;
	bool found;
	assert_ok(peer_channel_next(channel, &kind, &got, &found));
	assert_true(found);
	assert_int_equal(kind, expected);
	assert_bytes(body, got);
}

static void
expect_nothing(struct peer_channel *channel) {
	enum peer_kind kind;
	struct bytes got;
	bool found;
	assert_ok(peer_channel_next(channel, &kind, &got, &found));
	assert_false(found);
}

static void
two_keepers_talk_once_both_signatures_hold(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	const struct peer_candidate a = candidate_of(&stage.keepers[0]), b = candidate_of(&stage.keepers[1]),
				    both[] = {candidate_of(&stage.keepers[2]), a};
	stage.dialler = open_channel(&stage.keepers[0], true, &b, 1);
	stage.listener = open_channel(&stage.keepers[1], false, both, 2);
	assert_fails(STATUS_UNAVAILABLE, "peer_channel.early",
		     peer_channel_send(stage.dialler, PEER_PROTOCOL, BYTES_OF_LITERAL("too early")));
	converse(&stage);
	assert_true(peer_channel_is_authenticated(stage.dialler));
	assert_true(peer_channel_is_authenticated(stage.listener));
	assert_int_equal(peer_channel_candidate(stage.listener), 1);
	assert_ok(peer_channel_send(stage.dialler, PEER_PROTOCOL, BYTES_OF_LITERAL("one")));
	assert_ok(peer_channel_send(stage.dialler, PEER_ANSWER, BYTES_OF_LITERAL("two")));
	assert_ok(carry(stage.dialler, stage.listener));
	expect_message(stage.listener, PEER_PROTOCOL, BYTES_OF_LITERAL("one"));
	expect_message(stage.listener, PEER_ANSWER, BYTES_OF_LITERAL("two"));
	expect_nothing(stage.listener);

	/* The largest, in pieces of any size. */
	_cleanup_(buffer_free) struct buffer large = {};
	for (size_t i = 0; i < PEER_BODY_MAX; i++)
		buffer_append_byte(&large, (uint8_t)(i * 31));
	assert_ok(peer_channel_send(stage.listener, PEER_PROTOCOL, buffer_bytes(&large)));
	while (peer_channel_waiting(stage.listener) > 0) {
		_cleanup_(buffer_free) struct buffer piece = {};
		expect_nothing(stage.dialler);
		assert_ok(peer_channel_output(stage.listener, 7001, &piece));
		assert_ok(peer_channel_take(stage.dialler, buffer_bytes(&piece)));
	}
	expect_message(stage.dialler, PEER_PROTOCOL, buffer_bytes(&large));
	buffer_append_byte(&large, 0);
	assert_fails(STATUS_TOO_LARGE, "peer_channel.body",
		     peer_channel_send(stage.listener, PEER_PROTOCOL, buffer_bytes(&large)));
	assert_ok(peer_channel_send(stage.listener, PEER_ANSWER, BYTES_OF_LITERAL("last")));
	peer_channel_finish(stage.listener);
	assert_ok(carry(stage.listener, stage.dialler));
	expect_message(stage.dialler, PEER_ANSWER, BYTES_OF_LITERAL("last"));
	enum peer_kind kind;
	struct bytes nothing;
	bool found;
	assert_fails(STATUS_UNAVAILABLE, "peer_channel.closed",
		     peer_channel_next(stage.dialler, &kind, &nothing, &found));
}

/* The certificate is right and the Ed25519 key is another's: breaking ML-DSA alone gives nobody a channel. */
static void
a_certificate_without_its_ed25519_key_is_not_enough(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	struct peer_candidate a = candidate_of(&stage.keepers[0]), b = candidate_of(&stage.keepers[1]);
	memcpy(a.key, stage.keepers[2].key, sizeof a.key);
	stage.dialler = open_channel(&stage.keepers[0], true, &b, 1);
	stage.listener = open_channel(&stage.keepers[1], false, &a, 1);
	assert_ok(carry(stage.dialler, stage.listener));
	assert_ok(carry(stage.listener, stage.dialler));
	assert_fails(STATUS_UNAUTHORIZED, "peer_channel.proof", carry(stage.dialler, stage.listener));
	assert_false(peer_channel_is_authenticated(stage.listener));
	expect_nothing(stage.listener);
}

/* A relay that ends TLS on both sides has certificates of its own; and with those of the two it has no key. */
static void
another_certificate_a_mirror_and_another_instance_are_refused(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	const struct peer_candidate a = candidate_of(&stage.keepers[0]), b = candidate_of(&stage.keepers[1]);
	stage.dialler = open_channel(&stage.keepers[2], true, &b, 1);
	stage.listener = open_channel(&stage.keepers[1], false, &a, 1);
	assert_ok(carry(stage.dialler, stage.listener));
	assert_ok(carry(stage.listener, stage.dialler));
	assert_fails(STATUS_UNAUTHORIZED, "pinned_tls.handshake", carry(stage.dialler, stage.listener));
	/* What a keeper says, back to itself. */
	open_both(&stage);
	_cleanup_(buffer_free) struct buffer said = {};
	assert_ok(peer_channel_output(stage.dialler, SIZE_MAX, &said));
	assert_fails(STATUS_UNAUTHORIZED, "pinned_tls.handshake",
		     peer_channel_take(stage.dialler, buffer_bytes(&said)));
	/* The keys of one instance and the name of another. */
	peer_channel_close(&stage.dialler);
	peer_channel_close(&stage.listener);
	stage.listener = open_channel(&stage.keepers[1], false, &a, 1);
	assert_ok(peer_channel_open(&(struct peer_channel_terms){.identity = stage.keepers[0].identity,
								 .seed = stage.keepers[0].seed,
								 .key = stage.keepers[0].key,
								 .instance = "southwind",
								 .own = stage.keepers[0].name,
								 .is_dialler = true,
								 .candidates = &b,
								 .candidate_count = 1},
				    &stage.dialler));
	assert_ok(carry(stage.dialler, stage.listener));
	assert_ok(carry(stage.listener, stage.dialler));
	assert_fails(STATUS_UNAUTHORIZED, "peer_channel.proof", carry(stage.dialler, stage.listener));
}

/* A relay does what it likes to the bytes: nothing comes out that was not sent, in order, once. */
enum act { DROP, REPEAT, SWAP, TRUNCATE, CORRUPT, INSERT, ACTS };

static void
hostile(struct buffer *bytes, enum act act, size_t at, size_t len) {
	_cleanup_(buffer_free) struct buffer changed = {};
	size_t end = at + len > bytes->len ? bytes->len : at + len;
	struct bytes before = bytes_of(bytes->data, at), piece = bytes_of(bytes->data + at, end - at),
		     after = bytes_of(bytes->data + end, bytes->len - end);
	buffer_append_bytes(&changed, before);
	if (act == REPEAT)
		buffer_append_bytes(&changed, piece);
	if (act == INSERT) /* a whole record, of nobody's */
		buffer_append_bytes(&changed, BYTES_OF_LITERAL("\x17\x03\x03\x00\x11seventeen bytes.."));
	if (act == SWAP)
		buffer_append_bytes(&changed, after);
	if (act != DROP && act != TRUNCATE)
		buffer_append_bytes(&changed, piece);
	if (act == CORRUPT)
		changed.data[at] ^= (uint8_t)(1 << at % 8);
	if (act != SWAP && act != TRUNCATE)
		buffer_append_bytes(&changed, after);
	buffer_reset(bytes);
	buffer_append_bytes(bytes, buffer_bytes(&changed));
}

static const char *const TEXTS[] = {"first", "second", "third", "fourth"};

/* Messages that come out are those that went in, from the first on; how many. */
static size_t
deliver(struct stage *stage, struct bytes bytes) {
	size_t next = 0;
	enum status status = peer_channel_take(stage->listener, bytes);
	for (bool found = true; status == OK && found;) {
		enum peer_kind kind;
		struct bytes body;
		status = peer_channel_next(stage->listener, &kind, &body, &found);
		if (status != OK || !found)
			break;
		assert_true(next < ARRAY_LENGTH(TEXTS));
		assert_int_equal(kind, PEER_PROTOCOL);
		assert_bytes(bytes_of_text(TEXTS[next]), body);
		next++;
	}
	return next;
}

/* Every act at every byte of what carries four messages. */
static void
a_hostile_relay_delivers_nothing_that_was_not_sent(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	size_t tried = 0, delivered = 0;
	for (size_t at = 0, len = 1; at < len; at++)
		for (int act = 0; act < ACTS; act++) {
			_cleanup_(buffer_free) struct buffer bytes = {};
			if (act != CORRUPT && at % 7 != 0)
				continue;
			open_both(&stage);
			converse(&stage);
			for (size_t i = 0; i < ARRAY_LENGTH(TEXTS); i++)
				assert_ok(peer_channel_send(stage.dialler, PEER_PROTOCOL, bytes_of_text(TEXTS[i])));
			assert_ok(peer_channel_output(stage.dialler, SIZE_MAX, &bytes));
			len = bytes.len;
			hostile(&bytes, (enum act)act, at, 1 + at % 60);
			size_t count = deliver(&stage, buffer_bytes(&bytes));
			assert_true(act != CORRUPT || count < ARRAY_LENGTH(TEXTS));
			tried++;
			delivered += count;
		}
	print_message("# %zu channels disturbed, %zu of %zu messages delivered, each as it was sent\n", tried,
		      delivered, tried * ARRAY_LENGTH(TEXTS));
	assert_true(delivered < tried * ARRAY_LENGTH(TEXTS));
}

/* What one channel carried is nothing to another one of the same two keepers. */
static void
recorded_and_spliced_bytes_open_nothing(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage(), other = make_stage();
	_cleanup_(buffer_free) struct buffer hello = {}, rest = {}, data = {};
	open_both(&stage);
	assert_ok(peer_channel_output(stage.dialler, SIZE_MAX, &hello));
	assert_ok(peer_channel_take(stage.listener, buffer_bytes(&hello)));
	assert_ok(carry(stage.listener, stage.dialler));
	assert_ok(peer_channel_output(stage.dialler, SIZE_MAX, &rest));
	assert_ok(peer_channel_take(stage.listener, buffer_bytes(&rest)));
	assert_true(peer_channel_is_authenticated(stage.listener));
	/* The whole recorded side of the dialler, to a fresh listener. */
	open_both(&stage);
	assert_ok(peer_channel_take(stage.listener, buffer_bytes(&hello)));
	assert_fails(STATUS_UNAUTHORIZED, "pinned_tls.handshake",
		     peer_channel_take(stage.listener, buffer_bytes(&rest)));
	/* Two channels at once, and a message of one in the other. */
	open_both(&stage);
	open_both(&other);
	converse(&stage);
	converse(&other);
	assert_ok(peer_channel_send(stage.dialler, PEER_PROTOCOL, BYTES_OF_LITERAL("for the first")));
	assert_ok(peer_channel_output(stage.dialler, SIZE_MAX, &data));
	assert_fails(STATUS_UNAUTHORIZED, "pinned_tls.record", peer_channel_take(other.listener, buffer_bytes(&data)));
	expect_nothing(other.listener);
}

/* A dialler of the test's own, by TLS alone; the listener of the stage has answered it. */
static void
dial_by_hand(struct stage *stage, struct pinned_tls **tls) {
	const struct peer_candidate a = candidate_of(&stage->keepers[0]);
	const struct hash256 *other = pinned_identity_hash(stage->keepers[1].identity);
	stage->listener = open_channel(&stage->keepers[1], false, &a, 1);
	assert_ok(pinned_tls_start(tls, stage->keepers[0].identity, true, other, 1));
	for (int turn = 0; turn < 3; turn++) {
		_cleanup_(buffer_free) struct buffer there = {}, back = {};
		assert_ok(pinned_tls_output(*tls, SIZE_MAX, &there));
		assert_ok(peer_channel_take(stage->listener, buffer_bytes(&there)));
		assert_ok(peer_channel_output(stage->listener, SIZE_MAX, &back));
		assert_ok(pinned_tls_take(*tls, buffer_bytes(&back)));
	}
}

/* As docs/PROTOCOL.peer has them; a is the dialler, b the listener. */
static void
write_statement(const struct stage *stage, struct pinned_tls *tls, bool of_dialler, struct buffer *statement) {
	const struct hash256 *a = pinned_identity_hash(stage->keepers[0].identity),
			     *b = pinned_identity_hash(stage->keepers[1].identity);
	uint8_t exported[32];
	assert_ok(pinned_tls_export(tls, PEER_EXPORT_LABEL, exported));
	buffer_append(statement,
		      of_dialler ? "gatehouse/peer/v1\0\1\0\0\0\x09northwind\0\0\0\1a\0\0\0\1b"
				 : "gatehouse/peer/v1\0\2\0\0\0\x09northwind\0\0\0\1b\0\0\0\1a",
		      42);
	buffer_append_bytes(statement, hash256_bytes(of_dialler ? a : b));
	buffer_append_bytes(statement, hash256_bytes(of_dialler ? b : a));
	buffer_append(statement, exported, sizeof exported);
}

static void
the_listener_proves_who_it_is_to_this_dialler_on_this_channel(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	_cleanup_(pinned_tls_end) struct pinned_tls *tls = nullptr;
	_cleanup_(buffer_free) struct buffer statement = {}, said = {};
	dial_by_hand(&stage, &tls);
	assert_ok(pinned_tls_read(tls, &said));
	assert_int_equal(5 + 64, said.len);
	assert_memory_equal(((const uint8_t[]){0, 0, 0, 64, PEER_PROOF}), said.data, 5);
	write_statement(&stage, tls, false, &statement);
	assert_ok(ed25519_verify(stage.keepers[1].key, buffer_bytes(&statement), said.data + 5));
}

/* A peer that passed the authentication and then breaks the protocol is named by what it broke. */
static void
bad_messages_of_a_peer_are_refused_by_name(void **) {
	static const struct {
		uint8_t header[5];
		const char *error;
	} cases[] = {
		{{0, 0, 0, 1, PEER_NONE}, "peer_channel.kind"},
		{{0, 0, 0, 1, PEER_KINDS}, "peer_channel.kind"},
		{{0, 0, 0, 0, PEER_PROTOCOL}, "peer_channel.length"},
		{{0, 0x10, 0, 1, PEER_PROTOCOL}, "peer_channel.length"},
		{{0xff, 0xff, 0xff, 0xff, PEER_PROTOCOL}, "peer_channel.length"},
		{{0, 0, 0, 71, PEER_BEAT}, "peer_channel.length"},
		{{0, 0, 0, 64, PEER_PROOF}, "peer_channel.order"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(free_stage) struct stage stage = make_stage();
		_cleanup_(pinned_tls_end) struct pinned_tls *tls = nullptr;
		_cleanup_(buffer_free) struct buffer statement = {}, plain = {};
		uint8_t signature[64], body[64] = {};
		dial_by_hand(&stage, &tls);
		write_statement(&stage, tls, true, &statement);
		assert_ok(
			ed25519_sign(stage.keepers[0].seed, stage.keepers[0].key, buffer_bytes(&statement), signature));
		buffer_append(&plain, (const uint8_t[]){0, 0, 0, 64, PEER_PROOF}, 5);
		buffer_append(&plain, signature, sizeof signature);
		buffer_append(&plain, cases[i].header, 5);
		buffer_append(&plain, body, sizeof body);
		assert_ok(pinned_tls_write(tls, buffer_bytes(&plain)));
		buffer_reset(&plain);
		assert_ok(pinned_tls_output(tls, SIZE_MAX, &plain));
		assert_ok(peer_channel_take(stage.listener, buffer_bytes(&plain)));
		assert_true(peer_channel_is_authenticated(stage.listener));
		enum peer_kind kind;
		struct bytes got;
		bool found;
		assert_fails(STATUS_INVALID, cases[i].error, peer_channel_next(stage.listener, &kind, &got, &found));
	}
}

/* Whoever has the certificate's key and not the other: TLS is theirs, and they say something large in the place of the proof. */
static void
who_proves_nothing_is_heard_for_so_many_bytes(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	_cleanup_(pinned_tls_end) struct pinned_tls *tls = nullptr;
	static const uint8_t header[] = {0, 0x0f, 0, 0, PEER_PROTOCOL}, piece[4096];
	enum status status = OK;
	size_t taken = 0;
	dial_by_hand(&stage, &tls);
	assert_ok(pinned_tls_write(tls, BYTES_OF_ARRAY(header)));
	while (status == OK && taken <= 2 * PEER_HANDSHAKE_MAX) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		assert_ok(pinned_tls_write(tls, BYTES_OF_ARRAY(piece)));
		assert_ok(pinned_tls_output(tls, SIZE_MAX, &bytes));
		status = peer_channel_take(stage.listener, buffer_bytes(&bytes));
		taken += bytes.len;
	}
	assert_fails(STATUS_INVALID, "peer_channel.handshake", status);
	assert_true(taken <= PEER_HANDSHAKE_MAX + sizeof piece);
	assert_false(peer_channel_is_authenticated(stage.listener));
}

static void
what_comes_before_the_proof_is_bounded(void **) {
	_cleanup_(free_stage) struct stage stage = make_stage();
	_cleanup_(buffer_free) struct buffer record = {};
	open_both(&stage);
	/* The beginning of a record that never ends. */
	buffer_append(&record, "\x16\x03\x01\x40\x00\x01\x00\xff\xff", 9);
	while (record.len < 1000)
		buffer_append_byte(&record, 0);
	enum status status = OK;
	size_t taken = 0;
	for (; status == OK && taken <= PEER_HANDSHAKE_MAX; taken += record.len)
		status = peer_channel_take(stage.listener, buffer_bytes(&record));
	assert_int_not_equal(status, OK);
	assert_true(taken <= PEER_HANDSHAKE_MAX + record.len);
}

/* --- The reader alone: what has come is given by hand. --- */

static void
append_header(struct buffer *to, size_t len, uint8_t kind) {
	buffer_append_u32be(to, (uint32_t)len);
	buffer_append_byte(to, kind);
}

static void
a_message_comes_out_when_its_last_byte_has_come(void **) {
	static const char said[] = "\0\0\0\3\5one\0\0\0\1\7x";
	_cleanup_(peer_reader_free) struct peer_reader reader = {.is_authenticated = true};
	_cleanup_(buffer_free) struct buffer heard = {};
	for (size_t at = 0; at < sizeof said - 1; at++) {
		enum peer_kind kind;
		struct bytes body;
		bool found;
		peer_reader_drop_read(&reader);
		buffer_append_byte(&reader.plain, (uint8_t)said[at]);
		assert_ok(peer_reader_next(&reader, &kind, &body, &found));
		assert_int_equal(found, at == 7 || at == 13);
		if (found)
			buffer_append_bytes(&heard, body);
		assert_true(!found || kind == (at == 7 ? PEER_PROTOCOL : PEER_ANSWER));
	}
	assert_bytes(BYTES_OF_LITERAL("onex"), buffer_bytes(&heard));
	peer_reader_drop_read(&reader);
	assert_int_equal(0, reader.plain.len);
}

/* By its header alone: nobody waits for a body that is not taken. */
static void
the_bounds_of_every_kind_hold_to_the_byte(void **) {
	for (uint8_t kind = PEER_PROOF; kind < PEER_KINDS; kind++) {
		const size_t min = peer_kinds[kind].min, max = peer_kinds[kind].max,
			     lengths[] = {min - 1, min, max, max + 1, UINT32_MAX};
		for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
			_cleanup_(peer_reader_free) struct peer_reader reader = {};
			enum peer_kind got;
			struct bytes body;
			bool found;
			append_header(&reader.plain, lengths[i], kind);
			enum status status = peer_reader_next(&reader, &got, &body, &found);
			assert_false(found);
			if (lengths[i] >= min && lengths[i] <= max)
				assert_ok(status);
			else
				assert_fails(STATUS_INVALID, "peer_channel.length", status);
		}
	}
}

static void
before_the_proof_no_other_message_comes_out(void **) {
	static const uint8_t zeros[128];
	for (uint8_t kind = PEER_HELLO; kind < PEER_KINDS; kind++) {
		_cleanup_(peer_reader_free) struct peer_reader reader = {};
		enum peer_kind got;
		struct bytes body;
		bool found;
		append_header(&reader.plain, peer_kinds[kind].min, kind);
		buffer_append(&reader.plain, zeros, peer_kinds[kind].min);
		assert_fails(STATUS_INVALID, "peer_channel.order", peer_reader_next(&reader, &got, &body, &found));
	}
}

RUN_TESTS(T(two_keepers_talk_once_both_signatures_hold), T(a_certificate_without_its_ed25519_key_is_not_enough),
	  T(another_certificate_a_mirror_and_another_instance_are_refused),
	  T(a_hostile_relay_delivers_nothing_that_was_not_sent), T(recorded_and_spliced_bytes_open_nothing),
	  T(the_listener_proves_who_it_is_to_this_dialler_on_this_channel),
	  T(bad_messages_of_a_peer_are_refused_by_name), T(who_proves_nothing_is_heard_for_so_many_bytes),
	  T(what_comes_before_the_proof_is_bounded), T(a_message_comes_out_when_its_last_byte_has_come),
	  T(the_bounds_of_every_kind_hold_to_the_byte), T(before_the_proof_no_other_message_comes_out))
