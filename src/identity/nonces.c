#include "identity/nonces.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/map.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "identity/directory.h"
#include "identity/http_signature.h"

constexpr size_t TOTAL_DEFAULT = 2'000'000;
constexpr size_t PER_KEY_DEFAULT = 1'000'000;
constexpr size_t CAPACITY_MIN = 1024; /* slots; a power of two */
constexpr size_t BUCKETS = 512;       /* seconds; a power of two above lifetime, both skews and one */

static_assert(BUCKETS > REQUEST_SIGNATURE_LIFETIME_MAX_S + 2 * REQUEST_SIGNATURE_SKEW_S + 1);

struct nonce_id {
	uint8_t bytes[16];
};

/* One key's share. Kept for the life of the store: there are no more than the directory has keys. */
struct owner {
	struct bytes key_id;
	size_t count;
};

struct slot {
	struct nonce_id id;
	struct owner *owner; /* null: free */
	int64_t expires_s;
};

/* The nonces whose signatures expire in one second. */
struct bucket {
	struct nonce_id *ids;
	size_t count;
	size_t capacity;
};

struct nonces {
	struct nonces_limits limits;
	struct slot *slots;
	size_t capacity;
	size_t count;
	uint64_t multiplier; /* random and odd, so that nobody outside can choose colliding nonces */
	struct bucket buckets[BUCKETS];
	int64_t kept_from_s; /* signatures that expired before it are forgotten */
	struct map owners;
};

enum status
nonces_create(struct nonces **nonces, struct nonces_limits limits) {
	*nonces = calloc(1, sizeof **nonces);
	TRY_ALLOC(*nonces);
	(*nonces)->limits.total = limits.total == 0 ? TOTAL_DEFAULT : limits.total;
	(*nonces)->limits.per_key = limits.per_key == 0 ? PER_KEY_DEFAULT : limits.per_key;
	random_bytes(&(*nonces)->multiplier, sizeof(*nonces)->multiplier);
	(*nonces)->multiplier |= 1;
	return OK;
}

void
nonces_destroy(struct nonces **nonces) {
	if (*nonces == nullptr)
		return;
	size_t at = 0;
	void *owner;
	while (map_next(&(*nonces)->owners, &at, nullptr, &owner))
		free(owner);
	map_free(&(*nonces)->owners);
	for (size_t i = 0; i < BUCKETS; i++)
		free((*nonces)->buckets[i].ids);
	free((*nonces)->slots);
	free(*nonces);
	*nonces = nullptr;
}

/* --- Owners --- */

/* The owner and its key's id in one block. */
static enum status
find_owner(struct nonces *nonces, struct bytes key_id, struct owner **owner) {
	*owner = map_get(&nonces->owners, key_id);
	if (*owner != nullptr)
		return OK;
	struct owner *created = calloc(1, sizeof *created + key_id.len);
	TRY_ALLOC(created);
	uint8_t *text = (uint8_t *)(created + 1);
	if (key_id.len > 0)
		memcpy(text, key_id.data, key_id.len);
	created->key_id = bytes_of(text, key_id.len);
	enum status status = map_put(&nonces->owners, key_id, created, nullptr);
	if (status != OK) {
		free(created);
		return status;
	}
	*owner = created;
	return OK;
}

/* --- The table: open addressing, at most three quarters full --- */

static struct nonce_id
id_of(struct bytes key_id, struct bytes nonce) {
	uint8_t length[4];
	struct nonce_id id;
	store_u32be(length, (uint32_t)key_id.len);
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(length), key_id, nonce);
	memcpy(id.bytes, hash.bytes, sizeof id.bytes);
	return id;
}

static size_t
home_of(const struct nonces *nonces, const struct nonce_id *id) {
	uint64_t mixed = load_u64be(id->bytes) * nonces->multiplier;
	return (size_t)(mixed >> 20) & (nonces->capacity - 1);
}

/* The slot that holds id, or the free one where it belongs. capacity > 0. */
static size_t
find_slot(const struct nonces *nonces, const struct nonce_id *id) {
	size_t at = home_of(nonces, id);
	while (nonces->slots[at].owner != nullptr &&
	       memcmp(nonces->slots[at].id.bytes, id->bytes, sizeof id->bytes) != 0)
		at = (at + 1) & (nonces->capacity - 1);
	return at;
}

static enum status
make_room(struct nonces *nonces) {
	if (nonces->count < nonces->capacity - nonces->capacity / 4)
		return OK;
	struct nonces larger = *nonces;
	larger.capacity = nonces->capacity == 0 ? CAPACITY_MIN : 2 * nonces->capacity;
	larger.slots = calloc(larger.capacity, sizeof *larger.slots);
	TRY_ALLOC(larger.slots);
	for (size_t i = 0; i < nonces->capacity; i++)
		if (nonces->slots[i].owner != nullptr)
			larger.slots[find_slot(&larger, &nonces->slots[i].id)] = nonces->slots[i];
	free(nonces->slots);
	nonces->slots = larger.slots;
	nonces->capacity = larger.capacity;
	return OK;
}

/* Later slots of the same run move up, so that no search meets a gap (Knuth, vol. 3, 6.4, algorithm R). */
static void
forget(struct nonces *nonces, const struct nonce_id *id) {
	size_t mask = nonces->capacity - 1, gap = find_slot(nonces, id);
	nonces->slots[gap].owner->count--;
	nonces->count--;
	for (size_t i = (gap + 1) & mask; nonces->slots[i].owner != nullptr; i = (i + 1) & mask)
		if (((i - home_of(nonces, &nonces->slots[i].id)) & mask) >= ((i - gap) & mask)) {
			nonces->slots[gap] = nonces->slots[i];
			gap = i;
		}
	nonces->slots[gap] = (struct slot){};
}

/* --- Expiry --- */

static struct bucket *
bucket_of(struct nonces *nonces, int64_t expires_s) {
	return &nonces->buckets[(size_t)expires_s & (BUCKETS - 1)];
}

static enum status
bucket_make_room(struct bucket *bucket) {
	if (bucket->count < bucket->capacity)
		return OK;
	size_t capacity = bucket->capacity == 0 ? 16 : 2 * bucket->capacity;
	struct nonce_id *ids = realloc(bucket->ids, capacity * sizeof *ids);
	TRY_ALLOC(ids);
	bucket->ids = ids;
	bucket->capacity = capacity;
	return OK;
}

static void
empty_bucket(struct nonces *nonces, struct bucket *bucket) {
	for (size_t i = 0; i < bucket->count; i++)
		forget(nonces, &bucket->ids[i]);
	free(bucket->ids);
	*bucket = (struct bucket){};
}

/* A signature counts until its expiry, its nonce until skew later. */
static void
forget_expired(struct nonces *nonces, int64_t now_ms) {
	int64_t keep_from_s = now_ms / 1000 - REQUEST_SIGNATURE_SKEW_S;
	if (nonces->count == 0 || keep_from_s - nonces->kept_from_s > (int64_t)BUCKETS)
		for (size_t i = 0; i < BUCKETS && nonces->count > 0; i++)
			empty_bucket(nonces, &nonces->buckets[i]);
	else
		for (int64_t second = nonces->kept_from_s; second < keep_from_s; second++)
			empty_bucket(nonces, bucket_of(nonces, second));
	if (keep_from_s > nonces->kept_from_s)
		nonces->kept_from_s = keep_from_s;
}

void
nonces_expire(struct nonces *nonces, int64_t now_ms) {
	forget_expired(nonces, now_ms);
}

/* --- Taking --- */

static bool
has_id(const struct nonces *nonces, const struct nonce_id *id) {
	return nonces->count > 0 && nonces->slots[find_slot(nonces, id)].owner != nullptr;
}

static enum status
check_limits(const struct nonces *nonces, const struct owner *owner) {
	if (nonces->count >= nonces->limits.total)
		return fail(STATUS_UNAVAILABLE, "nonces.full: %zu unexpired requests; try again later", nonces->count);
	if (owner->count >= nonces->limits.per_key)
		return fail(STATUS_UNAVAILABLE, "nonces.key_full: %zu unexpired requests by %.*s; try again later",
			    owner->count, BYTES_ARGS(owner->key_id));
	return OK;
}

static enum status
insert(struct nonces *nonces, struct owner *owner, const struct nonce_id *id, int64_t expires_s) {
	struct bucket *bucket = bucket_of(nonces, expires_s);
	TRY(check_limits(nonces, owner));
	TRY(make_room(nonces));
	TRY(bucket_make_room(bucket));
	size_t at = find_slot(nonces, id);
	if (nonces->slots[at].owner != nullptr)
		return fail(STATUS_CONFLICT, "nonces.replayed: %.*s has used this nonce", BYTES_ARGS(owner->key_id));
	nonces->slots[at] = (struct slot){*id, owner, expires_s};
	bucket->ids[bucket->count++] = *id;
	nonces->count++;
	owner->count++;
	return OK;
}

enum status
nonces_take(struct nonces *nonces, struct bytes key_id, struct bytes nonce, int64_t expires_s, int64_t now_ms) {
	forget_expired(nonces, now_ms);
	if (expires_s < nonces->kept_from_s || expires_s - nonces->kept_from_s >= (int64_t)BUCKETS)
		return fail(STATUS_EXPIRED, "nonces.expiry: a signature that expires at %lld, now %lld",
			    (long long)expires_s, (long long)(now_ms / 1000));
	struct owner *owner;
	struct nonce_id id = id_of(key_id, nonce);
	if (has_id(nonces, &id))
		return fail(STATUS_CONFLICT, "nonces.replayed: %.*s has used this nonce", BYTES_ARGS(key_id));
	TRY(find_owner(nonces, key_id, &owner));
	return insert(nonces, owner, &id, expires_s);
}

bool
nonces_has(const struct nonces *nonces, struct bytes key_id, struct bytes nonce) {
	struct nonce_id id = id_of(key_id, nonce);
	return has_id(nonces, &id);
}

size_t
nonces_count(const struct nonces *nonces) {
	return nonces->count;
}

/* --- Snapshots: magic, version, kept from, number of keys; then per key, in order of their ids, id and number of nonces, and
 * per nonce, in order of expiry and hash, both. --- */

static const char FIELD[] = "nonces.snapshot";
static const uint8_t MAGIC[8] = {'G', 'H', 'N', 'O', 'N', 'C', 'E', 'S'};
constexpr uint32_t VERSION = 1;

static int
compare_slots(const void *a, const void *b) {
	const struct slot *x = *(const struct slot *const *)a, *y = *(const struct slot *const *)b;
	int order = bytes_compare(x->owner->key_id, y->owner->key_id);
	if (order == 0)
		order = (x->expires_s > y->expires_s) - (x->expires_s < y->expires_s);
	return order != 0 ? order : memcmp(x->id.bytes, y->id.bytes, sizeof x->id.bytes);
}

static void
write_slots(const struct slot *const *slots, size_t count, struct buffer *to) {
	const struct owner *owner = nullptr;
	for (size_t i = 0; i < count; i++) {
		if (slots[i]->owner != owner) {
			owner = slots[i]->owner;
			buffer_append_u16be(to, (uint16_t)owner->key_id.len);
			buffer_append_bytes(to, owner->key_id);
			buffer_append_u64be(to, owner->count);
		}
		buffer_append_u64be(to, (uint64_t)slots[i]->expires_s);
		buffer_append(to, slots[i]->id.bytes, sizeof slots[i]->id.bytes);
	}
}

static size_t
count_owners(const struct slot *const *sorted, size_t count) {
	size_t owners = 0;
	for (size_t i = 0; i < count; i++)
		owners += i == 0 || sorted[i]->owner != sorted[i - 1]->owner;
	return owners;
}

enum status
nonces_write(const struct nonces *nonces, struct buffer *to) {
	const struct slot **slots = malloc((nonces->count + 1) * sizeof(const struct slot *));
	TRY_ALLOC(slots);
	size_t count = 0;
	for (size_t i = 0; i < nonces->capacity; i++)
		if (nonces->slots[i].owner != nullptr)
			slots[count++] = &nonces->slots[i];
	if (count > 1)
		qsort(slots, count, sizeof *slots, compare_slots);
	buffer_append(to, MAGIC, sizeof MAGIC);
	buffer_append_u32be(to, VERSION);
	buffer_append_u64be(to, (uint64_t)nonces->kept_from_s);
	buffer_append_u64be(to, count_owners(slots, count));
	write_slots(slots, count, to);
	free(slots);
	return buffer_status(to);
}

static enum status
corrupt(const char *what) {
	return fail(STATUS_CORRUPT, "%s: %s", FIELD, what);
}

static enum status
read_nonce(struct nonces *nonces, struct cursor *cursor, struct owner *owner) {
	uint64_t expires_s;
	struct nonce_id id;
	TRY(cursor_u64be(cursor, FIELD, &expires_s));
	TRY(cursor_copy(cursor, FIELD, id.bytes, sizeof id.bytes));
	if (expires_s < (uint64_t)nonces->kept_from_s || expires_s - (uint64_t)nonces->kept_from_s >= BUCKETS)
		return corrupt("an expiry outside what is kept");
	return insert(nonces, owner, &id, (int64_t)expires_s);
}

static enum status
read_owner(struct nonces *nonces, struct cursor *cursor) {
	uint16_t len;
	uint64_t count;
	struct bytes key_id;
	struct owner *owner;
	TRY(cursor_u16be(cursor, FIELD, &len));
	if (len > DIRECTORY_KEY_ID_MAX)
		return corrupt("a key id that is too long");
	TRY(cursor_take(cursor, FIELD, len, &key_id));
	TRY(cursor_u64be(cursor, FIELD, &count));
	TRY(find_owner(nonces, key_id, &owner));
	for (; count > 0; count--)
		TRY(read_nonce(nonces, cursor, owner));
	return OK;
}

static enum status
read_header(struct nonces *nonces, struct cursor *cursor, uint64_t *owners) {
	uint8_t magic[sizeof MAGIC];
	uint32_t version;
	uint64_t kept_from_s;
	TRY(cursor_copy(cursor, FIELD, magic, sizeof magic));
	TRY(cursor_u32be(cursor, FIELD, &version));
	if (memcmp(magic, MAGIC, sizeof magic) != 0 || version != VERSION)
		return corrupt("not a nonce snapshot of version 1");
	TRY(cursor_u64be(cursor, FIELD, &kept_from_s));
	if (kept_from_s > INT64_MAX)
		return corrupt("a time before 1970");
	nonces->kept_from_s = (int64_t)kept_from_s;
	return cursor_u64be(cursor, FIELD, owners);
}

enum status
nonces_read(struct nonces *nonces, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	uint64_t owners;
	if (nonces->count > 0)
		return fail(STATUS_INTERNAL, "%s: read into a store that is not empty", FIELD);
	enum status status = read_header(nonces, &cursor, &owners);
	for (; status == OK && owners > 0; owners--)
		status = read_owner(nonces, &cursor);
	if (status == OK)
		status = cursor_end(&cursor, FIELD);
	return status == OK || status == STATUS_NO_MEMORY || status == STATUS_CORRUPT
		       ? status
		       : corrupt("damaged, or beyond the limits");
}
