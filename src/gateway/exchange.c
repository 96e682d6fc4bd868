#include "gateway/exchange.h"

#include "gateway/console.h"
#include "gateway/http_response.h"
#include "gateway/outcome.h"
#include "gateway/telemetry.h"

constexpr int64_t ANSWER_MS = 60'000; /* what the keeper has */

/* Where an answer goes; connection->close_when_sent says whether it is the last. */
static struct buffer *
start_answer(struct connection *connection) {
	struct gateway *gateway = connection->gateway;
	if (gateway->draining || connection->input_ended)
		connection->close_when_sent = true;
	if (connection_unsent(connection) == 0)
		connection->output_deadline_ms = connection_now_ms(gateway) + OUTPUT_MS;
	return &connection->output;
}

void
exchange_append(struct connection *connection, const struct ipc_response *response, const char *allow) {
	struct buffer *output = start_answer(connection);
	http_write_response(output, response, allow, connection->close_when_sent, time(nullptr));
	/* RFC 9110 §9.3.2: it has a length and no body, which would be read as the next answer. No route takes this method. */
	if (bytes_equal_text(http_method(&connection->reader), "HEAD") && !output->failed)
		output->len -= response->body.len;
	telemetry_count_answer(response->status);
}

void
exchange_finish(struct connection *connection) {
	connection_new_generation(connection);
	if (connection->close_when_sent) {
		connection_set_state(connection, FINISHING, OUTPUT_MS);
		return;
	}
	http_reader_reset(&connection->reader);
	connection_set_state(connection, READING, IDLE_MS);
}

void
exchange_answer_problem(struct connection *connection, const struct problem *problem, bool retry) {
	_cleanup_(buffer_free) struct buffer body = {};
	char allowed[ROUTE_ALLOWED_SIZE];
	bool names_methods = problem->status == 405;
	if (names_methods)
		route_allowed_methods(http_path(&connection->reader), allowed);
	problem_write(&body, problem);
	if (body.failed)
		connection->output.failed = true;
	struct ipc_response response = {
		.status = (uint16_t)problem->status,
		.content_type = BYTES_OF_LITERAL(PROBLEM_CONTENT_TYPE),
		.operation = problem->operation,
		.retry_after = retry ? BYTES_OF_LITERAL("1") : (struct bytes){},
		.body = buffer_bytes(&body),
	};
	exchange_append(connection, &response, names_methods ? allowed : nullptr);
	exchange_finish(connection);
}

void
exchange_refuse(struct connection *connection, bool close) {
	const struct http_refusal *refusal = connection->reader.refusal;
	if (close)
		connection->close_when_sent = true;
	telemetry_count_refusal(refusal);
	struct problem problem = {
		.status = refusal->status, .name = refusal->name, .detail = http_refusal_detail(&connection->reader)};
	exchange_answer_problem(connection, &problem, false);
}

void
exchange_answer_unknown(struct connection *connection, const char *detail) {
	char operation[OUTCOME_ID_SIZE];
	const struct http_reader *reader = &connection->reader;
	struct problem problem = {.status = 503, .name = "outcome-unknown", .detail = detail};
	if (outcome_operation_id(buffer_bytes(&connection->gateway->keeper.instance),
				 http_field(reader, HTTP_SIGNATURE_INPUT), http_field(reader, HTTP_IDEMPOTENCY_KEY),
				 operation))
		problem.operation = bytes_of_text(operation);
	metric_add(&telemetry.outcomes_unknown, 1);
	exchange_answer_problem(connection, &problem, true);
}

/* --- Requests --- */

static void
forward(struct connection *connection, bool urgent) {
	static const struct {
		struct metric *counter;
		const char *name, *detail;
	} refusals[] = {
		[LINK_NO_KEEPER] = {&telemetry.refused_no_keeper, "unavailable",
				    "The keeper is not there; nothing was recorded."},
		[LINK_NO_CREDIT] = {&telemetry.refused_no_credit, "overloaded",
				    "As many requests as are taken are under way; nothing was recorded."},
		[LINK_BACKLOG] = {&telemetry.refused_backlog, "overloaded",
				  "The keeper is behind; nothing was recorded."},
	};
	const struct http_reader *reader = &connection->reader;
	struct ipc_request request = {
		.method = http_method(reader),
		.target = http_target(reader),
		.host = http_field(reader, HTTP_HOST),
		.content_type = http_field(reader, HTTP_CONTENT_TYPE),
		.content_digest = http_field(reader, HTTP_CONTENT_DIGEST),
		.idempotency_key = http_field(reader, HTTP_IDEMPOTENCY_KEY),
		.signature_input = http_field(reader, HTTP_SIGNATURE_INPUT),
		.signature = http_field(reader, HTTP_SIGNATURE),
		.last_event_id = http_field(reader, HTTP_LAST_EVENT_ID),
		.cookie = http_field(reader, HTTP_COOKIE),
		.body = buffer_bytes(&reader->body),
		.reported =
			{
				.peer_address = {connection->address, connection->address_len},
				.peer_port = connection->port,
				.tls_group = bytes_of_text(connection->group),
				.client_certificate = {connection->has_certificate ? connection->certificate : nullptr,
						       connection->has_certificate ? sizeof connection->certificate
										   : 0},
			},
	};
	enum link_result result =
		keeper_link_request(connection->gateway, connection_token(connection), &request, urgent);
	if (result == LINK_SENT) {
		connection->asked_ns = uv_hrtime();
		connection_set_state(connection, WAITING, ANSWER_MS);
		return;
	}
	metric_add(refusals[result].counter, 1);
	struct problem problem = {.status = 503, .name = refusals[result].name, .detail = refusals[result].detail};
	exchange_answer_problem(connection, &problem, true);
}

static void
answer_page(struct connection *connection, enum route_action action) {
	const struct gateway *gateway = connection->gateway;
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response = {.status = 200, .content_type = BYTES_OF_LITERAL("application/json")};
	if (action == ROUTE_METRICS) {
		telemetry_write_metrics(gateway, &body);
		response.content_type = BYTES_OF_LITERAL(METRICS_CONTENT_TYPE);
	} else if (telemetry_write_health(gateway, &body) != OK)
		body.failed = true;
	if (action == ROUTE_READY && !telemetry_is_ready(gateway))
		response.status = 503;
	if (body.failed)
		connection->output.failed = true;
	response.body = buffer_bytes(&body);
	exchange_append(connection, &response, nullptr);
	exchange_finish(connection);
}

static void
answer_asset(struct connection *connection) {
	const struct http_reader *reader = &connection->reader;
	const struct console_asset *asset = console_find(http_path(reader));
	if (asset == nullptr) {
		http_reader_refuse(&connection->reader, REFUSED_NO_ROUTE, nullptr);
		exchange_refuse(connection, false);
		return;
	}
	unsigned status =
		console_write(start_answer(connection), asset, http_field(reader, HTTP_ACCEPT_ENCODING),
			      http_field(reader, HTTP_IF_NONE_MATCH), connection->close_when_sent, time(nullptr));
	telemetry_count_answer(status);
	exchange_finish(connection);
}

void
exchange_serve(struct connection *connection) {
	const struct http_reader *reader = &connection->reader;
	if (!http_keep_alive(reader))
		connection->close_when_sent = true;
	if (reader->refusal != nullptr) {
		exchange_refuse(connection, false);
		return;
	}
	switch (reader->route->action) {
	case ROUTE_FORWARD:
		forward(connection, false);
		break;
	case ROUTE_FORWARD_URGENT:
		forward(connection, true);
		break;
	case ROUTE_HEALTH:
	case ROUTE_READY:
	case ROUTE_METRICS:
		answer_page(connection, reader->route->action);
		break;
	case ROUTE_CONSOLE:
		answer_asset(connection);
		break;
	}
}
