/*
 * Facts: what the guards observe about one operation, for the policy to decide on and the log to record.
 *
 * A fact has a dotted name ("transfer.usd_cents"), a value and an origin. Dotted names become nested records of the
 * policy's context: context.transfer.usd_cents. A guard states facts and never decides. A fact that could not be had is
 * left out, and a boolean fact beside it says so (docs/facts.md lists each with type, unit, origin, when absent).
 * Owner: names are static; values live in the facts' arena.
 */
#ifndef GATEHOUSE_MODEL_FACTS_H
#define GATEHOUSE_MODEL_FACTS_H

#include "base/arena.h"
#include "model/amount.h"
#include "model/value.h"

enum fact_origin {
	FACT_VERIFIED, /* by the keeper, from signed bytes or its own state */
	FACT_FEED,     /* entered by an operation, or signed by a pinned feed key */
	FACT_REPORTED, /* by the gateway; may only narrow */
};

struct fact {
	const char *name;
	enum fact_origin origin;
	struct value value;
};

constexpr size_t FACTS_MAX = 192;
constexpr size_t FACTS_SLOTS = 256; /* more than FACTS_MAX, so that every search ends */

struct facts {
	struct arena *arena;
	size_t count, capacity;
	bool failed; /* out of memory or room, or a name given twice: the operation is refused */
	struct fact *items;
	uint8_t order[FACTS_MAX];   /* of the items, by name */
	uint8_t last;               /* the place in it of the item that was added last */
	uint8_t slots[FACTS_SLOTS]; /* of a hash table by name: index into items, plus one */
};

void facts_start(struct facts *facts, struct arena *arena);
void facts_add(struct facts *facts, const char *name, enum fact_origin origin, struct value value);
void facts_add_boolean(struct facts *facts, const char *name, enum fact_origin origin, bool boolean);
/* Outside ±(2^53−1) the fact is left out and "<name>_fits" is false. */
void facts_add_long(struct facts *facts, const char *name, enum fact_origin origin, int64_t integer);
void facts_add_string(struct facts *facts, const char *name, enum fact_origin origin, struct bytes string); /* copied */
/* As a decimal string, which policies compare for equality only. */
void facts_add_amount(struct facts *facts, const char *name, enum fact_origin origin, const struct amount *amount);
void facts_add_set_of_strings(struct facts *facts, const char *name, enum fact_origin origin,
			      const struct bytes *strings, size_t count);
const struct fact *facts_find(const struct facts *facts, const char *name);
/* A Long by its whole path in the context: the fact "approvals.total", or a field of the fact "approvals.group". */
bool facts_long_at(const struct facts *facts, const char *path, int64_t *integer);
enum status facts_status(const struct facts *facts);

/* The policy context: nested records by dotted names, in the facts' arena. */
enum status facts_context(const struct facts *facts, struct value *context);

/* What the log keeps, canonically: {"feed":{"price.is_first":...},"reported":{...},"verified":{"zone.registered":...}}; and
 * back, for replay. */
void facts_write(struct json_writer *writer, const struct facts *facts);
/* What people read: {"zone.registered":{"origin":"verified","value":...},...}. */
void facts_write_by_name(struct json_writer *writer, const struct facts *facts);
enum status facts_read(struct facts *facts, const json *encoded);

const char *fact_origin_name(enum fact_origin origin);

#endif
