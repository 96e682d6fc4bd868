#include "cli/demo/front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

constexpr int BACKLOG = 64;
constexpr size_t CHUNK = 16 * 1024;

enum status
front_listen(int *listener, uint16_t *port) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	*listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || bind(*listener, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(*listener, BACKLOG) != 0 || getsockname(*listener, (struct sockaddr *)&address, &len) != 0)
		return fail_errno(STATUS_UNAVAILABLE, "front.listen");
	*port = ntohs(address.sin_port);
	return OK;
}

/* --- One connection, in a process of its own. --- */

static bool
send_all(int to, const uint8_t *data, size_t len) {
	while (len > 0) {
		ssize_t sent = send(to, data, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* All that is there: a record may hold more than one chunk. False at the end of either side. */
static bool
pass_back(SSL *gateway, int browser) {
	uint8_t chunk[CHUNK];
	size_t got;
	do {
		if (SSL_read_ex(gateway, chunk, sizeof chunk, &got) != 1)
			return SSL_get_error(gateway, 0) == SSL_ERROR_WANT_READ; /* a record that was TLS's own */
		if (!send_all(browser, chunk, got))
			return false;
	} while (SSL_pending(gateway) > 0);
	return true;
}

static bool
pass_on(int browser, SSL *gateway) {
	uint8_t chunk[CHUNK];
	size_t written;
	ssize_t got = recv(browser, chunk, sizeof chunk, 0);
	if (got < 0 && errno == EINTR)
		return true;
	return got > 0 && SSL_write_ex(gateway, chunk, (size_t)got, &written) == 1 && written == (size_t)got;
}

static void
relay(int browser, SSL *gateway) {
	struct pollfd ends[] = {{.fd = browser, .events = POLLIN}, {.fd = SSL_get_fd(gateway), .events = POLLIN}};
	for (bool both = true; both;) {
		int ready = poll(ends, 2, -1);
		if (ready < 0 && errno != EINTR)
			return;
		if (ready < 0)
			continue;
		if (ends[0].revents != 0)
			both = pass_on(browser, gateway);
		if (both && ends[1].revents != 0)
			both = pass_back(gateway, browser);
	}
}

/* Null where the gateway cannot be reached, or is not the one whose certificate we have: then the browser is hung up on. */
static SSL *
connect_gateway(SSL_CTX *context, const char *port) {
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)strtoul(port, nullptr, 10))};
	int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *tls = SSL_new(context);
	if (made < 0 || tls == nullptr || connect(made, (struct sockaddr *)&address, sizeof address) != 0 ||
	    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), "127.0.0.1") != 1 || SSL_set_fd(tls, made) != 1 ||
	    SSL_connect(tls) != 1)
		return nullptr;
	return tls;
}

[[noreturn]] static void
take(const struct front *front, SSL_CTX *context, int browser, pid_t parent) {
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(1);
	close(front->listener);
	SSL *gateway = connect_gateway(context, front->port);
	if (gateway != nullptr)
		relay(browser, gateway);
	_exit(0);
}

/* --- The process that takes them. --- */

static SSL_CTX *
make_context(const char *ca) {
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(context, "X25519MLKEM768") != 1 || SSL_CTX_load_verify_file(context, ca) != 1)
		return nullptr;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY); /* a session ticket is no reason to wait for an answer */
	return context;
}

[[noreturn]] static void
serve(const struct front *front, pid_t parent) {
	SSL_CTX *context = make_context(front->ca);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
	for (int number = 1; number < NSIG; number++)
		signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
	signal(SIGCHLD, SIG_IGN); /* who took a connection is gone when it ends */
	setpgid(0, 0);
	if (context == nullptr || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(1);
	if (geteuid() == 0 &&
	    (setresgid(FRONT_USER, FRONT_USER, FRONT_USER) != 0 || setresuid(FRONT_USER, FRONT_USER, FRONT_USER) != 0))
		_exit(1);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) /* which another user clears */
		_exit(1);
	for (pid_t own = getpid();;) {
		int browser = accept4(front->listener, nullptr, nullptr, SOCK_CLOEXEC);
		if (browser < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(1);
		if (browser < 0)
			continue;
		if (fork() == 0)
			take(front, context, browser, own);
		close(browser);
	}
}

enum status
front_start(const struct front *front, pid_t *process) {
	pid_t parent = getpid(), made = fork();
	if (made == 0)
		serve(front, parent);
	if (made < 0)
		return fail_errno(STATUS_UNAVAILABLE, "front.fork");
	*process = made;
	return OK;
}
