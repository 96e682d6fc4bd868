#include "supervisor/certificate.h"

#include <arpa/inet.h>
#include <stdio.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/random.h"

static void
free_certificate(X509 **certificate) {
	X509_free(*certificate);
}

static void
free_key(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

static void
free_bio(BIO **bio) {
	BIO_free_all(*bio);
}

static enum status
library_failure(const char *what) {
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return fail(STATUS_INTERNAL, "certificate.%s: %s", what, reason == nullptr ? "no reason given" : reason);
}

#define TRY_LIBRARY(call, what)                                                                                        \
	do {                                                                                                           \
		if ((call) != 1)                                                                                       \
			return library_failure(what);                                                                  \
	} while (0)

/* The host of an authority: without port, and without the brackets of IPv6. */
static void
host_of(const char *authority, char host[static 256]) {
	const char *start = authority[0] == '[' ? authority + 1 : authority;
	size_t len = strcspn(start, authority[0] == '[' ? "]" : ":");
	snprintf(host, 256, "%.*s", (int)(len > 255 ? 255 : len), start);
}

static enum status
add_extension(X509 *certificate, int extension, const char *value) {
	X509V3_CTX context;
	X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
	X509_EXTENSION *made = X509V3_EXT_conf_nid(nullptr, &context, extension, value);
	if (made == nullptr)
		return library_failure("extension");
	int added = X509_add_ext(certificate, made, -1);
	X509_EXTENSION_free(made);
	return added == 1 ? OK : library_failure("extension");
}

static enum status
add_names(X509 *certificate, const char *const *authorities, size_t count) {
	_cleanup_(buffer_free) struct buffer names = {};
	for (size_t i = 0; i < count; i++) {
		char host[256];
		uint8_t address[16];
		host_of(authorities[i], host);
		bool is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
		buffer_append_format(&names, "%s%s:%s", i == 0 ? "" : ",", is_address ? "IP" : "DNS", host);
	}
	buffer_append_byte(&names, '\0');
	TRY(buffer_status(&names));
	return add_extension(certificate, NID_subject_alt_name, (const char *)names.data);
}

static enum status
set_serial(X509 *certificate) {
	uint8_t serial[16];
	random_bytes(serial, sizeof serial);
	serial[0] &= 0x7f;
	serial[0] |= 0x40; /* positive, and always of one length */
	BIGNUM *number = BN_bin2bn(serial, sizeof serial, nullptr);
	TRY_ALLOC(number);
	bool set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
	BN_free(number);
	return set ? OK : library_failure("serial");
}

static enum status
fill(X509 *certificate, EVP_PKEY *key, const char *const *authorities, size_t count, int days) {
	char host[256];
	host_of(authorities[0], host);
	TRY_LIBRARY(X509_set_version(certificate, X509_VERSION_3), "version");
	TRY(set_serial(certificate));
	/* An hour back, for clients whose clocks are behind. */
	if (X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) == nullptr ||
	    X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * 86'400) == nullptr)
		return library_failure("validity");
	TRY_LIBRARY(X509_set_pubkey(certificate, key), "key");
	X509_NAME *name = X509_get_subject_name(certificate);
	/* RFC 5280's upper bound of a common name is 64; the names that count stand in the extension. */
	TRY_LIBRARY(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					       (const unsigned char *)(strlen(host) > 64 ? "gatehouse" : host), -1, -1,
					       0),
		    "name");
	TRY_LIBRARY(X509_set_issuer_name(certificate, name), "name");
	TRY(add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE"));
	TRY(add_extension(certificate, NID_key_usage, "critical,digitalSignature"));
	TRY(add_extension(certificate, NID_ext_key_usage, "serverAuth"));
	TRY(add_names(certificate, authorities, count));
	return X509_sign(certificate, key, EVP_sha256()) > 0 ? OK : library_failure("signature");
}

static enum status
write_pem(X509 *certificate, EVP_PKEY *key, struct buffer *certificate_pem, struct secret *key_pem) {
	char *text;
	_cleanup_(free_bio) BIO *public = BIO_new(BIO_s_mem());
	_cleanup_(free_bio) BIO *private = BIO_new(BIO_s_secmem()); /* cleansed when freed */
	TRY_ALLOC(public);
	TRY_ALLOC(private);
	TRY_LIBRARY(PEM_write_bio_X509(public, certificate), "pem");
	long len = BIO_get_mem_data(public, &text);
	buffer_append(certificate_pem, text, (size_t)len);
	TRY(buffer_status(certificate_pem));
	TRY_LIBRARY(PEM_write_bio_PrivateKey(private, key, nullptr, nullptr, 0, nullptr, nullptr), "pem");
	len = BIO_get_mem_data(private, &text);
	return secret_copy(key_pem, bytes_of(text, (size_t)len));
}

enum status
certificate_create_self_signed(const char *const *authorities, size_t count, int days, struct buffer *certificate,
			       struct secret *key) {
	_cleanup_(free_key) EVP_PKEY *pair = EVP_EC_gen("P-256");
	_cleanup_(free_certificate) X509 *made = X509_new();
	if (pair == nullptr)
		return library_failure("key");
	TRY_ALLOC(made);
	TRY(fill(made, pair, authorities, count, days));
	return write_pem(made, pair, certificate, key);
}
