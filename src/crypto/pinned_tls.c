#include "crypto/pinned_tls.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

constexpr size_t PINS_MAX = 32;
constexpr int CERTIFICATE_LIST_MAX = 16 * 1024; /* bytes of the handshake message */
/* Far below what RFC 8446 §5.5 lets one key of AES-GCM protect. */
constexpr size_t BYTES_PER_KEY = 64 * 1024 * 1024;

struct pinned_identity {
	SSL_CTX *context;
	struct hash256 hash;
};

struct pinned_tls {
	SSL *ssl;
	BIO *in, *out; /* the SSL's */
	struct hash256 pins[PINS_MAX];
	size_t pin_count;
	size_t pin;     /* which was shown; pin_count: none yet */
	bool failed;    /* nothing more is taken */
	size_t written; /* under the present key */
};

static void
free_certificate(X509 **certificate) {
	X509_free(*certificate);
}

static void
free_key(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

/* The library's reason, one line; its queue is empty afterwards. */
static const char *
library_reason(void) {
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	ERR_clear_error();
	return reason == nullptr ? "no reason given" : reason;
}

static enum status
library_failure(const char *what) {
	return fail(STATUS_INTERNAL, "pinned_tls.%s: %s", what, library_reason());
}

static enum status
key_of_seed(const uint8_t seed[32], EVP_PKEY **key) {
	/* The library reads the bytes only; its type has no const. */
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, (void *)(uintptr_t)seed,
						  PINNED_TLS_SEED_SIZE),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, "ML-DSA-65", nullptr);
	bool made = context != nullptr && EVP_PKEY_fromdata_init(context) == 1 &&
		    EVP_PKEY_fromdata(context, key, EVP_PKEY_KEYPAIR, parameters) == 1;
	EVP_PKEY_CTX_free(context);
	return made ? OK : library_failure("key");
}

/* --- Certificates: whatever stands in them, only their hash counts. --- */

static enum status
fill(X509 *certificate, EVP_PKEY *key) {
	X509_NAME *name = X509_get_subject_name(certificate);
	bool filled = X509_set_version(certificate, X509_VERSION_3) == 1 &&
		      ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
		      ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20200101000000Z") == 1 &&
		      /* RFC 5280 §4.1.2.5: no well-defined end */
		      ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
		      X509_set_pubkey(certificate, key) == 1 &&
		      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"gatehouse keeper",
						 -1, -1, 0) == 1 &&
		      X509_set_issuer_name(certificate, name) == 1;
	return filled && X509_sign(certificate, key, nullptr) > 0 ? OK : library_failure("certificate");
}

enum status
pinned_certificate_make(const uint8_t seed[32], struct buffer *der) {
	_cleanup_(free_key) EVP_PKEY *key = nullptr;
	_cleanup_(free_certificate) X509 *made = X509_new();
	TRY_ALLOC(made);
	TRY(key_of_seed(seed, &key));
	TRY(fill(made, key));
	unsigned char *encoding = nullptr;
	int len = i2d_X509(made, &encoding);
	if (len <= 0)
		return library_failure("certificate");
	buffer_append(der, encoding, (size_t)len);
	OPENSSL_free(encoding);
	return buffer_status(der);
}

static enum status
read_certificate(struct bytes der, X509 **certificate) {
	const uint8_t *at = der.data;
	if (der.len == 0 || der.len > PINNED_TLS_CERTIFICATE_MAX ||
	    (*certificate = d2i_X509(nullptr, &at, (long)der.len)) == nullptr || at != der.data + der.len) {
		ERR_clear_error();
		return fail(STATUS_INVALID, "pinned_tls.certificate: %zu bytes are no certificate", der.len);
	}
	return OK;
}

/* --- Who we are, and what we speak. --- */

/* In the place of the library's own verification: exactly one certificate, and a pinned one. */
static int
check_pin(X509_STORE_CTX *store, void *) {
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct pinned_tls *tls = SSL_get_app_data(ssl);
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	struct hash256 shown;
	unsigned int len = 0;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	if (chain == nullptr || sk_X509_num(chain) != 1 ||
	    X509_digest(sk_X509_value(chain, 0), EVP_sha256(), shown.bytes, &len) != 1 || len != sizeof shown.bytes)
		return 0;
	for (size_t i = 0; i < tls->pin_count; i++)
		if (hash256_equal(&shown, &tls->pins[i])) {
			tls->pin = i;
			X509_STORE_CTX_set_error(store, X509_V_OK);
			return 1;
		}
	return 0;
}

static enum status
settle_protocol(SSL_CTX *context) {
	bool is_settled = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
			  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
			  SSL_CTX_set1_groups_list(context, "X25519MLKEM768") == 1 &&
			  SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") == 1 &&
			  SSL_CTX_set1_sigalgs_list(context, "mldsa65") == 1 &&
			  SSL_CTX_set1_client_sigalgs_list(context, "mldsa65") == 1 &&
			  SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_max_cert_list(context, CERTIFICATE_LIST_MAX);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
	SSL_CTX_set_cert_verify_callback(context, check_pin, nullptr);
	return is_settled ? OK : library_failure("context");
}

enum status
pinned_identity_create(struct pinned_identity **identity, const uint8_t seed[32], struct bytes certificate) {
	_cleanup_(pinned_identity_destroy) struct pinned_identity *made = calloc(1, sizeof *made);
	_cleanup_(free_key) EVP_PKEY *key = nullptr;
	_cleanup_(free_certificate) X509 *read = nullptr;
	TRY_ALLOC(made);
	TRY(read_certificate(certificate, &read));
	TRY(key_of_seed(seed, &key));
	made->hash = sha256(certificate);
	made->context = SSL_CTX_new(TLS_method());
	TRY_ALLOC(made->context);
	TRY(settle_protocol(made->context));
	if (SSL_CTX_use_certificate(made->context, read) != 1 || SSL_CTX_use_PrivateKey(made->context, key) != 1 ||
	    SSL_CTX_check_private_key(made->context) != 1)
		return fail(STATUS_CORRUPT, "pinned_tls.certificate: it is of another key: %s", library_reason());
	*identity = TAKE(made);
	return OK;
}

void
pinned_identity_destroy(struct pinned_identity **identity) {
	struct pinned_identity *gone = TAKE(*identity);
	if (gone == nullptr)
		return;
	SSL_CTX_free(gone->context);
	free(gone);
}

const struct hash256 *
pinned_identity_hash(const struct pinned_identity *identity) {
	return &identity->hash;
}

/* --- Connections. --- */

static enum status
attach_memory(struct pinned_tls *tls) {
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (tls->in == nullptr || tls->out == nullptr) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	}
	BIO_set_mem_eof_return(tls->in, -1); /* empty is "not yet", never "over" */
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	return OK;
}

static enum status
over(struct pinned_tls *tls, const char *what) {
	tls->failed = true;
	return fail(STATUS_UNAUTHORIZED, "pinned_tls.%s: %s", what, library_reason());
}

static enum status
go_on(struct pinned_tls *tls) {
	if (SSL_is_init_finished(tls->ssl))
		return OK;
	ERR_clear_error();
	int result = SSL_do_handshake(tls->ssl);
	if (result == 1 || SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
		return OK;
	return over(tls, "handshake");
}

enum status
pinned_tls_start(struct pinned_tls **tls, const struct pinned_identity *identity, bool is_client,
		 const struct hash256 *pins, size_t pin_count) {
	_cleanup_(pinned_tls_end) struct pinned_tls *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	if (pin_count == 0 || pin_count > PINS_MAX)
		return fail(STATUS_INVALID, "pinned_tls.pins: %zu, expected 1 to %zu", pin_count, PINS_MAX);
	memcpy(made->pins, pins, pin_count * sizeof *pins);
	made->pin = made->pin_count = pin_count;
	made->ssl = SSL_new(identity->context);
	TRY_ALLOC(made->ssl);
	TRY(attach_memory(made));
	SSL_set_app_data(made->ssl, made);
	if (is_client)
		SSL_set_connect_state(made->ssl);
	else
		SSL_set_accept_state(made->ssl);
	TRY(go_on(made));
	*tls = TAKE(made);
	return OK;
}

void
pinned_tls_end(struct pinned_tls **tls) {
	struct pinned_tls *gone = TAKE(*tls);
	if (gone == nullptr)
		return;
	SSL_free(gone->ssl);
	free(gone);
}

enum status
pinned_tls_take(struct pinned_tls *tls, struct bytes bytes) {
	if (tls->failed)
		return fail(STATUS_UNAUTHORIZED, "pinned_tls.over: the connection has failed before");
	if (bytes.len > INT_MAX || BIO_write(tls->in, bytes.data, (int)bytes.len) != (int)bytes.len)
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	return go_on(tls);
}

bool
pinned_tls_is_established(const struct pinned_tls *tls) {
	return SSL_is_init_finished(tls->ssl) && !tls->failed && tls->pin < tls->pin_count;
}

size_t
pinned_tls_pin(const struct pinned_tls *tls) {
	return tls->pin;
}

enum status
pinned_tls_export(struct pinned_tls *tls, const char *label, uint8_t to[32]) {
	if (!pinned_tls_is_established(tls) ||
	    SSL_export_keying_material(tls->ssl, to, PINNED_TLS_EXPORT_SIZE, label, strlen(label), nullptr, 0, 0) != 1)
		return library_failure("export");
	return OK;
}

enum status
pinned_tls_read(struct pinned_tls *tls, struct buffer *plain) {
	constexpr size_t RECORD = 16 * 1024;
	if (!pinned_tls_is_established(tls))
		return OK;
	for (;;) {
		if (!buffer_reserve(plain, RECORD))
			return buffer_status(plain);
		ERR_clear_error();
		int got = SSL_read(tls->ssl, plain->data + plain->len, (int)RECORD);
		if (got > 0) {
			plain->len += (size_t)got;
			continue;
		}
		switch (SSL_get_error(tls->ssl, got)) {
		case SSL_ERROR_WANT_READ:
			return OK;
		case SSL_ERROR_ZERO_RETURN:
			tls->failed = true;
			return fail(STATUS_UNAVAILABLE, "pinned_tls.closed: the other side ends the connection");
		default:
			return over(tls, "record");
		}
	}
}

enum status
pinned_tls_write(struct pinned_tls *tls, struct bytes plain) {
	if (!pinned_tls_is_established(tls) || plain.len > INT_MAX)
		return fail(STATUS_INVALID, "pinned_tls.write: not established, or %zu bytes", plain.len);
	ERR_clear_error();
	if (plain.len > 0 && SSL_write(tls->ssl, plain.data, (int)plain.len) != (int)plain.len)
		return over(tls, "write");
	tls->written += plain.len;
	if (tls->written < BYTES_PER_KEY)
		return OK;
	tls->written = 0;
	return SSL_key_update(tls->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 ? OK : over(tls, "key_update");
}

void
pinned_tls_finish(struct pinned_tls *tls) {
	if (pinned_tls_is_established(tls))
		SSL_shutdown(tls->ssl); /* what it leaves undone the end of the stream says as well */
	ERR_clear_error();
}

size_t
pinned_tls_waiting(const struct pinned_tls *tls) {
	return BIO_ctrl_pending(tls->out);
}

enum status
pinned_tls_output(struct pinned_tls *tls, size_t max, struct buffer *output) {
	size_t waiting = pinned_tls_waiting(tls);
	if (waiting < max)
		max = waiting;
	if (max == 0)
		return OK;
	if (max > INT_MAX || !buffer_reserve(output, max))
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	int got = BIO_read(tls->out, output->data + output->len, (int)max);
	output->len += got > 0 ? (size_t)got : 0;
	return OK;
}
