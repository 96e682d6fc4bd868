/*
 * The payloads of the frames between the keeper and its peers, gateway, fetch and worker. Layout of each: docs/PROTOCOL.ipc.
 *
 * A payload is a list of fields: tag (one byte), length (four bytes, big-endian), value; tags ascend strictly. A reader
 * refuses an unknown, repeated, missing or misplaced tag by name, and every length that is out of its bounds. What is
 * read borrows from the payload; absent optional fields have len 0 and data null.
 *
 * Nothing in a request is trusted: `reported` is what the gateway says that it saw; the rest is what the client sent,
 * and the keeper verifies its signature.
 */
#ifndef GATEHOUSE_BASE_IPC_MESSAGES_H
#define GATEHOUSE_BASE_IPC_MESSAGES_H

#include "base/ipc.h"

constexpr size_t IPC_METHOD_MAX = 16;
constexpr size_t IPC_TARGET_MAX = 8 * 1024;
constexpr size_t IPC_FIELD_MAX = 8 * 1024;
constexpr size_t IPC_BODY_MAX = 896 * 1024; /* leaves room for everything else in a frame */
constexpr size_t IPC_FEED_DATA_MAX = 4 * 1024;
constexpr size_t IPC_FETCH_BODY_MAX = 256 * 1024;
constexpr size_t IPC_FETCHED_BODY_MAX = 64 * 1024;
constexpr size_t IPC_PEERS_MAX = 15; /* beside the keeper itself */
constexpr size_t IPC_PEER_NAME_MAX = 32;
constexpr size_t IPC_PEER_BYTES_MAX = 64 * 1024;
constexpr size_t IPC_PEER_WINDOW = 256 * 1024;

/* IPC_REQUEST and IPC_URGENT_REQUEST */
struct ipc_request {
	struct bytes method; /* "POST" */
	struct bytes target; /* origin form as received: "/v1/operations?limit=10" */
	struct bytes host;   /* of here on: header field values as received, without surrounding white space */
	struct bytes content_type;
	struct bytes content_digest;
	struct bytes idempotency_key;
	struct bytes signature_input;
	struct bytes signature;
	struct bytes last_event_id;
	struct bytes cookie;
	struct bytes body;
	struct {
		struct bytes peer_address; /* 4 or 16 bytes, network order */
		uint16_t peer_port;
		struct bytes tls_group;          /* "X25519MLKEM768" */
		struct bytes client_certificate; /* SHA-256 of its DER form, or absent */
	} reported;
};

void ipc_write_request(struct buffer *payload, const struct ipc_request *request);
enum status ipc_read_request(struct bytes payload, struct ipc_request *request);
/* A request's fields by their tags, from 1: "ipc.request.method"; null beyond the last. Whoever has to go through all goes by this. */
const char *ipc_request_field(unsigned tag);

/* IPC_RESPONSE */
struct ipc_response {
	uint16_t status;           /* 200 to 599 */
	struct bytes content_type; /* absent only with an empty body */
	struct bytes operation;    /* operation id, 64 hexadecimal digits, or absent */
	struct bytes location;
	struct bytes retry_after;   /* seconds, decimal */
	struct bytes cache_control; /* absent: "no-store" is sent */
	struct bytes etag;
	struct bytes body;
	/* 200 to a request for live updates: the gateway keeps the connection open and sends it the feed. */
	bool is_feed;
	uint64_t stream;         /* of a feed: what IPC_STREAM_END calls it by; 0: nothing ends it */
	struct bytes set_cookie; /* a cookie and its attributes, or absent */
};

void ipc_write_response(struct buffer *payload, const struct ipc_response *response);
enum status ipc_read_response(struct bytes payload, struct ipc_response *response);

/* IPC_CREDIT: adds to what the gateway may have outstanding. Granted after the hello, then one back per answered
 * request (many at once is fine). Without credit the gateway answers 503 and the keeper never hears of the request. */
struct ipc_credit {
	uint32_t ordinary;
	uint32_t urgent;
};

void ipc_write_credit(struct buffer *payload, const struct ipc_credit *credit);
enum status ipc_read_credit(struct bytes payload, struct ipc_credit *credit);

/* IPC_FEED: one event. index ascends strictly over the life of the ledger: clients resume after it. */
struct ipc_feed {
	uint64_t index;
	struct bytes event; /* visible ASCII: "entry" */
	struct bytes data;  /* one line of JSON */
};

void ipc_write_feed(struct buffer *payload, const struct ipc_feed *feed);
enum status ipc_read_feed(struct bytes payload, struct ipc_feed *feed);

/* IPC_STREAM_END: the connections that were answered with a feed of that stream end. */
struct ipc_stream_end {
	uint64_t stream;
};

void ipc_write_stream_end(struct buffer *payload, const struct ipc_stream_end *end);
enum status ipc_read_stream_end(struct bytes payload, struct ipc_stream_end *end);

/* IPC_REPORT */
struct ipc_report {
	bool ready;
	struct bytes health;  /* a JSON object, shown as "keeper" in /healthz and /readyz */
	struct bytes metrics; /* OpenMetrics text without "# EOF" */
	/* Of the installation, once it is known: the gateway computes operation ids with it when the keeper is lost. */
	struct bytes instance;
};

void ipc_write_report(struct buffer *payload, const struct ipc_report *report);
enum status ipc_read_report(struct bytes payload, struct ipc_report *report);

/* IPC_FETCH: one row of the table of what fetch does (helpers/fetch.c). Where it goes is configured, never asked for. */
enum ipc_fetch_action {
	IPC_FETCH_WITNESS_ADD = 1,    /* body: a request of tlog-witness, for POST add-checkpoint */
	IPC_FETCH_WITNESS_NEWEST = 2, /* body: SHA-256 of the log's origin, for GET <hash>/checkpoint */
	IPC_FETCH_NOTIFY = 3,         /* body: a notice (model/notice.h), for the notification of that number */
	IPC_FETCH_ACTION_END,
};

struct ipc_fetch {
	enum ipc_fetch_action action;
	struct bytes body;
	uint8_t witness; /* or notification: in the order of the configuration, from 0 */
};

void ipc_write_fetch(struct buffer *payload, const struct ipc_fetch *fetch);
enum status ipc_read_fetch(struct bytes payload, struct ipc_fetch *fetch);

/* IPC_FETCHED: bytes of a stranger, not trusted by anyone. */
struct ipc_fetched {
	uint16_t status; /* of HTTP, 100 to 599; 0: no answer came, and error says why */
	struct bytes content_type;
	struct bytes body;
	struct bytes error; /* one line */
};

void ipc_write_fetched(struct buffer *payload, const struct ipc_fetched *fetched);
enum status ipc_read_fetched(struct bytes payload, struct ipc_fetched *fetched);

/* IPC_PEERS: replaces what was said before. */
struct ipc_peers {
	uint8_t own; /* party; 0: this keeper is not enrolled, and no peers are */
	struct ipc_peer {
		uint8_t party;
		struct bytes name; /* as the configuration calls it */
	} dialled[IPC_PEERS_MAX];  /* parties ascend */
	size_t count;
};

void ipc_write_peers(struct buffer *payload, const struct ipc_peers *peers);
enum status ipc_read_peers(struct bytes payload, struct ipc_peers *peers);

/* IPC_PEER_OPENED */
struct ipc_peer_opened {
	uint8_t party;   /* that was dialled, or that whoever dialled says it is */
	bool is_dialler; /* the gateway has dialled */
};

void ipc_write_peer_opened(struct buffer *payload, const struct ipc_peer_opened *opened);
enum status ipc_read_peer_opened(struct bytes payload, struct ipc_peer_opened *opened);

/* IPC_PEER_DATA */
struct ipc_peer_data {
	struct bytes bytes; /* 1 to 64 KiB */
};

void ipc_write_peer_data(struct buffer *payload, const struct ipc_peer_data *data);
enum status ipc_read_peer_data(struct bytes payload, struct ipc_peer_data *data);

/* IPC_PEER_CREDIT: the gateway begins with IPC_PEER_WINDOW for each stream, the keeper with nothing. */
struct ipc_peer_credit {
	uint32_t bytes;
};

void ipc_write_peer_credit(struct buffer *payload, const struct ipc_peer_credit *credit);
enum status ipc_read_peer_credit(struct bytes payload, struct ipc_peer_credit *credit);

/* IPC_WORK and IPC_WORKED: documents of docs/PROTOCOL.work. */
struct ipc_work {
	struct bytes document;
};

void ipc_write_work(struct buffer *payload, const struct ipc_work *work);
enum status ipc_read_work(struct bytes payload, struct ipc_work *work);

#endif
