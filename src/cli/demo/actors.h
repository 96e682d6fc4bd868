/*
 * The people and workloads of Northwind (examples/firm), each with a fresh key and, for workloads, an address of the network that
 * their zone has; and what they ask the installation.
 *
 * Owner: answers live in the arena of the actors. Threads: one. Errors: those of connections and of JSON.
 */
#ifndef GATEHOUSE_CLI_DEMO_ACTORS_H
#define GATEHOUSE_CLI_DEMO_ACTORS_H

#include "cli/connection.h"
#include "cli/demo/house.h"
#include "cli/demo/software_passkey.h"
#include "cli/key_file.h"
#include "identity/statement.h"

enum actor_id {
	ACTOR_PERSON_1,
	ACTOR_PERSON_2,
	ACTOR_PERSON_3,
	ACTOR_PERSON_4,
	ACTOR_PERSON_5,
	ACTOR_SETTLEMENT,
	ACTOR_TREASURER,
	ACTOR_PRICES,
	ACTORS,
};

struct actor {
	const char *name;   /* "person 1", "settlement" */
	const char *file;   /* of its key, beside the founding document: "1", "settlement" */
	const char *source; /* address; null: any */
	struct key_file key;
	struct connection *connection;
	struct software_passkey passkey; /* of persons 1 and 2, once they are enrolled */
};

constexpr size_t ACTOR_TIMES_MAX = 1024;

struct actors {
	struct arena arena;
	struct house *house;
	const char *instance;
	struct actor actors[ACTORS];
	unsigned operations;               /* submitted so far: idempotency keys */
	int64_t times_ns[ACTOR_TIMES_MAX]; /* from submission to answer, of operations that were decided */
	size_t time_count;
};

/* Makes the keys, and files of them and profiles for the command line beside the founding document. */
enum status actors_make(struct actors *actors, struct house *house, const char *instance);
/* The same people and workloads with the same keys at another house; what they ask there is counted from `first` on. */
enum status actors_join(struct actors *actors, struct house *house, const struct actors *others, unsigned first);
void actors_free(struct actors *actors); /* a cleanup function */
/* Before the processes stop: what is kept open goes. */
void actors_hang_up(struct actors *actors);
/* The profile that speaks for this one; null when out of memory. */
char *actor_profile(struct actors *actors, enum actor_id id);
/* "person 1", "settlement": as the narration calls them. */
const char *actor_short(const struct actors *actors, enum actor_id id);

/* An answer, parsed: members are null or empty where the document has none. */
struct told {
	unsigned status; /* of HTTP */
	struct bytes body;
	const json *document;  /* null where the body is no JSON object */
	const char *operation; /* id, hexadecimal */
	const char *state;     /* "done" */
	const char *type;      /* of a problem, without "urn:gatehouse:problem:" */
	struct bytes receipt;
	const json *result;
	int64_t entry; /* −1: none */
	int64_t elapsed_ns;
};
void told_read(struct arena *arena, const struct connection_answer *answer, struct told *told);
/* Whether the answer's reasons name the policy. */
bool told_reason(const struct told *told, const char *policy);

/* A request of an actor, signed and ready to be sent; whoever holds it can send it again, or change it. */
struct prepared {
	enum actor_id by;
	struct http_request request;
	struct http_field *fields;
};

/* Writes another text of the same length over the first that stands in the body; false if there is none. */
bool prepared_swap(struct bytes body, const char *from, const char *to);
/* The digest of a body that was changed. */
enum status prepared_refit_digest(struct actors *actors, struct prepared *prepared);

/* payload: JSON. */
enum status actor_prepare(struct actors *actors, enum actor_id by, const char *kind, const char *resource,
			  const char *payload, struct prepared *prepared);
enum status actor_send(struct actors *actors, const struct prepared *prepared, struct told *told);
/* Both. */
enum status actor_ask(struct actors *actors, enum actor_id by, const char *kind, const char *resource,
		      const char *payload, struct told *told);
/* A read, signed by whoever asks. */
enum status actor_prepare_get(struct actors *actors, enum actor_id by, const char *target, struct prepared *prepared);
enum status actor_get(struct actors *actors, enum actor_id by, const char *target, struct told *told);
/* `gatehouse op approve`, a process of its own as on the approver's machine: it fetches the material, decodes it, signs a statement
 * and posts it. */
enum status actor_approve(struct actors *actors, enum actor_id by, const char *operation, struct told *told);
/* `gatehouse op reject`, likewise. */
enum status actor_reject(struct actors *actors, enum actor_id by, const char *operation);
/* The same vote from within this process: the material is fetched, read and signed as there. */
enum status actor_vote(struct actors *actors, enum actor_id by, const char *operation, struct told *told);
/* A vote on its way: whoever carries it needs no authority. */
enum status actor_vote_request(struct actors *actors, const char *operation, struct bytes body,
			       struct http_request *request);
enum status actor_post_vote(struct actors *actors, enum actor_id by, const char *operation, struct bytes body,
			    struct told *told);
/* The body of a vote on this material. */
enum status actor_sign_vote(struct actors *actors, enum actor_id by, struct bytes material, struct buffer *body);

#endif
