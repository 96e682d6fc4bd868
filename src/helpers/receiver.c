#include "helpers/receiver.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "helpers/notification.h"

constexpr size_t SECRET_MAX = 1023;
constexpr size_t SIGNING_SECRET_MIN = 16;
constexpr size_t CERTIFICATES_MAX = 4 * 1024 * 1024;
static const char SYSTEM_CERTIFICATES[] = "/etc/ssl/certs/ca-certificates.crt";

static bool
is_mail(const struct receiver *receiver) {
	return receiver->config->kind == CONFIG_NOTIFY_SMTP;
}

static const char *
certificates_of(const struct receiver *receiver) {
	return receiver->config->certificates != nullptr ? receiver->config->certificates : SYSTEM_CERTIFICATES;
}

/* Our own user alone reads it: our file, or root's that our own group may read. */
static enum status
check_mode(int descriptor, const char *path) {
	struct stat found;
	if (fstat(descriptor, &found) != 0)
		return fail_errno(STATUS_IO, "receiver.secret: %s", path);
	mode_t allowed = found.st_uid == 0 && found.st_gid == getegid() ? 0740 : 0700;
	if (!S_ISREG(found.st_mode) || (found.st_uid != 0 && found.st_uid != geteuid()) ||
	    (found.st_mode & 0777 & ~allowed) != 0)
		return fail(STATUS_DENIED,
			    "receiver.secret_mode: %s has mode %04o and owner %u; expected a file that nobody reads "
			    "but user %u",
			    path, (unsigned)found.st_mode & 07777, (unsigned)found.st_uid, (unsigned)geteuid());
	return OK;
}

static enum status
read_file(const char *path, struct secret *secret) {
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a pipe does not wait */
	if (descriptor < 0)
		return fail_errno(STATUS_IO, "secret.open: %s", path);
	enum status status = check_mode(descriptor, path);
	if (status == OK)
		status = secret_read_descriptor(secret, descriptor, SECRET_MAX);
	close(descriptor);
	return status;
}

static enum status
read_secret(struct receiver *receiver) {
	if (receiver->config->secret_file == nullptr)
		return OK;
	TRY(read_file(receiver->config->secret_file, &receiver->secret));
	struct bytes secret = secret_bytes(&receiver->secret);
	for (size_t i = 0; i < secret.len; i++)
		if (secret.data[i] < ' ' || secret.data[i] > '~')
			return fail(STATUS_INVALID, "receiver.secret: a character that is not printed");
	if (receiver->config->kind == CONFIG_NOTIFY_WEBHOOK && secret.len < SIGNING_SECRET_MIN)
		return fail(STATUS_INVALID, "receiver.secret: fewer than %zu characters", SIGNING_SECRET_MIN);
	return secret.len > 0 ? OK : fail(STATUS_INVALID, "receiver.secret: the file is empty");
}

/* Slack's and Teams' addresses are secrets from some place on. */
static enum status
parse_web_address(struct receiver *receiver) {
	bool has_rest = receiver->config->kind == CONFIG_NOTIFY_SLACK || receiver->config->kind == CONFIG_NOTIFY_TEAMS;
	_cleanup_(buffer_free) struct buffer address = {};
	buffer_append_text(&address, receiver->config->url);
	if (has_rest)
		buffer_append_bytes(&address, secret_bytes(&receiver->secret));
	TRY(buffer_status(&address));
	return http_target_parse(buffer_bytes(&address), &receiver->target);
}

static enum status
prepare_mail(struct receiver *receiver) {
	TRY(mail_server_parse(receiver->config->url, &receiver->target));
	TRY(curl_library_load(&receiver->library));
	if (receiver->config->tls == CONFIG_TLS_NONE)
		return OK;
	return io_read_file(io_system(), certificates_of(receiver), CERTIFICATES_MAX, &receiver->certificates);
}

static enum status
prepare_web(struct receiver *receiver) {
	TRY(parse_web_address(receiver));
	if (!receiver->target.has_tls)
		return OK;
	return http_tls_create(certificates_of(receiver), receiver->config->tls == CONFIG_TLS_1_2, &receiver->tls);
}

static enum status
prepare(struct receiver *receiver) {
	TRY(read_secret(receiver));
	TRY(is_mail(receiver) ? prepare_mail(receiver) : prepare_web(receiver));
	return http_target_resolve(&receiver->target);
}

void
receiver_prepare(struct receiver *receiver, const struct config_notification *config, const char *console) {
	*receiver = (struct receiver){.config = config, .console = console};
	if (prepare(receiver) == OK)
		return;
	snprintf(receiver->unprepared, sizeof receiver->unprepared, "%s", fail_message());
	log_error("notifications to \"%s\" cannot be delivered: %s", config->name, fail_message());
}

void
receiver_free(struct receiver *receiver) {
	http_tls_free(&receiver->tls);
	secret_free(&receiver->secret);
	buffer_free(&receiver->certificates);
}

/* --- Delivering. --- */

static enum status
deliver_mail(const struct receiver *receiver, const struct notice *notice, int64_t now_s, int64_t timeout_ms,
	     int *status) {
	_cleanup_(buffer_free) struct buffer message = {};
	notification_write_mail(receiver->config, notice, receiver->console, now_s, &message);
	TRY(buffer_status(&message));
	struct mail_call call = {.library = receiver->library,
				 .notification = receiver->config,
				 .server = &receiver->target,
				 .certificates = buffer_bytes(&receiver->certificates),
				 .password = secret_bytes(&receiver->secret),
				 .message = buffer_bytes(&message),
				 .timeout_ms = timeout_ms};
	return mail_send(&call, status);
}

static enum status
deliver_web(const struct receiver *receiver, const struct notice *notice, int64_t now_s, int64_t timeout_ms,
	    int *status) {
	_cleanup_(buffer_free) struct buffer body = {}, fields = {};
	_cleanup_(http_reply_free) struct http_reply reply = {};
	TRY(notification_write_body((enum config_notification_kind)receiver->config->kind, notice, receiver->console,
				    secret_bytes(&receiver->secret), &body));
	if (receiver->config->kind == CONFIG_NOTIFY_WEBHOOK)
		notification_write_signature(notice, now_s, buffer_bytes(&body), secret_bytes(&receiver->secret),
					     &fields);
	TRY(buffer_status(&fields));
	struct http_call call = {.is_post = true,
				 .path = "",
				 .body = buffer_bytes(&body),
				 .content_type = "application/json",
				 .fields = buffer_bytes(&fields),
				 .timeout_ms = timeout_ms,
				 .status_only = true};
	TRY(http_exchange(&receiver->target, receiver->tls, &call, &reply));
	*status = reply.status;
	return OK;
}

enum status
receiver_deliver(struct receiver *receiver, const struct notice *notice, int64_t now_s, int64_t timeout_ms,
		 int *status) {
	*status = 0;
	if (receiver->unprepared[0] != '\0')
		return fail(STATUS_UNAVAILABLE, "%s", receiver->unprepared);
	return is_mail(receiver) ? deliver_mail(receiver, notice, now_s, timeout_ms, status)
				 : deliver_web(receiver, notice, now_s, timeout_ms, status);
}
