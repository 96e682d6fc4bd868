/*
 * Wrong signatures of people and programs, checked by the gate, for tests/enumeration_test.py to count the instructions of: every
 * way to sign, with every form of signature, by keys that there are and by one that there is not. A line for each:
 *
 *   WAY FORM WHOSE       the answer that the requester gets
 *
 * Under callgrind the second check of each counts, in a dump of that name: the first one starts the libraries.
 */
#include "tests/test.h"

#include <stdio.h>
#include <valgrind/callgrind.h>

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/sign.h"
#include "gate/person_signature.h"
#include "gate/sign_in.h"
#include "identity/statement.h"
#include "tests/authenticator.h"

#define PERSON "person:p-0000000000000001"
#define HOST "gate.example"
static const char *const origins[] = {"https://" HOST};

/* --- Whose. --- */

enum { KTY_EC2 = 2, KTY_OKP = 1, KTY_RSA = 3 };

static const struct owner {
	const char *name; /* of the key and in the output */
	int64_t algorithm, type, curve;
	size_t size; /* of a coordinate, or of the modulus */
	const char *rp_id;
	bool is_passkey, is_revoked;
} owners[] = {
	{"ed25519", .is_passkey = false},
	{"ed25519-revoked", .is_passkey = false, .is_revoked = true},
	{"es256", -7, KTY_EC2, 1, 32, HOST, true},
	{"es256-revoked", -7, KTY_EC2, 1, 32, HOST, true, true},
	{"es256-elsewhere", -7, KTY_EC2, 1, 32, "other.example", true},
	{"es384", -35, KTY_EC2, 2, 48, HOST, true},
	{"rs256-2048", -257, KTY_RSA, 0, 256, HOST, true},
	{"rs256-3072", -257, KTY_RSA, 0, 384, HOST, true},
	{"rs256-4096", -257, KTY_RSA, 0, 512, HOST, true},
	{"eddsa", -8, KTY_OKP, 6, 32, HOST, true},
	{"nobody", .is_passkey = true},
};
constexpr size_t OWNERS = ARRAY_LENGTH(owners);
constexpr size_t NOBODY = OWNERS - 1;

/* A point of the curve that nobody knows more of than its number. */
static void
put_point(int curve, uint64_t number, size_t size, struct buffer *to) {
	uint8_t point[1 + 2 * 48];
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve == 1 ? NID_X9_62_prime256v1 : NID_secp384r1);
	EC_POINT *made = EC_POINT_new(group);
	BIGNUM *scalar = BN_new();
	assert_int_equal(1, BN_set_word(scalar, number));
	assert_int_equal(1, EC_POINT_mul(group, made, scalar, nullptr, nullptr, nullptr));
	assert_int_equal(1 + 2 * size,
			 EC_POINT_point2oct(group, made, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, nullptr));
	cbor_put_integer(to, -2);
	cbor_put_bytes(to, bytes_of(point + 1, size));
	cbor_put_integer(to, -3);
	cbor_put_bytes(to, bytes_of(point + 1 + size, size));
	BN_free(scalar);
	EC_POINT_free(made);
	EC_GROUP_free(group);
}

static void
put_cose_key(const struct owner *owner, size_t index, struct buffer *to) {
	uint8_t modulus[512], seed[32] = {(uint8_t)index}, point[32];
	memset(modulus, 0xb5, sizeof modulus);
	cbor_put(to, 5, owner->type == KTY_EC2 ? 5 : 4);
	cbor_put_integer(to, 1);
	cbor_put_integer(to, owner->type);
	cbor_put_integer(to, 3);
	cbor_put_integer(to, owner->algorithm);
	cbor_put_integer(to, -1);
	if (owner->type == KTY_RSA) {
		cbor_put_bytes(to, bytes_of(modulus, owner->size));
		cbor_put_integer(to, -2);
		cbor_put_bytes(to, BYTES_OF_LITERAL("\x01\x00\x01"));
		return;
	}
	cbor_put_integer(to, owner->curve);
	if (owner->type == KTY_EC2) {
		put_point((int)owner->curve, UINT64_C(0x123456789abcdef1) + index, owner->size, to);
		return;
	}
	assert_ok(ed25519_public_key(seed, point));
	cbor_put_integer(to, -2);
	cbor_put_bytes(to, BYTES_OF_ARRAY(point));
}

static void
credential_of(size_t index, uint8_t credential[static 32]) {
	memset(credential, (int)(0xa0 + index), 32);
}

static const char *
key_id_of(struct arena *arena, size_t index) {
	return arena_format(arena, PERSON "/%s", owners[index].name);
}

static void
add_owner(struct directory *directory, struct arena *arena, size_t index) {
	static const uint8_t aaguid[16];
	const struct owner *owner = &owners[index];
	_cleanup_(buffer_free) struct buffer cose = {};
	uint8_t credential[32], seed[32] = {(uint8_t)(100 + index)}, public_key[32];
	credential_of(index, credential);
	if (owner->is_passkey) {
		put_cose_key(owner, index, &cose);
		struct passkey passkey = {.rp_id = bytes_of_text(owner->rp_id),
					  .credential_id = BYTES_OF_ARRAY(credential),
					  .cose_key = buffer_bytes(&cose),
					  .aaguid = BYTES_OF_ARRAY(aaguid),
					  .backup_eligible = true};
		assert_ok(directory_add_passkey(directory, BYTES_OF_LITERAL(PERSON), bytes_of_text(owner->name),
						&passkey, 0));
	} else {
		assert_ok(ed25519_public_key(seed, public_key));
		assert_ok(directory_add_key(directory, BYTES_OF_LITERAL(PERSON), bytes_of_text(owner->name), public_key,
					    DIRECTORY_KEY_TERMINAL, (struct bytes){}));
	}
	if (owner->is_revoked)
		assert_ok(directory_revoke_key(directory, bytes_of_text(key_id_of(arena, index))));
}

/* --- Signatures that nobody made. --- */

static const struct form {
	const char *name;
	size_t number; /* of DER: bytes of each of two integers; 0: bytes as they are */
	size_t len;    /* of those */
	uint8_t first, rest;
} forms[] = {
	{"der-32", .number = 32, .rest = 0x37},
	{"der-31", .number = 31, .rest = 0x37},
	{"der-48", .number = 48, .rest = 0x37},
	{"not-der", .len = 71, .first = 0x30, .rest = 0x01},
	{"64", .len = 64, .first = 0x41, .rest = 0x05},
	{"64-like-der", .number = 29, .rest = 0x37},
	{"256", .len = 256, .first = 0x11, .rest = 0x11},
	{"256-high", .len = 256, .first = 0xff, .rest = 0x11}, /* over many a modulus */
	{"256-highest", .len = 256, .first = 0xff, .rest = 0xff},
	{"384", .len = 384, .first = 0x11, .rest = 0x11},
	{"512", .len = 512, .first = 0x11, .rest = 0x11},
	{"1", .len = 1, .first = 0x30, .rest = 0x30},
	{"200", .len = 200, .first = 0x30, .rest = 0x30},
};

static void
put_form(const struct form *form, struct buffer *to) {
	if (form->number == 0) {
		buffer_append_byte(to, form->first);
		for (size_t i = 1; i < form->len; i++)
			buffer_append_byte(to, form->rest);
		return;
	}
	buffer_append_byte(to, 0x30);
	buffer_append_byte(to, (uint8_t)(2 * (2 + form->number)));
	for (size_t half = 0; half < 2; half++) {
		buffer_append_byte(to, 0x02);
		buffer_append_byte(to, (uint8_t)form->number);
		for (size_t i = 0; i < form->number; i++)
			buffer_append_byte(to, (uint8_t)(form->rest + half));
	}
}

/* --- Ways to sign. --- */

struct scene {
	struct arena arena;
	struct directory *directory;
	struct challenges challenges;
};

static void
put_hex(struct buffer *object, const char *before, struct bytes bytes) {
	buffer_append_text(object, before);
	buffer_append_hex(object, bytes);
}

static void
put_assertion(struct buffer *object, const uint8_t challenge[static 32]) {
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	struct authenticator stranger;
	authenticator_start(&stranger, 9, HOST, origins[0]);
	authenticator_assert(&stranger, bytes_of(challenge, 32), &made);
	put_hex(object, "{\"assertion\":{\"authenticator_data\":\"", buffer_bytes(&made.authenticator_data));
	put_hex(object, "\",\"client_data\":\"", buffer_bytes(&made.client_data));
	buffer_append_text(object, "\"},");
}

static enum status
sign_operation(struct scene *scene, size_t owner, struct bytes wrong, bool by_passkey) {
	_cleanup_(buffer_free) struct buffer object = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct relying_party party = {.origins = (const char *const *)origins, .origin_count = 1};
	struct person_signature signature;
	struct hash256 digest = {{7}};
	const json *document;
	if (by_passkey)
		put_assertion(&object, digest.bytes);
	else
		buffer_append_byte(&object, '{');
	buffer_append_format(&object, "\"key_id\":\"%s\",", key_id_of(&scene->arena, owner));
	put_hex(&object, "\"signature\":\"", wrong);
	buffer_append_text(&object, "\"}");
	assert_ok(json_read(&arena, buffer_bytes(&object), (struct json_limits){}, &document));
	CALLGRIND_TOGGLE_COLLECT;
	enum status status = person_signature_read(&arena, scene->directory, &party, document,
						   OPERATION_SIGNATURE_LABEL, &digest, &signature);
	CALLGRIND_TOGGLE_COLLECT;
	return status;
}

static enum status
by_key(struct scene *scene, size_t owner, struct bytes wrong) {
	return sign_operation(scene, owner, wrong, false);
}

static enum status
by_passkey(struct scene *scene, size_t owner, struct bytes wrong) {
	return sign_operation(scene, owner, wrong, true);
}

static struct gate
gate_of(struct scene *scene, struct gate_state *state) {
	*state = (struct gate_state){.directory = scene->directory};
	return (struct gate){.state = state, .origins = (const char **)(uintptr_t)origins, .origin_count = 1};
}

/* What the keeper does with a sign-in, up to where it answers. */
static enum status
by_sign_in(struct scene *scene, size_t owner, struct bytes wrong) {
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t challenge[CHALLENGE_SIZE], credential[32];
	struct sign_in sign_in;
	struct gate_state state;
	struct gate gate = gate_of(scene, &state);
	(void)challenge_make(&scene->challenges, 0, challenge);
	credential_of(owner, credential);
	put_assertion(&body, challenge);
	put_hex(&body, "\"credential_id\":\"", BYTES_OF_ARRAY(credential));
	put_hex(&body, "\",\"signature\":\"", wrong);
	buffer_append_text(&body, "\"}");
	CALLGRIND_TOGGLE_COLLECT;
	enum status status = sign_in_read(&arena, buffer_bytes(&body), &sign_in);
	if (status == OK)
		status = sign_in_verify(&gate, &arena, &scene->challenges, 0, &sign_in);
	CALLGRIND_TOGGLE_COLLECT;
	return status;
}

/* The answer names the key that the request named: the same for all, so that answers can be compared. */
static enum status
by_request(struct scene *scene, size_t owner, struct bytes wrong) {
	struct gate_state state;
	struct gate gate = gate_of(scene, &state);
	const struct directory_key *key;
	char name[DIRECTORY_KEY_ID_MAX];
	struct http_signature signature = {.key_id = bytes_of_text(key_id_of(&scene->arena, owner)),
					   .base = BYTES_OF_LITERAL("\"@method\": POST")};
	memcpy(signature.signature, wrong.data, sizeof signature.signature);
	CALLGRIND_TOGGLE_COLLECT;
	enum status status = gate_verify_request(&gate, &signature, &key);
	CALLGRIND_TOGGLE_COLLECT;
	fail_name(name, sizeof name);
	return status == OK ? OK : fail(status, "%s: KEY", name);
}

static const struct way {
	const char *name;
	enum status (*check)(struct scene *scene, size_t owner, struct bytes wrong);
	bool takes_passkeys, takes_any_form;
} ways[] = {
	{"key", by_key, false, false},
	{"request", by_request, false, false},
	{"passkey", by_passkey, true, true},
	{"sign-in", by_sign_in, true, true},
};

static void
try_one(struct scene *scene, const struct way *way, const struct form *form, size_t owner) {
	_cleanup_(buffer_free) struct buffer wrong = {};
	char name[96], answer[256];
	put_form(form, &wrong);
	assert_true(way->check(scene, owner, buffer_bytes(&wrong)) != OK);
	CALLGRIND_ZERO_STATS;
	enum status status = way->check(scene, owner, buffer_bytes(&wrong));
	assert_true(status != OK);
	snprintf(answer, sizeof answer, "%s %s", status_name(status), fail_message());
	snprintf(name, sizeof name, "%s %s %s", way->name, form->name, owners[owner].name);
	CALLGRIND_DUMP_STATS_AT(name);
	printf("%s\t%s\n", name, answer);
}

int
main(void) {
	struct scene scene = {};
	assert_ok(directory_create(&scene.directory));
	assert_ok(directory_add_unit(scene.directory, UNIT_LEGAL_ENTITY, BYTES_OF_LITERAL("firm"), (struct bytes){}));
	assert_ok(directory_add_person(scene.directory, BYTES_OF_LITERAL(PERSON), BYTES_OF_LITERAL("firm")));
	challenges_start(&scene.challenges);
	for (size_t i = 0; i < NOBODY; i++)
		add_owner(scene.directory, &scene.arena, i);
	for (size_t way = 0; way < ARRAY_LENGTH(ways); way++)
		for (size_t form = 0; form < ARRAY_LENGTH(forms); form++)
			for (size_t owner = 0; owner < OWNERS; owner++)
				if ((ways[way].takes_any_form || strcmp(forms[form].name, "64") == 0) &&
				    (owner == NOBODY || !ways[way].takes_passkeys || owners[owner].is_passkey))
					try_one(&scene, &ways[way], &forms[form], owner);
	challenges_free(&scene.challenges);
	directory_destroy(&scene.directory);
	arena_free(&scene.arena);
	return 0;
}
