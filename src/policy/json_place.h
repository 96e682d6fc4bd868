/*
 * Where in a JSON text a value stands, for findings in documents that were read by base/json.h, which keeps no places.
 *
 * A scan that skips values and knows nothing of them. The text may be malformed: what is not found is said not to be.
 */
#ifndef GATEHOUSE_POLICY_JSON_PLACE_H
#define GATEHOUSE_POLICY_JSON_PLACE_H

#include "base/bytes.h"

struct json_place {
	size_t offset; /* bytes from the beginning of the text */
	size_t length;
};

/* The first element of the array that begins at `array`; the element after one; element `index`. */
bool json_place_first(struct bytes text, size_t array, struct json_place *place);
bool json_place_next(struct bytes text, struct json_place *place);
bool json_place_element(struct bytes text, size_t array, size_t index, struct json_place *place);
/* The value of the first member of the object that begins at `object`; of the member after one. */
bool json_place_first_member(struct bytes text, size_t object, struct json_place *place);
bool json_place_next_member(struct bytes text, struct json_place *place);
/* The value of the member of the object that begins at `object`; the key is compared as it is written. */
bool json_place_member(struct bytes text, size_t object, struct bytes key, struct json_place *place);
/* The first value of the text. */
bool json_place_root(struct bytes text, struct json_place *place);
/* Why JSON that is well formed was refused: the first number that is no 64-bit integer, or value whose key stands twice. False
 * where neither is found: deep down, in a large object, or written with other escapes. */
bool json_place_fault(struct bytes text, struct json_place *place);

#endif
