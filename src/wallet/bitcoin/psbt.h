/*
 * A partially signed Bitcoin transaction, version 0 (BIP-174, with BIP-371's Taproot fields): read, written, combined.
 *
 * A PSBT is one global map, one map per input and one per output; a map is records of type, key data and value. The records
 * are kept in their order, unknown ones included, so that writing what was read gives the same bytes. The shape of every
 * known field is checked when it is read; what a field means is checked by those who use it (spend.h).
 * Version 2 (BIP-370) is refused with one error. docs/PROTOCOL.psbt-profile lists what is accepted where.
 *
 * Owner: everything lives in the arena given, and borrows from the bytes read. Errors: "psbt.*", with map, index and field.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_PSBT_H
#define GATEHOUSE_WALLET_BITCOIN_PSBT_H

#include "base/cursor.h"
#include "model/signing_request.h"
#include "wallet/bitcoin/psbt_field.h"
#include "wallet/bitcoin/transaction.h"

constexpr size_t PSBT_SIZE_MAX = 512 * 1024;

struct psbt_record {
	uint64_t type;
	struct bytes key; /* after the type */
	struct bytes value;
};

struct psbt_map {
	enum psbt_scope scope;
	size_t index; /* of the input or output */
	const struct psbt_record *records;
	size_t count;
	const struct psbt_record **sorted; /* by type and key */
};

struct psbt_input {
	struct psbt_map map;
	const struct bitcoin_transaction *previous; /* null: not given */
	bool has_witness_utxo;
	struct bitcoin_output witness_utxo;
};

struct psbt {
	struct psbt_map global;
	struct bitcoin_transaction transaction; /* the unsigned one */
	struct psbt_input *inputs;              /* transaction.input_count */
	struct psbt_map *outputs;               /* transaction.output_count */
};

/* A fingerprint and a path, as a derivation record's value holds them. */
struct psbt_derivation {
	uint8_t fingerprint[4];
	struct bytes steps; /* 4 bytes each, least significant first */
};

/* Errors: psbt.size, psbt.magic, psbt.key, psbt.value, psbt.duplicate_key, psbt.missing_map, psbt.trailing, psbt.version,
 * psbt.version_2, psbt.unsigned_transaction, psbt.unsigned_transaction_signed, psbt.unsigned_transaction_witness,
 * psbt.key_data, psbt.value_data; bitcoin.* for transactions within. */
enum status psbt_read(struct arena *arena, struct bytes encoded, struct psbt *psbt);

/* Appended; checked by buffer_status(). */
void psbt_write(const struct psbt *psbt, struct buffer *to);

/* Both PSBTs' records, appended: the first's in their order, then the second's new ones after those of their type. Errors:
 * psbt.combine_transaction if they are not of one transaction, psbt.combine_conflict if a key has two values. */
enum status psbt_combine(struct arena *arena, const struct psbt *first, const struct psbt *second, struct buffer *to);

/* The record of a field without key data; null if there is none. */
const struct psbt_record *psbt_find(const struct psbt_map *map, uint64_t type);
/* The records of one type, neighbours in map->sorted: their number, the first in *first. */
size_t psbt_find_all(const struct psbt_map *map, uint64_t type, const struct psbt_record *const **first);

/* A map of these records, in their order. Error: psbt.duplicate_key. */
enum status psbt_map_of(struct arena *arena, enum psbt_scope scope, size_t index, const struct psbt_record *records,
			size_t count, struct psbt_map *map);
/* *map with one record more, after those of its type. */
enum status psbt_map_add(struct arena *arena, struct psbt_map *map, struct psbt_record record);

/* Of a derivation record of either kind; Taproot's leaf hashes are skipped. The record's shape was checked by psbt_read(). */
struct psbt_derivation psbt_derivation_of(const struct psbt_record *record, bool taproot);
/* False if the path has more than SIGNING_PATH_MAX steps. */
[[nodiscard]] bool psbt_derivation_path(const struct psbt_derivation *derivation, struct signing_path *path);

#endif
