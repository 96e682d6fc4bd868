#include "crypto/certificate.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crypto/check.h"
#include "crypto/public_key_library.h"

constexpr size_t OID_TEXT_MAX = 64;

struct certificate {
	X509 *library;
};

struct certificate_roots {
	X509_STORE *store;
	size_t count;
	struct buffer encoding;
};

static void
free_store_context(X509_STORE_CTX **context) {
	X509_STORE_CTX_free(*context);
}

/* The certificates themselves belong to the chain. */
static void
free_stack(STACK_OF(X509) * *stack) {
	sk_X509_free(*stack);
}

static void
free_names(GENERAL_NAMES **names) {
	GENERAL_NAMES_free(*names);
}

static void
free_usage(EXTENDED_KEY_USAGE **usage) {
	EXTENDED_KEY_USAGE_free(*usage);
}

static void
free_object(ASN1_OBJECT **object) {
	ASN1_OBJECT_free(*object);
}

static void
free_library_certificate(X509 **certificate) {
	X509_free(*certificate);
}

/* --- Reading. --- */

static enum status
read_der(struct bytes der, X509 **certificate) {
	const unsigned char *at = der.data;
	_cleanup_(free_library_certificate) X509 *read =
		der.len == 0 || der.len > INT_MAX ? nullptr : d2i_X509(nullptr, &at, (long)der.len);
	if (read == nullptr || at != der.data + der.len)
		return fail(STATUS_INVALID, "certificate.der: %zu bytes are not one X.509 certificate", der.len);
	*certificate = TAKE(read);
	return OK;
}

enum status
certificate_read(struct bytes der, struct certificate **certificate) {
	struct certificate *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	enum status status = read_der(der, &made->library);
	if (status != OK)
		free(made);
	else
		*certificate = made;
	return status;
}

void
certificate_destroy(struct certificate **certificate) {
	struct certificate *gone = TAKE(*certificate);
	if (gone == nullptr)
		return;
	X509_free(gone->library);
	free(gone);
}

void
certificate_chain_free(struct certificate_chain *chain) {
	for (size_t i = 0; i < chain->count; i++)
		certificate_destroy(&chain->certificates[i]);
	chain->count = 0;
}

enum status
certificate_chain_add(struct certificate_chain *chain, struct bytes der) {
	static_assert(ARRAY_LENGTH(chain->certificates) == CERTIFICATE_CHAIN_MAX);
	if (chain->count == CERTIFICATE_CHAIN_MAX)
		return fail(STATUS_INVALID, "certificate.chain_length: more than %zu", CERTIFICATE_CHAIN_MAX);
	TRY(certificate_read(der, &chain->certificates[chain->count]));
	chain->count++;
	return OK;
}

enum status
certificate_public_key(const struct certificate *certificate, struct public_key **key) {
	EVP_PKEY *library = X509_get0_pubkey(certificate->library);
	if (library == nullptr)
		return fail(STATUS_UNSUPPORTED, "public_key.kind: the certificate's key cannot be read");
	return public_key_of_library(library, key);
}

/* --- Roots and chains. --- */

enum status
certificate_roots_create(struct certificate_roots **roots) {
	struct certificate_roots *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->store = X509_STORE_new();
	if (made->store == nullptr) {
		free(made);
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	}
	*roots = made;
	return OK;
}

void
certificate_roots_destroy(struct certificate_roots **roots) {
	struct certificate_roots *gone = TAKE(*roots);
	if (gone == nullptr)
		return;
	X509_STORE_free(gone->store);
	buffer_free(&gone->encoding);
	free(gone);
}

enum status
certificate_roots_add(struct certificate_roots *roots, struct bytes der) {
	_cleanup_(free_library_certificate) X509 *certificate = nullptr;
	TRY(read_der(der, &certificate));
	buffer_append_prefixed(&roots->encoding, der);
	TRY(buffer_status(&roots->encoding));
	crypto_must(X509_STORE_add_cert(roots->store, certificate) == 1, "pinning a certificate");
	roots->count++;
	return OK;
}

struct bytes
certificate_roots_encoding(const struct certificate_roots *roots) {
	return buffer_bytes(&roots->encoding);
}

size_t
certificate_roots_count(const struct certificate_roots *roots) {
	return roots->count;
}

/* Partial chains: a pinned intermediate, or the attestation certificate itself, is an anchor as good as a root. */
static void
set_rules(X509_STORE_CTX *context, int64_t at_ms) {
	X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(rules, (time_t)(at_ms / 1000));
	X509_VERIFY_PARAM_set_depth(rules, CERTIFICATE_CHAIN_MAX);
	crypto_must(X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST) == 1 &&
			    X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_ANY) == 1,
		    "setting rules for a chain");
}

enum status
certificate_chain_verify(const struct certificate_chain *chain, const struct certificate_roots *roots, int64_t at_ms) {
	_cleanup_(free_store_context) X509_STORE_CTX *context = X509_STORE_CTX_new();
	_cleanup_(free_stack) STACK_OF(X509) *others = sk_X509_new_null();
	TRY_ALLOC(context);
	TRY_ALLOC(others);
	if (chain->count == 0)
		return fail(STATUS_INVALID, "certificate.chain_length: no certificate");
	for (size_t i = 1; i < chain->count; i++)
		if (sk_X509_push(others, chain->certificates[i]->library) == 0)
			return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	if (X509_STORE_CTX_init(context, roots->store, chain->certificates[0]->library, others) != 1)
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	set_rules(context, at_ms);
	if (X509_verify_cert(context) != 1)
		return fail(STATUS_UNAUTHORIZED, "certificate.chain: %s, at depth %d",
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)),
			    X509_STORE_CTX_get_error_depth(context));
	return OK;
}

/* --- What it says. --- */

bool
certificate_is_version_3(const struct certificate *certificate) {
	return X509_get_version(certificate->library) == X509_VERSION_3;
}

bool
certificate_has_basic_constraints(const struct certificate *certificate) {
	return X509_get_ext_by_NID(certificate->library, NID_basic_constraints, -1) >= 0;
}

bool
certificate_is_authority(const struct certificate *certificate) {
	return (X509_get_extension_flags(certificate->library) & EXFLAG_CA) != 0;
}

bool
certificate_subject_is_empty(const struct certificate *certificate) {
	return X509_NAME_entry_count(X509_get_subject_name(certificate->library)) == 0;
}

static bool
copy_text(const ASN1_STRING *string, char *text, size_t size) {
	unsigned char *utf8 = nullptr;
	int len = ASN1_STRING_to_UTF8(&utf8, string);
	bool fits = len >= 0 && (size_t)len < size && memchr(utf8, '\0', (size_t)len) == nullptr;
	if (fits) {
		memcpy(text, utf8, (size_t)len);
		text[len] = '\0';
	}
	OPENSSL_free(utf8);
	return fits;
}

/* The value of the only entry of that kind in a name. */
static bool
only_entry(const X509_NAME *name, const ASN1_OBJECT *kind, char *text, size_t size) {
	int at = X509_NAME_get_index_by_OBJ(name, kind, -1);
	if (at < 0 || X509_NAME_get_index_by_OBJ(name, kind, at) >= 0)
		return false;
	return copy_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), text, size);
}

bool
certificate_subject_field(const struct certificate *certificate, const char *name, char *text, size_t size) {
	_cleanup_(free_object) ASN1_OBJECT *kind = OBJ_txt2obj(name, 0);
	return kind != nullptr && only_entry(X509_get_subject_name(certificate->library), kind, text, size);
}

bool
certificate_has_extended_key_usage(const struct certificate *certificate, const char *oid) {
	_cleanup_(free_usage) EXTENDED_KEY_USAGE *usage =
		X509_get_ext_d2i(certificate->library, NID_ext_key_usage, nullptr, nullptr);
	for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
		char text[OID_TEXT_MAX];
		if (OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usage, i), 1) > 0 && strcmp(text, oid) == 0)
			return true;
	}
	return false;
}

bool
certificate_extension(const struct certificate *certificate, const char *oid, struct bytes *value, bool *is_critical) {
	_cleanup_(free_object) ASN1_OBJECT *kind = OBJ_txt2obj(oid, 1);
	int at = kind == nullptr ? -1 : X509_get_ext_by_OBJ(certificate->library, kind, -1);
	if (at < 0 || X509_get_ext_by_OBJ(certificate->library, kind, at) >= 0)
		return false;
	X509_EXTENSION *extension = X509_get_ext(certificate->library, at);
	const ASN1_OCTET_STRING *content = X509_EXTENSION_get_data(extension);
	*value = bytes_of(ASN1_STRING_get0_data(content), (size_t)ASN1_STRING_length(content));
	*is_critical = X509_EXTENSION_get_critical(extension) == 1;
	return true;
}

bool
certificate_alternative_name(const struct certificate *certificate, const char *oid, char *text, size_t size) {
	_cleanup_(free_object) ASN1_OBJECT *kind = OBJ_txt2obj(oid, 1);
	_cleanup_(free_names) GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate->library, NID_subject_alt_name, nullptr, nullptr);
	for (int i = 0; kind != nullptr && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DIRNAME && only_entry(name->d.directoryName, kind, text, size))
			return true;
	}
	return false;
}
