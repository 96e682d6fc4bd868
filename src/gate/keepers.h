/*
 * The keepers of this installation, as people have enrolled them: name, party, keys; and the greatest head of its log that
 * each has shown. docs/PROTOCOL.peer §2, §3.
 *
 * A keeper is known by four public keys: the two of its log, the ML-DSA-65 key of its peer certificate (by the certificate's
 * hash) and an Ed25519 peer key. Its party number is its place in every threshold protocol, is given once, and belongs to its
 * name for good. Every keeper enrols all, itself among them. Addresses are no part of this: they authorise nothing.
 *
 * Owner: decision state. Threads: one writer. Errors: STATUS_INVALID, STATUS_CONFLICT, STATUS_NOT_FOUND "keepers.*".
 */
#ifndef GATEHOUSE_GATE_KEEPERS_H
#define GATEHOUSE_GATE_KEEPERS_H

#include "base/json.h"
#include "ledger/head.h"
#include "store/mark.h"

constexpr size_t KEEPERS_MAX = 16;
constexpr size_t KEEPER_NAME_MAX = 32;
constexpr size_t KEEPER_REASON_MAX = 64;

struct enrolled_keeper {
	char name[KEEPER_NAME_MAX + 1];
	uint8_t party;    /* 1 to KEEPERS_MAX */
	bool is_enrolled; /* false: removed, or its name is only remembered */
	struct head_keys log;
	struct hash256 certificate;
	uint8_t key[32]; /* Ed25519 */
	uint64_t admission;
	struct mark seen;                   /* the greatest head that it has shown; size 0: none */
	bool is_refused;                    /* until keeper.readmit */
	struct mark shown;                  /* what it showed when it was refused */
	char reason[KEEPER_REASON_MAX + 1]; /* the stable name of why */
};

struct keepers {
	struct enrolled_keeper *of_party[KEEPERS_MAX + 1];
	uint64_t changes; /* counts whatever changes who may speak */
};
void keepers_free(struct keepers *keepers); /* a cleanup function */

/* What it is known by among the parties of threshold protocols: docs/PROTOCOL.peer §2. */
void keeper_identity(const char *instance, const char *name, uint8_t party, const struct hash256 *certificate,
		     const uint8_t key[32], uint8_t identity[32]);

/* 1 to KEEPER_NAME_MAX of [a-z0-9-]. */
bool keeper_name_is_valid(struct bytes name);
/* Null if it was never enrolled. */
struct enrolled_keeper *keepers_named(const struct keepers *keepers, struct bytes name);

/* {"certificate","key","log_keys":[vkey,vkey],"name","party"}: payload of keeper.add, and what a keeper shows of itself. One that
 * is enrolled must be removed first; one that was removed comes back under its name and party. */
enum status keepers_add(struct keepers *keepers, const char *instance, const json *payload);
/* Whether it could be enrolled; nothing is. */
enum status keepers_check_add(const struct keepers *keepers, const char *instance, const json *payload);
enum status keepers_remove(struct keepers *keepers, struct bytes name);
/* From now on its log is the one that had this head. */
enum status keepers_readmit(struct keepers *keepers, struct bytes name, const struct mark *head);
/* What it has shown; a smaller head changes nothing. */
enum status keepers_see(struct keepers *keepers, struct bytes name, const struct mark *head);
enum status keepers_refuse(struct keepers *keepers, struct bytes name, const struct mark *shown, struct bytes reason);

/* As a payload of keeper.add. */
void keeper_write_enrolment(struct json_writer *writer, const char *name, uint8_t party, const struct head_keys *log,
			    const struct hash256 *certificate, const uint8_t key[32]);

/* A body of an entry "peer": {"head":{"root","size"},"keeper","state"}, and "reason" where it is refused; and its effect. */
enum status keepers_write_entry(const struct enrolled_keeper *keeper, const struct mark *head, const char *reason,
				struct buffer *body);
enum status keepers_restore_entry(struct keepers *keepers, const json *body);

/* For the snapshot of decision state. */
enum status keepers_write(const struct keepers *keepers, struct buffer *to);
enum status keepers_read(struct keepers *keepers, const char *instance, struct bytes from);

#endif
