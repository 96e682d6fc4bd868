#include "gateway/telemetry.h"

#include <stdio.h>

#include "base/json.h"
#include "gateway/http_request.h"
#include "gateway/internal.h"

static struct metric_histogram answer_times = {.first_ns = 50'000};

#define COUNTER(metric_name, metric_help, metric_labels)                                                               \
	{.name = (metric_name), .help = (metric_help), .kind = METRIC_COUNTER, .labels = (metric_labels)}
#define GAUGE(metric_name, metric_help) {.name = (metric_name), .help = (metric_help), .kind = METRIC_GAUGE}

struct telemetry telemetry = {
	.connections = GAUGE("gatehouse_gateway_connections", "Connections that are open."),
	.accepted = COUNTER("gatehouse_gateway_accepted", "Connections that were accepted.", nullptr),
	.over_limit = COUNTER("gatehouse_gateway_over_limit", "Connections closed at once: too many of one address.",
			      nullptr),
	.accept_pauses = COUNTER("gatehouse_gateway_accept_pauses",
				 "Pauses for want of descriptors or memory for one more connection.", nullptr),
	.handshakes_hybrid = COUNTER("gatehouse_gateway_handshakes", "TLS handshakes.", "group=\"hybrid\""),
	.handshakes_classical = COUNTER("gatehouse_gateway_handshakes", "TLS handshakes.", "group=\"classical\""),
	.handshakes_failed = COUNTER("gatehouse_gateway_handshakes_failed", "TLS handshakes that failed.", nullptr),
	.answers_2xx = COUNTER("gatehouse_gateway_answers", "Answers by status.", "status=\"2xx\""),
	.answers_4xx = COUNTER("gatehouse_gateway_answers", "Answers by status.", "status=\"4xx\""),
	.answers_5xx = COUNTER("gatehouse_gateway_answers", "Answers by status.", "status=\"5xx\""),
	.refused_no_keeper = COUNTER("gatehouse_gateway_unavailable", "Requests that the keeper was not asked.",
				     "reason=\"no_keeper\""),
	.refused_no_credit = COUNTER("gatehouse_gateway_unavailable", "Requests that the keeper was not asked.",
				     "reason=\"no_credit\""),
	.refused_backlog = COUNTER("gatehouse_gateway_unavailable", "Requests that the keeper was not asked.",
				   "reason=\"backlog\""),
	.outcomes_unknown = COUNTER("gatehouse_gateway_outcomes_unknown",
				    "Requests in flight when the keeper was lost or late.", nullptr),
	.late_answers = COUNTER("gatehouse_gateway_late_answers", "Answers whose client was gone.", nullptr),
	.keeper_losses = COUNTER("gatehouse_gateway_keeper_losses", "Times the channel to the keeper closed.", nullptr),
	.timeouts = COUNTER("gatehouse_gateway_timeouts", "Requests that came too slowly.", nullptr),
	.feed_clients = GAUGE("gatehouse_gateway_feed_clients", "Clients of live updates."),
	.feed_events = COUNTER("gatehouse_gateway_feed_events", "Events that the keeper sent.", nullptr),
	.relay_connections = GAUGE("gatehouse_peers_connections", "Connections to and from gateways of peers."),
	.relay_accepted = COUNTER("gatehouse_peers_accepted", "Connections that came in and were taken.", nullptr),
	.relay_turned_away =
		COUNTER("gatehouse_peers_turned_away",
			"Connections that came in and were closed at once: too many, or too fast.", nullptr),
	.relay_frames_refused = COUNTER("gatehouse_peers_frames_refused",
					"Connections ended by a frame that is none or goes elsewhere.", nullptr),
	.relay_dials = COUNTER("gatehouse_peers_dials", "Times that a peer's gateway was dialled.", nullptr),
	.relay_dials_failed = COUNTER("gatehouse_peers_dials_failed", "Those that brought no connection.", nullptr),
	.relay_bytes_in = COUNTER("gatehouse_peers_wire_bytes", "Bytes at the sockets.", "direction=\"in\""),
	.relay_bytes_out = COUNTER("gatehouse_peers_wire_bytes", "Bytes at the sockets.", "direction=\"out\""),
	.answer_time = {.name = "gatehouse_gateway_answer_seconds",
			.help = "Time from a request's frame to the keeper until its answer.",
			.kind = METRIC_HISTOGRAM,
			.histogram = &answer_times},
};

static struct metric *const listed[] = {
	&telemetry.connections,          &telemetry.accepted,
	&telemetry.over_limit,           &telemetry.handshakes_hybrid,
	&telemetry.handshakes_classical, &telemetry.handshakes_failed,
	&telemetry.answers_2xx,          &telemetry.answers_4xx,
	&telemetry.answers_5xx,          &telemetry.refused_no_keeper,
	&telemetry.refused_no_credit,    &telemetry.refused_backlog,
	&telemetry.outcomes_unknown,     &telemetry.late_answers,
	&telemetry.keeper_losses,        &telemetry.timeouts,
	&telemetry.feed_clients,         &telemetry.feed_events,
	&telemetry.relay_connections,    &telemetry.relay_accepted,
	&telemetry.relay_turned_away,    &telemetry.relay_frames_refused,
	&telemetry.relay_dials,          &telemetry.relay_dials_failed,
	&telemetry.relay_bytes_in,       &telemetry.relay_bytes_out,
	&telemetry.accept_pauses,        &telemetry.answer_time,
};

constexpr size_t REFUSALS_MAX = 64; /* as many as http_request.c has, and more */
static uint64_t refused[REFUSALS_MAX];

void
telemetry_count_refusal(const struct http_refusal *refusal) {
	size_t count;
	size_t number = (size_t)(refusal - http_refusals(&count));
	if (number < count && number < REFUSALS_MAX)
		refused[number]++;
}

void
telemetry_count_answer(unsigned status) {
	metric_add(status < 400   ? &telemetry.answers_2xx
		   : status < 500 ? &telemetry.answers_4xx
				  : &telemetry.answers_5xx,
		   1);
}

static void
write_refusals(struct buffer *to) {
	size_t count;
	const struct http_refusal *refusals = http_refusals(&count);
	buffer_append_text(to, "# TYPE gatehouse_gateway_refusals counter\n"
			       "# HELP gatehouse_gateway_refusals Requests refused before the keeper was asked.\n");
	for (size_t i = 0; i < count && i < REFUSALS_MAX; i++)
		buffer_append_format(to, "gatehouse_gateway_refusals_total{reason=\"%s\"} %llu\n", refusals[i].name,
				     (unsigned long long)refused[i]);
}

static void
write_degraded(const struct gateway *gateway, struct buffer *to) {
	buffer_append_text(to, "# TYPE gatehouse_confinement_degraded gauge\n"
			       "# HELP gatehouse_confinement_degraded 1: the process lacks some of its confinement.\n");
	for (enum ipc_role role = IPC_ROLE_NONE; role < IPC_ROLE_END; role++)
		if (role == IPC_ROLE_GATEWAY || gateway->others[role].text[0] != '\0')
			buffer_append_format(to, "gatehouse_confinement_degraded{process=\"%s\"} %d\n",
					     ipc_role_name(role),
					     role == IPC_ROLE_GATEWAY ? gateway->confinement.degraded
								      : gateway->others[role].degraded);
}

static void
write_ready(const struct gateway *gateway, struct buffer *to) {
	buffer_append_format(to,
			     "# TYPE gatehouse_ready gauge\n"
			     "# HELP gatehouse_ready 1: operations are decided, as /readyz says.\n"
			     "gatehouse_ready %d\n",
			     telemetry_is_ready(gateway));
}

void
telemetry_write_metrics(const struct gateway *gateway, struct buffer *to) {
	metrics_write(to, listed, ARRAY_LENGTH(listed));
	write_refusals(to);
	write_degraded(gateway, to);
	write_ready(gateway, to);
	buffer_append_bytes(to, buffer_bytes(&gateway->keeper.metrics));
	if (to->len > 0 && !to->failed && to->data[to->len - 1] != '\n')
		buffer_append_byte(to, '\n');
	buffer_append_text(to, "# EOF\n");
}

bool
telemetry_is_ready(const struct gateway *gateway) {
	return gateway->keeper.ready && !gateway->draining;
}

/* By process, in the order of their names. */
static void
write_confinement(const struct gateway *gateway, struct arena *arena, struct json_writer *writer) {
	static const enum ipc_role roles[] = {IPC_ROLE_FETCH, IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER, IPC_ROLE_SUPERVISOR,
					      IPC_ROLE_WORKER};
	json_write_object(writer);
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		const char *text = gateway->others[roles[i]].text;
		const json *said = nullptr;
		if (roles[i] != IPC_ROLE_GATEWAY && text[0] == '\0')
			continue;
		json_write_key(writer, ipc_role_name(roles[i]));
		if (roles[i] == IPC_ROLE_GATEWAY)
			confine_write(writer, &gateway->confinement);
		else if (json_read(arena, bytes_of_text(text), (struct json_limits){}, &said) == OK)
			json_write_value(writer, said);
		else
			json_write_null(writer); /* not what the processes write: nothing is known of it */
	}
	json_write_end(writer);
}

enum status
telemetry_write_health(const struct gateway *gateway, struct buffer *to) {
	const struct keeper_link *link = &gateway->keeper;
	_cleanup_(arena_free) struct arena arena = {};
	const json *keeper = nullptr;
	/* The keeper's own words, read before they are quoted. */
	if (link->health.len > 0 &&
	    json_read(&arena, buffer_bytes(&link->health), (struct json_limits){}, &keeper) != OK)
		keeper = nullptr;
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_object(&writer);
	json_write_key(&writer, "confinement");
	write_confinement(gateway, &arena, &writer);
	json_write_key(&writer, "gateway");
	json_write_object(&writer);
	json_write_member_integer(&writer, "connections", gateway->connection_count);
	json_write_member_boolean(&writer, "draining", gateway->draining);
	json_write_member_text(&writer, "keeper",
			       link->poll == nullptr   ? "lost"
			       : link->channel.greeted ? "connected"
						       : "starting");
	json_write_member_boolean(&writer, "self_signed", gateway->config.tls.certificate == nullptr);
	json_write_end(&writer);
	json_write_key(&writer, "keeper");
	if (keeper == nullptr)
		json_write_null(&writer);
	else
		json_write_value(&writer, keeper);
	json_write_member_boolean(&writer, "ready", telemetry_is_ready(gateway));
	json_write_end(&writer);
	return json_writer_finish(&writer);
}
