/*
 * Readers: identity/nonces.c (read_nonce, read_owner, read_header, nonces_read),
 * identity/votes.c (read_text, read_vote, read_header, read_all, votes_read)
 * Reads the input as a snapshot of nonces and as one of votes; what is accepted is written and read again to the same bytes.
 */
#include "identity/nonces.h"
#include "identity/votes.h"
#include "tests/fuzz.h"

static void
read_nonces(struct bytes input) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr, *again = nullptr;
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	must(nonces_create(&nonces, (struct nonces_limits){}) == OK &&
	     nonces_create(&again, (struct nonces_limits){}) == OK);
	if (nonces_read(nonces, input) != OK)
		return;
	must(nonces_write(nonces, &first) == OK);
	must(nonces_read(again, buffer_bytes(&first)) == OK);
	must(nonces_write(again, &second) == OK);
	must(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
}

static void
read_votes(struct bytes input) {
	_cleanup_(votes_destroy) struct votes *votes = nullptr;
	_cleanup_(buffer_free) struct buffer written = {};
	if (votes_read(input, &votes) != OK)
		return;
	must(votes_write(votes, &written) == OK);
	must(bytes_equal(buffer_bytes(&written), input));
	must(votes_size(votes) <= VOTES_CAST_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	read_nonces(bytes_of(data, size));
	read_votes(bytes_of(data, size));
	return 0;
}
