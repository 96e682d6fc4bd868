/* The head of an answer: whatever it is, the views that come out lie within it. */
#include "cli/http_answer.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct http_answer_head answer;
	if (http_answer_read_head(bytes_of(data, size), &answer) != OK)
		return 0;
	if (answer.status < 200 || answer.status > 599)
		abort();
	if (answer.content_type.len > 0 &&
	    (answer.content_type.data < data || answer.content_type.data + answer.content_type.len > data + size))
		abort();
	return 0;
}
