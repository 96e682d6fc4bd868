/* Reads lines "<kind> <payload>" and answers each with "ok", or with why such a payload is refused at its submission. */
#include <stdio.h>
#include <stdlib.h>

#include "gate/payloads.h"

int
main(void) {
	_cleanup_(arena_free) struct arena arena = {};
	char *line = nullptr;
	size_t capacity = 0;
	for (ssize_t len; (len = getline(&line, &capacity, stdin)) > 0; arena_free(&arena)) {
		struct bytes text = bytes_of(line, (size_t)len - 1);
		const uint8_t *space = memchr(text.data, ' ', text.len);
		enum operation_kind_id kind;
		const json *payload;
		if (space == nullptr)
			return 1;
		struct bytes name = bytes_of(text.data, (size_t)(space - text.data));
		enum status status = operation_kind_parse(name, &kind);
		if (status == OK)
			status = json_read(&arena, bytes_of(space + 1, text.len - name.len - 1), (struct json_limits){},
					   &payload);
		if (status == OK)
			status = payload_check(kind, payload);
		puts(status == OK ? "ok" : fail_message());
	}
	free(line);
	return 0;
}
