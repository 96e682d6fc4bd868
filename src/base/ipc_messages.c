#include "base/ipc_messages.h"

/* --- Fields --- */

enum characters {
	ANY_BYTES,
	VISIBLE, /* 0x21 to 0x7e: no field of an HTTP message may hold more without being read anew by somebody */
	PRINTED, /* the same and the space */
	LINE,    /* no control characters: one line of UTF-8 */
	TEXT,    /* LINE and the line feed */
};

/* The tag is the place in the table, from 1. */
struct field {
	const char *name; /* "ipc.request.method" */
	uint32_t min, max;
	enum characters characters;
	bool required;
};

static bool
is_allowed(uint8_t byte, enum characters characters) {
	switch (characters) {
	case VISIBLE:
		return byte > 0x20 && byte < 0x7f;
	case PRINTED:
		return byte >= 0x20 && byte < 0x7f;
	case LINE:
		return byte >= 0x20 && byte != 0x7f;
	case TEXT:
		return (byte >= 0x20 && byte != 0x7f) || byte == '\n';
	case ANY_BYTES:
		break;
	}
	return true;
}

static enum status
check_field(const struct field *field, struct bytes value) {
	if (value.len < field->min || value.len > field->max)
		return fail(STATUS_INVALID, "%s: %zu bytes, expected %u to %u", field->name, value.len, field->min,
			    field->max);
	if (field->characters == ANY_BYTES)
		return OK;
	for (size_t i = 0; i < value.len; i++)
		if (!is_allowed(value.data[i], field->characters))
			return fail(STATUS_INVALID, "%s: byte 0x%02x at offset %zu", field->name, value.data[i], i);
	return OK;
}

/* values[tag − 1] receives each field; a field that is absent stays empty. */
static enum status
read_fields(struct bytes payload, const char *message, const struct field *fields, size_t count, struct bytes *values) {
	struct cursor cursor = cursor_of(payload);
	size_t next = 0;
	while (cursor.left > 0) {
		uint8_t tag;
		uint32_t length;
		TRY(cursor_u8(&cursor, message, &tag));
		TRY(cursor_u32be(&cursor, message, &length));
		if (tag == 0 || tag > count)
			return fail(STATUS_INVALID, "%s.tag: unknown field %u", message, tag);
		if (tag <= next)
			return fail(STATUS_INVALID, "%s.order: field %u after field %zu", message, tag, next);
		for (; next + 1 < tag; next++)
			if (fields[next].required)
				return fail(STATUS_INVALID, "%s: missing", fields[next].name);
		next = tag;
		TRY(cursor_take(&cursor, message, length, &values[tag - 1]));
		TRY(check_field(&fields[tag - 1], values[tag - 1]));
	}
	for (; next < count; next++)
		if (fields[next].required)
			return fail(STATUS_INVALID, "%s: missing", fields[next].name);
	return OK;
}

static void
write_field(struct buffer *payload, unsigned tag, struct bytes value) {
	uint8_t head[5] = {(uint8_t)tag};
	if (value.data == nullptr)
		return;
	/* A length over 32 bits cannot pass: ipc_end() refuses a frame of a thousandth of that. */
	store_u32be(head + 1, value.len > UINT32_MAX ? UINT32_MAX : (uint32_t)value.len);
	if (!buffer_reserve(payload, sizeof head + value.len))
		return;
	buffer_append(payload, head, sizeof head);
	buffer_append_bytes(payload, value);
}

static void
write_u16(struct buffer *payload, unsigned tag, uint16_t number) {
	uint8_t bytes[2] = {(uint8_t)(number >> 8), (uint8_t)number};
	write_field(payload, tag, BYTES_OF_ARRAY(bytes));
}

static void
write_u64(struct buffer *payload, unsigned tag, uint64_t number) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	write_field(payload, tag, BYTES_OF_ARRAY(bytes));
}

static uint64_t
u64_of(struct bytes value) {
	return value.len < 8 ? 0 : load_u64be(value.data);
}

static uint32_t
u32_of(struct bytes value) {
	return value.len < 4 ? 0 : load_u32be(value.data);
}

static uint16_t
u16_of(struct bytes value) {
	return value.len < 2 ? 0 : (uint16_t)(value.data[0] << 8 | value.data[1]);
}

static uint8_t
u8_of(struct bytes value) {
	return value.len < 1 ? 0 : value.data[0];
}

/* --- Request --- */

enum request_tag {
	REQUEST_METHOD = 1,
	REQUEST_TARGET,
	REQUEST_HOST,
	REQUEST_CONTENT_TYPE,
	REQUEST_CONTENT_DIGEST,
	REQUEST_IDEMPOTENCY_KEY,
	REQUEST_SIGNATURE_INPUT,
	REQUEST_SIGNATURE,
	REQUEST_LAST_EVENT_ID,
	REQUEST_PEER_ADDRESS,
	REQUEST_PEER_PORT,
	REQUEST_TLS_GROUP,
	REQUEST_CLIENT_CERTIFICATE,
	REQUEST_BODY,
	REQUEST_COOKIE,
	REQUEST_END,
};

static const struct field request_fields[REQUEST_END - 1] = {
	[REQUEST_METHOD - 1] = {"ipc.request.method", 1, IPC_METHOD_MAX, VISIBLE, true},
	[REQUEST_TARGET - 1] = {"ipc.request.target", 1, IPC_TARGET_MAX, VISIBLE, true},
	[REQUEST_HOST - 1] = {"ipc.request.host", 1, IPC_FIELD_MAX, VISIBLE, true},
	[REQUEST_CONTENT_TYPE - 1] = {"ipc.request.content_type", 0, IPC_FIELD_MAX, PRINTED, false},
	[REQUEST_CONTENT_DIGEST - 1] = {"ipc.request.content_digest", 0, IPC_FIELD_MAX, PRINTED, false},
	[REQUEST_IDEMPOTENCY_KEY - 1] = {"ipc.request.idempotency_key", 0, IPC_FIELD_MAX, PRINTED, false},
	[REQUEST_SIGNATURE_INPUT - 1] = {"ipc.request.signature_input", 0, IPC_FIELD_MAX, PRINTED, false},
	[REQUEST_SIGNATURE - 1] = {"ipc.request.signature", 0, IPC_FIELD_MAX, PRINTED, false},
	[REQUEST_LAST_EVENT_ID - 1] = {"ipc.request.last_event_id", 0, IPC_FIELD_MAX, PRINTED, false},
	[REQUEST_PEER_ADDRESS - 1] = {"ipc.request.peer_address", 4, 16, ANY_BYTES, true},
	[REQUEST_PEER_PORT - 1] = {"ipc.request.peer_port", 2, 2, ANY_BYTES, true},
	[REQUEST_TLS_GROUP - 1] = {"ipc.request.tls_group", 1, 64, VISIBLE, true},
	[REQUEST_CLIENT_CERTIFICATE - 1] = {"ipc.request.client_certificate", 32, 32, ANY_BYTES, false},
	[REQUEST_BODY - 1] = {"ipc.request.body", 0, IPC_BODY_MAX, ANY_BYTES, false},
	[REQUEST_COOKIE - 1] = {"ipc.request.cookie", 0, IPC_FIELD_MAX, PRINTED, false},
};

void
ipc_write_request(struct buffer *payload, const struct ipc_request *request) {
	write_field(payload, REQUEST_METHOD, request->method);
	write_field(payload, REQUEST_TARGET, request->target);
	write_field(payload, REQUEST_HOST, request->host);
	write_field(payload, REQUEST_CONTENT_TYPE, request->content_type);
	write_field(payload, REQUEST_CONTENT_DIGEST, request->content_digest);
	write_field(payload, REQUEST_IDEMPOTENCY_KEY, request->idempotency_key);
	write_field(payload, REQUEST_SIGNATURE_INPUT, request->signature_input);
	write_field(payload, REQUEST_SIGNATURE, request->signature);
	write_field(payload, REQUEST_LAST_EVENT_ID, request->last_event_id);
	write_field(payload, REQUEST_PEER_ADDRESS, request->reported.peer_address);
	write_u16(payload, REQUEST_PEER_PORT, request->reported.peer_port);
	write_field(payload, REQUEST_TLS_GROUP, request->reported.tls_group);
	write_field(payload, REQUEST_CLIENT_CERTIFICATE, request->reported.client_certificate);
	write_field(payload, REQUEST_BODY, request->body);
	write_field(payload, REQUEST_COOKIE, request->cookie);
}

enum status
ipc_read_request(struct bytes payload, struct ipc_request *request) {
	struct bytes values[REQUEST_END - 1] = {};
	TRY(read_fields(payload, "ipc.request", request_fields, ARRAY_LENGTH(values), values));
	if (values[REQUEST_PEER_ADDRESS - 1].len != 4 && values[REQUEST_PEER_ADDRESS - 1].len != 16)
		return fail(STATUS_INVALID, "ipc.request.peer_address: %zu bytes, expected 4 or 16",
			    values[REQUEST_PEER_ADDRESS - 1].len);
	*request = (struct ipc_request){
		.method = values[REQUEST_METHOD - 1],
		.target = values[REQUEST_TARGET - 1],
		.host = values[REQUEST_HOST - 1],
		.content_type = values[REQUEST_CONTENT_TYPE - 1],
		.content_digest = values[REQUEST_CONTENT_DIGEST - 1],
		.idempotency_key = values[REQUEST_IDEMPOTENCY_KEY - 1],
		.signature_input = values[REQUEST_SIGNATURE_INPUT - 1],
		.signature = values[REQUEST_SIGNATURE - 1],
		.last_event_id = values[REQUEST_LAST_EVENT_ID - 1],
		.cookie = values[REQUEST_COOKIE - 1],
		.body = values[REQUEST_BODY - 1],
		.reported =
			{
				.peer_address = values[REQUEST_PEER_ADDRESS - 1],
				.peer_port = u16_of(values[REQUEST_PEER_PORT - 1]),
				.tls_group = values[REQUEST_TLS_GROUP - 1],
				.client_certificate = values[REQUEST_CLIENT_CERTIFICATE - 1],
			},
	};
	return OK;
}

const char *
ipc_request_field(unsigned tag) {
	return tag == 0 || tag >= REQUEST_END ? nullptr : request_fields[tag - 1].name;
}

/* --- Response --- */

enum response_tag {
	RESPONSE_STATUS = 1,
	RESPONSE_CONTENT_TYPE,
	RESPONSE_OPERATION,
	RESPONSE_LOCATION,
	RESPONSE_RETRY_AFTER,
	RESPONSE_CACHE_CONTROL,
	RESPONSE_ETAG,
	RESPONSE_IS_FEED,
	RESPONSE_BODY,
	RESPONSE_STREAM,
	RESPONSE_SET_COOKIE,
	RESPONSE_END,
};

static const struct field response_fields[RESPONSE_END - 1] = {
	[RESPONSE_STATUS - 1] = {"ipc.response.status", 2, 2, ANY_BYTES, true},
	[RESPONSE_CONTENT_TYPE - 1] = {"ipc.response.content_type", 1, 128, PRINTED, false},
	[RESPONSE_OPERATION - 1] = {"ipc.response.operation", 64, 64, VISIBLE, false},
	[RESPONSE_LOCATION - 1] = {"ipc.response.location", 1, 1024, VISIBLE, false},
	[RESPONSE_RETRY_AFTER - 1] = {"ipc.response.retry_after", 1, 10, VISIBLE, false},
	[RESPONSE_CACHE_CONTROL - 1] = {"ipc.response.cache_control", 1, 128, PRINTED, false},
	[RESPONSE_ETAG - 1] = {"ipc.response.etag", 1, 128, VISIBLE, false},
	[RESPONSE_IS_FEED - 1] = {"ipc.response.is_feed", 0, 0, ANY_BYTES, false},
	[RESPONSE_BODY - 1] = {"ipc.response.body", 0, IPC_PAYLOAD_MAX, ANY_BYTES, false},
	[RESPONSE_STREAM - 1] = {"ipc.response.stream", 8, 8, ANY_BYTES, false},
	[RESPONSE_SET_COOKIE - 1] = {"ipc.response.set_cookie", 1, 256, PRINTED, false},
};

void
ipc_write_response(struct buffer *payload, const struct ipc_response *response) {
	write_u16(payload, RESPONSE_STATUS, response->status);
	write_field(payload, RESPONSE_CONTENT_TYPE, response->content_type);
	write_field(payload, RESPONSE_OPERATION, response->operation);
	write_field(payload, RESPONSE_LOCATION, response->location);
	write_field(payload, RESPONSE_RETRY_AFTER, response->retry_after);
	write_field(payload, RESPONSE_CACHE_CONTROL, response->cache_control);
	write_field(payload, RESPONSE_ETAG, response->etag);
	if (response->is_feed)
		write_field(payload, RESPONSE_IS_FEED, BYTES_OF_LITERAL(""));
	write_field(payload, RESPONSE_BODY, response->body);
	if (response->stream != 0)
		write_u64(payload, RESPONSE_STREAM, response->stream);
	write_field(payload, RESPONSE_SET_COOKIE, response->set_cookie);
}

enum status
ipc_read_response(struct bytes payload, struct ipc_response *response) {
	struct bytes values[RESPONSE_END - 1] = {};
	TRY(read_fields(payload, "ipc.response", response_fields, ARRAY_LENGTH(values), values));
	*response = (struct ipc_response){
		.status = u16_of(values[RESPONSE_STATUS - 1]),
		.content_type = values[RESPONSE_CONTENT_TYPE - 1],
		.operation = values[RESPONSE_OPERATION - 1],
		.location = values[RESPONSE_LOCATION - 1],
		.retry_after = values[RESPONSE_RETRY_AFTER - 1],
		.cache_control = values[RESPONSE_CACHE_CONTROL - 1],
		.etag = values[RESPONSE_ETAG - 1],
		.is_feed = values[RESPONSE_IS_FEED - 1].data != nullptr,
		.stream = u64_of(values[RESPONSE_STREAM - 1]),
		.set_cookie = values[RESPONSE_SET_COOKIE - 1],
		.body = values[RESPONSE_BODY - 1],
	};
	if (response->status < 200 || response->status > 599)
		return fail(STATUS_INVALID, "ipc.response.status: %u, expected 200 to 599", response->status);
	if (response->body.len > 0 && response->content_type.len == 0)
		return fail(STATUS_INVALID, "ipc.response.content_type: missing beside a body of %zu bytes",
			    response->body.len);
	return OK;
}

/* --- Credit, feed, report --- */

enum credit_tag { CREDIT_ORDINARY = 1, CREDIT_URGENT, CREDIT_END };

static const struct field credit_fields[CREDIT_END - 1] = {
	{"ipc.credit.ordinary", 4, 4, ANY_BYTES, true},
	{"ipc.credit.urgent", 4, 4, ANY_BYTES, true},
};

void
ipc_write_credit(struct buffer *payload, const struct ipc_credit *credit) {
	uint8_t ordinary[4], urgent[4];
	store_u32be(ordinary, credit->ordinary);
	store_u32be(urgent, credit->urgent);
	write_field(payload, CREDIT_ORDINARY, BYTES_OF_ARRAY(ordinary));
	write_field(payload, CREDIT_URGENT, BYTES_OF_ARRAY(urgent));
}

enum status
ipc_read_credit(struct bytes payload, struct ipc_credit *credit) {
	struct bytes values[CREDIT_END - 1] = {};
	TRY(read_fields(payload, "ipc.credit", credit_fields, ARRAY_LENGTH(values), values));
	*credit = (struct ipc_credit){u32_of(values[0]), u32_of(values[1])};
	return OK;
}

enum feed_tag { FEED_INDEX = 1, FEED_EVENT, FEED_DATA, FEED_END };

static const struct field feed_fields[FEED_END - 1] = {
	{"ipc.feed.index", 8, 8, ANY_BYTES, true},
	{"ipc.feed.event", 1, 64, VISIBLE, true},
	{"ipc.feed.data", 0, IPC_FEED_DATA_MAX, LINE, true},
};

void
ipc_write_feed(struct buffer *payload, const struct ipc_feed *feed) {
	write_u64(payload, FEED_INDEX, feed->index);
	write_field(payload, FEED_EVENT, feed->event);
	write_field(payload, FEED_DATA, feed->data);
}

enum status
ipc_read_feed(struct bytes payload, struct ipc_feed *feed) {
	struct bytes values[FEED_END - 1] = {};
	TRY(read_fields(payload, "ipc.feed", feed_fields, ARRAY_LENGTH(values), values));
	*feed = (struct ipc_feed){u64_of(values[0]), values[1], values[2]};
	return OK;
}

static const struct field stream_end_fields[] = {
	{"ipc.stream_end.stream", 8, 8, ANY_BYTES, true},
};

void
ipc_write_stream_end(struct buffer *payload, const struct ipc_stream_end *end) {
	write_u64(payload, 1, end->stream);
}

enum status
ipc_read_stream_end(struct bytes payload, struct ipc_stream_end *end) {
	struct bytes value;
	TRY(read_fields(payload, "ipc.stream_end", stream_end_fields, ARRAY_LENGTH(stream_end_fields), &value));
	*end = (struct ipc_stream_end){u64_of(value)};
	return OK;
}

enum report_tag { REPORT_READY = 1, REPORT_HEALTH, REPORT_METRICS, REPORT_INSTANCE, REPORT_END };

static const struct field report_fields[REPORT_END - 1] = {
	{"ipc.report.ready", 1, 1, ANY_BYTES, true},
	{"ipc.report.health", 2, 64 * 1024, LINE, true},
	{"ipc.report.metrics", 0, 512 * 1024, TEXT, true},
	{"ipc.report.instance", 1, 256, PRINTED, false},
};

void
ipc_write_report(struct buffer *payload, const struct ipc_report *report) {
	uint8_t ready[1] = {report->ready};
	write_field(payload, REPORT_READY, BYTES_OF_ARRAY(ready));
	write_field(payload, REPORT_HEALTH, report->health);
	write_field(payload, REPORT_METRICS, report->metrics);
	write_field(payload, REPORT_INSTANCE, report->instance);
}

enum status
ipc_read_report(struct bytes payload, struct ipc_report *report) {
	struct bytes values[REPORT_END - 1] = {};
	TRY(read_fields(payload, "ipc.report", report_fields, ARRAY_LENGTH(values), values));
	if (u8_of(values[0]) > 1)
		return fail(STATUS_INVALID, "ipc.report.ready: %u, expected 0 or 1", u8_of(values[0]));
	*report = (struct ipc_report){u8_of(values[0]) == 1, values[1], values[2], values[3]};
	return OK;
}

/* --- Fetch, fetched --- */

enum fetch_tag { FETCH_ACTION = 1, FETCH_BODY, FETCH_WITNESS, FETCH_END };

static const struct field fetch_fields[FETCH_END - 1] = {
	{"ipc.fetch.action", 1, 1, ANY_BYTES, true},
	{"ipc.fetch.body", 0, IPC_FETCH_BODY_MAX, ANY_BYTES, true},
	{"ipc.fetch.witness", 1, 1, ANY_BYTES, true},
};

void
ipc_write_fetch(struct buffer *payload, const struct ipc_fetch *fetch) {
	uint8_t action[1] = {(uint8_t)fetch->action};
	write_field(payload, FETCH_ACTION, BYTES_OF_ARRAY(action));
	write_field(payload, FETCH_BODY, fetch->body);
	write_field(payload, FETCH_WITNESS, bytes_of(&fetch->witness, 1));
}

enum status
ipc_read_fetch(struct bytes payload, struct ipc_fetch *fetch) {
	struct bytes values[FETCH_END - 1] = {};
	TRY(read_fields(payload, "ipc.fetch", fetch_fields, ARRAY_LENGTH(values), values));
	uint8_t action = u8_of(values[0]);
	if (action == 0 || action >= IPC_FETCH_ACTION_END)
		return fail(STATUS_INVALID, "ipc.fetch.action: unknown action %u", action);
	*fetch = (struct ipc_fetch){
		.action = (enum ipc_fetch_action)action, .body = values[1], .witness = u8_of(values[2])};
	return OK;
}

enum fetched_tag { FETCHED_STATUS = 1, FETCHED_CONTENT_TYPE, FETCHED_BODY, FETCHED_ERROR, FETCHED_END };

static const struct field fetched_fields[FETCHED_END - 1] = {
	{"ipc.fetched.status", 2, 2, ANY_BYTES, true},
	{"ipc.fetched.content_type", 0, 128, PRINTED, false},
	{"ipc.fetched.body", 0, IPC_FETCHED_BODY_MAX, ANY_BYTES, false},
	{"ipc.fetched.error", 1, 512, LINE, false},
};

void
ipc_write_fetched(struct buffer *payload, const struct ipc_fetched *fetched) {
	write_u16(payload, FETCHED_STATUS, fetched->status);
	write_field(payload, FETCHED_CONTENT_TYPE, fetched->content_type);
	write_field(payload, FETCHED_BODY, fetched->body);
	write_field(payload, FETCHED_ERROR, fetched->error);
}

enum status
ipc_read_fetched(struct bytes payload, struct ipc_fetched *fetched) {
	struct bytes values[FETCHED_END - 1] = {};
	TRY(read_fields(payload, "ipc.fetched", fetched_fields, ARRAY_LENGTH(values), values));
	*fetched = (struct ipc_fetched){u16_of(values[0]), values[1], values[2], values[3]};
	if (fetched->status != 0 && (fetched->status < 100 || fetched->status > 599))
		return fail(STATUS_INVALID, "ipc.fetched.status: %u, expected 0 or 100 to 599", fetched->status);
	if ((fetched->status == 0) != (fetched->error.data != nullptr))
		return fail(STATUS_INVALID, "ipc.fetched.error: expected with status 0 and only there");
	return OK;
}

/* --- Peers: party, length of the name, name; one behind the other. --- */

enum peers_tag { PEERS_OWN = 1, PEERS_DIALLED, PEERS_END };

constexpr uint8_t PARTY_MAX = 16;

static const struct field peers_fields[PEERS_END - 1] = {
	{"ipc.peers.own", 1, 1, ANY_BYTES, true},
	{"ipc.peers.dialled", 0, IPC_PEERS_MAX * (2 + IPC_PEER_NAME_MAX), ANY_BYTES, true},
};

void
ipc_write_peers(struct buffer *payload, const struct ipc_peers *peers) {
	uint8_t list[IPC_PEERS_MAX * (2 + IPC_PEER_NAME_MAX)];
	size_t len = 0;
	for (size_t i = 0; i < peers->count; i++) {
		const struct ipc_peer *peer = &peers->dialled[i];
		list[len++] = peer->party;
		list[len++] = (uint8_t)peer->name.len;
		memcpy(list + len, peer->name.data, peer->name.len);
		len += peer->name.len;
	}
	write_field(payload, PEERS_OWN, bytes_of(&peers->own, 1));
	write_field(payload, PEERS_DIALLED, bytes_of(list, len));
}

static enum status
read_peer(struct cursor *cursor, uint8_t before, struct ipc_peer *peer) {
	uint8_t len;
	TRY(cursor_u8(cursor, "ipc.peers.dialled", &peer->party));
	TRY(cursor_u8(cursor, "ipc.peers.dialled", &len));
	TRY(cursor_take(cursor, "ipc.peers.dialled", len, &peer->name));
	if (peer->party <= before || peer->party > PARTY_MAX)
		return fail(STATUS_INVALID, "ipc.peers.party: %u after %u", peer->party, before);
	if (len == 0 || len > IPC_PEER_NAME_MAX)
		return fail(STATUS_INVALID, "ipc.peers.name: %u characters", len);
	for (size_t i = 0; i < len; i++)
		if (!is_allowed(peer->name.data[i], VISIBLE))
			return fail(STATUS_INVALID, "ipc.peers.name: byte 0x%02x", peer->name.data[i]);
	return OK;
}

enum status
ipc_read_peers(struct bytes payload, struct ipc_peers *peers) {
	struct bytes values[PEERS_END - 1] = {};
	uint8_t before = 0;
	TRY(read_fields(payload, "ipc.peers", peers_fields, ARRAY_LENGTH(values), values));
	*peers = (struct ipc_peers){.own = u8_of(values[0])};
	if (peers->own > PARTY_MAX)
		return fail(STATUS_INVALID, "ipc.peers.own: party %u", peers->own);
	for (struct cursor cursor = cursor_of(values[1]); cursor.left > 0; peers->count++) {
		if (peers->count == IPC_PEERS_MAX)
			return fail(STATUS_INVALID, "ipc.peers.dialled: more than %zu", IPC_PEERS_MAX);
		TRY(read_peer(&cursor, before, &peers->dialled[peers->count]));
		before = peers->dialled[peers->count].party;
	}
	return OK;
}

/* --- Streams of peers --- */

enum peer_opened_tag { PEER_OPENED_PARTY = 1, PEER_OPENED_DIALLER, PEER_OPENED_END };

static const struct field peer_opened_fields[PEER_OPENED_END - 1] = {
	{"ipc.peer_opened.party", 1, 1, ANY_BYTES, true},
	{"ipc.peer_opened.dialler", 1, 1, ANY_BYTES, true},
};

void
ipc_write_peer_opened(struct buffer *payload, const struct ipc_peer_opened *opened) {
	uint8_t dialler = opened->is_dialler;
	write_field(payload, PEER_OPENED_PARTY, bytes_of(&opened->party, 1));
	write_field(payload, PEER_OPENED_DIALLER, bytes_of(&dialler, 1));
}

enum status
ipc_read_peer_opened(struct bytes payload, struct ipc_peer_opened *opened) {
	struct bytes values[PEER_OPENED_END - 1] = {};
	TRY(read_fields(payload, "ipc.peer_opened", peer_opened_fields, ARRAY_LENGTH(values), values));
	uint8_t party = u8_of(values[0]), dialler = u8_of(values[1]);
	if (party == 0 || party > PARTY_MAX)
		return fail(STATUS_INVALID, "ipc.peer_opened.party: %u", party);
	if (dialler > 1)
		return fail(STATUS_INVALID, "ipc.peer_opened.dialler: %u, expected 0 or 1", dialler);
	*opened = (struct ipc_peer_opened){party, dialler == 1};
	return OK;
}

static const struct field peer_data_fields[] = {
	{"ipc.peer_data.bytes", 1, IPC_PEER_BYTES_MAX, ANY_BYTES, true},
};

void
ipc_write_peer_data(struct buffer *payload, const struct ipc_peer_data *data) {
	write_field(payload, 1, data->bytes);
}

enum status
ipc_read_peer_data(struct bytes payload, struct ipc_peer_data *data) {
	return read_fields(payload, "ipc.peer_data", peer_data_fields, ARRAY_LENGTH(peer_data_fields), &data->bytes);
}

static const struct field peer_credit_fields[] = {
	{"ipc.peer_credit.bytes", 4, 4, ANY_BYTES, true},
};

void
ipc_write_peer_credit(struct buffer *payload, const struct ipc_peer_credit *credit) {
	uint8_t bytes[4];
	store_u32be(bytes, credit->bytes);
	write_field(payload, 1, BYTES_OF_ARRAY(bytes));
}

enum status
ipc_read_peer_credit(struct bytes payload, struct ipc_peer_credit *credit) {
	struct bytes value = {};
	TRY(read_fields(payload, "ipc.peer_credit", peer_credit_fields, ARRAY_LENGTH(peer_credit_fields), &value));
	credit->bytes = u32_of(value);
	return OK;
}

/* --- Work, worked --- */

static const struct field work_fields[] = {
	{"ipc.work.document", 1, IPC_BODY_MAX, ANY_BYTES, true},
};

void
ipc_write_work(struct buffer *payload, const struct ipc_work *work) {
	write_field(payload, 1, work->document);
}

enum status
ipc_read_work(struct bytes payload, struct ipc_work *work) {
	return read_fields(payload, "ipc.work", work_fields, ARRAY_LENGTH(work_fields), &work->document);
}
