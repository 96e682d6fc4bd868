/*
 * Which people together can do it: the smallest sets whose votes, with a request that anyone can make, lead to a permit.
 *
 * People who are in the same groups are worth the same, so sets are counted by such classes: how many of each. More votes never
 * hurt (the validator sees to it), so sizes are tried from none upwards and the first that suffices is the smallest.
 */
#include <stdio.h>

#include "policy/prove/scene.h"

constexpr size_t CLASSES_MAX = 12;
constexpr size_t GROUPS_MAX = 64;
constexpr size_t PEOPLE_MAX = 4096;
constexpr size_t TOGETHER_MAX = 12; /* people that are tried at most */
constexpr size_t TRIES_MAX = 5'000; /* sets, in one environment */

struct class_of_people {
	uint64_t groups; /* by number of group */
	struct bytes *people;
	size_t count;
};

struct people {
	struct prover prover;
	const struct prove_people *question;
	struct bytes groups[GROUPS_MAX]; /* that votes are counted in, by the environment's schema */
	size_t group_count;
	struct class_of_people classes[CLASSES_MAX];
	size_t class_count;
	struct prove_finding *findings;
	size_t finding_count, finding_capacity;
};

/* --- Facts of a context --- */

static const struct symbolic_field *
find_field(const struct symbolic *record, struct bytes name) {
	for (size_t i = 0; record->type == VALUE_RECORD && i < record->record.count; i++)
		if (bytes_equal(record->record.fields[i].name, name))
			return &record->record.fields[i];
	return nullptr;
}

/* The value at a dotted path, null where the context has none; *there: that all of it is present. */
static const struct symbolic *
find_fact(struct scene *scene, struct bytes path, const struct term **there) {
	const struct symbolic *value = &scene->seen;
	*there = scene->encoding.terms.yes;
	while (path.len > 0) {
		const uint8_t *dot = memchr(path.data, '.', path.len);
		size_t length = dot == nullptr ? path.len : (size_t)(dot - path.data);
		const struct symbolic_field *field = find_field(value, bytes_of(path.data, length));
		if (field == nullptr)
			return nullptr;
		*there = term_and(&scene->encoding.terms, *there, field->present);
		value = field->value;
		path = dot == nullptr ? (struct bytes){} : bytes_of(dot + 1, path.len - length - 1);
	}
	return value;
}

static const struct symbolic *
find_votes(struct scene *scene, const char *path) {
	const struct term *there;
	const struct symbolic *votes = find_fact(scene, bytes_of_text(path), &there);
	return votes != nullptr && term_is_true(there) ? votes : nullptr;
}

/* --- Classes --- */

static enum status
add_person(struct people *people, uint64_t groups, struct bytes id) {
	struct arena *arena = people->prover.arena;
	size_t at = 0;
	while (at < people->class_count && people->classes[at].groups != groups)
		at++;
	if (at == CLASSES_MAX)
		return fail(STATUS_TOO_LARGE, "people.classes: more than %zu different memberships", CLASSES_MAX);
	struct class_of_people *class = &people->classes[at];
	if (at == people->class_count) {
		*class = (struct class_of_people){.groups = groups};
		class->people = ARENA_NEW_ARRAY(arena, people->question->person_count, struct bytes);
		TRY_ALLOC(class->people);
		people->class_count++;
	}
	class->people[class->count++] = id;
	return OK;
}

/* By the groups that the environment's votes are counted in. */
static enum status
sort_people(struct people *people, const struct symbolic *votes) {
	const struct prove_people *question = people->question;
	people->group_count = people->class_count = 0;
	if (votes->record.count > GROUPS_MAX)
		return fail(STATUS_TOO_LARGE, "people.groups: more than %zu groups", GROUPS_MAX);
	for (size_t i = 0; i < votes->record.count; i++)
		people->groups[people->group_count++] = votes->record.fields[i].name;
	for (size_t i = 0; i < question->person_count; i++) {
		uint64_t groups = 0;
		for (size_t j = 0; j < people->group_count; j++) {
			struct entity_uid group = {question->group_type, people->groups[j]};
			if (policy_entities_is_in(question->entities, question->people[i], group))
				groups |= UINT64_C(1) << j;
		}
		TRY(add_person(people, groups, question->people[i].id));
	}
	return OK;
}

/* --- One set --- */

static const struct term *
between(struct term_table *terms, const struct term *number, size_t most) {
	return term_and(terms, term_less_equal(terms, term_number(terms, 0), number),
			term_less_equal(terms, number, term_number(terms, (int64_t)most)));
}

/* No count is larger than so many people of each class can make it. */
static const struct term *
limit_votes(struct people *people, struct scene *scene, const size_t *counts) {
	struct term_table *terms = &scene->encoding.terms;
	const struct symbolic *groups = find_votes(scene, "approvals.group");
	const struct symbolic *total = find_votes(scene, "approvals.total");
	const struct symbolic *independent = find_votes(scene, "approvals.independent");
	const struct term *all = terms->yes;
	size_t sum = 0;
	for (size_t i = 0; i < people->class_count; i++)
		sum += counts[i];
	for (size_t i = 0; i < people->group_count; i++) {
		size_t most = 0;
		for (size_t j = 0; j < people->class_count; j++)
			most += people->classes[j].groups >> i & 1 ? counts[j] : 0;
		all = term_and(terms, all, between(terms, groups->record.fields[i].value->term, most));
	}
	if (total != nullptr)
		all = term_and(terms, all, between(terms, total->term, sum));
	return independent == nullptr ? all : term_and(terms, all, between(terms, independent->term, sum));
}

static enum status
confirm(struct scene *scene, struct prove_witness *witness, void *, bool *agrees) {
	_cleanup_(arena_free) struct arena scratch = {};
	struct replayed replayed;
	TRY(scene_replay(scene, 0, witness, &scratch, &replayed));
	*agrees = replayed.result.decision == POLICY_ALLOW;
	return OK;
}

/* "2 of a, b, c; 1 of d" */
static const char *
describe(const struct people *people, const size_t *counts) {
	_cleanup_(buffer_free) struct buffer text = {};
	constexpr size_t SHOWN_MAX = 20;
	for (size_t i = 0; i < people->class_count; i++) {
		const struct class_of_people *class = &people->classes[i];
		if (counts[i] == 0)
			continue;
		buffer_append_format(&text, "%s%zu of ", text.len == 0 ? "" : "; ", counts[i]);
		for (size_t j = 0; j < class->count && j < SHOWN_MAX; j++) {
			buffer_append_text(&text, j == 0 ? "" : ", ");
			buffer_append_bytes(&text, class->people[j]);
		}
		if (class->count > SHOWN_MAX)
			buffer_append_format(&text, " and %zu more", class->count - SHOWN_MAX);
	}
	if (text.len == 0)
		buffer_append_text(&text, "nobody: it needs no vote");
	return buffer_status(&text) == OK ? arena_text(people->prover.arena, buffer_bytes(&text)) : nullptr;
}

static enum status
add_finding(struct people *people, struct scene *scene, const struct judgement *judgement, const char *reason) {
	const struct policy_schema *schema = people->prover.schema;
	struct environment environment = scene->encoding.environment;
	const struct schema_action *action = policy_schema_action(schema, environment.action);
	if (people->finding_count == people->finding_capacity)
		return fail(STATUS_TOO_LARGE, "people.sets: more than %zu sets", people->finding_capacity);
	const char *subject = arena_format(people->prover.arena, "%.*s %.*s::\"%.*s\" %.*s",
					   BYTES_ARGS(policy_schema_entity(schema, environment.principal)->name),
					   BYTES_ARGS(action->uid.type), BYTES_ARGS(action->uid.id),
					   BYTES_ARGS(policy_schema_entity(schema, environment.resource)->name));
	TRY_ALLOC(subject);
	people->findings[people->finding_count++] = (struct prove_finding){.subject = bytes_of_text(subject),
									   .check = "together",
									   .verdict = judgement->verdict,
									   .reason = reason,
									   .witness = judgement->witness,
									   .environments = 1};
	return OK;
}

static enum status
add_set(struct people *people, struct scene *scene, const size_t *counts, const struct judgement *judgement) {
	const char *reason = judgement->reason;
	if (judgement->verdict == PROVE_COUNTEREXAMPLE) {
		reason = describe(people, counts);
		TRY_ALLOC(reason);
	}
	return add_finding(people, scene, judgement, reason);
}

/* --- All of one size --- */

struct size_search {
	struct people *people;
	struct scene *scene;
	const struct term *moved; /* permitted, and over the amount */
	size_t counts[CLASSES_MAX];
	size_t tries;
	bool is_found;
};

static enum status
try_set(struct size_search *search) {
	struct judgement judgement;
	if (++search->tries > TRIES_MAX)
		return fail(STATUS_TOO_LARGE, "people.tries: more than %zu sets to try", TRIES_MAX);
	const struct term *limits = limit_votes(search->people, search->scene, search->counts);
	TRY(scene_judge(search->scene, term_and(&search->scene->encoding.terms, search->moved, limits), confirm,
			nullptr, &judgement));
	if (judgement.verdict == PROVE_PROVED)
		return OK;
	search->is_found = true;
	return add_set(search->people, search->scene, search->counts, &judgement);
}

/* Recursion is bounded by CLASSES_MAX. */
static enum status
try_size(struct size_search *search, size_t class, size_t left) {
	const struct people *people = search->people;
	if (class == people->class_count)
		return left == 0 ? try_set(search) : OK;
	size_t most = people->classes[class].count < left ? people->classes[class].count : left;
	for (size_t count = 0; count <= most; count++) {
		search->counts[class] = count;
		TRY(try_size(search, class + 1, left - count));
	}
	search->counts[class] = 0;
	return OK;
}

static enum status
search_environment(struct people *people, struct scene *scene, const struct term *moved) {
	struct size_search search = {.people = people, .scene = scene, .moved = moved};
	struct judgement none = {.verdict = PROVE_PROVED};
	for (size_t size = 0; size <= TOGETHER_MAX && !search.is_found; size++) {
		if (size > people->question->person_count)
			return add_finding(people, scene, &none, "not all of them together");
		TRY(try_size(&search, 0, size));
	}
	return search.is_found ? OK : add_finding(people, scene, &none, "no set as small as was tried");
}

static enum status
visit(struct prover *prover, struct environment environment, void *context) {
	_cleanup_(scene_free) struct scene scene = {};
	struct people *people = context;
	const struct term *there;
	bool concerns;
	TRY(scene_start(&scene, prover, environment, &concerns));
	const struct symbolic *fact = find_fact(&scene, people->question->fact, &there);
	const struct symbolic *votes = find_votes(&scene, "approvals.group");
	if (fact == nullptr || fact->type != VALUE_LONG || votes == nullptr || votes->type != VALUE_RECORD)
		return OK;
	TRY(scene_compile(&scene));
	TRY(sort_people(people, votes));
	struct term_table *terms = &scene.encoding.terms;
	const struct term *all[] = {there,
				    term_less(terms, term_number(terms, people->question->more_than), fact->term),
				    scene_is_permitted(&scene, 0)};
	return search_environment(people, &scene, term_all(terms, all, ARRAY_LENGTH(all)));
}

enum status
policy_people(const struct policy_set *policies, const struct policy_schema *schema,
	      const struct prove_people *question, const struct prove_options *options, struct arena *arena,
	      struct prove_report *report) {
	constexpr size_t FINDINGS_MAX = 4096;
	struct people *people = ARENA_NEW(arena, struct people);
	TRY_ALLOC(people);
	*people = (struct people){
		.prover = {.schema = schema, .sets = {policies}, .set_count = 1, .wants_plain = true, .arena = arena},
		.question = question,
		.finding_capacity = FINDINGS_MAX};
	if (options != nullptr)
		people->prover.options = *options;
	*report = (struct prove_report){};
	if (question->person_count > PEOPLE_MAX)
		return fail(STATUS_TOO_LARGE, "people.count: more than %zu people", PEOPLE_MAX);
	TRY(prover_start(&people->prover));
	people->findings = ARENA_NEW_ARRAY(arena, FINDINGS_MAX, struct prove_finding);
	TRY_ALLOC(people->findings);
	enum status status = prover_visit(&people->prover, visit, people);
	prover_free(&people->prover);
	TRY(status);
	report->findings = people->findings;
	report->finding_count = people->finding_count;
	return prover_list_assumptions(&people->prover, report);
}

enum status
prove_people_find(struct arena *arena, struct bytes entities, struct bytes type, struct prove_people *question) {
	const json *root;
	TRY(json_read(arena, entities, (struct json_limits){.integers = JSON_INT64_INTEGERS}, &root));
	if (json_type_of(root) != JSON_ARRAY)
		return fail(STATUS_INVALID, "people.entities: expected an array");
	struct entity_uid *people = ARENA_NEW_ARRAY(arena, json_size(root), struct entity_uid);
	TRY_ALLOC(people);
	struct json_iterator items = json_iterate(root);
	for (const json *item; (item = json_next(&items, nullptr)) != nullptr;) {
		const json *uid = json_get(item, "uid");
		if (uid == nullptr)
			return fail(STATUS_INVALID, "people.entities: an entity without uid");
		TRY(value_read_uid(uid, &people[question->person_count]));
		question->person_count += bytes_equal(people[question->person_count].type, type);
	}
	question->people = people;
	return OK;
}
