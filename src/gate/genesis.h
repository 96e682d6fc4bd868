/*
 * Genesis: entry 0. The founders' document names instance and origin, the log's keys, and a list of founding changes, in the
 * same form as later operations: units, zones, people with their keys, workloads, groups, lists, assets, the first bundle. It is
 * signed by those present; before it no key and no person exists. docs/PROTOCOL.genesis.
 *
 *   {"document":{"changes":[{"kind","payload","resource"},...],"created":ms,"format":1,"instance","log_keys":[vkey,vkey],
 *    "origin","type":"gatehouse/genesis/v1"},"signatures":[{"key","public_key","signature"},...]}
 *
 * Every signature is by a key that the document itself gives to a person, over the label gatehouse/genesis/v1, a zero byte
 * and the SHA-256 of the document. Errors: STATUS_INVALID or STATUS_CORRUPT "genesis.*".
 */
#ifndef GATEHOUSE_GATE_GENESIS_H
#define GATEHOUSE_GATE_GENESIS_H

#include "gate/gate.h"

#define GENESIS_LABEL "gatehouse/genesis/v1"
constexpr size_t GENESIS_SIGNERS_MIN = 2; /* no single person founds an installation */

/* Applies the body of entry 0 to an empty gate: checks signatures, then makes the changes in order. */
enum status genesis_apply(struct gate *gate, const json *body);
/* What a founder signs. document is canonical JSON. */
enum status genesis_digest(struct bytes document, struct hash256 *digest);

#endif
