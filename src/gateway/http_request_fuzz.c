/*
 * The HTTP reader: the first byte is the size of the parts that the rest is cut into; complete requests are followed by
 * what comes after them. The same bytes in one piece must come to the same end.
 */
#include "gateway/http_request.h"

#include <stdlib.h>

static const char *const authorities[] = {"gate.example", "a", nullptr};
static struct http_common common = {authorities, HTTP_BODY_BYTES_IN_ALL};

struct outcome {
	size_t complete;
	size_t body_bytes;
	const struct http_refusal *refusal;
};

/* A sentence of printed ASCII, whatever was sent. */
static void
check_detail(const char *detail) {
	size_t len = strlen(detail);
	if (len == 0 || len >= HTTP_DETAIL_SIZE - 1 || detail[len - 1] != '.')
		abort();
	for (size_t i = 0; i < len; i++)
		if (detail[i] < 0x20 || detail[i] > 0x7e)
			abort();
}

static struct outcome
read_all(const uint8_t *data, size_t size, size_t step) {
	struct http_reader reader;
	struct outcome outcome = {};
	http_reader_start(&reader, &common);
	for (size_t at = 0; at < size;) {
		size_t part = size - at < step ? size - at : step, used;
		enum http_progress progress = http_reader_feed(&reader, bytes_of(data + at, part), &used);
		at += used;
		if (progress == HTTP_REFUSED) {
			outcome.refusal = reader.refusal;
			check_detail(http_refusal_detail(&reader));
			break;
		}
		if (progress == HTTP_COMPLETE) {
			outcome.complete++;
			outcome.body_bytes += reader.body.len + http_path(&reader).len;
			if (http_method(&reader).len == 0 || http_target(&reader).len < http_path(&reader).len)
				abort();
			if (!http_keep_alive(&reader))
				break;
			http_reader_reset(&reader);
		}
	}
	http_reader_free(&reader);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	struct outcome cut = read_all(data + 1, size - 1, (size_t)data[0] % 32 + 1);
	struct outcome whole = read_all(data + 1, size - 1, SIZE_MAX);
	if (cut.complete != whole.complete || cut.body_bytes != whole.body_bytes ||
	    (cut.refusal == nullptr) != (whole.refusal == nullptr) || common.body_bytes_left != HTTP_BODY_BYTES_IN_ALL)
		abort();
	return 0;
}
