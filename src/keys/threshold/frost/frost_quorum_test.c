/*
 * Quorums sign, in sessions of two rounds: with tweaks, whatever the message; and whoever sends something wrong is named where
 * that can be told. frost_quorum.c is compiled into this test, so that a signer can lie well.
 */
#include "tests/test.h"

#include "tests/frost_holders.h"
#include "tests/seen_fields.h"
/* In place of the library's copy. */
#include "keys/threshold/frost/frost_quorum.c"

static const enum frost_scheme SCHEMES[] = {FROST_SCHEME_ED25519, FROST_SCHEME_BIP340};
constexpr uint8_t LIAR = 2;
constexpr uint8_t VICTIM = 1;

static void
every_quorum_signs_messages_of_any_length(void **) {
	static uint8_t message[FROST_MESSAGE_MAX + 1];
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		const size_t lengths[] = {0, 1, 32, 1000, FROST_MESSAGE_MAX};
		for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++)
			assert_ok(frost_holders_sign(&holders, 0b101, bytes_of(message, lengths[i])));
		assert_fails(STATUS_INVALID, "frost_quorum.terms",
			     frost_holders_sign(&holders, 0b101, BYTES_OF_ARRAY(message)));
		assert_int_equal(frost_holders_sign_all(&holders), 4);
		frost_holders_end(&holders);
	}
}

static void
children_and_taproot_outputs_of_a_bip340_key_sign(void **) {
	struct frost_holders holders = {};
	const struct frost_tweak tweaks[] = {
		{{[31] = 1}, false}, {{[0] = 9, [31] = 2}, false}, {{[5] = 7}, true}, {{[31] = 77}, false}};
	for (unsigned key = 0; key < 8; key++) { /* public keys and nonces with even and odd y */
		struct network network = {};
		frost_holders_generate(&holders, FROST_SCHEME_BIP340, 2, 3);
		for (size_t count = 0; count <= ARRAY_LENGTH(tweaks); count++)
			assert_ok(frost_holders_sign_tweaked(&holders, 0b110, BYTES_OF_LITERAL("sell 3 calls"), tweaks,
							     count, &network));
		frost_holders_end(&holders);
	}
	struct network network = {};
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 3);
	assert_fails(STATUS_INVALID, "frost_quorum.terms",
		     frost_holders_sign_tweaked(&holders, 0b110, BYTES_OF_LITERAL("sell"), tweaks, 1, &network));
	frost_holders_end(&holders);
}

static void
signers_that_do_not_agree_on_the_message_do_not_hear_each_other(void **) {
	struct frost_holders holders = {};
	struct frost_quorum *quorums[3] = {};
	struct party_set signers = parties_up_to(2);
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 3);
	for (uint8_t i = 1; i <= 2; i++) {
		const struct frost_quorum_terms terms = {.share = holders.shares[i],
							 .signers = &signers,
							 .instance = KEEPERS_INSTANCE,
							 .nonce = KEEPERS_NONCE,
							 .message = bytes_of("sell 3 calls", i == 1 ? 12 : 11)};
		assert_ok(frost_quorum_start(&quorums[i], &terms));
	}
	uint8_t to;
	struct bytes frame;
	assert_true(exchange_next(frost_quorum_exchange(quorums[1]), &to, &frame));
	assert_fails(STATUS_INVALID, "exchange.stray", exchange_receive(frost_quorum_exchange(quorums[2]), frame));
	assert_int_equal(frost_quorum_exchange(quorums[2])->state, EXCHANGE_RUNNING);
	for (uint8_t i = 1; i <= 2; i++)
		frost_quorum_destroy(&quorums[i]);
	frost_holders_end(&holders);
}

static void
strangers_and_holders_under_another_identity_do_not_sign(void **) {
	struct frost_holders holders = {};
	struct frost_quorum *quorum = nullptr;
	frost_holders_generate(&holders, FROST_SCHEME_BIP340, 2, 3);
	struct party_set four = parties_up_to(4), sets[4];
	assert_ok(party_set_choose(&four, (const uint8_t[]){1, 4}, 2, &sets[0])); /* no holder */
	assert_ok(party_set_choose(&four, (const uint8_t[]){2, 3}, 2, &sets[1])); /* not this one */
	assert_ok(party_set_choose(&four, (const uint8_t[]){1}, 1, &sets[2]));    /* too few */
	assert_ok(party_set_choose(&four, (const uint8_t[]){1, 2}, 2, &sets[3]));
	sets[3].parties[1].identity[0] ^= 1;
	for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
		const struct frost_quorum_terms terms = {.share = holders.shares[1],
							 .signers = &sets[i],
							 .instance = KEEPERS_INSTANCE,
							 .nonce = KEEPERS_NONCE};
		assert_fails(STATUS_INVALID, "frost_quorum.signers", frost_quorum_start(&quorum, &terms));
		assert_null(quorum);
	}
	frost_holders_end(&holders);
}

/* --- Liars --- */

static struct frost_quorum *quorums[KEEPERS_MAX + 1];

static void
start_all(const struct frost_holders *holders, struct network *network) {
	const struct party_set signers = parties_up_to(3);
	network->protocol = &frost_quorum_protocol;
	for (uint8_t i = 1; i <= 3; i++) {
		const struct frost_quorum_terms terms = {.share = holders->shares[i],
							 .signers = &signers,
							 .instance = KEEPERS_INSTANCE,
							 .nonce = KEEPERS_NONCE,
							 .message = BYTES_OF_LITERAL("sell 3 calls")};
		assert_ok(frost_quorum_start(&quorums[i], &terms));
		network->machines[i] = quorums[i];
	}
}

static void
end_all(void) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_quorum_destroy(&quorums[i]);
}

struct change {
	uint8_t type;
	size_t at;
	bool done;
};

static void
apply(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct change *change = context;
	if (from != LIAR || to != VICTIM || frame->data[6] != change->type || change->done)
		return;
	frame->data[change->at] ^= 1;
	change->done = true;
}

static const struct seen SEEN_ELSEWHERE[] = {
	{"frost-sign.commitment", "frost-sign.commitment", 0}, /* no element */
	{"frost-sign.commitment", "frost-sign.echo", 1},       /* another one */
};

/* A commitment that was changed may be none of the group (its sender is named), or another one (the hashes differ). */
static void
check_change(enum frost_scheme scheme, const struct message_kind *kind, const char *field, size_t at) {
	struct frost_holders holders = {};
	struct change change = {.type = kind->type, .at = at};
	struct network network = {.on_frame = apply, .context = &change};
	uint8_t signature[64];
	frost_holders_generate(&holders, scheme, 2, 3);
	start_all(&holders, &network);
	network_run(&network);
	assert_true(change.done);
	if (frost_quorum_exchange(quorums[VICTIM])->state != EXCHANGE_ABORTED ||
	    frost_quorum_signature(quorums[VICTIM], signature))
		fail_msg("%s, byte %zu: the victim has not ended", field, at);
	uint8_t culprit = frost_quorum_exchange(quorums[VICTIM])->culprit;
	bool is_commitment = kind->type == FROST_QUORUM_MESSAGES[0].type;
	bool names = strcmp(network.failure[VICTIM], "frost.element") == 0 ||
		     strcmp(network.failure[VICTIM], "frost.public_nonce") == 0 ||
		     strcmp(field, "frost-sign.share") == 0;
	if (culprit != (names ? LIAR : 0))
		fail_msg("%s, byte %zu: party %u is named (%s)", field, at, culprit, network.failure[VICTIM]);
	assert_seen(frost_quorum_exchange(quorums[VICTIM]), (size_t)(kind - FROST_QUORUM_MESSAGES), field,
		    SEEN_ELSEWHERE, ARRAY_LENGTH(SEEN_ELSEWHERE));
	if (is_commitment && !names)
		assert_string_equal(network.failure[VICTIM], "frost_quorum.echo");
	end_all();
	frost_holders_end(&holders);
}

static void
a_changed_field_gives_no_signature_whatever_it_is(void **) {
	size_t changes = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		const size_t counts_of[] = {1, 2 * frost_scheme_suite(SCHEMES[s])->element_size};
		for (size_t round = 0; round < FROST_QUORUM_ROUNDS; round++) {
			const struct message_kind *kind = &FROST_QUORUM_MESSAGES[round];
			size_t at = MESSAGE_HEADER_SIZE;
			for (size_t i = 0; i < kind->field_count; i++) {
				const struct message_field *field = &kind->fields[i];
				size_t size = field->unit * counts_of[field->count];
				const size_t places[] = {at, at + size / 4, at + size / 2, at + size - 1};
				for (size_t k = 0; k < ARRAY_LENGTH(places); k++, changes++)
					check_change(SCHEMES[s], kind, field->name, places[k]);
				at += size;
			}
		}
	}
	print_message("%zu changes\n", changes);
	assert_int_equal(changes, 2 * 3 * 4);
}

/* What it signs with is not its share: everybody names it, and nobody else. */
static void
a_signer_with_another_share_is_named_by_all(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		struct network network = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		start_all(&holders, &network);
		/* Beyond the check of its own: what it sends is changed, the same for both. */
		for (bool moved = true; moved && quorums[LIAR]->exchange.round == 0;) {
			moved = false;
			for (uint8_t i = 1; i <= 3; i++)
				moved = network_step(&network, i) || moved;
		}
		for (size_t i = 0; i < 3; i++)
			if (i != LIAR - 1u)
				quorums[LIAR]->exchange.sent[1][i].data[MESSAGE_HEADER_SIZE + 32 + 5] ^= 1;
		network_run_apart(&network);
		for (uint8_t i = 1; i <= 3; i += 2) {
			assert_int_equal(frost_quorum_exchange(quorums[i])->state, EXCHANGE_ABORTED);
			assert_int_equal(frost_quorum_exchange(quorums[i])->culprit, LIAR);
		}
		end_all();
		frost_holders_end(&holders);
	}
}

/* A nonce lives in its session: whatever becomes of it, it is gone. */
static void
nothing_of_a_nonce_is_left_after_it_was_used(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		struct network network = {};
		uint8_t signature[64];
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		start_all(&holders, &network);
		network_run(&network);
		for (uint8_t i = 1; i <= 3; i++) {
			const struct quorum_secrets *secrets = secrets_of(quorums[i]);
			assert_true(frost_quorum_signature(quorums[i], signature));
			for (size_t k = 0; k < 32; k++) {
				assert_int_equal(secrets->nonces.hiding.bytes[k] | secrets->nonces.binding.bytes[k], 0);
				assert_int_equal(((const uint8_t *)secrets->nonce.numbers)[k], 0);
			}
		}
		end_all();
		frost_holders_end(&holders);
	}
}

static bool
is_zero(struct bytes bytes) {
	uint8_t seen = 0;
	for (size_t i = 0; i < bytes.len; i++)
		seen |= bytes.data[i];
	return seen == 0;
}

/* Whether it ends by what this party found or by what a peer said, before its nonces were used. */
static void
nothing_of_a_nonce_is_left_after_an_abort(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		struct network network = {};
		uint8_t to;
		struct bytes frame;
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		start_all(&holders, &network);
		for (uint8_t i = 1; i <= 3; i++)
			assert_false(is_zero(secret_bytes(&quorums[i]->memory)));
		while (exchange_next(frost_quorum_exchange(quorums[LIAR]), &to, &frame) && to != VICTIM)
			continue;
		_cleanup_(buffer_free) struct buffer twice = {};
		buffer_append_bytes(&twice, frame);
		assert_ok(exchange_receive(frost_quorum_exchange(quorums[VICTIM]), buffer_bytes(&twice)));
		twice.data[twice.len - 1] ^= 1;
		assert_fails(STATUS_CONFLICT, "exchange.twice",
			     exchange_receive(frost_quorum_exchange(quorums[VICTIM]), buffer_bytes(&twice)));
		assert_true(is_zero(secret_bytes(&quorums[VICTIM]->memory)));
		while (exchange_next(frost_quorum_exchange(quorums[VICTIM]), &to, &frame) && to != 3)
			continue;
		assert_fails(STATUS_DENIED, "exchange.peer_aborted",
			     exchange_receive(frost_quorum_exchange(quorums[3]), frame));
		assert_true(is_zero(secret_bytes(&quorums[3]->memory)));
		assert_false(is_zero(secret_bytes(&quorums[LIAR]->memory)));
		end_all();
		frost_holders_end(&holders);
	}
}

RUN_TESTS(T(every_quorum_signs_messages_of_any_length), T(children_and_taproot_outputs_of_a_bip340_key_sign),
	  T(signers_that_do_not_agree_on_the_message_do_not_hear_each_other),
	  T(strangers_and_holders_under_another_identity_do_not_sign),
	  T(a_changed_field_gives_no_signature_whatever_it_is), T(a_signer_with_another_share_is_named_by_all),
	  T(nothing_of_a_nonce_is_left_after_it_was_used), T(nothing_of_a_nonce_is_left_after_an_abort))
