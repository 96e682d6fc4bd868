/*
 * Whether values, entities and requests fit a schema, and reading them from JSON where the schema says what they are.
 *
 * With a schema, JSON may leave out what it tells: an entity is {"type","id"}, an extension value is its text or {"fn","arg"}.
 * Several findings are made per run: what does not fit is told, and looking goes on.
 * Findings: "fit.*". Source: Cedar 4.5, "Schema: validating requests and entities", "JSON format for entities".
 */
#ifndef GATEHOUSE_POLICY_FIT_H
#define GATEHOUSE_POLICY_FIT_H

#include "policy/entities.h"
#include "policy/policy.h"
#include "policy/schema.h"

constexpr size_t FIT_PATH_MAX = 160; /* names further down are left out of paths */

struct fit {
	const struct policy_schema *schema;
	/* Called with each finding, which stands at the path; null: the first one is kept as the detail. */
	void (*found)(struct fit *fit, const char *name, const char *sentence);
	void *context;                   /* of whoever is called */
	struct bytes path[FIT_PATH_MAX]; /* "attrs", "owner": below the entity or request */
	size_t depth;
	size_t findings;
};

void fit_value(struct fit *fit, const struct type *type, const struct value *value);
/* An action must be what the schema declares, and everything else of a declared type. */
void fit_entity(struct fit *fit, const struct policy_entity *entity);
void fit_request(struct fit *fit, const struct policy_request *request);

/* STATUS_INVALID with the first finding. */
enum status policy_request_fit(const struct policy_schema *schema, const struct policy_request *request);

/* A value of JSON, guided by the type (null: nothing is known); whether it is of that type is for fit_value(). Where it is
 * malformed fit->path leads there. Errors: "value.*". */
enum status fit_read_value(struct fit *fit, struct arena *arena, const json *encoded, const struct type *type,
			   struct value *value);

/* Puts every action of the schema, with what it is in. Does not seal. */
enum status policy_entities_put_actions(struct policy_entities *entities, const struct policy_schema *schema);

/* {"principal","action","resource","context"}, uids with or without __entity. schema may be null; with one the request must fit
 * it. The request lives in the arena and borrows from the source. Findings: json.*, request.*, value.*, fit.*. */
enum status policy_request_read(struct arena *arena, const struct policy_source *source,
				const struct policy_schema *schema, struct policy_diagnostics *diagnostics,
				struct policy_request *request);

#endif
