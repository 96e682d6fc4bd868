#include "policy/bench_applications.h"

#include <stdio.h>

constexpr uint32_t PER_KIND = 50;
constexpr uint32_t EDGE_PERCENT = 5;
constexpr size_t PARENTS_MAX = 2 * PER_KIND + 8;
constexpr size_t FIELDS_MAX = 8;
constexpr size_t ID_SIZE = 24;
constexpr uint32_t NO_NUMBER = UINT32_MAX;

uint32_t
bench_draw_below(struct bench_draw *draw, uint32_t limit) {
	draw->state = draw->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(draw->state >> 33) % limit;
}

static bool
draw_percent(struct bench_draw *draw, uint32_t percent) {
	return bench_draw_below(draw, 100) < percent;
}

/* An entity being put together; what it points to stands in here. */
struct draft {
	char ids[PARENTS_MAX][ID_SIZE];
	struct entity_uid parents[PARENTS_MAX];
	size_t parent_count;
	struct value_field fields[FIELDS_MAX]; /* given by ascending name */
	size_t field_count;
	struct arena arena;
};

static void
free_draft(struct draft *draft) {
	arena_free(&draft->arena);
}

/* "7", "7-readers", or the suffix alone. */
static void
name_id(char *id, const char *suffix, uint32_t number) {
	if (number == NO_NUMBER)
		snprintf(id, ID_SIZE, "%s", suffix);
	else
		snprintf(id, ID_SIZE, "%u%s", number, suffix);
}

static void
add_parent(struct draft *draft, const char *type, const char *suffix, uint32_t number) {
	if (draft->parent_count == PARENTS_MAX)
		return;
	char *id = draft->ids[draft->parent_count];
	name_id(id, suffix, number);
	draft->parents[draft->parent_count++] = (struct entity_uid){bytes_of_text(type), bytes_of_text(id)};
}

/* Among those of a lower number, so that there is no cycle, or among all. */
static void
draw_parents(struct draft *draft, struct bench_draw *draw, const char *type, uint32_t below) {
	for (uint32_t i = 0; i < below; i++)
		if (draw_percent(draw, EDGE_PERCENT))
			add_parent(draft, type, "", i);
}

static void
add_field(struct draft *draft, const char *name, struct value value) {
	draft->fields[draft->field_count++] = (struct value_field){bytes_of_text(name), value};
}

static struct value
make_entity(struct draft *draft, const char *type, const char *suffix, uint32_t number) {
	char *id = arena_alloc(&draft->arena, ID_SIZE);
	name_id(id, suffix, number);
	return value_entity(bytes_of_text(type), bytes_of_text(id));
}

static struct value
draw_set(struct draft *draft, struct bench_draw *draw, const char *type) {
	struct value *items = ARENA_NEW_ARRAY(&draft->arena, PER_KIND, struct value);
	size_t count = 0;
	for (uint32_t i = 0; i < PER_KIND; i++)
		if (draw_percent(draw, EDGE_PERCENT))
			items[count++] = make_entity(draft, type, "", i);
	return value_set(items, count);
}

static enum status
put(struct policy_entities *entities, struct draft *draft, const char *type, const char *suffix, uint32_t number) {
	char id[ID_SIZE];
	name_id(id, suffix, number);
	struct value attributes = {.type = VALUE_RECORD, .record = {draft->fields, draft->field_count}};
	struct policy_entity entity = {
		.uid = {bytes_of_text(type), bytes_of_text(id)},
		.attributes = &attributes,
		.parents = draft->parents,
		.parent_count = draft->parent_count,
	};
	draft->parent_count = draft->field_count = 0;
	enum status status = policy_entities_put(entities, &entity);
	arena_reset(&draft->arena);
	return status;
}

static void
ask(struct bench_request *request, struct bench_draw *draw, const char *principal, const char *action,
    const char *resource) {
	name_id(request->ids[0], "", bench_draw_below(draw, PER_KIND));
	name_id(request->ids[1], "", bench_draw_below(draw, PER_KIND));
	request->request = (struct policy_request){
		.principal = {bytes_of_text(principal), bytes_of_text(request->ids[0])},
		.action = {BYTES_OF_LITERAL("Action"), bytes_of_text(action)},
		.resource = {bytes_of_text(resource), bytes_of_text(request->ids[1])},
	};
}

static enum status
fill_gdrive(struct policy_entities *entities, struct bench_draw *draw) {
	_cleanup_(free_draft) struct draft draft = {};
	for (uint32_t i = 0; i < PER_KIND; i++) {
		draw_parents(&draft, draw, "View", i);
		TRY(put(entities, &draft, "View", "", i));
		draw_parents(&draft, draw, "Folder", i);
		draw_parents(&draft, draw, "View", PER_KIND);
		TRY(put(entities, &draft, "Folder", "", i));
		draw_parents(&draft, draw, "Folder", PER_KIND);
		draw_parents(&draft, draw, "View", PER_KIND);
		add_field(&draft, "isPublic", value_boolean(draw_percent(draw, EDGE_PERCENT)));
		TRY(put(entities, &draft, "Document", "", i));
		TRY(put(entities, &draft, "Group", "", i));
		draw_parents(&draft, draw, "Group", PER_KIND);
		add_field(&draft, "documentsAndFoldersWithViewAccess",
			  make_entity(&draft, "View", "", bench_draw_below(draw, PER_KIND)));
		add_field(&draft, "ownedDocuments", draw_set(&draft, draw, "Document"));
		add_field(&draft, "ownedFolders", draw_set(&draft, draw, "Folder"));
		TRY(put(entities, &draft, "User", "", i));
	}
	return OK;
}

static void
ask_gdrive(struct bench_request *request, struct bench_draw *draw) {
	static const char *const actions[] = {"read", "write", "share", "changeOwner", "createDocument"};
	uint32_t action = bench_draw_below(draw, ARRAY_LENGTH(actions));
	ask(request, draw, "User", actions[action], action == 4 ? "Folder" : "Document");
}

static const char *const github_actions[] = {"read", "triage", "write", "maintain", "admin"};

/* An organisation's permissions are readers ⊃ writers ⊃ admins, a repository's five in a row: who has more is in those below. */
static enum status
fill_github_permissions(struct policy_entities *entities, struct draft *draft, uint32_t i) {
	static const char *const organisation[] = {"-readers", "-writers", "-admins"};
	static const char *const repository[] = {"-readers", "-triagers", "-writers", "-maintainers", "-admins"};
	for (size_t level = 0; level < ARRAY_LENGTH(organisation); level++) {
		if (level > 0)
			add_parent(draft, "OrgPermission", organisation[level - 1], i);
		TRY(put(entities, draft, "OrgPermission", organisation[level], i));
	}
	for (size_t level = 0; level < ARRAY_LENGTH(repository); level++) {
		if (level > 0)
			add_parent(draft, "RepoPermission", repository[level - 1], i);
		TRY(put(entities, draft, "RepoPermission", repository[level], i));
	}
	add_field(draft, "admins", make_entity(draft, "OrgPermission", "-admins", i));
	add_field(draft, "readers", make_entity(draft, "OrgPermission", "-readers", i));
	add_field(draft, "writers", make_entity(draft, "OrgPermission", "-writers", i));
	return put(entities, draft, "Organization", "", i);
}

static enum status
fill_github(struct policy_entities *entities, struct bench_draw *draw) {
	_cleanup_(free_draft) struct draft draft = {};
	for (size_t level = 0; level < ARRAY_LENGTH(github_actions); level++) {
		if (level + 1 < ARRAY_LENGTH(github_actions))
			add_parent(&draft, "Action", github_actions[level + 1], NO_NUMBER);
		TRY(put(entities, &draft, "Action", github_actions[level], NO_NUMBER));
	}
	for (uint32_t i = 0; i < PER_KIND; i++) {
		TRY(fill_github_permissions(entities, &draft, i));
		add_field(&draft, "admins", make_entity(&draft, "RepoPermission", "-admins", i));
		add_field(&draft, "maintainers", make_entity(&draft, "RepoPermission", "-maintainers", i));
		add_field(&draft, "owner", make_entity(&draft, "Organization", "", bench_draw_below(draw, PER_KIND)));
		add_field(&draft, "readers", make_entity(&draft, "RepoPermission", "-readers", i));
		add_field(&draft, "triagers", make_entity(&draft, "RepoPermission", "-triagers", i));
		add_field(&draft, "writers", make_entity(&draft, "RepoPermission", "-writers", i));
		TRY(put(entities, &draft, "Repository", "", i));
		draw_parents(&draft, draw, "Team", i);
		if (draw_percent(draw, 50))
			add_parent(&draft, "RepoPermission", "-writers", bench_draw_below(draw, PER_KIND));
		TRY(put(entities, &draft, "Team", "", i));
		draw_parents(&draft, draw, "Team", PER_KIND);
		if (draw_percent(draw, 50))
			add_parent(&draft, "OrgPermission", "-readers", bench_draw_below(draw, PER_KIND));
		if (draw_percent(draw, 50))
			add_parent(&draft, "RepoPermission", "-maintainers", bench_draw_below(draw, PER_KIND));
		TRY(put(entities, &draft, "User", "", i));
	}
	return OK;
}

static void
ask_github(struct bench_request *request, struct bench_draw *draw) {
	ask(request, draw, "User", github_actions[bench_draw_below(draw, ARRAY_LENGTH(github_actions))], "Repository");
}

static enum status
fill_tinytodo(struct policy_entities *entities, struct bench_draw *draw) {
	_cleanup_(free_draft) struct draft draft = {};
	TRY(put(entities, &draft, "Application", "TinyTodo", NO_NUMBER));
	for (uint32_t i = 0; i < PER_KIND; i++) {
		draw_parents(&draft, draw, "Team", i);
		add_parent(&draft, "Application", "TinyTodo", NO_NUMBER);
		TRY(put(entities, &draft, "Team", "", i));
		draw_parents(&draft, draw, "Team", PER_KIND);
		add_parent(&draft, "Application", "TinyTodo", NO_NUMBER);
		TRY(put(entities, &draft, "User", "", i));
		add_parent(&draft, "Application", "TinyTodo", NO_NUMBER);
		add_field(&draft, "editors", make_entity(&draft, "Team", "", bench_draw_below(draw, PER_KIND)));
		add_field(&draft, "name", value_text("a list"));
		add_field(&draft, "owner", make_entity(&draft, "User", "", bench_draw_below(draw, PER_KIND)));
		add_field(&draft, "readers", make_entity(&draft, "Team", "", bench_draw_below(draw, PER_KIND)));
		add_field(&draft, "tasks", value_set(nullptr, 0));
		TRY(put(entities, &draft, "List", "", i));
	}
	return OK;
}

static void
ask_tinytodo(struct bench_request *request, struct bench_draw *draw) {
	static const char *const actions[] = {"GetList",    "UpdateList", "DeleteList", "CreateTask", "UpdateTask",
					      "DeleteTask", "EditShares", "CreateList", "GetLists"};
	uint32_t action = bench_draw_below(draw, ARRAY_LENGTH(actions));
	ask(request, draw, "User", actions[action], "List");
	if (action >= 7)
		request->request.resource =
			(struct entity_uid){BYTES_OF_LITERAL("Application"), BYTES_OF_LITERAL("TinyTodo")};
}

const struct bench_application bench_applications[] = {
	{"gdrive", "cedar/bench/gdrive/policies.cedar", fill_gdrive, ask_gdrive},
	{"github", "cedar/bench/github/policies.cedar", fill_github, ask_github},
	{"tinytodo", "cedar/bench/tinytodo/tinytodo.cedar", fill_tinytodo, ask_tinytodo},
};
const size_t bench_application_count = ARRAY_LENGTH(bench_applications);
