/*
 * What the gateway counts, and the three pages that show it: /healthz, /readyz, /metrics. Nothing of a request is in
 * them.
 */
#ifndef GATEHOUSE_GATEWAY_TELEMETRY_H
#define GATEHOUSE_GATEWAY_TELEMETRY_H

#include "base/metrics.h"

struct gateway;

struct telemetry {
	struct metric connections, accepted, over_limit;
	struct metric handshakes_hybrid, handshakes_classical, handshakes_failed;
	struct metric answers_2xx, answers_4xx, answers_5xx;
	struct metric refused_no_keeper, refused_no_credit, refused_backlog;
	struct metric outcomes_unknown, late_answers, keeper_losses, timeouts;
	struct metric feed_clients, feed_events;
	struct metric relay_connections, relay_accepted, relay_turned_away, relay_frames_refused;
	struct metric accept_pauses;
	struct metric relay_dials, relay_dials_failed, relay_bytes_in, relay_bytes_out;
	struct metric answer_time; /* from the request's frame to the answer's */
};
extern struct telemetry telemetry;

/* A refusal by the HTTP reader, by its name (gateway/http_refusal.h). */
struct http_refusal;
void telemetry_count_refusal(const struct http_refusal *refusal);
void telemetry_count_answer(unsigned status);

void telemetry_write_metrics(const struct gateway *gateway, struct buffer *to);
/* A JSON object; the same for /healthz and /readyz, whose status differs. */
enum status telemetry_write_health(const struct gateway *gateway, struct buffer *to);
bool telemetry_is_ready(const struct gateway *gateway);

#endif
