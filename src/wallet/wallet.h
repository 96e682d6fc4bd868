/*
 * A wallet turns the bytes of an unsigned transaction into facts, a view that people approve, and signing requests; and
 * signatures into the signed transaction. One row per format stands in wallet.c; this is what all formats share.
 *
 * The gate composes: wallet_decode() ─► facts for the policy, view for approvers, requests for the keys ─► signatures ─►
 * wallet_assemble(). No digest from outside ever enters: requests are computed from what was decoded.
 *
 * Owner: a transaction and all it points to live in the arena given to wallet_decode(), and borrow payload and context.
 * Threads: a transaction may be read by many. Errors: "evm.*", "rlp.*", "psbt.*", "bitcoin.*", "address.*", "solana.*", "wallet.*", each naming field and place.
 */
#ifndef GATEHOUSE_WALLET_WALLET_H
#define GATEHOUSE_WALLET_WALLET_H

#include "crypto/hash.h"
#include "model/facts.h"
#include "model/signing_request.h"
#include "wallet/asset.h"

enum wallet_format {
	WALLET_EVM,
	WALLET_PSBT,
	WALLET_SOLANA,
	WALLET_FORMATS_SIGNED,                  /* the gate signs those above */
	WALLET_BITCOIN = WALLET_FORMATS_SIGNED, /* a network transaction: is read, and never signed */
	WALLET_FORMAT_COUNT,
};

constexpr size_t WALLET_PAYLOAD_MAX = 512 * 1024; /* bytes of one transaction */

/* The key that the operation names, as far as a wallet must know it. All of it is public. */
struct wallet_key {
	struct bytes id;
	enum key_algorithm algorithm;
	/* The only chain that it signs for; empty: any of Ethereum's, which a transaction names, and "bitcoin:main" or
	 * "solana:main", since the bytes of others name none. */
	struct bytes chain;
	uint8_t public_key[65]; /* of the key itself: uncompressed secp256k1, or the 32 bytes of Ed25519 */
	uint8_t fingerprint[4]; /* BIP-32: of the master key above it, or its own where it is the master */
	struct signing_path
		origin;  /* BIP-32: from that master to this key; count 0: it is the master, or stands alone */
	bool is_account; /* no hardened step is below it: addresses are at chain and index, change is on chain 1 */
	/* The compressed public key at path below this key. STATUS_UNSUPPORTED where the key cannot derive (a key without a
	 * chain code, a hardened step). Null: cannot derive at all. */
	enum status (*derive)(const void *context, const struct signing_path *path, uint8_t public_key[33]);
	const void *context;
};

struct wallet_context {
	const struct asset_registry *assets; /* null: nothing is known */
	int64_t now_ms;                      /* for the age of prices */
	int64_t price_age_max_ms;
	/* As a key's, where there is none that says it. */
	struct bytes chain;
	/* With a key the transaction must be one that the gate signs with it (unsigned, with chain id; no foreign inputs);
	 * without, anything well-formed is read (`tx decode`), and nothing can be signed. */
	const struct wallet_key *key;
};

enum wallet_part {
	WALLET_PART_TRANSFER,  /* leaves to a destination */
	WALLET_PART_ALLOWANCE, /* may be taken by a destination later (approve) */
	WALLET_PART_FEE,       /* the most that the chain can take; no destination */
};

/* One part of what a transaction moves: what limits per destination and asset are counted by. */
struct wallet_movement {
	enum wallet_part part;
	struct bytes destination; /* an address as its chain writes it; empty for a fee */
	struct bytes asset_id;
	const struct asset *asset; /* null: not registered */
	struct amount amount;
	enum asset_value value;
	int64_t usd_cents; /* rounded up; if value is ASSET_VALUED */
};

/* As what a transaction names an address. */
enum wallet_role {
	WALLET_ROLE_SENDER,      /* whose signature it bears, and who pays the fee; Bitcoin: what is spent */
	WALLET_ROLE_DESTINATION, /* where value goes, or rights to it: as in destinations */
	WALLET_ROLE_CHANGE,      /* Bitcoin: outputs that are proven change */
	WALLET_ROLE_CONTRACT,    /* Ethereum: what is called with data */
	WALLET_ROLE_TOKEN_OWNER, /* Ethereum: whose tokens a transferFrom moves */
	WALLET_ROLE_SIGNER,      /* Solana: who must sign besides */
	WALLET_ROLE_ACCOUNT, /* Solana: every other account that stands in the message: authorities, owners, nonces, mints, programs */
	WALLET_ROLE_LOOKUP_TABLE, /* Solana: where accounts stand that the message does not hold */
	WALLET_ROLES,
};

struct wallet_party {
	enum wallet_role role;
	struct bytes address; /* as its chain writes it */
};

struct wallet_operations;

struct wallet_transaction {
	const struct wallet_operations *operations;
	enum wallet_format format;
	struct arena *arena;
	struct bytes payload;
	const struct wallet_context *context;

	/* Filled by the format's decoder; wallet.c states the common facts from it. */
	const char *kind;   /* docs/facts.md, transfer.kind */
	struct bytes chain; /* "eip155:1"; empty: a legacy transaction without chain id (reader only) */
	struct bytes from;  /* our address or the signer's; empty: unknown, or none (Bitcoin) */
	struct bytes to;    /* the only destination; empty if there are several */
	struct bytes asset_id;
	const struct asset *asset; /* null: not registered */
	struct amount amount;      /* of that asset, to all destinations; allowances included */
	struct amount fee_max;     /* of the chain's native asset */
	bool call_unrecognised;
	bool approve_revokes; /* an approve of nothing */
	bool approve_unlimited;
	const struct wallet_movement *movements;
	size_t movement_count;
	const struct bytes *destinations; /* distinct; at least one where there is a key */
	size_t destination_count;

	/* What a replacement shares with what it replaces (design: limits): Ethereum the sender, chain and nonce; Bitcoin the
	 * exact set of inputs; Solana the whole message, so that nothing else replaces it. Given only with a key. */
	bool has_spend;
	struct hash256 spend;

	const struct signing_request *requests; /* none without a key */
	size_t request_count;

	/* Without a key: why the gate would sign it with none at all, beginning with a stable name; null if any could. */
	const char *refusal;

	const void *detail; /* the format's own */
};

enum status wallet_decode(struct arena *arena, enum wallet_format format, struct bytes payload,
			  const struct wallet_context *context, struct wallet_transaction **transaction);

/* US cents of all movements, each part rounded up. Anything but ASSET_VALUED: *cents is 0; missing before stale before too
 * large. */
enum asset_value wallet_usd_cents(const struct wallet_transaction *transaction, int64_t *cents);

/* Every address that the transaction names as a party, in the arena; one may stand there in several roles. */
enum status wallet_parties(const struct wallet_transaction *transaction, struct arena *arena,
			   const struct wallet_party **parties, size_t *count);
const char *wallet_role_name(enum wallet_role role); /* "sender", ... */

/* Every fact of docs/facts.md, "transfer", that bytes, registry and prices can give. */
enum status wallet_facts(const struct wallet_transaction *transaction, struct facts *facts);

/* What an approver reads: canonical JSON of type "gatehouse/view/v1", appended. It depends on payload, registered assets and
 * key, never on prices or the time, so that keeper and approver build the same bytes. */
enum status wallet_view(const struct wallet_transaction *transaction, struct buffer *view);

/* The same for people: lines of text, appended (`gatehouse tx decode`). */
enum status wallet_explain(const struct wallet_transaction *transaction, struct buffer *text);

struct wallet_result {
	struct bytes transaction;    /* signed, ready to broadcast */
	struct bytes transaction_id; /* as the chain's explorers write it: "0x…" or a txid */
	struct bytes psbt;           /* Bitcoin: the finalised PSBT; else empty */
};

/* signatures answer requests one by one. Errors: wallet.signatures if their number differs. */
enum status wallet_assemble(struct arena *arena, const struct wallet_transaction *transaction,
			    const struct signature *signatures, size_t count, struct wallet_result *result);

/* The same from a signed transaction, whose signatures are verified: what this transaction becomes by them. Whoever finds the result to
 * be what somebody says that signing gave knows that it is. Without a key, of a PSBT only: that whom its inputs pay signed it.
 * Errors: wallet.signed; those of the format; STATUS_UNAUTHORIZED where a signature is not the key's. */
enum status wallet_assemble_signed(struct arena *arena, const struct wallet_transaction *transaction,
				   struct bytes signed_transaction, struct wallet_result *result);

/* "evm", "psbt", "solana", "bitcoin"; and back those that the gate signs (STATUS_UNSUPPORTED wallet.format). */
const char *wallet_format_name(enum wallet_format format);
enum status wallet_format_of_name(struct bytes name, enum wallet_format *format);

/* A transaction as people hand it over: bytes, hexadecimal with or without 0x, or base64 (PSBT, Solana); white space around
 * text is ignored. Errors: wallet.text. */
enum status wallet_payload_of_text(struct arena *arena, struct bytes text, enum wallet_format *format,
				   struct bytes *payload);

/* The same for whoever only reads (`tx decode`), with Bitcoin's network transactions besides. wanted is the name of a format, which the bytes
 * are then taken for; empty: how they begin says it. After a version of Bitcoin (1, 2 or 3 in four bytes) no Ethereum transaction goes on, but
 * a Solana one with a signature of zeros can: then what reads as a whole counts. Errors: wallet.text, wallet.format; wallet.ambiguous where
 * both read. */
enum status wallet_reader_payload_of_text(struct arena *arena, struct bytes text, struct bytes wanted,
					  enum wallet_format *format, struct bytes *payload);

/* OK if chain is one that transactions are read for: "eip155:1", "bitcoin:regtest". Errors: wallet.chain (STATUS_UNSUPPORTED);
 * bitcoin.chain, evm.chain. */
enum status wallet_check_chain(struct bytes chain);

/* An address of chain as facts write it, so that lists compare equal. Errors: those of wallet_check_chain(); the format's. */
enum status wallet_normalise_address(struct arena *arena, struct bytes chain, struct bytes text, struct bytes *address);

#endif
