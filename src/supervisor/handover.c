#include "supervisor/handover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "keys/root_key.h"
#include "supervisor/certificate.h"
#include "supervisor/tls_pair.h"

constexpr int BACKLOG = 1024;
constexpr int SELF_SIGNED_DAYS = 90;

/* --- Listeners --- */

static enum status
socket_address(const struct config_listener *listener, struct sockaddr_storage *address, socklen_t *len) {
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	if (inet_pton(AF_INET, listener->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(listener->port);
		*len = sizeof *v4;
	} else if (inet_pton(AF_INET6, listener->address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(listener->port);
		*len = sizeof *v6;
	} else
		return fail(STATUS_INVALID, "handover.address: \"%s\" is no numeric address", listener->address);
	return OK;
}

enum status
handover_listen(const struct config_listener *listener, int *descriptor) {
	struct sockaddr_storage address = {};
	socklen_t len = 0;
	TRY(socket_address(listener, &address, &len));
	int made = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0)
		return fail_errno(STATUS_IO, "handover.listen: socket");
	int one = 1;
	if (setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    (address.ss_family == AF_INET6 && setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0) ||
	    bind(made, (const struct sockaddr *)&address, len) != 0 || listen(made, BACKLOG) != 0) {
		enum status status =
			fail_errno(STATUS_IO, "handover.listen: %s port %u", listener->address, listener->port);
		close(made);
		return status;
	}
	*descriptor = made;
	return OK;
}

/* --- Memory --- */

enum status
handover_memory(const char *name, struct bytes content, int *descriptor) {
	int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (made < 0)
		return fail_errno(STATUS_IO, "handover.memory: %s", name);
	size_t written = 0;
	while (written < content.len) {
		ssize_t got = write(made, content.data + written, content.len - written);
		if (got < 0)
			break;
		written += (size_t)got;
	}
	if (written < content.len ||
	    fcntl(made, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
		enum status status = fail_errno(STATUS_IO, "handover.memory: %s", name);
		close(made);
		return status;
	}
	*descriptor = made;
	return OK;
}

/* --- Certificate --- */

/* A pipe does not wait: it is empty. */
static enum status
read_file(const char *path, struct secret *content) {
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file < 0)
		return fail_errno(STATUS_IO, "handover.open: %s", path);
	enum status status = secret_read_descriptor(content, file, TLS_PEM_SIZE_MAX);
	close(file);
	return status;
}

/* What was checked is what is handed on, whatever becomes of the files. */
static enum status
read_tls(const struct config *config, int *certificate, int *key) {
	_cleanup_(secret_free) struct secret chain_pem = {}, key_pem = {};
	enum tls_pair_time time;
	TRY(read_file(config->tls.certificate, &chain_pem));
	TRY(read_file(config->tls.key, &key_pem));
	TRY(tls_pair_check(secret_bytes(&chain_pem), secret_bytes(&key_pem), &time));
	if (time != TLS_PAIR_VALID)
		log_warning("the certificate %s is %s", config->tls.certificate,
			    time == TLS_PAIR_EXPIRED ? "out of date" : "not valid yet");
	TRY(handover_memory("gatehouse-tls-certificate", secret_bytes(&chain_pem), certificate));
	return handover_memory("gatehouse-tls-key", secret_bytes(&key_pem), key);
}

static enum status
make_tls(const struct config *config, int *certificate, int *key) {
	_cleanup_(buffer_free) struct buffer certificate_pem = {};
	_cleanup_(secret_free) struct secret key_pem = {};
	TRY(certificate_create_self_signed(config->authorities, config->authority_count, SELF_SIGNED_DAYS,
					   &certificate_pem, &key_pem));
	TRY(handover_memory("gatehouse-tls-certificate", buffer_bytes(&certificate_pem), certificate));
	return handover_memory("gatehouse-tls-key", secret_bytes(&key_pem), key);
}

enum status
handover_tls(const struct config *config, int *certificate, int *key) {
	*certificate = *key = -1;
	enum status status = config->tls.certificate == nullptr ? make_tls(config, certificate, key)
								: read_tls(config, certificate, key);
	if (status != OK && *certificate >= 0) {
		close(*certificate);
		*certificate = -1;
	}
	return status;
}

/* --- Local bundle --- */

static enum status
check_owner(const char *path, int file) {
	struct stat found;
	if (fstat(file, &found) != 0)
		return fail_errno(STATUS_IO, "handover.local_bundle: %s", path);
	if (!S_ISREG(found.st_mode) || found.st_size > (off_t)CONFIG_LOCAL_BUNDLE_MAX)
		return fail(STATUS_INVALID, "handover.local_bundle: %s: expected a file of at most %zu bytes", path,
			    CONFIG_LOCAL_BUNDLE_MAX);
	if ((found.st_uid != 0 && found.st_uid != geteuid()) || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fail(
			STATUS_UNAUTHORIZED,
			"handover.local_bundle: %s: expected root's or our own, and writable by nobody else; it is of "
			"user %u with mode %03o",
			path, found.st_uid, found.st_mode & 0777U);
	return OK;
}

static enum status
copy_local_bundle(const char *path, int file, int *descriptor) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(check_owner(path, file));
	if (!buffer_reserve(&text, CONFIG_LOCAL_BUNDLE_MAX))
		return buffer_status(&text);
	TRY(io_read_at(io_system(), file, 0, text.data, CONFIG_LOCAL_BUNDLE_MAX, &text.len));
	return handover_memory("gatehouse-local-bundle", buffer_bytes(&text), descriptor);
}

enum status
handover_local_bundle(const struct config *config, int *descriptor) {
	int file;
	*descriptor = -1;
	if (config->local_bundle == nullptr)
		return OK;
	file = open(config->local_bundle, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a pipe does not wait */
	if (file < 0)
		return fail_errno(STATUS_NOT_FOUND, "handover.local_bundle: %s", config->local_bundle);
	enum status status = copy_local_bundle(config->local_bundle, file, descriptor);
	close(file);
	return status;
}

/* --- Passphrase --- */

enum status
handover_read_passphrase(const struct config *config, struct secret *passphrase) {
	enum status status;
	switch (config->root_key.kind) {
	case CONFIG_ROOT_KEY_DESCRIPTOR:
		status = secret_read_descriptor(passphrase, config->root_key.descriptor, ROOT_KEY_GIVEN_MAX);
		close(config->root_key.descriptor);
		return status;
	case CONFIG_ROOT_KEY_CREDENTIAL:
		return root_key_read_credential(config->root_key.source, passphrase);
	case CONFIG_ROOT_KEY_FILE:
		return root_key_read_file(config->root_key.source, true, passphrase);
	}
	return fail(STATUS_INTERNAL, "handover.root_key: kind %d", (int)config->root_key.kind);
}

enum status
handover_passphrase(struct bytes passphrase, int *descriptor) {
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return fail_errno(STATUS_IO, "handover.pipe");
	/* A pipe holds more than a passphrase may have: this does not wait for the reader. */
	ssize_t written = write(ends[1], passphrase.data, passphrase.len);
	close(ends[1]);
	if (written != (ssize_t)passphrase.len) {
		close(ends[0]);
		return fail_errno(STATUS_IO, "handover.pipe: a passphrase of %zu bytes", passphrase.len);
	}
	*descriptor = ends[0];
	return OK;
}

/* --- Directories --- */

static uint32_t new_owner;

static int
give_entry(const char *path, const struct stat *, int, struct FTW *) {
	return lchown(path, new_owner, new_owner);
}

/* A directory after what is in it: as long as it is walked, nobody that it is given to can put something else into it. */
enum status
handover_give_directory(const char *path, uint32_t user) {
	new_owner = user;
	if (nftw(path, give_entry, 16, FTW_PHYS | FTW_MOUNT | FTW_DEPTH) != 0)
		return fail_errno(STATUS_IO, "handover.owner: %s", path);
	return OK;
}
