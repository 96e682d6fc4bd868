#include "supervisor/tls_pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>

const char *
tls_library_reason(void) {
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return reason == nullptr ? "no reason given" : reason;
}

static void
free_bio(BIO **bio) {
	BIO_free(*bio);
}

static void
free_context(SSL_CTX **context) {
	SSL_CTX_free(*context);
}

static void
free_certificate(X509 **certificate) {
	X509_free(*certificate);
}

static void
free_key(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

static int
no_passphrase(char *, int, int, void *) {
	return -1;
}

static enum status
open_pem(BIO **bio, struct bytes pem, const char *what) {
	if (pem.len == 0 || pem.len > TLS_PEM_SIZE_MAX)
		return fail(STATUS_INVALID, "tls.%s: %zu bytes, expected 1 to %zu", what, pem.len, TLS_PEM_SIZE_MAX);
	*bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	TRY_ALLOC(*bio);
	return OK;
}

static enum status
use_chain(SSL_CTX *context, struct bytes pem) {
	_cleanup_(free_bio) BIO *bio = nullptr;
	TRY(open_pem(&bio, pem, "certificate"));
	for (bool first = true;; first = false) {
		_cleanup_(free_certificate) X509 *certificate = PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr);
		if (certificate == nullptr && first)
			return fail(STATUS_INVALID, "tls.certificate: no PEM certificate: %s", tls_library_reason());
		if (certificate == nullptr)
			break;
		if ((first ? SSL_CTX_use_certificate(context, certificate)
			   : SSL_CTX_add1_chain_cert(context, certificate)) != 1)
			return fail(STATUS_INVALID, "tls.certificate: %s", tls_library_reason());
	}
	ERR_clear_error(); /* the end of the file is an error to the reader */
	return OK;
}

static enum status
use_key(SSL_CTX *context, struct bytes pem) {
	_cleanup_(free_bio) BIO *bio = nullptr;
	TRY(open_pem(&bio, pem, "key"));
	_cleanup_(free_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, nullptr, no_passphrase, nullptr);
	if (key == nullptr)
		return fail(STATUS_INVALID, "tls.key: no PEM private key without passphrase: %s", tls_library_reason());
	if (SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1)
		return fail(STATUS_INVALID, "tls.key: it does not belong to the certificate: %s", tls_library_reason());
	return OK;
}

enum status
tls_pair_use(SSL_CTX *context, struct bytes chain, struct bytes key) {
	TRY(use_chain(context, chain));
	return use_key(context, key);
}

/* A time that cannot be read is not one that has come. */
static enum tls_pair_time
time_of(const X509 *certificate) {
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
		return TLS_PAIR_EXPIRED;
	return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 ? TLS_PAIR_VALID : TLS_PAIR_NOT_YET;
}

enum status
tls_pair_check(struct bytes chain, struct bytes key, enum tls_pair_time *time) {
	_cleanup_(free_context) SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	TRY_ALLOC(context);
	TRY(tls_pair_use(context, chain, key));
	*time = time_of(SSL_CTX_get0_certificate(context));
	return OK;
}
