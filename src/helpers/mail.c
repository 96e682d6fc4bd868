#include "helpers/mail.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/secret.h"

constexpr size_t TEXT_MAX = HTTP_HOST_MAX + 96;

enum status
mail_server_parse(const char *url, struct http_target *server) {
	bool is_implicit = strncmp(url, "smtps://", 8) == 0;
	const char *authority = url + (is_implicit ? 8 : 7);
	const char *after = authority[0] == '[' ? strchr(authority, ']') : authority;
	bool has_port = after != nullptr && strchr(after, ':') != nullptr;
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof text, "https://%s%s", authority, has_port ? "" : is_implicit ? ":465" : ":587");
	if (len < 0 || (size_t)len >= sizeof text)
		return fail(STATUS_INVALID, "mail.server: the name is too long");
	return http_target_parse(bytes_of_text(text), server);
}

struct reading {
	struct bytes left;
};

static size_t
read_message(char *to, size_t size, size_t count, void *context) {
	struct reading *reading = context;
	size_t len = size * count < reading->left.len ? size * count : reading->left.len;
	if (len > 0)
		memcpy(to, reading->left.data, len);
	reading->left = bytes_of(reading->left.data + len, reading->left.len - len);
	return len;
}

/* What it is given on the way is of no use, and unbounded. */
static size_t
drop(char *, size_t size, size_t count, void *) {
	return size * count;
}

/* "host:port:address": the address that was looked up before confinement. */
static void
write_resolved(const struct http_target *server, char text[TEXT_MAX]) {
	char address[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_storage *storage = &server->endpoint.address;
	const void *bytes = storage->ss_family == AF_INET6
				    ? (const void *)&((const struct sockaddr_in6 *)storage)->sin6_addr
				    : (const void *)&((const struct sockaddr_in *)storage)->sin_addr;
	inet_ntop(storage->ss_family, bytes, address, sizeof address);
	snprintf(text, TEXT_MAX, storage->ss_family == AF_INET6 ? "%s:%u:[%s]" : "%s:%u:%s", server->host, server->port,
		 address);
}

/* The name that we greet with is the sender's domain. */
static void
write_url(const struct mail_call *call, char text[TEXT_MAX + 256]) {
	const char *url = call->notification->url, *at = strchr(call->notification->from, '@');
	bool is_six = strchr(call->server->host, ':') != nullptr;
	snprintf(text, TEXT_MAX + 256, is_six ? "%s://[%s]:%u/%s" : "%s://%s:%u/%s",
		 strncmp(url, "smtps://", 8) == 0 ? "smtps" : "smtp", call->server->host, call->server->port, at + 1);
}

struct message_call {
	CURL *handle;
	struct curl_slist *recipients, *resolved;
	struct reading reading;
	char error[CURL_ERROR_SIZE];
	char password[1024];
};

static bool
set_transport(const struct mail_call *call, struct message_call *made) {
	typeof(call->library->easy_set) set = call->library->easy_set;
	CURL *handle = made->handle;
	struct curl_blob trusted = {(void *)(uintptr_t)call->certificates.data, call->certificates.len,
				    CURL_BLOB_NOCOPY};
	bool is_plain = call->notification->tls == CONFIG_TLS_NONE;
	long version = call->notification->tls == CONFIG_TLS_1_2 ? CURL_SSLVERSION_TLSv1_2 : CURL_SSLVERSION_TLSv1_3;
	return set(handle, CURLOPT_USE_SSL, is_plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL) == CURLE_OK &&
	       set(handle, CURLOPT_SSLVERSION, version) == CURLE_OK &&
	       set(handle, CURLOPT_CAINFO_BLOB, &trusted) == CURLE_OK &&
	       set(handle, CURLOPT_CAPATH, (char *)nullptr) == CURLE_OK &&
	       set(handle, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       set(handle, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       set(handle, CURLOPT_RESOLVE, made->resolved) == CURLE_OK && set(handle, CURLOPT_PROXY, "") == CURLE_OK &&
	       set(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
	       set(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       set(handle, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms) == CURLE_OK;
}

static bool
set_envelope(const struct mail_call *call, struct message_call *made) {
	typeof(call->library->easy_set) set = call->library->easy_set;
	const struct config_notification *notification = call->notification;
	CURL *handle = made->handle;
	char url[TEXT_MAX + 256], from[272];
	write_url(call, url);
	snprintf(from, sizeof from, "<%s>", notification->from);
	bool good = set(handle, CURLOPT_URL, url) == CURLE_OK && set(handle, CURLOPT_MAIL_FROM, from) == CURLE_OK &&
		    set(handle, CURLOPT_MAIL_RCPT, made->recipients) == CURLE_OK &&
		    set(handle, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
		    set(handle, CURLOPT_READFUNCTION, read_message) == CURLE_OK &&
		    set(handle, CURLOPT_READDATA, &made->reading) == CURLE_OK &&
		    set(handle, CURLOPT_WRITEFUNCTION, drop) == CURLE_OK &&
		    set(handle, CURLOPT_ERRORBUFFER, made->error) == CURLE_OK;
	if (good && notification->user != nullptr)
		good = call->password.len < sizeof made->password &&
		       set(handle, CURLOPT_USERNAME, notification->user) == CURLE_OK;
	if (!good || notification->user == nullptr)
		return good;
	if (call->password.len > 0)
		memcpy(made->password, call->password.data, call->password.len);
	return set(handle, CURLOPT_PASSWORD, made->password) == CURLE_OK;
}

static bool
append(const struct curl_library *library, struct curl_slist **list, const char *text) {
	struct curl_slist *longer = library->slist_append(*list, text);
	if (longer == nullptr)
		return false;
	*list = longer;
	return true;
}

static bool
make(const struct mail_call *call, struct message_call *made) {
	char text[TEXT_MAX];
	bool good = (made->handle = call->library->easy_init()) != nullptr;
	for (size_t i = 0; good && i < call->notification->to.count; i++) {
		snprintf(text, sizeof text, "<%s>", call->notification->to.items[i]);
		good = append(call->library, &made->recipients, text);
	}
	write_resolved(call->server, text);
	return good && append(call->library, &made->resolved, text) && set_transport(call, made) &&
	       set_envelope(call, made);
}

enum status
mail_send(const struct mail_call *call, int *status) {
	struct message_call made = {.reading = {call->message}};
	enum status result = OK;
	long code = 0;
	if (!make(call, &made))
		result = fail(STATUS_UNAVAILABLE, "mail.send: libcurl does not take a setting");
	CURLcode done = result == OK ? call->library->easy_perform(made.handle) : CURLE_OK;
	if (result == OK && done != CURLE_OK)
		result = fail(STATUS_UNAVAILABLE, "mail.send: %s",
			      made.error[0] != '\0' ? made.error : call->library->easy_strerror(done));
	if (result == OK && call->library->easy_info(made.handle, CURLINFO_RESPONSE_CODE, &code) != CURLE_OK)
		result = fail(STATUS_UNAVAILABLE, "mail.send: the server's answer is not known");
	*status = (int)code;
	call->library->slist_free_all(made.recipients);
	call->library->slist_free_all(made.resolved);
	call->library->easy_cleanup(made.handle);
	secret_wipe(made.password, sizeof made.password);
	return result;
}
