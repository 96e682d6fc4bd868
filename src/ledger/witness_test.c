#include "tests/test.h"
#include "base/io_simulated.h"
#include "ledger/head.h"
#include "ledger/proof_testing.h"
#include "ledger/witness.h"
#include "tests/log_keys.h"

#include <stdio.h>

static const char ORIGIN[] = "gate.example/keeper1";
enum { LEAVES = 40 };

/* A log of 40 leaves and another history that begins like it, a witness's keys, and a disk. */
static struct fixture {
	uint8_t seed[32], witness_seed[32];
	struct mldsa44_private *mldsa44, *witness_mldsa44;
	struct head_keys keys;
	struct cosigner cosigner;
	struct tlog_policy *logs;
	struct tree *tree, *fork;
	struct simulated_disk *disk;
	const struct io *io;
} f;

static struct hash256
leaf_of(uint64_t number, const char *history) {
	char text[64];
	return tree_leaf_hash(
		bytes_of(text, (size_t)snprintf(text, sizeof text, "%s %llu", history, (unsigned long long)number)));
}

/* The log that heads are signed for from now on, which is the one that witnesses know. */
static void
be_log(const char *origin) {
	_cleanup_(buffer_free) struct buffer policy = {};
	log_keys_make(f.seed, origin, &f.mldsa44, &f.keys);
	buffer_append_text(&policy, "log ");
	note_key_format(&f.keys.ed25519, &policy);
	buffer_append_text(&policy, "\nlog ");
	note_key_format(&f.keys.mldsa44, &policy);
	buffer_append_text(&policy, "\nquorum none\n");
	assert_ok(tlog_policy_parse(buffer_bytes(&policy), &f.logs));
}

static void
be_no_log(void) {
	mldsa44_private_destroy(&f.mldsa44);
	head_keys_free(&f.keys);
	tlog_policy_destroy(&f.logs);
}

static int
make_keys(void **) {
	f = (struct fixture){.seed = {1}, .witness_seed = {2}};
	be_log(ORIGIN);
	log_witness_make(f.witness_seed, &f.witness_mldsa44, &f.cosigner);
	assert_ok(tree_create(&f.tree, 64));
	assert_ok(tree_create(&f.fork, 64));
	for (uint64_t i = 0; i < LEAVES; i++) {
		struct hash256 leaf = leaf_of(i, "true"), other = leaf_of(i, i < 10 ? "true" : "forged");
		assert_ok(tree_append(f.tree, &leaf));
		assert_ok(tree_append(f.fork, &other));
	}
	return 0;
}

static int
free_keys(void **) {
	be_no_log();
	mldsa44_private_destroy(&f.witness_mldsa44);
	note_key_free(&f.cosigner.ed25519);
	note_key_free(&f.cosigner.mldsa44);
	tree_destroy(&f.tree);
	tree_destroy(&f.fork);
	return 0;
}

static int
make_disk(void **) {
	assert_ok(simulated_disk_create(&f.disk, 1));
	f.io = simulated_disk_io(f.disk);
	assert_ok(io_make_directory(f.io, "/witness"));
	assert_ok(io_sync_directory(f.io, "/"));
	return 0;
}

static int
free_disk(void **) {
	simulated_disk_destroy(&f.disk);
	return 0;
}

static struct tree_source
source_of(const struct tree *tree) {
	return (struct tree_source){tree, nullptr};
}

static struct head
head_of(const struct tree *tree, uint64_t size) {
	struct tree_source source = source_of(tree);
	struct tree_reader reader = tree_reader_of(&source);
	return (struct head){.size = size, .root = root_of_leaves(&reader, 0, size)};
}

static void
sign_head(const struct head *head, struct buffer *note) {
	struct head_signer signer = {&f.keys, f.seed, f.mldsa44};
	struct head_signatures signatures;
	assert_ok(head_sign(&signer, head, 1'763'715'600, &signatures));
	head_format(note, &f.keys, head, &signatures);
}

/* The request that an honest log with this tree would send. */
static void
write_request(const struct tree *tree, uint64_t old_size, uint64_t size, struct buffer *request) {
	struct tree_source source = source_of(tree);
	struct tree_reader reader = tree_reader_of(&source);
	struct head head = head_of(tree, size);
	struct proof proof;
	_cleanup_(buffer_free) struct buffer note = {};
	assert_ok(proof_make_consistency(&reader, old_size, size, &proof));
	sign_head(&head, &note);
	buffer_reset(request);
	witness_request_write(request, old_size, &proof, buffer_bytes(&note));
}

static void
open_witness(struct witness **witness) {
	assert_ok(witness_open(f.io, "/witness", f.logs, &f.cosigner, witness));
}

static void
assert_answer(int status, const char *body, struct witness *witness, struct bytes request) {
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	assert_ok(witness_add_checkpoint(witness, request, &answer));
	if (answer.status != status ||
	    (body != nullptr && (answer.body.len < strlen(body) || memcmp(answer.body.data, body, strlen(body)) != 0)))
		fail_msg("expected %d %s, got %d %.*s", status, body == nullptr ? "" : body, answer.status,
			 (int)answer.body.len, (const char *)answer.body.data);
}

static void
submit(int status, const char *body, struct witness *witness, const struct tree *tree, uint64_t old_size,
       uint64_t size) {
	_cleanup_(buffer_free) struct buffer request = {};
	write_request(tree, old_size, size, &request);
	assert_answer(status, body, witness, buffer_bytes(&request));
}

static void
a_growing_log_is_cosigned_under_both_keys(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	open_witness(&witness);
	static const uint64_t sizes[] = {0, 1, 1, 2, 7, 8, 33, 40};
	for (size_t i = 1; i < ARRAY_LENGTH(sizes); i++) {
		_cleanup_(buffer_free) struct buffer request = {}, note = {}, lines = {};
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		const struct note_key *keys[] = {&f.cosigner.ed25519, &f.cosigner.mldsa44};
		uint64_t size = 0;
		struct head head = head_of(f.tree, sizes[i]);
		sign_head(&head, &note);
		write_request(f.tree, sizes[i - 1], sizes[i], &request);
		assert_ok(witness_add_checkpoint(witness, buffer_bytes(&request), &answer));
		assert_int_equal(200, answer.status);
		assert_ok(witness_response_read(200, (struct bytes){}, buffer_bytes(&answer.body), buffer_bytes(&note),
						keys, 2, &lines, &size));
		assert_bytes(buffer_bytes(&answer.body), buffer_bytes(&lines));
	}
}

static void
statuses_are_those_of_the_specification(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	_cleanup_(buffer_free) struct buffer request = {}, note = {};
	open_witness(&witness);
	/* 409 with the size that was cosigned last, also when that is none. */
	submit(409, "0\n", witness, f.tree, 3, 5);
	submit(200, nullptr, witness, f.tree, 0, 5);
	submit(409, "5\n", witness, f.tree, 0, 8);
	submit(409, "5\n", witness, f.tree, 4, 8);
	/* 422: a proof that does not prove, one that should be empty, another root at the same size. */
	write_request(f.tree, 5, 8, &request);
	request.data[8] ^= 1;
	assert_answer(422, "proof.root", witness, buffer_bytes(&request));
	struct head forged = head_of(f.fork, 12);
	sign_head(&forged, &note);
	struct proof proof = {};
	buffer_reset(&request);
	witness_request_write(&request, 5, &proof, buffer_bytes(&note));
	assert_answer(422, "proof.length", witness, buffer_bytes(&request));
	struct head same_size = {5, forged.root};
	buffer_reset(&note);
	sign_head(&same_size, &note);
	buffer_reset(&request);
	witness_request_write(&request, 5, &proof, buffer_bytes(&note));
	assert_answer(422, "proof.root", witness, buffer_bytes(&request));
	/* 400: old beyond the checkpoint. */
	buffer_reset(&request);
	witness_request_write(&request, 6, &proof, buffer_bytes(&note));
	assert_answer(400, "witness.old", witness, buffer_bytes(&request));
	/* What was refused has changed nothing. */
	submit(200, nullptr, witness, f.tree, 5, 8);
}

static void
a_first_checkpoint_has_no_proof_and_an_empty_one_the_empty_root(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	_cleanup_(buffer_free) struct buffer request = {}, note = {};
	open_witness(&witness);
	struct head head = head_of(f.tree, 3);
	struct proof one = {.count = 1};
	sign_head(&head, &note);
	witness_request_write(&request, 0, &one, buffer_bytes(&note));
	assert_answer(422, "witness.proof", witness, buffer_bytes(&request));
	struct head empty = {0, head.root};
	struct proof none = {};
	buffer_reset(&note);
	buffer_reset(&request);
	sign_head(&empty, &note);
	witness_request_write(&request, 0, &none, buffer_bytes(&note));
	assert_answer(422, "witness.empty_root", witness, buffer_bytes(&request));
	submit(200, nullptr, witness, f.tree, 0, 0);
	submit(200, nullptr, witness, f.tree, 0, 3);
}

static void
two_histories_are_never_both_cosigned(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	open_witness(&witness);
	submit(200, nullptr, witness, f.tree, 0, 20);
	/* The forger knows the size, and proves consistency within the forged history. */
	for (uint64_t size = 20; size <= LEAVES; size++)
		submit(422, nullptr, witness, f.fork, 20, size);
	submit(409, "20\n", witness, f.fork, 10, 25);
	submit(409, "20\n", witness, f.fork, 0, 25);
	submit(200, nullptr, witness, f.tree, 20, LEAVES);
}

/* What the log's signatures must be. */
static void
unknown_logs_and_missing_or_bad_signatures_are_refused(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	open_witness(&witness);
	struct head head = head_of(f.tree, 3);
	struct head_signer signer = {&f.keys, f.seed, f.mldsa44};
	struct head_signatures signatures;
	assert_ok(head_sign(&signer, &head, 1, &signatures));
	struct proof none = {};
	static const struct {
		int status;
		const char *body;
		const char *origin;
		bool ed25519, mldsa44, is_damaged;
	} cases[] = {
		{404, "witness.origin", "gate.example/keeper2", true, true, false},
		{403, "witness.unsigned", ORIGIN, true, false, false},
		{403, "witness.unsigned", ORIGIN, false, true, false},
		{403, "signature.", ORIGIN, true, true, true},
		{200, nullptr, ORIGIN, true, true, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer note = {}, request = {};
		struct head_signatures used = signatures;
		used.mldsa44[100] ^= cases[i].is_damaged;
		checkpoint_format(&note, bytes_of_text(cases[i].origin), head.size, &head.root);
		buffer_append_text(&note, "\n\u2014 someone.else AAAAAAA=\n");
		if (cases[i].ed25519)
			note_append_signature(&note, &f.keys.ed25519, BYTES_OF_ARRAY(used.ed25519));
		if (cases[i].mldsa44)
			note_append_timestamped(&note, &f.keys.mldsa44, 1, BYTES_OF_ARRAY(used.mldsa44));
		witness_request_write(&request, 0, &none, buffer_bytes(&note));
		assert_answer(cases[i].status, cases[i].body, witness, buffer_bytes(&request));
	}
}

static void
malformed_requests_are_answered_400_by_name(void **) {
#define HASH "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
#define NOTE "gate.example/keeper1\n8\n" HASH "\n\u2014 a AAAAAAA=\n"
	static const struct {
		const char *body, *request;
	} cases[] = {
		{"witness.old", ""},
		{"witness.old", "old"},
		{"witness.old", "old 1"},
		{"witness.old", "old\n\n" NOTE},
		{"witness.old", "old \n\n" NOTE},
		{"witness.old", "old 01\n\n" NOTE},
		{"witness.old", "old -1\n\n" NOTE},
		{"witness.old", "old 18446744073709551616\n\n" NOTE},
		{"witness.old", "new 1\n\n" NOTE},
		{"witness.proof", "old 1\n"},
		{"witness.proof", "old 1\nQQ==\n\n" NOTE},
		{"witness.proof", "old 1\n" HASH HASH},
		{"note.separator", "old 1\n\n"},
		{"note.separator", "old 1\n\ngate.example/keeper1\n8\n" HASH},
		{"note.signature_line", "old 1\n\ngate.example/keeper1\n8\n" HASH "\nx a AAAAAAA=\n"},
		{"checkpoint.size", "old 1\n\ngate.example/keeper1\nx\n" HASH "\n\u2014 a AAAAAAA=\n"},
	};
	_cleanup_(witness_close) struct witness *witness = nullptr;
	_cleanup_(buffer_free) struct buffer request = {};
	open_witness(&witness);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_answer(400, cases[i].body, witness, bytes_of_text(cases[i].request));
	buffer_append_text(&request, "old 1\n");
	for (size_t i = 0; i <= WITNESS_PROOF_MAX; i++)
		buffer_append_text(&request, HASH);
	buffer_append_text(&request, "\n" NOTE);
	assert_answer(400, "witness.proof", witness, buffer_bytes(&request));
	static uint8_t large[WITNESS_REQUEST_MAX + 1];
	assert_answer(400, "witness.request", witness, BYTES_OF_ARRAY(large));
}

static void
the_newest_cosigned_checkpoint_is_served(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	_cleanup_(arena_free) struct arena arena = {};
	char hex[65];
	struct hash256 hash = sha256(bytes_of_text(ORIGIN));
	hex_encode(hash256_bytes(&hash), hex);
	open_witness(&witness);
	assert_ok(witness_get_checkpoint(witness, bytes_of_text(hex), &answer));
	assert_int_equal(404, answer.status);
	assert_ok(witness_get_checkpoint(witness, BYTES_OF_LITERAL("../key"), &answer));
	assert_int_equal(404, answer.status);
	submit(200, nullptr, witness, f.tree, 0, 5);
	submit(200, nullptr, witness, f.tree, 5, 9);
	assert_ok(witness_get_checkpoint(witness, bytes_of_text(hex), &answer));
	assert_int_equal(200, answer.status);
	struct note note;
	struct checkpoint checkpoint;
	struct tlog_verdict verdict;
	uint64_t time_s;
	assert_ok(note_parse(&arena, buffer_bytes(&answer.body), &note));
	assert_ok(checkpoint_parse(note.text, &checkpoint));
	assert_int_equal(9, checkpoint.size);
	assert_int_equal(4, note.signature_count);
	assert_ok(tlog_policy_check(f.logs, &note, &checkpoint, &verdict));
	assert_true(verdict.has_ed25519 && verdict.has_mldsa44);
	assert_ok(cosignature_verify(&note, &checkpoint, &f.cosigner.ed25519, &time_s));
	assert_ok(cosignature_verify(&note, &checkpoint, &f.cosigner.mldsa44, &time_s));
}

static void
a_clock_set_back_does_not_lower_the_time_of_cosignatures(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr;
	uint64_t last_s = 0;
	open_witness(&witness);
	for (uint64_t size = 1; size < 6; size++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer request = {}, note_text = {};
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		struct note note;
		struct checkpoint checkpoint;
		uint64_t time_s;
		write_request(f.tree, size - 1, size, &request);
		assert_ok(witness_add_checkpoint(witness, buffer_bytes(&request), &answer));
		struct head head = head_of(f.tree, size);
		checkpoint_format(&note_text, bytes_of_text(ORIGIN), size, &head.root);
		buffer_append_byte(&note_text, '\n');
		buffer_append_bytes(&note_text, buffer_bytes(&answer.body));
		assert_ok(note_parse(&arena, buffer_bytes(&note_text), &note));
		assert_ok(checkpoint_parse(note.text, &checkpoint));
		assert_ok(cosignature_verify(&note, &checkpoint, &f.cosigner.mldsa44, &time_s));
		assert_true(time_s >= last_s);
		last_s = time_s;
		simulated_disk_step_realtime(f.disk, size % 2 ? -100'000'000'000 : 150'000'000'000);
	}
}

static void
a_second_witness_on_the_directory_is_refused(void **) {
	_cleanup_(witness_close) struct witness *witness = nullptr, *second = nullptr;
	open_witness(&witness);
	assert_fails(STATUS_CONFLICT, "witness.locked", witness_open(f.io, "/witness", f.logs, &f.cosigner, &second));
}

static void
state_path_of(const char *origin, char path[static 128]) {
	char hex[65];
	struct hash256 hash = sha256(bytes_of_text(origin));
	hex_encode(hash256_bytes(&hash), hex);
	snprintf(path, 128, "/witness/%s.checkpoint", hex);
}

/* The witness's own signatures are under it, but over another log: no head of that one says how far this one has come. */
static void
the_state_of_another_log_is_not_believed(void **) {
	static const char another[] = "gate.example/keeper2";
	char from[128], to[128];
	_cleanup_(buffer_free) struct buffer content = {}, request = {};
	be_no_log();
	be_log(another);
	{
		_cleanup_(witness_close) struct witness *witness = nullptr;
		open_witness(&witness);
		submit(200, nullptr, witness, f.tree, 0, 5);
	}
	be_no_log();
	be_log(ORIGIN);
	state_path_of(another, from);
	state_path_of(ORIGIN, to);
	assert_ok(io_read_file(f.io, from, NOTE_SIZE_MAX, &content));
	assert_ok(io_replace_file(f.io, to, buffer_bytes(&content)));
	write_request(f.tree, 5, 6, &request);
	_cleanup_(witness_close) struct witness *witness = nullptr;
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	open_witness(&witness);
	assert_int_equal(STATUS_CORRUPT, witness_add_checkpoint(witness, buffer_bytes(&request), &answer));
	assert_non_null(strstr(fail_message(), "witness.origin"));
}

static void
no_flipped_bit_of_the_state_is_believed(void **) {
	char path[128];
	state_path_of(ORIGIN, path);
	_cleanup_(buffer_free) struct buffer content = {}, request = {};
	{
		_cleanup_(witness_close) struct witness *witness = nullptr;
		open_witness(&witness);
		submit(200, nullptr, witness, f.tree, 0, 5);
	}
	assert_ok(io_read_file(f.io, path, NOTE_SIZE_MAX, &content));
	write_request(f.tree, 5, 6, &request);
	const char *log_line = strstr((const char *)content.data, "\u2014 gate.example");
	const char *own_line = strstr((const char *)content.data, "\u2014 witness.example");
	assert_true(log_line != nullptr && own_line != nullptr);
	for (size_t at = 0; at < content.len; at += at < 200 ? 1 : 23) {
		_cleanup_(witness_close) struct witness *witness = nullptr;
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		assert_ok(simulated_disk_flip_bit(f.disk, path, at, (unsigned)at % 8));
		open_witness(&witness);
		enum status status = witness_add_checkpoint(witness, buffer_bytes(&request), &answer);
		/* Only the log's own signature lines are not covered by the witness's: they say nothing of the state. */
		const char *place = (const char *)content.data + at;
		if (place < log_line || place >= own_line)
			assert_int_equal(STATUS_CORRUPT, status);
		if (status == OK)
			assert_ok(io_replace_file(f.io, path, buffer_bytes(&content)));
		else
			assert_ok(simulated_disk_flip_bit(f.disk, path, at, (unsigned)at % 8));
	}
}

/* What has been answered 200 must bind the witness after every possible crash. */
static void
no_crash_makes_a_witness_forget_what_it_cosigned(void **) {
	_cleanup_(buffer_free) struct buffer request = {}, forged = {};
	write_request(f.tree, 10, 20, &request);
	write_request(f.fork, 10, 20, &forged);
	size_t answered = 0, crashed = 0;
	for (uint64_t point = 0;; point++) {
		simulated_disk_destroy(&f.disk);
		assert_ok(simulated_disk_create(&f.disk, point));
		f.io = simulated_disk_io(f.disk);
		assert_ok(io_make_directory(f.io, "/witness"));
		assert_ok(io_sync_directory(f.io, "/"));
		bool was_answered = false;
		{
			_cleanup_(witness_close) struct witness *witness = nullptr;
			_cleanup_(witness_answer_free) struct witness_answer answer = {};
			open_witness(&witness);
			submit(200, nullptr, witness, f.tree, 0, 10);
			simulated_disk_crash_at(f.disk, simulated_disk_operations(f.disk) + point);
			enum status status = witness_add_checkpoint(witness, buffer_bytes(&request), &answer);
			was_answered = status == OK && answer.status == 200;
			if (!was_answered)
				assert_int_equal(STATUS_IO, status);
		}
		bool is_last = !simulated_disk_is_crashed(f.disk);
		simulated_disk_crash_at(f.disk, UINT64_MAX);
		simulated_disk_lose_power(f.disk);
		_cleanup_(witness_close) struct witness *witness = nullptr;
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		open_witness(&witness);
		assert_ok(witness_add_checkpoint(witness, buffer_bytes(&forged), &answer));
		if (was_answered)
			assert_int_equal(409, answer.status);
		else
			assert_true(answer.status == 409 || answer.status == 200);
		answered += was_answered;
		crashed += !was_answered;
		if (is_last)
			break;
	}
	assert_true(answered > 0 && crashed >= 4);
}

/* The test above must be able to fail: on a disk that only pretends to sync, some crash does make it forget. */
static void
on_a_disk_that_ignores_syncs_some_crash_does(void **) {
	_cleanup_(buffer_free) struct buffer forged = {};
	size_t forgotten = 0;
	write_request(f.fork, 10, 20, &forged);
	for (uint64_t seed = 0; seed < 20; seed++) {
		simulated_disk_destroy(&f.disk);
		make_disk(nullptr);
		{
			_cleanup_(witness_close) struct witness *witness = nullptr;
			open_witness(&witness);
			submit(200, nullptr, witness, f.tree, 0, 10);
			simulated_disk_ignore_syncs(f.disk, true);
			submit(200, nullptr, witness, f.tree, 10, 20);
		}
		simulated_disk_lose_power(f.disk);
		_cleanup_(witness_close) struct witness *witness = nullptr;
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		open_witness(&witness);
		forgotten +=
			witness_add_checkpoint(witness, buffer_bytes(&forged), &answer) != OK || answer.status == 200;
	}
	assert_true(forgotten > 0);
}

static void
answers_of_a_witness_are_read_by_name(void **) {
	_cleanup_(buffer_free) struct buffer note = {}, lines = {};
	struct head head = head_of(f.tree, 3);
	sign_head(&head, &note);
	const struct note_key *keys[] = {&f.cosigner.ed25519};
	static const struct {
		int status;
		const char *type, *body;
		enum status expected;
		const char *name;
	} cases[] = {
		{200, "text/plain", "\u2014 other.example/w AAAAAAA=\n", STATUS_UNAUTHORIZED, "witness.no_signature"},
		{200, "text/plain", "", STATUS_INVALID, "note.separator"},
		{200, "text/plain", "more\n\n\u2014 other.example/w AAAAAAA=\n", STATUS_INVALID, "witness.lines"},
		{200, "text/plain", "<html>\n", STATUS_INVALID, "note.signature_line"},
		{400, "text/plain", "", STATUS_INVALID, "witness.refused_400"},
		{403, "text/plain", "", STATUS_UNAUTHORIZED, "witness.refused_403"},
		{404, "text/plain", "", STATUS_NOT_FOUND, "witness.refused_404"},
		{409, "text/x.tlog.size", "17\n", STATUS_CONFLICT, "witness.size"},
		{409, "text/x.tlog.size", "17", STATUS_INVALID, "witness.size_format"},
		{409, "text/x.tlog.size", "x\n", STATUS_INVALID, "witness.size_format"},
		{409, "text/plain", "17\n", STATUS_CONFLICT, "witness.refused_409"},
		{422, "text/plain", "", STATUS_CONFLICT, "witness.refused_422"},
		{301, "text/plain", "", STATUS_UNAVAILABLE, "witness.status"},
		{503, "text/plain", "", STATUS_UNAVAILABLE, "witness.status"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint64_t size = 0;
		assert_fails(cases[i].expected, cases[i].name,
			     witness_response_read(cases[i].status, bytes_of_text(cases[i].type),
						   bytes_of_text(cases[i].body), buffer_bytes(&note), keys, 1, &lines,
						   &size));
		if (strcmp(cases[i].name, "witness.size") == 0)
			assert_int_equal(17, size);
	}
	assert_int_equal(0, lines.len);
}

#define ON_DISK(function) cmocka_unit_test_setup_teardown(function, make_disk, free_disk)

int
main(void) {
	const struct CMUnitTest tests[] = {
		ON_DISK(a_growing_log_is_cosigned_under_both_keys),
		ON_DISK(statuses_are_those_of_the_specification),
		ON_DISK(a_first_checkpoint_has_no_proof_and_an_empty_one_the_empty_root),
		ON_DISK(two_histories_are_never_both_cosigned),
		ON_DISK(unknown_logs_and_missing_or_bad_signatures_are_refused),
		ON_DISK(malformed_requests_are_answered_400_by_name),
		ON_DISK(the_newest_cosigned_checkpoint_is_served),
		ON_DISK(a_clock_set_back_does_not_lower_the_time_of_cosignatures),
		ON_DISK(a_second_witness_on_the_directory_is_refused),
		ON_DISK(no_flipped_bit_of_the_state_is_believed),
		ON_DISK(the_state_of_another_log_is_not_believed),
		ON_DISK(no_crash_makes_a_witness_forget_what_it_cosigned),
		ON_DISK(on_a_disk_that_ignores_syncs_some_crash_does),
		T(answers_of_a_witness_are_read_by_name),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
