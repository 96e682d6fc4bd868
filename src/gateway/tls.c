#include "gateway/tls.h"

#include <unistd.h>

#include "base/secret.h"
#include "supervisor/tls_pair.h"

static void
free_context(SSL_CTX **context) {
	SSL_CTX_free(*context);
}

/* Whoever presents a certificate has proved that he holds its key; whether it means anything is the keeper's to say. */
static int
take_any_certificate(X509_STORE_CTX *, void *) {
	return 1;
}

enum status
tls_context_create(SSL_CTX **context, struct bytes chain, struct bytes key, const struct config_tls *settings) {
	static const uint8_t session_context[] = "gatehouse";
	_cleanup_(free_context) SSL_CTX *made = SSL_CTX_new(TLS_server_method());
	TRY_ALLOC(made);
	SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(made, 1);
	SSL_CTX_set_max_early_data(made, 0);
	SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	/* Header and content of a record in one read of the socket. */
	SSL_CTX_set_read_ahead(made, 1);
	SSL_CTX_set_session_id_context(made, session_context, sizeof session_context - 1);
	if (SSL_CTX_set1_groups_list(made, settings->groups) != 1)
		return fail(STATUS_INVALID, "tls.groups: \"%s\": %s", settings->groups, tls_library_reason());
	if (settings->client_certificates) {
		SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
		SSL_CTX_set_cert_verify_callback(made, take_any_certificate, nullptr);
	}
	TRY(tls_pair_use(made, chain, key));
	*context = TAKE(made);
	return OK;
}

/* At the start of the file, whoever read it before. */
static enum status
read_from_start(int descriptor, struct secret *content) {
	if (lseek(descriptor, 0, SEEK_SET) < 0)
		return fail_errno(STATUS_IO, "tls.descriptor: descriptor %d", descriptor);
	return secret_read_descriptor(content, descriptor, TLS_PEM_SIZE_MAX);
}

enum status
tls_context_read(SSL_CTX **context, int chain, int key, const struct config_tls *settings) {
	_cleanup_(secret_free) struct secret chain_pem = {}, key_pem = {};
	TRY(read_from_start(chain, &chain_pem));
	TRY(read_from_start(key, &key_pem));
	return tls_context_create(context, secret_bytes(&chain_pem), secret_bytes(&key_pem), settings);
}
