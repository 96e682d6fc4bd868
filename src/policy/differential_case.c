#include "policy/differential_case.h"

const char *const construct_names[CONSTRUCT_COUNT] = {
#define X(name) #name,
	DIFFERENTIAL_CONSTRUCTS(X)
#undef X
};

uint32_t
draft_below(struct draft *draft, uint32_t limit) {
	draft->random = draft->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(draft->random >> 33) % limit;
}

bool
draft_percent(struct draft *draft, uint32_t percent) {
	return draft_below(draft, 100) < percent;
}

void
draft_count(struct draft *draft, enum construct construct) {
	draft->counts[construct]++;
}

const char *
draft_action_type(struct draft *draft) {
	return draft->namespace == nullptr ? "Action" : arena_format(draft->arena, "%s::Action", draft->namespace);
}

static const char *
keep(struct draft *draft, const struct buffer *text) {
	return arena_text(draft->arena, buffer_bytes(text));
}

/* --- Values as JSON. --- */

static void write_value(struct draft *draft, const struct draft_type *type, struct buffer *to);

static void
write_uid(struct draft *draft, size_t entity, uint32_t id, bool is_explicit, struct buffer *to) {
	buffer_append_format(
		to, is_explicit ? "{\"__entity\":{\"type\":\"%s\",\"id\":\"%u\"}}" : "{\"type\":\"%s\",\"id\":\"%u\"}",
		draft->entities[entity].name, id);
}

static bool
draw_explicit(struct draft *draft) {
	bool is_explicit = !draft->is_implicit || draft_percent(draft, 30);
	draft_count(draft, is_explicit ? CONSTRUCT_entity_explicit : CONSTRUCT_entity_implicit);
	return is_explicit;
}

static void
write_extension(struct draft *draft, enum draft_kind kind, struct buffer *to) {
	static const char *const functions[] = {[DRAFT_DECIMAL] = "decimal",
						[DRAFT_IPADDR] = "ip",
						[DRAFT_DATETIME] = "datetime",
						[DRAFT_DURATION] = "duration"};
	static const char *const texts[][4] = {
		[DRAFT_DECIMAL] = {"1.0", "-1.2345", "0.5", "2.50"},
		[DRAFT_IPADDR] = {"10.0.0.1", "10.1.0.0/16", "::1", "ff02::1"},
		[DRAFT_DATETIME] = {"2024-02-29", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z",
				    "2024-10-15T11:35:00+0130"},
		[DRAFT_DURATION] = {"1d2h", "-1h", "0ms", "90m"},
	};
	const char *text = draft_below(draft, 200) == 0 ? "nonsense" : texts[kind][draft_below(draft, 4)];
	if (draw_explicit(draft))
		buffer_append_format(to, "{\"__extn\":{\"fn\":\"%s\",\"arg\":\"%s\"}}", functions[kind], text);
	else if (draft_percent(draft, 50))
		buffer_append_format(to, "{\"fn\":\"%s\",\"arg\":\"%s\"}", functions[kind], text);
	else
		buffer_append_format(to, "\"%s\"", text);
}

static void
write_fields(struct draft *draft, const struct draft_type *record, struct buffer *to) {
	const char *separator = "";
	buffer_append_text(to, "{");
	for (size_t i = 0; i < record->field_count; i++) {
		if (draft_below(draft, 1'000) < (record->fields[i].is_optional ? 400 : 3))
			continue;
		buffer_append_format(to, "%s\"%s\":", separator, record->fields[i].name);
		write_value(draft, record->fields[i].type, to);
		separator = ",";
	}
	if (draft_below(draft, 300) == 0) {
		draft_count(draft, CONSTRUCT_entity_unfit);
		buffer_append_format(to, "%s\"unknown\":1", separator);
	}
	buffer_append_text(to, "}");
}

static void
write_value(struct draft *draft, const struct draft_type *type, struct buffer *to) {
	static const char *const strings[] = {"", "a", "ab", "a*b", "k0", "\\u00e9", "\\n\\t", "0"};
	static const int longs[] = {0, 1, 2, 3, -1, 7, 11, 1000000};
	enum draft_kind kind = type->kind;
	if (draft_below(draft, 300) == 0) { /* another type */
		draft_count(draft, CONSTRUCT_entity_unfit);
		kind = draft_below(draft, DRAFT_DURATION + 1);
	}
	switch (kind) {
	case DRAFT_BOOL:
		buffer_append_text(to, draft_percent(draft, 50) ? "true" : "false");
		break;
	case DRAFT_LONG:
		buffer_append_format(to, "%d", longs[draft_below(draft, ARRAY_LENGTH(longs))]);
		break;
	case DRAFT_STRING:
		buffer_append_format(to, "\"%s\"", strings[draft_below(draft, ARRAY_LENGTH(strings))]);
		break;
	case DRAFT_ENTITY: {
		bool is_enum = draft->entities[type->entity].is_enum;
		write_uid(draft, type->entity, draft_below(draft, is_enum && !draft_percent(draft, 3) ? 2 : 3),
			  draw_explicit(draft), to);
		break;
	}
	case DRAFT_SET:
		buffer_append_text(to, "[");
		for (uint32_t i = draft_below(draft, 4); i > 0; i--) {
			write_value(draft, type->element, to);
			buffer_append_text(to, i > 1 ? "," : "");
		}
		buffer_append_text(to, "]");
		break;
	case DRAFT_RECORD:
		write_fields(draft, type, to);
		break;
	default:
		write_extension(draft, kind, to);
	}
}

/* --- Entities. --- */

static void
write_parents(struct draft *draft, size_t number, uint32_t id, struct buffer *to) {
	const char *separator = "";
	for (size_t parent = 0; parent < draft->entity_count; parent++)
		for (uint32_t above = 0; above < DRAFT_IDS; above++) {
			bool is_declared = draft->entities[number].parents[parent];
			if (parent == number && above <= id) /* upwards by id, so that there is no cycle */
				continue;
			if (!draft_percent(draft, is_declared ? 35 : 0) && !(draft_below(draft, 2'000) == 0))
				continue;
			draft_count(draft, CONSTRUCT_entity_parent);
			buffer_append_text(to, separator);
			write_uid(draft, parent, above, draft_percent(draft, 30), to);
			separator = ",";
		}
}

static void
write_tags(struct draft *draft, const struct draft_type *tags, struct buffer *to) {
	const char *separator = "";
	buffer_append_text(to, ",\"tags\":{");
	for (size_t i = 0; i < 2; i++) {
		if (!draft_percent(draft, 60))
			continue;
		draft_count(draft, CONSTRUCT_entity_tag);
		buffer_append_format(to, "%s\"k%zu\":", separator, i);
		write_value(draft, tags, to);
		separator = ",";
	}
	buffer_append_text(to, "}");
}

static void
write_entities(struct draft *draft, struct buffer *to) {
	static const struct draft_type text = {.kind = DRAFT_STRING};
	const char *separator = "";
	buffer_append_text(to, "[");
	for (size_t i = 0; i < draft->entity_count; i++)
		for (uint32_t id = 0; id < DRAFT_IDS - (draft->entities[i].is_enum ? 1u : 0u); id++) {
			const struct draft_entity *entity = &draft->entities[i];
			if (draft_percent(draft, 15))
				continue;
			draft_count(draft, CONSTRUCT_entity);
			buffer_append_format(to, "%s{\"uid\":", separator);
			write_uid(draft, i, id, draft_percent(draft, 30), to);
			buffer_append_text(to, ",\"attrs\":");
			write_fields(draft, entity->shape, to);
			buffer_append_text(to, ",\"parents\":[");
			write_parents(draft, i, id, to);
			buffer_append_text(to, "]");
			if (entity->tags != nullptr || draft_below(draft, 200) == 0)
				write_tags(draft, entity->tags == nullptr ? &text : entity->tags, to);
			buffer_append_text(to, "}");
			separator = ",";
		}
	buffer_append_text(to, "]");
}

/* --- Requests. --- */

static size_t
draw_party(struct draft *draft, const size_t *types, size_t count) {
	if (count > 0 && !draft_percent(draft, 5))
		return types[draft_below(draft, (uint32_t)count)];
	draft_count(draft, CONSTRUCT_request_unfit);
	return draft_below(draft, (uint32_t)draft->entity_count);
}

static void
write_request(struct draft *draft, struct buffer *to) {
	const struct draft_action *action = &draft->actions[draft_below(draft, (uint32_t)draft->action_count)];
	draft_count(draft, CONSTRUCT_request);
	buffer_append_text(to, "{\"principal\":");
	write_uid(draft, draw_party(draft, action->principals, action->principal_count), draft_below(draft, DRAFT_IDS),
		  false, to);
	buffer_append_format(to, ",\"action\":{\"type\":\"%s\",\"id\":\"%s\"},\"resource\":", draft_action_type(draft),
			     draft_percent(draft, 3) ? "none" : action->id);
	write_uid(draft, draw_party(draft, action->resources, action->resource_count), draft_below(draft, DRAFT_IDS),
		  false, to);
	buffer_append_text(to, ",\"context\":");
	write_fields(draft, action->context, to);
	buffer_append_text(to, "}");
}

/* --- All of it. --- */

/* A byte lost or doubled: most often no policy any more. */
static void
damage(struct draft *draft, struct buffer *text) {
	size_t at = draft_below(draft, (uint32_t)text->len);
	draft_count(draft, CONSTRUCT_malformed_policy);
	if (text->data[at] < 0x80)
		memmove(text->data + at, text->data + at + 1, --text->len - at);
}

static uint64_t
seed_of(uint64_t seed, uint64_t salt) {
	return (seed + salt) * UINT64_C(0x9e3779b97f4a7c15) + salt;
}

enum status
differential_draw(struct arena *arena, uint64_t seed, size_t counts[CONSTRUCT_COUNT], struct differential_case *made) {
	struct draft draft = {.arena = arena, .random = seed_of(seed / CASES_PER_SCHEMA, 0x5c), .counts = counts};
	_cleanup_(buffer_free) struct buffer text = {};
	*made = (struct differential_case){};
	draft_schema(&draft);
	made->is_implicit = draft.is_implicit = draft_percent(&draft, 50);
	made->schema_is_json = draft_percent(&draft, 40);
	(made->schema_is_json ? draft_schema_json : draft_schema_text)(&draft, &text);
	made->schema = keep(&draft, &text);
	buffer_reset(&text);
	write_entities(&draft, &text);
	made->entities = keep(&draft, &text);
	buffer_reset(&text);
	draft.random = seed_of(seed, 0xa5);
	draft_policies(&draft, &text);
	if (draft_percent(&draft, 4))
		damage(&draft, &text);
	made->policies = keep(&draft, &text);
	for (size_t i = 0; i < ARRAY_LENGTH(made->templates) && draft_percent(&draft, 25); i++) {
		buffer_reset(&text);
		draft_template(&draft, i, made, &text);
		made->templates[i] = keep(&draft, &text);
	}
	made->is_json = draft_percent(&draft, 35) && !draft.has_far_integer;
	draft_count(&draft, made->is_json ? CONSTRUCT_set_in_json : CONSTRUCT_set_in_text);
	for (size_t i = 0; i < CASE_REQUESTS; i++) {
		buffer_reset(&text);
		write_request(&draft, &text);
		made->requests[i] = keep(&draft, &text);
	}
	return buffer_status(&text);
}
