#include "tests/test.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/certificates.h"

constexpr long DAY_S = 86'400;

void
certificate_made_free(struct certificate_made *made) {
	EVP_PKEY_free(made->key);
	made->key = nullptr;
	buffer_free(&made->der);
}

static void
add_name(X509_NAME *name, const char *field, const char *value) {
	assert_int_equal(
		X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0), 1);
}

static void
add_extension(X509 *certificate, const char *oid, struct bytes value, bool is_critical) {
	ASN1_OBJECT *kind = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
	assert_int_equal(ASN1_OCTET_STRING_set(content, value.data, (int)value.len), 1);
	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(nullptr, kind, is_critical, content);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(content);
	ASN1_OBJECT_free(kind);
}

static void
add_extensions(X509 *certificate, const struct certificate_recipe *recipe) {
	static const uint8_t authority[] = {0x30, 0x03, 0x01, 0x01, 0xff}, leaf[] = {0x30, 0x00};
	if (recipe->version_1)
		return;
	if (!recipe->no_basic_constraints)
		add_extension(certificate, "2.5.29.19",
			      recipe->is_authority ? BYTES_OF_ARRAY(authority) : BYTES_OF_ARRAY(leaf), true);
	for (size_t i = 0; i < ARRAY_LENGTH(recipe->extensions); i++)
		if (recipe->extensions[i].oid != nullptr)
			add_extension(certificate, recipe->extensions[i].oid, recipe->extensions[i].value,
				      recipe->extensions[i].is_critical);
}

void
certificate_make(const struct certificate_recipe *recipe, struct certificate_made *made) {
	static long serial = 1;
	*made = (struct certificate_made){};
	X509 *certificate = X509_new();
	X509_NAME *issuer = X509_NAME_new(), *subject = X509_NAME_new();
	if (recipe->key != nullptr)
		assert_int_equal(EVP_PKEY_up_ref(recipe->key), 1);
	made->key = recipe->key != nullptr ? recipe->key : EVP_EC_gen("P-256");
	add_name(issuer, "CN", recipe->issuer_name ?: "Root");
	for (size_t i = 0; i + 1 < ARRAY_LENGTH(recipe->subject) && recipe->subject[i] != nullptr; i += 2)
		add_name(subject, recipe->subject[i], recipe->subject[i + 1]);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	X509_gmtime_adj(X509_getm_notBefore(certificate), recipe->starts_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), recipe->ends_s == 0 ? DAY_S : recipe->ends_s);
	assert_int_equal(X509_set_version(certificate, recipe->version_1 ? X509_VERSION_1 : X509_VERSION_3), 1);
	assert_int_equal(X509_set_subject_name(certificate, subject), 1);
	assert_int_equal(X509_set_issuer_name(certificate, recipe->issuer == nullptr ? subject : issuer), 1);
	assert_int_equal(X509_set_pubkey(certificate, made->key), 1);
	add_extensions(certificate, recipe);
	EVP_PKEY *signer = recipe->issuer == nullptr ? made->key : recipe->issuer->key;
	assert_true(X509_sign(certificate, signer, EVP_sha256()) > 0);
	uint8_t *der = nullptr;
	int len = i2d_X509(certificate, &der);
	assert_true(len > 0);
	buffer_append(&made->der, der, (size_t)len);
	OPENSSL_free(der);
	X509_NAME_free(issuer);
	X509_NAME_free(subject);
	X509_free(certificate);
}

void
certificate_sign(const struct certificate_made *made, struct bytes message, struct buffer *signature) {
	uint8_t der[80];
	size_t len = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, made->key), 1);
	assert_int_equal(EVP_DigestSign(context, der, &len, message.data, message.len), 1);
	buffer_append(signature, der, len);
	EVP_MD_CTX_free(context);
}
