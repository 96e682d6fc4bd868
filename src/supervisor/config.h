/*
 * gatehouse.yaml as a typed structure. The only reader of it; every process parses the same bytes, which the supervisor
 * read once. An unknown, repeated or ill-typed key is an error with line and column ("config.tls: gatehouse.yaml:3:5:
 * ..."). Documented example: examples/gatehouse.yaml. Owner: everything is in the config's arena.
 */
#ifndef GATEHOUSE_SUPERVISOR_CONFIG_H
#define GATEHOUSE_SUPERVISOR_CONFIG_H

#include "base/arena.h"
#include "base/ipc.h"
#include "base/log.h"
#include "supervisor/config_notifications.h"

constexpr size_t CONFIG_SIZE_MAX = 1024 * 1024;
constexpr size_t CONFIG_LISTENERS_MAX = 4;
constexpr size_t CONFIG_AUTHORITIES_MAX = 8;
constexpr size_t CONFIG_WITNESSES_MAX = 8;
constexpr size_t CONFIG_PEERS_MAX = 15;
constexpr size_t CONFIG_REFRESH_KEYS_MAX = 64;
constexpr size_t CONFIG_LOCAL_BUNDLE_MAX = 2 * 1024 * 1024; /* of its file */

enum config_guard { CONFIG_GUARD_NONE, CONFIG_GUARD_PATH, CONFIG_GUARD_WITNESS };
enum config_root_key { CONFIG_ROOT_KEY_DESCRIPTOR, CONFIG_ROOT_KEY_CREDENTIAL, CONFIG_ROOT_KEY_FILE };

struct config_listener {
	const char *address; /* numeric: "127.0.0.1", "::1" */
	uint16_t port;
};

struct config_tls {
	/* Both null: self-signed for the first authority, made at each start. */
	const char *certificate;  /* PEM chain */
	const char *key;          /* PEM */
	const char *groups;       /* OpenSSL's list: "X25519MLKEM768" or "X25519MLKEM768/X25519/P-256" */
	bool classical_groups;    /* a group without ML-KEM is among them */
	bool client_certificates; /* asked for; a client that has none is served as well */
};

/* Where the gateway of another keeper listens. It authorises nothing: who is there is shown by keys. */
struct config_peer {
	const char *name;    /* of the keeper, as it is enrolled */
	const char *address; /* numeric */
	uint16_t port;
};

/* How old the shares of a shared key may become before it is to be dealt anew. 0: it never is. */
struct config_refresh_key {
	const char *key;
	uint32_t days;
};

struct config_refresh {
	uint32_t days;
	struct config_refresh_key keys[CONFIG_REFRESH_KEYS_MAX]; /* for which it is another number */
	size_t key_count;
};

struct config_limits {
	uint32_t connections;
	uint32_t connections_per_address;
	uint32_t outstanding;                  /* requests that the keeper takes at once: its credit to the gateway */
	uint32_t outstanding_urgent;           /* of protective operations, beside those */
	uint32_t requests_per_principal_per_s; /* operations and votes */
	uint32_t reads_per_principal_per_s;
	uint32_t feed_clients;
	uint32_t session_overall_s,
		session_idle_s; /* the standard's, or shorter; at higher assurance the shorter of both */
};

struct config {
	struct arena arena;
	struct bytes source; /* the bytes that this was read from */
	struct config_listener listeners[CONFIG_LISTENERS_MAX];
	size_t listener_count;
	const char *authorities
		[CONFIG_AUTHORITIES_MAX]; /* "gate.example:8443": what Host and @authority may be; the first is ours */
	size_t authority_count;
	struct config_tls tls;
	const char *data_directory;
	struct {
		enum config_guard kind;
		const char *path; /* CONFIG_GUARD_PATH: directory outside the data directory */
		/* CONFIG_GUARD_WITNESS: https://..., http:// on loopback only */
		const char *witnesses[CONFIG_WITNESSES_MAX];
		size_t witness_count;
		const char *witness_policy;       /* tlog-policy file, absolute */
		const char *witness_certificates; /* PEM file that https trusts; null: the system's */
	} rollback_guard;
	struct {
		enum config_root_key kind;
		int descriptor;     /* inherited by the supervisor */
		const char *source; /* credential name or file path */
	} root_key;
	struct config_listener peer_listener; /* for other keepers' gateways; address null: none */
	struct config_peer peers[CONFIG_PEERS_MAX];
	size_t peer_count;
	const char *local_bundle;  /* file of policies of this keeper's own; null: none */
	const char *vm_generation; /* file that says which machine this is; null: none */
	struct config_refresh refresh;
	struct config_limits limits;
	uint32_t users[IPC_ROLE_END]; /* numeric user and group id of each role where started as root */
	struct config_notification notifications[CONFIG_NOTIFICATIONS_MAX];
	size_t notification_count;
	const char *console; /* "https://gate.example:8443": what links in notifications begin with */
	bool confinement_degraded;
	enum log_level log_level;
};

enum status config_parse(struct bytes yaml, struct config *config);
enum status config_read_file(const char *path, struct config *config);
/* Whether the running configuration can become the one read without a restart: certificates, listeners, peers, the
 * local bundle and the log level may differ, and nothing else, so that a process which is started again runs on what the others run on. STATUS_CONFLICT
 * "config.reload". */
enum status config_check_reload(const struct config *running, const struct config *read);
/* Whether both dial the same peers; where they do not, the gateway starts anew: which ports it may connect to is settled for good when
 * it is confined. */
bool config_has_same_peers(const struct config *a, const struct config *b);
void config_free(struct config *config); /* a cleanup function */

#endif
