#include "base/problem.h"

#include "base/json.h"

static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
};

const char *
problem_reason_phrase(unsigned status) {
	for (size_t i = 0; i < ARRAY_LENGTH(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unknown";
}

static bool
write_document(struct buffer *to, const struct problem *problem, const char *detail) {
	struct json_writer writer;
	char type[160] = "urn:gatehouse:problem:";
	strncat(type, problem->name, sizeof type - strlen(type) - 1);
	json_writer_start(&writer, to);
	json_write_object(&writer);
	if (detail != nullptr)
		json_write_member_text(&writer, "detail", detail);
	if (problem->operation.len > 0)
		json_write_member_string(&writer, "operation", problem->operation);
	json_write_member_integer(&writer, "status", problem->status);
	json_write_member_text(&writer, "title", problem_reason_phrase(problem->status));
	json_write_member_text(&writer, "type", type);
	json_write_end(&writer);
	return json_writer_finish(&writer) == OK;
}

void
problem_write(struct buffer *to, const struct problem *problem) {
	size_t start = to->len;
	if (write_document(to, problem, problem->detail))
		return;
	/* A detail that quotes bytes which are not UTF-8: the problem stands without it. */
	to->len = start;
	if (!write_document(to, problem, nullptr))
		to->failed = true;
}

unsigned
problem_http_status(enum status status) {
	static const unsigned http[STATUS_COUNT] = {
		[OK] = 200,
		[STATUS_INVALID] = 400,
		[STATUS_UNSUPPORTED] = 422,
		[STATUS_UNAUTHORIZED] = 401,
		[STATUS_DENIED] = 403,
		[STATUS_NOT_FOUND] = 404,
		[STATUS_CONFLICT] = 409,
		[STATUS_EXPIRED] = 410,
		[STATUS_TOO_LARGE] = 413,
		[STATUS_UNAVAILABLE] = 503,
		[STATUS_RATE] = 429,
		[STATUS_CORRUPT] = 500,
		[STATUS_IO] = 500,
		[STATUS_NO_MEMORY] = 503,
		[STATUS_INTERNAL] = 500,
	};
	return (unsigned)status < STATUS_COUNT ? http[status] : 500;
}
