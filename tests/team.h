/*
 * Several keepers of one installation in one program: each with its own house, disk and log, and messages between them that arrive
 * in order, or not at all where the connection is cut. A test may look at every message and change it, and may take the power from
 * any keeper before any message.
 *
 * Owner: the caller. Errors end the test. Threads: one.
 */
#ifndef GATEHOUSE_TESTS_TEAM_H
#define GATEHOUSE_TESTS_TEAM_H

#include "base/io_simulated.h"
#include "gate/shared_keys.h"
#include "keeper/threshold.h"
#include "tests/house.h"

constexpr size_t TEAM_MAX = 5;

struct team_message {
	struct team_message *next;
	size_t from;
	enum peer_kind kind;
	struct buffer body;
};

struct team;

struct team_member {
	struct team *team;
	size_t index;
	struct simulated_disk *disk; /* null: the system's */
	struct house house;
	bool is_open, has_ended;
	uint8_t boots;
	struct peer peers[TEAM_MAX]; /* how it sees the others */
	struct team_message *inbox;
};

struct team {
	size_t count;
	struct team_member members[TEAM_MAX];
	struct arena arena;
	bool is_cut[TEAM_MAX][TEAM_MAX];
	uint64_t messages; /* delivered so far */
	/* Before a message is delivered; may change it. False: it is not. Null: all are. */
	bool (*on_message)(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body);
	void *context;
};

/* Founded, opened, and all connected. */
void team_found(struct team *team, size_t count, uint64_t seed);
/* The same on the system's disk and by its clock: nothing is made to fail, and time passes by itself. */
void team_found_here(struct team *team, size_t count);
void team_free(struct team *team); /* a cleanup function */

void team_cut(struct team *team, size_t a, size_t b);
/* At one of them another is no keeper any more, as keeper.remove leaves it, until that one begins anew. */
void team_remove(struct team *team, size_t at, size_t removed);
void team_connect(struct team *team, size_t a, size_t b);
/* The process is gone: nothing that it had in memory is there afterwards. */
void team_stop(struct team *team, size_t index);
void team_start(struct team *team, size_t index);
/* Its machine is lost with all that was on it; another one is founded and enrolled in its place, under its name and party, on a disk of
 * this seed. It knows nothing but the founding, and its keys are new. */
void team_replace(struct team *team, size_t index, uint64_t seed);
/* What is on all disks, and all keepers started from that: on disks of this seed. Copies are the caller's to destroy. */
void team_keep(struct team *team, struct simulated_disk *copies[TEAM_MAX]);
void team_put_back(struct team *team, struct simulated_disk *const copies[TEAM_MAX], uint64_t seed);
/* What a keeper signs with, as the others know it, and its place among them. */
void team_keys(size_t index, struct pledge_keys *keys, struct party *party);
/* Messages are delivered and everybody does what follows, until nobody has anything left to do. */
void team_settle(struct team *team);
/* Each process anew, one after the other, and whatever follows. */
void team_restart_all(struct team *team);
/* Both clocks of all go on. */
void team_pass_ms(struct team *team, int64_t ms);

/* An operation asked of one keeper, with the votes that it needs, to its end. */
void team_submit(struct team *team, size_t at, struct firm_operation operation, struct arena *arena,
		 struct ipc_response *response);
void team_vote(struct team *team, size_t at, struct bytes operation, enum firm_member by, struct arena *arena,
	       struct ipc_response *response);
/* The same with whatever votes it needs, of all that may: to its end. */
void team_do(struct team *team, size_t at, struct firm_operation operation, struct arena *arena,
	     struct ipc_response *response);
/* All keepers run the firm's rules and these. */
void team_activate(struct team *team, const char *policies);
/* A shared key, made by all: "2-of-3". */
void team_make_key(struct team *team, const char *id, const char *threshold);
/* The same, whatever comes of it. */
void team_ask_key(struct team *team, const char *id, const char *threshold, struct arena *arena,
		  struct ipc_response *response);

/* The same of any kind. */
struct team_key {
	const char *id, *threshold;
	const char *material; /* null: "single" */
	const char *purpose;  /* null: "transfer" */
	const char *more;     /* further members, between algorithm and id; null: none */
};
void team_ask_key_as(struct team *team, const struct team_key *wanted, struct arena *arena,
		     struct ipc_response *response);

static inline struct gate_state *
state_of(struct team *team, size_t at) {
	return keeper_gate(team->members[at].house.keeper)->state;
}

/* Everything is to be tried, and not some of it. */
static inline bool
team_is_soak(void) {
	return getenv("GATEHOUSE_SOAK") != nullptr;
}

/* The shared key "vault" as that keeper has it: null where it has none. */
static inline const struct shared_key *
vault_at(struct team *team, size_t at) {
	return shared_keys_find(state_of(team, at), BYTES_OF_LITERAL("vault"));
}

/* The operation that is answered about. */
static inline struct hash256
id_of(const struct ipc_response *response) {
	struct hash256 id = {};
	assert_ok(hex_decode(response->operation, id.bytes, sizeof id.bytes));
	return id;
}

/* There is a share under that name at that keeper: "vault/1". */
static inline bool
has_row(struct team *team, size_t at, const char *name) {
	_cleanup_(buffer_free) struct buffer row = {};
	return secrets_get(state_of(team, at)->secrets, "share", bytes_of_text(name), &row) == OK;
}

/* Anywhere in an answer's body. */
static inline bool
says(const struct ipc_response *response, const char *text) {
	return memmem(response->body.data, response->body.len, text, strlen(text)) != nullptr;
}

/* A list of what one keeper has counted, as it signs it for another: the whole of what that one has heard from it until then, and this. */
void team_seal_counted(struct team *team, size_t from, size_t to, struct bytes spends, struct buffer *body);

/* One byte of what one keeper says to another in a round of a protocol, changed once: for on_message, with this as context. */
struct corruption {
	size_t from, to, at; /* from the beginning of the fields */
	uint8_t type;
	bool is_done;
};

bool team_corrupt(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body);

/* What a keeper's newest entry about an operation says: its member, as text. Empty: there is none. */
enum operation_state team_state(struct team *team, size_t at, const struct hash256 *operation);

#endif
