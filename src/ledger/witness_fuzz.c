/*
 * Reader: ledger/witness.c
 * Requests to a witness that knows one log and has cosigned nothing yet, and answers of a witness. A request that is not
 * answered 200 changes nothing, so the same request finds the same answer again.
 */
#include "ledger/head.h"
#include "ledger/witness.h"

#include "base/io_simulated.h"
#include "tests/fuzz.h"

static struct {
	struct mldsa44_private *mldsa44;
	struct head_keys log;
	struct cosigner cosigner;
	struct tlog_policy *logs;
} made;

/* The log's keys and the witness's are both of the seed 01 00 00 ... */
static void
make_once(void) {
	static const uint8_t seed[32] = {1};
	uint8_t ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	_cleanup_(buffer_free) struct buffer policy = {};
	if (made.logs != nullptr)
		return;
	must(ed25519_public_key(seed, ed25519) == OK && mldsa44_private_create(&made.mldsa44, seed) == OK);
	mldsa44_private_public_key(made.mldsa44, mldsa44);
	must(head_keys_make(BYTES_OF_LITERAL("log.example/1"), ed25519, mldsa44, &made.log) == OK);
	made.cosigner.ed25519_seed = seed;
	made.cosigner.mldsa44_private = made.mldsa44;
	struct bytes name = BYTES_OF_LITERAL("w/1");
	must(note_key_make(name, NOTE_COSIGNATURE_ED25519, BYTES_OF_ARRAY(ed25519), &made.cosigner.ed25519) == OK);
	must(note_key_make(name, NOTE_COSIGNATURE_MLDSA44, BYTES_OF_ARRAY(mldsa44), &made.cosigner.mldsa44) == OK);
	buffer_append_text(&policy, "log ");
	note_key_format(&made.log.ed25519, &policy);
	buffer_append_text(&policy, "\nquorum none\n");
	must(tlog_policy_parse(buffer_bytes(&policy), &made.logs) == OK);
}

/* What the witness answers to a request, the log that sent it accepts. */
static void
try_own_answer(struct bytes request, struct bytes lines) {
	const struct note_key *const keys[] = {&made.cosigner.ed25519, &made.cosigner.mldsa44};
	_cleanup_(buffer_free) struct buffer taken = {}, again = {};
	struct cursor cursor = cursor_of(request);
	struct bytes old;
	struct proof proof;
	uint64_t size;
	must(cursor_until(&cursor, "old", '\n', &old) == OK && proof_parse_lines(&cursor, "proof", &proof) == OK);
	struct bytes note = bytes_of(cursor.at, cursor.left);
	must(witness_response_read(200, (struct bytes){}, lines, note, keys, 2, &taken, &size) == OK);
	must(bytes_equal(buffer_bytes(&taken), lines));
	must(decimal_decode(bytes_of(old.data + 4, old.len - 4), &size) == OK);
	witness_request_write(&again, size, &proof, note);
	must(bytes_equal(buffer_bytes(&again), request));
}

static void
try_request(struct bytes request) {
	struct simulated_disk *disk = nullptr;
	struct witness *witness = nullptr;
	_cleanup_(witness_answer_free) struct witness_answer first = {}, second = {}, got = {};
	must(simulated_disk_create(&disk, 1) == OK);
	const struct io *io = simulated_disk_io(disk);
	must(io_make_directory(io, "/w") == OK && witness_open(io, "/w", made.logs, &made.cosigner, &witness) == OK);
	must(witness_add_checkpoint(witness, request, &first) == OK);
	must(witness_add_checkpoint(witness, request, &second) == OK);
	if (first.status == 200)
		try_own_answer(request, buffer_bytes(&first.body));
	else
		must(first.status == second.status &&
		     bytes_equal(buffer_bytes(&first.body), buffer_bytes(&second.body)));
	static const char origin[] = "0000000000000000000000000000000000000000000000000000000000000000";
	must(witness_get_checkpoint(witness, bytes_of_text(origin), &got) == OK && got.status == 404);
	char hex[65];
	struct hash256 hash = sha256(BYTES_OF_LITERAL("log.example/1"));
	hex_encode(hash256_bytes(&hash), hex);
	must(witness_get_checkpoint(witness, bytes_of_text(hex), &got) == OK);
	must(got.status == (first.status == 200 ? 200 : 404));
	must(witness_get_checkpoint(witness, request, &got) == OK);
	witness_close(&witness);
	simulated_disk_destroy(&disk);
}

static void
try_response(struct bytes body) {
	static const char note[] =
		"log.example/1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\u2014 nobody AAAAAAA=\n";
	const struct note_key *const keys[] = {&made.cosigner.ed25519, &made.cosigner.mldsa44};
	_cleanup_(buffer_free) struct buffer lines = {};
	uint64_t size = 0;
	IGNORE_STATUS(witness_response_read(200, (struct bytes){}, body, bytes_of_text(note), keys, 2, &lines, &size));
	static const int refusals[] = {400, 403, 404, 409, 422, 500};
	for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++)
		must(witness_response_read(refusals[i], BYTES_OF_LITERAL("text/plain"), body, bytes_of_text(note), keys,
					   2, &lines, &size) != OK);
	IGNORE_STATUS(witness_response_read(409, BYTES_OF_LITERAL("text/x.tlog.size"), body, bytes_of_text(note), keys,
					    2, &lines, &size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	make_once();
	try_request(bytes_of(data, size));
	try_response(bytes_of(data, size));
	return 0;
}
