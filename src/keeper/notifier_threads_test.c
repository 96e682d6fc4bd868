/*
 * The publisher gives entries to the notifier while the deciding thread sends: nothing is lost, and nothing is counted twice. Under
 * ThreadSanitizer.
 */
#include "tests/test.h"
#include "keeper/notifier.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/entry.h"

constexpr uint64_t ENTRIES = 2'000;
constexpr int64_t NOW_MS = INT64_C(1'767'225'600'000);

static enum status
apply(struct notifier *notifier, uint64_t index) {
	_cleanup_(buffer_free) struct buffer leaf = {};
	char body[256];
	snprintf(body, sizeof body,
		 "{\"decision\":\"held\",\"document\":{\"kind\":\"sign\"},\"operation\":\"%064llx\"}",
		 (unsigned long long)index);
	struct entry entry = {.type = ENTRY_DECISION, .seq = index, .at_ms = NOW_MS, .body = bytes_of_text(body)};
	TRY(entry_write(&entry, &leaf));
	return notifier_apply(notifier, &(struct ledger_record){.index = index, .leaf = buffer_bytes(&leaf)});
}

static void *
publish(void *context) {
	struct notifier *notifier = context;
	struct ledger_head head = {};
	enum status status = OK;
	for (uint64_t index = notifier_applied(notifier); status == OK && index < ENTRIES; index++) {
		status = apply(notifier, index);
		if (status == OK && index % 50 == 0)
			status = notifier_finish(notifier, &head);
	}
	return status == OK ? notifier : nullptr;
}

/* One question and its answer, every tenth refused; for how many operations it stands where it was delivered. */
static int64_t
send_next(struct notifier *notifier, int64_t boot_ms) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer health = {};
	struct json_writer w;
	struct ipc_fetch fetch;
	struct notice notice;
	bool is_due;
	assert_ok(notifier_next(notifier, boot_ms, &fetch, &is_due));
	json_writer_start(&w, &health);
	notifier_write_health(notifier, NOW_MS, &w);
	if (!is_due)
		return 0;
	assert_ok(notice_read(&arena, fetch.body, &notice));
	struct ipc_fetched fetched = {.status = boot_ms % 10 == 0 ? 500 : 200};
	notifier_take(notifier, boot_ms, NOW_MS, &fetched);
	return fetched.status == 200 ? notice.count : 0;
}

static void
what_is_applied_beside_the_sending_is_sent_once(void **) {
	char directory[] = "/tmp/gatehouse-notifier-XXXXXX", path[96];
	_cleanup_(notifier_close) struct notifier *notifier = nullptr;
	const struct notifier_receiver receiver = {"a", 1U << NOTICE_HELD, INT64_MAX};
	pthread_t publisher;
	void *finished;
	int64_t delivered = 0, boot_ms = 1;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/notified", directory);
	struct notifier_config config = {.io = io_system(),
					 .path = path,
					 .instance = "northwind.example",
					 .receivers = &receiver,
					 .receiver_count = 1,
					 .now_ms = NOW_MS};
	assert_ok(notifier_open(&config, &notifier));
	assert_int_equal(0, pthread_create(&publisher, nullptr, publish, notifier));
	for (int64_t i = 0; i < 20'000; i++, boot_ms += 600'001)
		delivered += send_next(notifier, boot_ms);
	assert_int_equal(0, pthread_join(publisher, &finished));
	assert_non_null(finished);
	for (int64_t i = 0; i < 1'000; i++, boot_ms += 600'001)
		delivered += send_next(notifier, boot_ms);
	assert_int_equal(ENTRIES, delivered);
	notifier_close(&notifier);
	unlink(path);
	assert_int_equal(0, rmdir(directory));
}

RUN_TESTS(T(what_is_applied_beside_the_sending_is_sent_once))
