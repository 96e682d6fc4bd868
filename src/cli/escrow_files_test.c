/* Escrows of 2 of 3 keepers in files, of whom some lie. */
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/escrow_files.h"
#include "crypto/kem.h"
#include "tests/frost_holders.h"

static const struct bytes INSTANCE = {(const uint8_t *)"northwind", 9};
constexpr size_t FILES = 11;

struct dealt {
	struct sharing sharing;
	struct key_info key;
	struct frost_scalar numbers[4]; /* by index */
};

static struct dealt ours, other;
static uint8_t recovery_key[KEM_PUBLIC_SIZE];
static struct secret recovery_private;
static char folder[64], paths[FILES][96];

static void
deal(struct dealt *dealt) {
	static const char *const names[] = {"one", "two", "three"};
	struct frost_holders holders = {};
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 3);
	sharing_of_frost(&holders.key, &dealt->sharing);
	for (size_t i = 1; i <= 3; i++) {
		strcpy(dealt->sharing.names[i - 1], names[i - 1]);
		dealt->numbers[i] = *frost_key_share_value(holders.shares[i]);
	}
	frost_holders_end(&holders);
	const struct ecdsa_key *key = &dealt->sharing.key;
	dealt->key = (struct key_info){.account = "treasury",
				       .algorithm = KEY_ED25519,
				       .purpose = key->purpose,
				       .sharing = KEY_SHARED_ED25519,
				       .threshold = 2,
				       .parties = 3,
				       .epoch = key->epoch,
				       .public_key_len = 32};
	strcpy(dealt->key.id, key->id);
	memcpy(dealt->key.public_key, key->public_key, 32);
}

static int
set_up(void **) {
	deal(&ours);
	deal(&other);
	snprintf(folder, sizeof folder, "/tmp/gatehouse-escrow-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < FILES; i++)
		snprintf(paths[i], sizeof paths[i], "%s/%zu", folder, i);
	return kem_generate(recovery_key, &recovery_private) == OK ? 0 : -1;
}

static int
tear_down(void **) {
	for (size_t i = 0; i < FILES; i++)
		unlink(paths[i]);
	rmdir(folder);
	secret_free(&recovery_private);
	return 0;
}

static void
write_text(size_t at, struct bytes text) {
	FILE *file = fopen(paths[at], "w");
	assert_non_null(file);
	assert_int_equal(text.len, fwrite(text.data, 1, text.len, file));
	assert_int_equal(0, fclose(file));
}

/* What the holder gave, beside the sharing and the record that it states; the escrow is that of another one's share. */
static void
write_stated(size_t at, uint8_t holder, const struct dealt *stated, uint8_t whose) {
	_cleanup_(buffer_free) struct buffer text = {}, escrow = {};
	struct json_writer w;
	assert_ok(recovery_escrow(&stated->sharing, whose, &stated->numbers[whose], INSTANCE,
				  BYTES_OF_ARRAY(recovery_key), &escrow));
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_key(&w, "escrow");
	json_write_base64(&w, buffer_bytes(&escrow));
	json_write_member_integer(&w, "holder", holder);
	json_write_key(&w, "key");
	key_write(&w, &stated->key);
	json_write_key(&w, "sharing");
	sharing_write(&w, &stated->sharing);
	json_write_end(&w);
	assert_ok(json_writer_finish(&w));
	write_text(at, buffer_bytes(&text));
}

static void
write_given(size_t at, uint8_t holder, const struct dealt *stated) {
	write_stated(at, holder, stated, holder);
}

static enum status
collect(struct arena *arena, size_t count, struct escrow_collection *collection) {
	const char *given[FILES];
	for (size_t i = 0; i < count; i++)
		given[i] = paths[i];
	return escrow_files_collect(arena, given, count, INSTANCE, BYTES_OF_ARRAY(recovery_key), collection);
}

/* null: not left out. */
static void
expect_refusal(const struct escrow_collection *collection, size_t at, const char *name) {
	const char *found = collection->files[at].refusal;
	if ((found == nullptr) != (name == nullptr) || (name != nullptr && strncmp(found, name, strlen(name)) != 0))
		fail_msg("file %zu: expected %s, found %s", at, name ?: "nothing", found ?: "nothing");
}

/* The files from first to last are sound, and the key comes out of them. */
static void
expect_key(struct escrow_collection *collection, size_t first, size_t last) {
	_cleanup_(secret_free) struct secret whole = {};
	for (size_t i = first; i <= last; i++)
		expect_refusal(collection, i, nullptr);
	assert_int_equal(last - first + 1, collection->sound);
	assert_string_equal("vault", collection->key->id);
	assert_ok(recovery_join(collection->sharing, INSTANCE, secret_bytes(&recovery_private), collection->holders,
				collection->escrows, collection->sound, &whole));
	assert_memory_equal(collection->sharing->key.public_key, ours.sharing.key.public_key, 32);
}

static void
liars_first_do_not_say_what_the_others_must_be(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct escrow_collection collection;
	/* The liar's name for a keeper, another admission, another chain, another key. */
	struct dealt lies[4] = {ours, ours, ours, other};
	strcpy(lies[0].sharing.names[2], "mallory");
	lies[1].sharing.admissions[2]++;
	strcpy(lies[2].key.chain, "solana:test");
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++)
		write_given(i, 1, &lies[i]);
	/* No lie: whether it is frozen is no part of what the key becomes, and keepers may differ in it. */
	struct dealt frozen = ours;
	frozen.key.state = KEY_FROZEN;
	write_given(4, 2, &frozen);
	write_given(5, 3, &ours);
	assert_ok(collect(&arena, 6, &collection));
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++)
		expect_refusal(&collection, i, "escrow.group");
	expect_key(&collection, 4, 5);
	assert_string_equal("", collection.key->chain);
}

static void
what_cannot_be_read_or_is_not_sound_first_is_named_and_left_out(void **) {
	static const struct {
		const char *text, *name;
	} unreadable[] = {
		{"", "json."},
		{"{", "json."},
		{"{}", "escrow.escrow"},
		{"{\"result\":{\"escrow\":\"\"}}", "escrow.holder"},
		{"{\"escrow\":\"\",\"holder\":1,\"key\":{},\"sharing\":{}}", "sharing."},
	};
	constexpr size_t N = ARRAY_LENGTH(unreadable);
	_cleanup_(arena_free) struct arena arena = {};
	struct escrow_collection collection;
	struct dealt of_no_key = ours, of_another_record = ours;
	for (size_t i = 0; i < N; i++)
		write_text(i, bytes_of_text(unreadable[i].text));
	unlink(paths[N]);
	write_stated(N + 1, 1, &ours, 2);
	memcpy(of_no_key.sharing.key.public_shares[2], other.sharing.key.public_shares[2], POINT_SIZE);
	write_given(N + 2, 1, &of_no_key);
	of_another_record.key.epoch++;
	write_given(N + 3, 1, &of_another_record);
	write_given(N + 4, 2, &ours);
	write_given(N + 5, 3, &ours);
	assert_ok(collect(&arena, N + 6, &collection));
	for (size_t i = 0; i < N; i++)
		expect_refusal(&collection, i, unreadable[i].name);
	expect_refusal(&collection, N, "input.open");
	expect_refusal(&collection, N + 1, "escrow.proof");
	expect_refusal(&collection, N + 2, "sharing.polynomial");
	expect_refusal(&collection, N + 3, "sharing.record");
	expect_key(&collection, N + 4, N + 5);
	assert_fails(STATUS_UNAVAILABLE, "recovery.escrows", collect(&arena, N, &collection));
}

static void
of_one_keeper_one_counts(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct escrow_collection collection;
	/* Twice of another key, and a wrong one of three before the right one: neither is more than it is. */
	write_given(0, 1, &other);
	write_given(1, 1, &other);
	write_stated(2, 3, &ours, 2);
	write_given(3, 3, &ours);
	write_given(4, 1, &ours);
	assert_ok(collect(&arena, 5, &collection));
	expect_refusal(&collection, 0, "escrow.group");
	expect_refusal(&collection, 1, "escrow.holder");
	expect_refusal(&collection, 2, "escrow.proof");
	expect_key(&collection, 3, 4);
	assert_int_equal(3, collection.holders[0]);
	assert_int_equal(1, collection.holders[1]);
}

static void
two_groups_of_the_same_size_end_by_name(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct escrow_collection collection;
	write_given(0, 1, &other);
	write_given(1, 2, &ours);
	write_given(2, 3, &other);
	write_given(3, 3, &ours);
	assert_fails(STATUS_CONFLICT, "escrow.groups", collect(&arena, 4, &collection));
	assert_fails(STATUS_CONFLICT, "escrow.groups", collect(&arena, 2, &collection));
	write_text(2, BYTES_OF_LITERAL("no")); /* then it is two to one */
	assert_ok(collect(&arena, 4, &collection));
	expect_refusal(&collection, 0, "escrow.group");
	assert_int_equal(2, collection.sound);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(liars_first_do_not_say_what_the_others_must_be),
		T(what_cannot_be_read_or_is_not_sound_first_is_named_and_left_out),
		T(of_one_keeper_one_counts),
		T(two_groups_of_the_same_size_end_by_name),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
