#include "tests/test.h"

#include <openssl/core_names.h>
#include <openssl/ssl.h>

#include "crypto/pinned_tls.h"

static const char LABEL[] = "EXPORTER-gatehouse-test";

static struct pinned_identity *
make_identity(uint8_t seed_byte) {
	uint8_t seed[32] = {seed_byte};
	_cleanup_(buffer_free) struct buffer der = {};
	struct pinned_identity *identity = nullptr;
	assert_ok(pinned_certificate_make(seed, &der));
	assert_ok(pinned_identity_create(&identity, seed, buffer_bytes(&der)));
	return identity;
}

struct ends {
	struct pinned_identity *identities[3]; /* client, server, a stranger */
	struct pinned_tls *client, *server;
};

static void
start(struct ends *ends, const struct hash256 *client_pins, size_t client_count, const struct hash256 *server_pins,
      size_t server_count) {
	assert_ok(pinned_tls_start(&ends->client, ends->identities[0], true, client_pins, client_count));
	assert_ok(pinned_tls_start(&ends->server, ends->identities[1], false, server_pins, server_count));
}

static struct ends
make_ends(void) {
	return (struct ends){.identities = {make_identity(1), make_identity(2), make_identity(3)}};
}

static void
free_ends(struct ends *ends) {
	pinned_tls_end(&ends->client);
	pinned_tls_end(&ends->server);
	for (size_t i = 0; i < ARRAY_LENGTH(ends->identities); i++)
		pinned_identity_destroy(&ends->identities[i]);
}

/* Until nobody has anything to say. The first failure of each side. */
static void
converse(struct ends *ends, enum status *client, enum status *server) {
	*client = *server = OK;
	while (pinned_tls_waiting(ends->client) + pinned_tls_waiting(ends->server) > 0) {
		_cleanup_(buffer_free) struct buffer there = {}, back = {};
		assert_ok(pinned_tls_output(ends->client, 1000, &there));
		if (*server == OK)
			*server = pinned_tls_take(ends->server, buffer_bytes(&there));
		assert_ok(pinned_tls_output(ends->server, 1000, &back));
		if (*client == OK)
			*client = pinned_tls_take(ends->client, buffer_bytes(&back));
	}
}

static void
two_that_pin_each_other_talk_and_share_one_exported_value(void **) {
	_cleanup_(free_ends) struct ends ends = make_ends();
	const struct hash256 pins[] = {*pinned_identity_hash(ends.identities[2]),
				       *pinned_identity_hash(ends.identities[1])};
	enum status client, server;
	start(&ends, pins, 2, pinned_identity_hash(ends.identities[0]), 1);
	converse(&ends, &client, &server);
	assert_int_equal(client, OK);
	assert_int_equal(server, OK);
	assert_true(pinned_tls_is_established(ends.client));
	assert_true(pinned_tls_is_established(ends.server));
	assert_int_equal(pinned_tls_pin(ends.client), 1);
	assert_int_equal(pinned_tls_pin(ends.server), 0);
	uint8_t ours[32], theirs[32];
	assert_ok(pinned_tls_export(ends.client, LABEL, ours));
	assert_ok(pinned_tls_export(ends.server, LABEL, theirs));
	assert_memory_equal(ours, theirs, sizeof ours);

	_cleanup_(buffer_free) struct buffer sent = {}, got = {};
	for (size_t i = 0; i < 100'000; i++)
		buffer_append_byte(&sent, (uint8_t)(i * 7));
	assert_ok(pinned_tls_write(ends.client, buffer_bytes(&sent)));
	converse(&ends, &client, &server);
	assert_ok(pinned_tls_read(ends.server, &got));
	assert_bytes(buffer_bytes(&sent), buffer_bytes(&got));
	pinned_tls_finish(ends.client);
	converse(&ends, &client, &server);
	assert_fails(STATUS_UNAVAILABLE, "pinned_tls.closed", pinned_tls_read(ends.server, &got));
}

/* The record that renews the key is seen in the bytes; what comes after it is read like what came before. */
static void
keys_are_renewed_before_they_have_protected_too_much(void **) {
	constexpr size_t PIECE = 1024 * 1024, RECORD = 16 * 1024, OVERHEAD = 5 + 1 + 16, UPDATE = 5;
	_cleanup_(free_ends) struct ends ends = make_ends();
	_cleanup_(buffer_free) struct buffer piece = {};
	enum status client, server;
	start(&ends, pinned_identity_hash(ends.identities[1]), 1, pinned_identity_hash(ends.identities[0]), 1);
	converse(&ends, &client, &server);
	for (size_t i = 0; i < PIECE; i++)
		buffer_append_byte(&piece, (uint8_t)i);
	size_t updates = 0;
	for (size_t i = 0; i < 130; i++) {
		_cleanup_(buffer_free) struct buffer there = {}, back = {}, got = {};
		assert_ok(pinned_tls_write(ends.client, buffer_bytes(&piece)));
		assert_ok(pinned_tls_output(ends.client, SIZE_MAX, &there));
		updates += there.len > PIECE + PIECE / RECORD * OVERHEAD;
		assert_ok(pinned_tls_take(ends.server, buffer_bytes(&there)));
		assert_ok(pinned_tls_read(ends.server, &got));
		assert_bytes(buffer_bytes(&piece), buffer_bytes(&got));
		/* Its own renewal goes with what the server says next. */
		assert_ok(pinned_tls_write(ends.server, BYTES_OF_LITERAL("!")));
		assert_ok(pinned_tls_output(ends.server, SIZE_MAX, &back));
		updates += back.len > 1 + OVERHEAD + UPDATE;
		assert_ok(pinned_tls_take(ends.client, buffer_bytes(&back)));
		buffer_reset(&got);
		assert_ok(pinned_tls_read(ends.client, &got));
		assert_bytes(BYTES_OF_LITERAL("!"), buffer_bytes(&got));
	}
	assert_int_equal(updates, 4); /* after 64 and 128 MiB, on both sides */
}

static void
whoever_is_not_pinned_is_refused_by_either_side(void **) {
	for (int wrong = 0; wrong < 2; wrong++) {
		_cleanup_(free_ends) struct ends ends = make_ends();
		const struct hash256 *stranger = pinned_identity_hash(ends.identities[2]);
		enum status client, server;
		start(&ends, wrong == 0 ? stranger : pinned_identity_hash(ends.identities[1]), 1,
		      wrong == 1 ? stranger : pinned_identity_hash(ends.identities[0]), 1);
		converse(&ends, &client, &server);
		assert_int_equal(wrong == 0 ? client : server, STATUS_UNAUTHORIZED);
		assert_false(pinned_tls_is_established(wrong == 0 ? ends.client : ends.server));
		/* A client has finished before the server has seen its certificate: nothing can be read, though. */
		_cleanup_(buffer_free) struct buffer nothing = {};
		(void)!pinned_tls_read(ends.client, &nothing);
		assert_int_equal(nothing.len, 0);
		assert_fails(STATUS_UNAUTHORIZED, "pinned_tls.over",
			     pinned_tls_take(wrong == 0 ? ends.client : ends.server, BYTES_OF_LITERAL("x")));
	}
}

/* The bytes of a record's header that say a version, which RFC 8446 §5.1 has ignored. */
static bool
is_record_version(struct bytes records, size_t at) {
	size_t start = 0;
	while (start + 5 <= records.len && at >= start) {
		if (at == start + 1 || at == start + 2)
			return true;
		start += 5 + (size_t)(records.data[start + 3] << 8 | records.data[start + 4]);
	}
	return false;
}

/* 0: what the client says first, 1: the server's answer, 2: what the client says then. The flight, and to whom it goes. */
static struct pinned_tls *
play_until(struct ends *ends, int flight, struct buffer *said) {
	start(ends, pinned_identity_hash(ends->identities[1]), 1, pinned_identity_hash(ends->identities[0]), 1);
	assert_ok(pinned_tls_output(ends->client, SIZE_MAX, said));
	for (int i = 0; i < flight; i++) {
		struct pinned_tls *from = i % 2 == 0 ? ends->server : ends->client;
		assert_ok(pinned_tls_take(from, buffer_bytes(said)));
		buffer_reset(said);
		assert_ok(pinned_tls_output(from, SIZE_MAX, said));
	}
	return flight == 1 ? ends->client : ends->server;
}

/* One bit, in every region of what either side says, and it does not come to a connection between the two. */
static void
a_changed_byte_in_the_handshake_ends_it(void **) {
	static const size_t strides[] = {29, 127, 127};
	size_t changed = 0;
	for (int flight = 0; flight < 3; flight++)
		for (size_t at = 0, len = 1; at < len; at += strides[flight]) {
			_cleanup_(free_ends) struct ends ends = make_ends();
			_cleanup_(buffer_free) struct buffer said = {};
			enum status client, server;
			struct pinned_tls *to = play_until(&ends, flight, &said);
			len = said.len;
			if (is_record_version(buffer_bytes(&said), at))
				continue;
			said.data[at] ^= (uint8_t)(1 << at % 8);
			enum status taken = pinned_tls_take(to, buffer_bytes(&said));
			converse(&ends, &client, &server);
			bool both = taken == OK && client == OK && server == OK &&
				    pinned_tls_is_established(ends.client) && pinned_tls_is_established(ends.server);
			if (both)
				fail_msg("byte %zu of %zu in flight %d changed nothing", at, len, flight);
			changed++;
		}
	print_message("# %zu bytes changed, one at a time\n", changed);
	assert_true(changed > 150);
}

static void
a_record_that_is_changed_repeated_or_left_out_ends_the_connection(void **) {
	for (int act = 0; act < 3; act++) {
		_cleanup_(free_ends) struct ends ends = make_ends();
		_cleanup_(buffer_free) struct buffer first = {}, second = {}, got = {};
		enum status client, server;
		start(&ends, pinned_identity_hash(ends.identities[1]), 1, pinned_identity_hash(ends.identities[0]), 1);
		converse(&ends, &client, &server);
		assert_ok(pinned_tls_write(ends.client, BYTES_OF_LITERAL("first")));
		assert_ok(pinned_tls_output(ends.client, SIZE_MAX, &first));
		assert_ok(pinned_tls_write(ends.client, BYTES_OF_LITERAL("second")));
		assert_ok(pinned_tls_output(ends.client, SIZE_MAX, &second));
		if (act == 0)
			first.data[first.len - 1] ^= 1;
		if (act < 2)
			assert_ok(pinned_tls_take(ends.server, buffer_bytes(&first)));
		if (act == 1) {
			assert_ok(pinned_tls_read(ends.server, &got));
			assert_bytes(BYTES_OF_LITERAL("first"), buffer_bytes(&got));
			assert_ok(pinned_tls_take(ends.server, buffer_bytes(&first)));
		}
		if (act == 2)
			assert_ok(pinned_tls_take(ends.server, buffer_bytes(&second)));
		size_t before = got.len;
		assert_fails(STATUS_UNAUTHORIZED, "pinned_tls.record", pinned_tls_read(ends.server, &got));
		assert_int_equal(got.len, before);
	}
}

static void
present_certificate(SSL_CTX *context, const uint8_t seed[32], struct bytes der) {
	EVP_PKEY *key = nullptr;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, (void *)(uintptr_t)seed, 32),
		OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(nullptr, "ML-DSA-65", nullptr);
	assert_int_equal(1, EVP_PKEY_fromdata_init(making));
	assert_int_equal(1, EVP_PKEY_fromdata(making, &key, EVP_PKEY_KEYPAIR, parameters));
	EVP_PKEY_CTX_free(making);
	assert_int_equal(1, SSL_CTX_use_certificate_ASN1(context, (int)der.len, der.data));
	assert_int_equal(1, SSL_CTX_use_PrivateKey(context, key));
	EVP_PKEY_free(key);
}

/* Nothing else of TLS is spoken: of a client of the library that is right in all but one thing, only the one that is right in that
 * as well is taken. */
static void
other_versions_groups_and_certificates_are_turned_away(void **) {
	static const char GROUP[] = "X25519MLKEM768", CIPHER[] = "TLS_AES_256_GCM_SHA384";
	static const struct {
		int version;
		const char *group, *cipher;
		int certificate; /* 1: the pinned one; 2: another one of the same key; 0: none */
		bool is_taken;
	} clients[] = {
		{TLS1_3_VERSION, GROUP, CIPHER, 1, true},
		{TLS1_2_VERSION, "X25519", CIPHER, 1, false},
		{TLS1_3_VERSION, "X25519", CIPHER, 1, false},
		{TLS1_3_VERSION, "SecP256r1MLKEM768", CIPHER, 1, false},
		{TLS1_3_VERSION, GROUP, "TLS_AES_128_GCM_SHA256", 1, false},
		{TLS1_3_VERSION, GROUP, CIPHER, 2, false},
		{TLS1_3_VERSION, GROUP, CIPHER, 0, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
		_cleanup_(free_ends) struct ends ends = make_ends();
		_cleanup_(buffer_free) struct buffer pinned = {}, another = {};
		const uint8_t seed[32] = {1};
		assert_ok(pinned_certificate_make(seed, &pinned));
		assert_ok(pinned_certificate_make(seed, &another));
		struct hash256 pin = sha256(buffer_bytes(&pinned));
		assert_ok(pinned_tls_start(&ends.server, ends.identities[1], false, &pin, 1));
		SSL_CTX *context = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_max_proto_version(context, clients[i].version);
		assert_int_equal(1, SSL_CTX_set1_groups_list(context, clients[i].group));
		assert_int_equal(1, SSL_CTX_set_ciphersuites(context, clients[i].cipher));
		if (clients[i].certificate != 0)
			present_certificate(context, seed,
					    buffer_bytes(clients[i].certificate == 1 ? &pinned : &another));
		SSL *ssl = SSL_new(context);
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		SSL_set_bio(ssl, in, out);
		SSL_set_connect_state(ssl);
		enum status status = OK;
		for (int turn = 0; turn < 6 && status == OK; turn++) {
			_cleanup_(buffer_free) struct buffer there = {}, back = {};
			(void)SSL_do_handshake(ssl);
			assert_true(buffer_reserve(&there, 64 * 1024));
			int got = BIO_read(out, there.data, 64 * 1024);
			there.len = got > 0 ? (size_t)got : 0;
			status = pinned_tls_take(ends.server, buffer_bytes(&there));
			assert_ok(pinned_tls_output(ends.server, SIZE_MAX, &back));
			if (back.len > 0)
				(void)BIO_write(in, back.data, (int)back.len);
		}
		assert_int_equal(clients[i].is_taken ? OK : STATUS_UNAUTHORIZED, status);
		assert_int_equal(clients[i].is_taken, pinned_tls_is_established(ends.server));
		SSL_free(ssl);
		SSL_CTX_free(context);
	}
}

static void
a_certificate_of_another_key_or_of_no_form_is_refused_by_name(void **) {
	uint8_t seed[32] = {1}, other[32] = {2};
	_cleanup_(buffer_free) struct buffer der = {};
	_cleanup_(pinned_identity_destroy) struct pinned_identity *identity = nullptr;
	assert_ok(pinned_certificate_make(seed, &der));
	assert_true(der.len <= PINNED_TLS_CERTIFICATE_MAX);
	assert_fails(STATUS_CORRUPT, "pinned_tls.certificate",
		     pinned_identity_create(&identity, other, buffer_bytes(&der)));
	assert_fails(STATUS_INVALID, "pinned_tls.certificate",
		     pinned_identity_create(&identity, seed, bytes_of(der.data, der.len - 1)));
	buffer_append_byte(&der, 0);
	assert_fails(STATUS_INVALID, "pinned_tls.certificate",
		     pinned_identity_create(&identity, seed, buffer_bytes(&der)));
	assert_fails(STATUS_INVALID, "pinned_tls.certificate",
		     pinned_identity_create(&identity, seed, (struct bytes){}));
	der.len--;
	assert_ok(pinned_identity_create(&identity, seed, buffer_bytes(&der)));
	struct pinned_tls *tls = nullptr;
	assert_fails(STATUS_INVALID, "pinned_tls.pins", pinned_tls_start(&tls, identity, true, nullptr, 0));
}

RUN_TESTS(T(two_that_pin_each_other_talk_and_share_one_exported_value),
	  T(keys_are_renewed_before_they_have_protected_too_much), T(whoever_is_not_pinned_is_refused_by_either_side),
	  T(a_changed_byte_in_the_handshake_ends_it),
	  T(a_record_that_is_changed_repeated_or_left_out_ends_the_connection),
	  T(other_versions_groups_and_certificates_are_turned_away),
	  T(a_certificate_of_another_key_or_of_no_form_is_refused_by_name))
