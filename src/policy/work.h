/*
 * What the helper worker is asked about policies, and what it answers: two canonical JSON documents (docs/PROTOCOL.work).
 *
 * Whoever asks writes the request and keeps its hash; the worker reads it, works, and answers with the hash of what it was
 * given, the hash of the invariants, and a report. The reader of an answer trusts the worker with nothing but the truth of its
 * verdicts: an answer to another request, of another engine or of another form is refused.
 *
 * Errors: "work.*".
 */
#ifndef GATEHOUSE_POLICY_WORK_H
#define GATEHOUSE_POLICY_WORK_H

#include "crypto/hash.h"
#include "policy/prove.h"

constexpr size_t WORK_FILES_MAX = 64;
constexpr size_t WORK_ANSWER_MAX = 768 * 1024;

enum work_ask {
	WORK_PROVE,    /* the invariants */
	WORK_CHECK,    /* each policy: never_errors, dead, shadowed */
	WORK_COMPARE,  /* against the old set: newly_permitted, newly_denied */
	WORK_DISJOINT, /* from the old set: both_permit */
	WORK_BUNDLE,   /* the invariants of a bundle's document */
	WORK_PEOPLE,   /* together: entities, fact, more_than */
	WORK_END,
};

struct work_file {
	struct bytes name;
	struct bytes text;
};

struct work {
	enum work_ask ask;
	struct bytes bundle;              /* whatever names the bundle to who asks; comes back as it is */
	const struct work_file *policies; /* Cedar */
	size_t policy_count;
	const struct work_file *old; /* WORK_COMPARE, WORK_DISJOINT */
	size_t old_count;
	struct work_file schema;
	bool schema_is_json;
	struct work_file invariants;
	bool gateway_hostile;
	struct bytes document;     /* WORK_BUNDLE: the bundle's, canonical; `bundle` is its hash in hexadecimal */
	struct work_file entities; /* WORK_PEOPLE: JSON, who is in which group */
	struct bytes fact;         /* "transfer.usd_cents" */
	int64_t more_than;
};

/* The request, to be handed to a worker. */
enum status work_write(const struct work *work, struct buffer *request);
/* The inverse: borrows from the arena. */
enum status work_read(struct arena *arena, struct bytes request, struct work *work);

/* In the worker: does it. What is wrong with the request, or with the texts in it, is an answer as well. */
enum status work_perform(struct bytes request, struct buffer *answer);

struct work_finding {
	struct bytes subject;
	struct bytes check;
	enum prove_verdict verdict;
	struct bytes reason; /* of unknown */
	const json *whole;   /* carriers, witness */
};

struct work_answer {
	bool is_done;         /* false: error says what was wrong with the request */
	struct bytes error;   /* "validate.type: ..." */
	const json *findings; /* an array of diagnostics of the texts, where there are any */
	struct bytes bundle;
	struct hash256 request, invariants;
	const json *report;
	const struct work_finding *verdicts;
	size_t verdict_count;
};

/* request: what was sent. Borrows from the arena. work.answer, work.mismatch, work.engine */
enum status work_read_answer(struct arena *arena, struct bytes request, struct bytes answer,
			     struct work_answer *result);

/* A request for the proofs of a bundle (policy/bundle.h). */
enum status work_write_bundle(struct bytes document, bool gateway_hostile, struct buffer *request);
/* OK where all is proved; else STATUS_DENIED "work.refuted", or STATUS_UNAVAILABLE "work.unknown" where something is not known, with
 * the invariant and the reason; STATUS_INVALID with the error where the work could not be done. */
enum status work_answer_is_proved(const struct work_answer *answer);

#endif
