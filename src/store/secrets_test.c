#include "tests/test.h"

#include "base/io_simulated.h"
#include "store/secrets.h"

static void
rows_are_created_read_replaced_and_destroyed(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(secrets_close) struct secrets *secrets = nullptr;
	_cleanup_(buffer_free) struct buffer value = {};
	struct bytes id = BYTES_OF_LITERAL("eth-hot-1");
	assert_ok(simulated_disk_create(&disk, 1));
	assert_ok(secrets_open(simulated_disk_io(disk), "/secrets.db", &secrets));
	assert_fails(STATUS_NOT_FOUND, "secrets.missing", secrets_get(secrets, "key", id, &value));
	assert_ok(secrets_create(secrets, "key", id, BYTES_OF_LITERAL("wrapped")));
	assert_ok(secrets_create(secrets, "subject", id, BYTES_OF_LITERAL("another")));
	assert_fails(STATUS_CONFLICT, "secrets.exists", secrets_create(secrets, "key", id, BYTES_OF_LITERAL("x")));
	assert_ok(secrets_get(secrets, "key", id, &value));
	assert_bytes(BYTES_OF_LITERAL("wrapped"), buffer_bytes(&value));
	assert_ok(secrets_replace(secrets, "key", id, BYTES_OF_LITERAL("rewrapped")));
	assert_fails(STATUS_NOT_FOUND, "secrets.missing", secrets_replace(secrets, "key", BYTES_OF_LITERAL("no"), id));
	buffer_reset(&value);
	assert_ok(secrets_get(secrets, "key", id, &value));
	assert_bytes(BYTES_OF_LITERAL("rewrapped"), buffer_bytes(&value));
	assert_ok(secrets_destroy(secrets, "key", id));
	assert_ok(secrets_destroy(secrets, "key", id));
	assert_fails(STATUS_NOT_FOUND, "secrets.missing", secrets_get(secrets, "key", id, &value));
	buffer_reset(&value);
	assert_ok(secrets_get(secrets, "subject", id, &value));
}

static void
many_rows_are_created_together_or_not_at_all(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(secrets_close) struct secrets *secrets = nullptr;
	_cleanup_(buffer_free) struct buffer value = {};
	struct secrets_row rows[2] = {{"key", BYTES_OF_LITERAL("a"), BYTES_OF_LITERAL("1")},
				      {"key", BYTES_OF_LITERAL("a"), BYTES_OF_LITERAL("2")}};
	assert_ok(simulated_disk_create(&disk, 1));
	assert_ok(secrets_open(simulated_disk_io(disk), "/secrets.db", &secrets));
	assert_fails(STATUS_CONFLICT, "secrets.exists", secrets_create_all(secrets, rows, 2));
	assert_fails(STATUS_NOT_FOUND, "secrets.missing", secrets_get(secrets, "key", rows[0].id, &value));
	rows[1].id = BYTES_OF_LITERAL("b");
	assert_ok(secrets_create_all(secrets, rows, 2));
	assert_ok(secrets_get(secrets, "key", rows[1].id, &value));
}

static void
assert_stands_nowhere(struct simulated_disk *disk, const char *text) {
	static const char *const files[] = {"/secrets.db", "/secrets.db-journal"};
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		_cleanup_(buffer_free) struct buffer content = {};
		enum status status = io_read_file(simulated_disk_io(disk), files[i], 16 << 20, &content);
		assert_true(status == OK || status == STATUS_NOT_FOUND);
		if (content.len > 0 && memmem(content.data, content.len, text, strlen(text)) != nullptr)
			fail_msg("%s holds it", files[i]);
	}
}

/* The journal of a commit holds what was there before: it must not stay. */
static void
what_is_destroyed_or_replaced_stands_in_no_file_any_more(void **) {
	static const char first[] = "a wrapped key, the first", second[] = "a wrapped key, the second";
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(secrets_close) struct secrets *secrets = nullptr;
	_cleanup_(buffer_free) struct buffer content = {};
	struct bytes id = BYTES_OF_LITERAL("p");
	assert_ok(simulated_disk_create(&disk, 1));
	assert_ok(secrets_open(simulated_disk_io(disk), "/secrets.db", &secrets));
	assert_ok(secrets_create(secrets, "subject", id, bytes_of_text(first)));
	assert_ok(io_read_file(simulated_disk_io(disk), "/secrets.db", 16 << 20, &content));
	assert_non_null(memmem(content.data, content.len, first, sizeof first - 1));
	assert_ok(secrets_replace(secrets, "subject", id, bytes_of_text(second)));
	assert_stands_nowhere(disk, first);
	assert_ok(secrets_destroy(secrets, "subject", id));
	assert_stands_nowhere(disk, second);
}

static enum secrets_recorded
by_first_letter(void *, struct bytes id) {
	return id.data[0] == 'c' ? SECRETS_CREATED : id.data[0] == 'd' ? SECRETS_DESTROYED : SECRETS_UNRECORDED;
}

static void
reconciling_removes_what_the_log_does_not_know_or_has_destroyed(void **) {
	static const char *const ids[] = {"c1", "c2", "d1", "u1", "u2", "u3"};
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(secrets_close) struct secrets *secrets = nullptr;
	_cleanup_(buffer_free) struct buffer value = {};
	struct secrets_reconciled reconciled;
	assert_ok(simulated_disk_create(&disk, 1));
	assert_ok(secrets_open(simulated_disk_io(disk), "/secrets.db", &secrets));
	for (size_t i = 0; i < ARRAY_LENGTH(ids); i++)
		assert_ok(secrets_create(secrets, "key", bytes_of_text(ids[i]), BYTES_OF_LITERAL("wrapped")));
	assert_fails(STATUS_CORRUPT, "secrets.lost",
		     secrets_reconcile(secrets, "key", by_first_letter, nullptr, 3, &reconciled));
	assert_ok(secrets_get(secrets, "key", BYTES_OF_LITERAL("u1"), &value)); /* nothing was touched */
	assert_ok(secrets_reconcile(secrets, "key", by_first_letter, nullptr, 2, &reconciled));
	assert_int_equal(reconciled.kept, 2);
	assert_int_equal(reconciled.removed_destroyed, 1);
	assert_int_equal(reconciled.removed_unrecorded, 3);
	assert_fails(STATUS_NOT_FOUND, "secrets.missing", secrets_get(secrets, "key", BYTES_OF_LITERAL("d1"), &value));
	assert_ok(secrets_reconcile(secrets, "key", by_first_letter, nullptr, 2, &reconciled));
	assert_int_equal(reconciled.removed_destroyed + reconciled.removed_unrecorded, 0);
}

RUN_TESTS(T(rows_are_created_read_replaced_and_destroyed), T(many_rows_are_created_together_or_not_at_all),
	  T(what_is_destroyed_or_replaced_stands_in_no_file_any_more),
	  T(reconciling_removes_what_the_log_does_not_know_or_has_destroyed))
