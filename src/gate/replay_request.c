#include "gate/replay_request.h"

void
replay_request_free(struct replay_request *request) {
	policy_entities_destroy(&request->entities);
}

enum status
replay_request_make(struct arena *arena, const struct bundle *bundle, const struct decision_record *record,
		    struct replay_request *made) {
	const json *facts;
	made->facts = ARENA_NEW(arena, struct facts);
	TRY_ALLOC(made->facts);
	facts_start(made->facts, arena);
	TRY(json_read(arena, record->facts, (struct json_limits){}, &facts));
	TRY(facts_read(made->facts, facts));
	TRY(facts_context(made->facts, &made->context));
	TRY(policy_entities_create(&made->entities));
	TRY(policy_entities_read(made->entities, &(struct policy_source){"entities", record->entities},
				 (struct policy_entities_options){}, nullptr));
	TRY(bundle_put_entities(bundle, made->entities));
	TRY(policy_entities_seal(made->entities));
	made->request = (struct policy_request){record->principal, record->action, record->resource, &made->context};
	return OK;
}
