#include "supervisor/config.h"

#include <arpa/inet.h>

#include "base/io.h"
#include "base/yaml_schema.h"
#include "keys/key.h"

/* What the file says, before it is checked as a whole. */
struct written_users {
	uint32_t gateway, keeper, watcher, worker, fetch;
};

struct written_guard {
	int kind;
	const char *path;
	struct yaml_texts witnesses;
	const char *policy;
	const char *certificates;
};

struct written_root_key {
	uint32_t descriptor;
	const char *credential;
	const char *file;
};

struct written_refresh {
	uint32_t days;
	struct yaml_objects keys;
};

struct written_tls {
	const char *certificate;
	const char *key;
	struct yaml_texts groups;
	int client_certificates;
};

struct written {
	struct yaml_objects listen;
	struct yaml_texts authority;
	struct written_tls tls;
	const char *data_directory;
	struct written_guard rollback_guard;
	struct written_root_key root_key;
	struct yaml_objects peers;
	struct config_listener peer_listener;
	const char *local_bundle;
	const char *vm_generation;
	struct written_refresh refresh;
	struct config_limits limits;
	struct written_users users;
	struct yaml_objects notifications;
	const char *console;
	int confinement;
	int log_level;
};

#define FIELD(structure, member) offsetof(struct structure, member)
#define SCHEMA(fields, structure) {(fields), ARRAY_LENGTH(fields), sizeof(struct structure), nullptr}

static const struct yaml_field LISTENER_FIELDS[] = {
	{"address", YAML_TEXT, FIELD(config_listener, address), .required = true},
	{"port", YAML_UINT16, FIELD(config_listener, port), .required = true},
};
static const struct yaml_schema LISTENER = SCHEMA(LISTENER_FIELDS, config_listener);

static const struct yaml_field PEER_FIELDS[] = {
	{"name", YAML_TEXT, FIELD(config_peer, name), .required = true},
	{"address", YAML_TEXT, FIELD(config_peer, address), .required = true},
	{"port", YAML_UINT16, FIELD(config_peer, port), .required = true},
};
static const struct yaml_schema PEER = SCHEMA(PEER_FIELDS, config_peer);

static const char *const CLIENT_CERTIFICATES[] = {"none", "request", nullptr};
static const struct yaml_field TLS_FIELDS[] = {
	{"certificate", YAML_TEXT, FIELD(written_tls, certificate)},
	{"key", YAML_TEXT, FIELD(written_tls, key)},
	{"groups", YAML_TEXTS, FIELD(written_tls, groups), .min = 1, .max = 3},
	{"client_certificates", YAML_CHOICE, FIELD(written_tls, client_certificates), .choices = CLIENT_CERTIFICATES},
};
static const struct yaml_schema TLS = SCHEMA(TLS_FIELDS, written_tls);

static const char *const GUARDS[] = {
	[CONFIG_GUARD_NONE] = "none", [CONFIG_GUARD_PATH] = "path", [CONFIG_GUARD_WITNESS] = "witness", nullptr};
static const struct yaml_field GUARD_FIELDS[] = {
	{"kind", YAML_CHOICE, FIELD(written_guard, kind), .required = true, .choices = GUARDS},
	{"path", YAML_TEXT, FIELD(written_guard, path)},
	{"witnesses", YAML_TEXTS, FIELD(written_guard, witnesses), .min = 1, .max = CONFIG_WITNESSES_MAX},
	{"policy", YAML_TEXT, FIELD(written_guard, policy)},
	{"certificates", YAML_TEXT, FIELD(written_guard, certificates)},
};
static const struct yaml_schema GUARD = SCHEMA(GUARD_FIELDS, written_guard);

static const struct yaml_field ROOT_KEY_FIELDS[] = {
	{"descriptor", YAML_UINT32, FIELD(written_root_key, descriptor), .min = 3, .max = 1023},
	{"credential", YAML_TEXT, FIELD(written_root_key, credential)},
	{"file", YAML_TEXT, FIELD(written_root_key, file)},
};
static const struct yaml_schema ROOT_KEY = SCHEMA(ROOT_KEY_FIELDS, written_root_key);

constexpr int64_t REFRESH_DAYS_MAX = 3'650;
static const struct yaml_field REFRESH_KEY_FIELDS[] = {
	{"key", YAML_TEXT, FIELD(config_refresh_key, key), .required = true},
	{"days", YAML_UINT32, FIELD(config_refresh_key, days), .required = true, .min = 0, .max = REFRESH_DAYS_MAX},
};
static const struct yaml_schema REFRESH_KEY = SCHEMA(REFRESH_KEY_FIELDS, config_refresh_key);
static const struct yaml_field REFRESH_FIELDS[] = {
	{"days", YAML_UINT32, FIELD(written_refresh, days), .min = 0, .max = REFRESH_DAYS_MAX},
	{"keys", YAML_OBJECTS, FIELD(written_refresh, keys), .min = 1, .max = CONFIG_REFRESH_KEYS_MAX,
	 .schema = &REFRESH_KEY},
};
static const struct yaml_schema REFRESH = SCHEMA(REFRESH_FIELDS, written_refresh);

static const struct yaml_field LIMIT_FIELDS[] = {
	{"connections", YAML_UINT32, FIELD(config_limits, connections), .min = 1, .max = 65'536},
	{"connections_per_address", YAML_UINT32, FIELD(config_limits, connections_per_address), .min = 1,
	 .max = 65'536},
	{"outstanding", YAML_UINT32, FIELD(config_limits, outstanding), .min = 1, .max = 65'536},
	{"outstanding_urgent", YAML_UINT32, FIELD(config_limits, outstanding_urgent), .min = 1, .max = 4'096},
	{"requests_per_principal_per_s", YAML_UINT32, FIELD(config_limits, requests_per_principal_per_s), .min = 1,
	 .max = 1'000'000},
	{"reads_per_principal_per_s", YAML_UINT32, FIELD(config_limits, reads_per_principal_per_s), .min = 1,
	 .max = 1'000'000},
	{"feed_clients", YAML_UINT32, FIELD(config_limits, feed_clients), .min = 0, .max = 65'536},
	{"session_overall_s", YAML_UINT32, FIELD(config_limits, session_overall_s), .min = 5, .max = 86'400},
	{"session_idle_s", YAML_UINT32, FIELD(config_limits, session_idle_s), .min = 5, .max = 3'600},
};
static const struct yaml_schema LIMITS = SCHEMA(LIMIT_FIELDS, config_limits);

#define USER_FIELD(name) {#name, YAML_UINT32, FIELD(written_users, name), .min = 1, .max = UINT32_MAX - 1}
static const struct yaml_field USER_FIELDS[] = {
	USER_FIELD(gateway), USER_FIELD(keeper), USER_FIELD(watcher), USER_FIELD(worker), USER_FIELD(fetch),
};
static const struct yaml_schema USERS = SCHEMA(USER_FIELDS, written_users);

static const char *const CONFINEMENTS[] = {"required", "degraded", nullptr};
static const char *const LOG_LEVELS[] = {"error", "warning", "notice", "info", "debug", nullptr};
static const struct yaml_field CONFIG_FIELDS[] = {
	{"listen", YAML_OBJECTS, FIELD(written, listen), .min = 1, .max = CONFIG_LISTENERS_MAX, .schema = &LISTENER},
	{"authority", YAML_TEXTS, FIELD(written, authority), .required = true, .min = 1, .max = CONFIG_AUTHORITIES_MAX},
	{"tls", YAML_OBJECT, FIELD(written, tls), .schema = &TLS},
	{"data_directory", YAML_TEXT, FIELD(written, data_directory), .required = true},
	{"rollback_guard", YAML_OBJECT, FIELD(written, rollback_guard), .required = true, .schema = &GUARD},
	{"root_key", YAML_OBJECT, FIELD(written, root_key), .required = true, .schema = &ROOT_KEY},
	{"peer_listen", YAML_OBJECT, FIELD(written, peer_listener), .schema = &LISTENER},
	{"peers", YAML_OBJECTS, FIELD(written, peers), .min = 1, .max = CONFIG_PEERS_MAX, .schema = &PEER},
	{"local_bundle", YAML_TEXT, FIELD(written, local_bundle)},
	{"vm_generation", YAML_TEXT, FIELD(written, vm_generation)},
	{"refresh", YAML_OBJECT, FIELD(written, refresh), .schema = &REFRESH},
	{"limits", YAML_OBJECT, FIELD(written, limits), .schema = &LIMITS},
	{"users", YAML_OBJECT, FIELD(written, users), .schema = &USERS},
	{"notifications", YAML_OBJECTS, FIELD(written, notifications), .max = CONFIG_NOTIFICATIONS_MAX,
	 .schema = &CONFIG_NOTIFICATION},
	{"console", YAML_TEXT, FIELD(written, console)},
	{"confinement", YAML_CHOICE, FIELD(written, confinement), .choices = CONFINEMENTS},
	{"log_level", YAML_CHOICE, FIELD(written, log_level), .choices = LOG_LEVELS},
};
static const struct yaml_schema CONFIG = SCHEMA(CONFIG_FIELDS, written);

static const struct config_listener DEFAULT_LISTENER = {"127.0.0.1", 8443};
static const char *const DEFAULT_GROUPS[] = {"X25519MLKEM768"};

static const struct written DEFAULTS = {
	.listen = {&DEFAULT_LISTENER, 1},
	.tls = {.groups = {DEFAULT_GROUPS, 1}},
	.refresh = {.days = 90},
	.limits = {.connections = 1024,
		   .connections_per_address = 256,
		   .outstanding = 256,
		   .outstanding_urgent = 16,
		   .requests_per_principal_per_s = 200,
		   .reads_per_principal_per_s = 500,
		   .feed_clients = 64,
		   .session_overall_s = 86'400,
		   .session_idle_s = 3'600},
	.users = {.gateway = 70'401, .keeper = 70'402, .watcher = 70'403, .worker = 70'404, .fetch = 70'405},
	.log_level = LOG_LEVEL_NOTICE,
};

/* Where a value stands that is wrong together with others: the file and the key's place. */
struct place {
	const char *name;
	const struct yaml_node *root;
};

/* "config.tls: gatehouse.yaml:12:3: ..." */
#define REFUSE(place, key, ...) refuse((place), (key), arena_format(&config->arena, __VA_ARGS__))

static enum status
refuse(const struct place *place, const char *key, const char *sentence) {
	const struct yaml_node *node = yaml_get(place->root, key);
	if (node == nullptr)
		node = place->root;
	return fail(STATUS_INVALID, "config.%s: %s:%zu:%zu: %s", key, place->name, node->line, node->column,
		    sentence == nullptr ? "out of memory" : sentence);
}

/* Each part of the configuration: checked and taken over. */

static bool
is_numeric_address(const char *text) {
	uint8_t address[16];
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static enum status
take_listeners(const struct place *place, const struct written *written, struct config *config) {
	const struct config_listener *listeners = written->listen.items;
	for (size_t i = 0; i < written->listen.count; i++) {
		if (!is_numeric_address(listeners[i].address))
			return REFUSE(place, "listen", "\"%s\" is no numeric address", listeners[i].address);
		config->listeners[i] = listeners[i];
	}
	config->listener_count = written->listen.count;
	return OK;
}

static bool
is_authority(const char *text) {
	size_t len = strlen(text);
	return len <= 255 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == len;
}

static enum status
take_authorities(const struct place *place, const struct written *written, struct config *config) {
	for (size_t i = 0; i < written->authority.count; i++) {
		if (!is_authority(written->authority.items[i]))
			return REFUSE(place, "authority", "\"%s\" is no lower-case host name with an optional port",
				      written->authority.items[i]);
		config->authorities[i] = written->authority.items[i];
	}
	config->authority_count = written->authority.count;
	return OK;
}

static enum status
take_groups(const struct place *place, const struct yaml_texts *groups, struct config *config) {
	static const char *const known[] = {"X25519MLKEM768", "X25519", "P-256"};
	if (strcmp(groups->items[0], known[0]) != 0)
		return REFUSE(place, "tls", "the first group must be %s", known[0]);
	config->tls.groups = "";
	for (size_t i = 0; i < groups->count; i++) {
		size_t number = 0;
		while (number < ARRAY_LENGTH(known) && strcmp(groups->items[i], known[number]) != 0)
			number++;
		if (number == ARRAY_LENGTH(known))
			return REFUSE(place, "tls", "group \"%s\": expected X25519MLKEM768, X25519 or P-256",
				      groups->items[i]);
		config->tls.classical_groups |= number > 0;
		/* "/": the next is taken only by a client that does not know the one before, whatever its key share is
		 * for. */
		config->tls.groups =
			arena_format(&config->arena, "%s%s%s", config->tls.groups, i == 0 ? "" : "/", groups->items[i]);
		TRY_ALLOC(config->tls.groups);
	}
	return OK;
}

static enum status
take_tls(const struct place *place, const struct written *written, struct config *config) {
	const struct written_tls *tls = &written->tls;
	if ((tls->certificate == nullptr) != (tls->key == nullptr))
		return REFUSE(place, "tls", "certificate and key go together; without both it is self-signed");
	config->tls.certificate = tls->certificate;
	config->tls.key = tls->key;
	config->tls.client_certificates = tls->client_certificates == 1;
	return take_groups(place, &tls->groups, config);
}

static bool
starts_with(const char *text, const char *start) {
	return strncmp(text, start, strlen(start)) == 0;
}

/* Without TLS anybody on the way could keep the witness away, and nobody would know who answers. */
static bool
is_witness_address(const char *address) {
	static const char *const allowed[] = {"https://", "http://127.0.0.1:", "http://[::1]:"};
	for (size_t i = 0; i < ARRAY_LENGTH(allowed); i++)
		if (starts_with(address, allowed[i]))
			return true;
	return false;
}

static enum status
take_witnesses(const struct place *place, const struct written_guard *guard, struct config *config) {
	if (guard->certificates != nullptr && guard->witnesses.count == 0)
		return REFUSE(place, "rollback_guard", "certificates belong to kind witness");
	if (guard->witnesses.count == 0)
		return OK;
	for (size_t i = 0; i < guard->witnesses.count; i++) {
		const char *address = guard->witnesses.items[i];
		if (!is_witness_address(address))
			return REFUSE(place, "rollback_guard",
				      "a witness is \"%s\", expected https://HOST[:PORT], or http://127.0.0.1:PORT",
				      address);
		for (size_t j = 0; j < i; j++)
			if (strcmp(address, guard->witnesses.items[j]) == 0)
				return REFUSE(place, "rollback_guard", "the witness %s is named twice", address);
		config->rollback_guard.witnesses[i] = address;
	}
	config->rollback_guard.witness_count = guard->witnesses.count;
	if (guard->policy[0] != '/' || (guard->certificates != nullptr && guard->certificates[0] != '/'))
		return REFUSE(place, "rollback_guard", "policy and certificates must be absolute");
	config->rollback_guard.witness_policy = guard->policy;
	config->rollback_guard.witness_certificates = guard->certificates;
	return OK;
}

static enum status
take_guard(const struct place *place, const struct written *written, struct config *config) {
	const struct written_guard *guard = &written->rollback_guard;
	bool wants_path = guard->kind == CONFIG_GUARD_PATH, wants_witness = guard->kind == CONFIG_GUARD_WITNESS;
	if (wants_path != (guard->path != nullptr))
		return REFUSE(place, "rollback_guard", "path belongs to kind path");
	if (wants_witness != (guard->witnesses.count > 0) || wants_witness != (guard->policy != nullptr))
		return REFUSE(place, "rollback_guard", "witnesses and policy belong to kind witness");
	config->rollback_guard.kind = (enum config_guard)guard->kind;
	config->rollback_guard.path = guard->path;
	TRY(take_witnesses(place, guard, config));
	if (!wants_path)
		return OK;
	/* A mark that is restored together with the data marks nothing. */
	size_t data = strlen(config->data_directory);
	if (strncmp(guard->path, config->data_directory, data) == 0 &&
	    (guard->path[data] == '/' || guard->path[data] == '\0'))
		return REFUSE(place, "rollback_guard", "path must lie outside data_directory");
	return guard->path[0] == '/' ? OK : REFUSE(place, "rollback_guard", "path must be absolute");
}

static enum status
take_root_key(const struct place *place, const struct written *written, struct config *config) {
	const struct written_root_key *key = &written->root_key;
	if ((key->descriptor != 0) + (key->credential != nullptr) + (key->file != nullptr) != 1)
		return REFUSE(place, "root_key", "expected one of descriptor, credential, file");
	if (key->credential != nullptr && strchr(key->credential, '/') != nullptr)
		return REFUSE(place, "root_key", "credential is a name, not a path");
	config->root_key.kind = key->descriptor != 0         ? CONFIG_ROOT_KEY_DESCRIPTOR
				: key->credential != nullptr ? CONFIG_ROOT_KEY_CREDENTIAL
							     : CONFIG_ROOT_KEY_FILE;
	config->root_key.descriptor = (int)key->descriptor;
	config->root_key.source = key->credential != nullptr ? key->credential : key->file;
	return OK;
}

static enum status
take_peers(const struct place *place, const struct written *written, struct config *config) {
	const struct config_peer *peers = written->peers.items;
	for (size_t i = 0; i < written->peers.count; i++) {
		size_t len = strlen(peers[i].name);
		if (len == 0 || len > 32 || strspn(peers[i].name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
			return REFUSE(place, "peers", "\"%s\" is no keeper's name", peers[i].name);
		if (!is_numeric_address(peers[i].address) || peers[i].port == 0)
			return REFUSE(place, "peers", "\"%s\" port %u is no numeric address with a port",
				      peers[i].address, peers[i].port);
		for (size_t j = 0; j < i; j++)
			if (strcmp(peers[i].name, peers[j].name) == 0)
				return REFUSE(place, "peers", "\"%s\" is named twice", peers[i].name);
		config->peers[i] = peers[i];
	}
	config->peer_count = written->peers.count;
	config->peer_listener = written->peer_listener;
	if (written->peer_listener.address != nullptr && !is_numeric_address(written->peer_listener.address))
		return REFUSE(place, "peer_listen", "\"%s\" is no numeric address", written->peer_listener.address);
	if (written->vm_generation != nullptr && written->vm_generation[0] != '/')
		return REFUSE(place, "vm_generation", "\"%s\" is not absolute", written->vm_generation);
	config->vm_generation = written->vm_generation;
	return OK;
}

static enum status
take_refresh(const struct place *place, const struct written *written, struct config *config) {
	const struct config_refresh_key *keys = written->refresh.keys.items;
	for (size_t i = 0; i < written->refresh.keys.count; i++) {
		if (key_check_id(bytes_of_text(keys[i].key)) != OK)
			return REFUSE(place, "refresh", "\"%s\" is no key's id", keys[i].key);
		for (size_t j = 0; j < i; j++)
			if (strcmp(keys[i].key, keys[j].key) == 0)
				return REFUSE(place, "refresh", "\"%s\" stands twice", keys[i].key);
		config->refresh.keys[i] = keys[i];
	}
	config->refresh.key_count = written->refresh.keys.count;
	config->refresh.days = written->refresh.days;
	return OK;
}

static enum status
take_users(const struct place *place, const struct written *written, struct config *config) {
	const struct written_users *users = &written->users;
	config->users[IPC_ROLE_GATEWAY] = users->gateway;
	config->users[IPC_ROLE_KEEPER] = users->keeper;
	config->users[IPC_ROLE_WATCHER] = users->watcher;
	config->users[IPC_ROLE_WORKER] = users->worker;
	config->users[IPC_ROLE_FETCH] = users->fetch;
	for (size_t a = IPC_ROLE_GATEWAY; a < IPC_ROLE_END; a++)
		for (size_t b = IPC_ROLE_GATEWAY; b < a; b++)
			if (config->users[a] == config->users[b])
				return REFUSE(place, "users",
					      "%s and %s have one number, %u: nothing would keep them apart",
					      ipc_role_name((enum ipc_role)b), ipc_role_name((enum ipc_role)a),
					      config->users[a]);
	return OK;
}

static enum status
take_notifications(const struct place *place, const struct written *written, struct config *config) {
	const struct config_notification *notifications = written->notifications.items;
	for (size_t i = 0; i < written->notifications.count; i++) {
		struct config_notification *taken = &config->notifications[i];
		*taken = notifications[i];
		const char *wrong = config_notification_check(taken);
		if (wrong != nullptr)
			return REFUSE(place, "notifications", "\"%s\": %s", taken->name, wrong);
		for (size_t j = 0; j < i; j++)
			if (strcmp(taken->name, notifications[j].name) == 0)
				return REFUSE(place, "notifications", "\"%s\" stands twice", taken->name);
	}
	config->notification_count = written->notifications.count;
	config->console = written->console != nullptr
				  ? written->console
				  : arena_format(&config->arena, "https://%s", config->authorities[0]);
	TRY_ALLOC(config->console);
	if (!starts_with(config->console, "https://") && !starts_with(config->console, "http://localhost"))
		return REFUSE(place, "console", "expected https://HOST[:PORT]");
	for (const char *c = config->console; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"'<>|\\", *c) != nullptr)
			return REFUSE(place, "console", "a character that it may not have");
	return OK;
}

static enum status
take(const struct place *place, const struct written *written, struct config *config) {
	if (written->data_directory[0] != '/')
		return REFUSE(place, "data_directory", "\"%s\" is not absolute", written->data_directory);
	config->data_directory = written->data_directory;
	if (written->local_bundle != nullptr && written->local_bundle[0] != '/')
		return REFUSE(place, "local_bundle", "\"%s\" is not absolute", written->local_bundle);
	config->local_bundle = written->local_bundle;
	config->limits = written->limits;
	config->confinement_degraded = written->confinement == 1;
	config->log_level = (enum log_level)written->log_level;
	TRY(take_listeners(place, written, config));
	TRY(take_authorities(place, written, config));
	TRY(take_tls(place, written, config));
	TRY(take_guard(place, written, config));
	TRY(take_root_key(place, written, config));
	TRY(take_peers(place, written, config));
	TRY(take_refresh(place, written, config));
	TRY(take_notifications(place, written, config));
	return take_users(place, written, config);
}

static enum status
parse(const char *name, struct bytes yaml, struct config *config) {
	_cleanup_(config_free) struct config made = {};
	struct written written = DEFAULTS;
	struct place place = {.name = name};
	made.source = arena_copy(&made.arena, yaml);
	TRY_ALLOC(made.source.data);
	TRY(yaml_read(&made.arena, name, made.source, &place.root));
	TRY(yaml_fill(&made.arena, name, place.root, &CONFIG, &written));
	TRY(take(&place, &written, &made));
	*config = made;
	made = (struct config){};
	return OK;
}

enum status
config_parse(struct bytes yaml, struct config *config) {
	return parse("gatehouse.yaml", yaml, config);
}

enum status
config_read_file(const char *path, struct config *config) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(io_read_file(io_system(), path, CONFIG_SIZE_MAX, &text));
	return parse(path, buffer_bytes(&text), config);
}

/* --- What a reload leaves alone. --- */

static bool
is_same(const char *a, const char *b) {
	return a == b || (a != nullptr && b != nullptr && strcmp(a, b) == 0);
}

static bool
are_same(const char *const *a, size_t a_count, const char *const *b, size_t b_count) {
	bool same = a_count == b_count;
	for (size_t i = 0; same && i < a_count; i++)
		same = is_same(a[i], b[i]);
	return same;
}

static bool
is_same_guard(const struct config *a, const struct config *b) {
	return a->rollback_guard.kind == b->rollback_guard.kind &&
	       is_same(a->rollback_guard.path, b->rollback_guard.path) &&
	       is_same(a->rollback_guard.witness_policy, b->rollback_guard.witness_policy) &&
	       is_same(a->rollback_guard.witness_certificates, b->rollback_guard.witness_certificates) &&
	       are_same(a->rollback_guard.witnesses, a->rollback_guard.witness_count, b->rollback_guard.witnesses,
			b->rollback_guard.witness_count);
}

static bool
is_same_root_key(const struct config *a, const struct config *b) {
	return a->root_key.kind == b->root_key.kind && a->root_key.descriptor == b->root_key.descriptor &&
	       is_same(a->root_key.source, b->root_key.source);
}

bool
config_has_same_peers(const struct config *a, const struct config *b) {
	bool same = a->peer_count == b->peer_count;
	for (size_t i = 0; same && i < a->peer_count; i++)
		same = is_same(a->peers[i].name, b->peers[i].name) &&
		       is_same(a->peers[i].address, b->peers[i].address) && a->peers[i].port == b->peers[i].port;
	return same;
}

static bool
is_same_notification(const struct config_notification *a, const struct config_notification *b) {
	return is_same(a->name, b->name) && a->kind == b->kind && is_same(a->url, b->url) && a->notices == b->notices &&
	       is_same(a->secret_file, b->secret_file) && is_same(a->certificates, b->certificates) &&
	       a->tls == b->tls && a->give_up_ms == b->give_up_ms && is_same(a->user, b->user) &&
	       is_same(a->from, b->from) && are_same(a->to.items, a->to.count, b->to.items, b->to.count);
}

static bool
are_same_notifications(const struct config *a, const struct config *b) {
	bool same = a->notification_count == b->notification_count && is_same(a->console, b->console);
	for (size_t i = 0; same && i < a->notification_count; i++)
		same = is_same_notification(&a->notifications[i], &b->notifications[i]);
	return same;
}

static bool
is_same_refresh(const struct config_refresh *a, const struct config_refresh *b) {
	bool same = a->days == b->days && a->key_count == b->key_count;
	for (size_t i = 0; same && i < a->key_count; i++)
		same = a->keys[i].days == b->keys[i].days && is_same(a->keys[i].key, b->keys[i].key);
	return same;
}

enum status
config_check_reload(const struct config *running, const struct config *read) {
	const struct {
		const char *name;
		bool is_same;
	} settings[] = {
		{"authority",
		 are_same(running->authorities, running->authority_count, read->authorities, read->authority_count)},
		{"tls.groups", is_same(running->tls.groups, read->tls.groups)},
		{"tls.client_certificates", running->tls.client_certificates == read->tls.client_certificates},
		{"data_directory", is_same(running->data_directory, read->data_directory)},
		{"rollback_guard", is_same_guard(running, read)},
		{"root_key", is_same_root_key(running, read)},
		{"peer_listen", running->peer_listener.port == read->peer_listener.port &&
					is_same(running->peer_listener.address, read->peer_listener.address)},
		{"vm_generation", is_same(running->vm_generation, read->vm_generation)},
		{"refresh", is_same_refresh(&running->refresh, &read->refresh)},
		{"limits", memcmp(&running->limits, &read->limits, sizeof read->limits) == 0},
		{"notifications", are_same_notifications(running, read)},
		{"users", memcmp(running->users, read->users, sizeof read->users) == 0},
		{"confinement", running->confinement_degraded == read->confinement_degraded},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
		if (!settings[i].is_same)
			return fail(STATUS_CONFLICT,
				    "config.reload: %s changes with a restart only; a reload covers certificates, "
				    "listeners, peers, the local bundle and the log level",
				    settings[i].name);
	return OK;
}

void
config_free(struct config *config) {
	arena_free(&config->arena);
	*config = (struct config){};
}
