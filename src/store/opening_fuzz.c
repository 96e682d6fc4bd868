/*
 * Reader: store/opening.c
 * The input is an opening as sealed; with the first byte odd it is the plain content, sealed here, so that the fields
 * are reached. What opens is sealed again and must open to the same commitments.
 */
#include "crypto/aead.h"
#include "store/opening.h"
#include "tests/fuzz.h"

static const uint8_t key[32] = {7};

static void
seal_plain(struct bytes plain, struct buffer *sealed) {
	static const char label[] = "gatehouse/opening/v1";
	static const uint8_t head[] = {1, 1, 'p'};
	_cleanup_(buffer_free) struct buffer associated = {};
	buffer_append(&associated, label, sizeof label);
	buffer_append(&associated, head, sizeof head);
	buffer_append(sealed, head, sizeof head);
	must(buffer_reserve(sealed, plain.len + AEAD_OVERHEAD));
	must(aead_seal(key, buffer_bytes(&associated), plain, sealed->data + sealed->len) == OK);
	sealed->len += plain.len + AEAD_OVERHEAD;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer sealed = {}, again = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct opening_field *fields, *reopened;
	struct bytes subject;
	size_t count, recount;
	if (size == 0)
		return 0;
	if (data[0] & 1)
		seal_plain(bytes_of(data + 1, size - 1), &sealed);
	else
		buffer_append(&sealed, data + 1, size - 1);
	if (opening_subject(buffer_bytes(&sealed), &subject) != OK ||
	    opening_open(key, buffer_bytes(&sealed), &arena, &fields, &count) != OK ||
	    opening_seal(key, subject, fields, count, &again) != OK)
		return 0;
	must(opening_open(key, buffer_bytes(&again), &arena, &reopened, &recount) == OK && recount == count);
	for (size_t i = 0; i < count; i++) {
		struct hash256 first = opening_commit(&fields[i]), second = opening_commit(&reopened[i]);
		must(hash256_equal(&first, &second));
	}
	return 0;
}
