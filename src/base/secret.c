#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Secrets of up to this size are common and short-lived: they stay on the heap and are wiped there. */
constexpr size_t HEAP_MAX = 256;

static size_t
round_to_pages(size_t len) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (len + page - 1) / page * page;
}

/* Whether it is locked, which may exceed RLIMIT_MEMLOCK; the other protections hold without it. */
static bool
protect_mapping(void *memory, size_t len) {
	bool locked = mlock2(memory, len, 0) == 0; /* AddressSanitizer makes nothing of mlock() */
	(void)madvise(memory, len, MADV_DONTDUMP);
	(void)madvise(memory, len, MADV_WIPEONFORK);
	return locked;
}

enum status
secret_alloc(struct secret *secret, size_t len) {
	*secret = (struct secret){};
	if (len <= HEAP_MAX) {
		secret->data = calloc(1, len == 0 ? 1 : len);
		TRY_ALLOC(secret->data);
	} else {
		if (len > SIZE_MAX / 2)
			return fail(STATUS_NO_MEMORY, "memory: a secret of %zu bytes", len);
		size_t mapped = round_to_pages(len);
		void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			return fail_errno(STATUS_NO_MEMORY, "memory: mapping %zu bytes for a secret", mapped);
		(void)protect_mapping(memory, mapped);
		secret->data = memory;
		secret->mapped = mapped;
	}
	secret->len = len;
	return OK;
}

enum status
secret_copy(struct secret *secret, struct bytes bytes) {
	TRY(secret_alloc(secret, bytes.len));
	if (bytes.len > 0)
		memcpy(secret->data, bytes.data, bytes.len);
	return OK;
}

void
secret_free(struct secret *secret) {
	if (secret->data != nullptr) {
		explicit_bzero(secret->data, secret->len);
		if (secret->mapped > 0)
			munmap(secret->data, secret->mapped);
		else
			free(secret->data);
	}
	*secret = (struct secret){};
}

bool
secret_equal(struct bytes a, struct bytes b) {
	if (a.len != b.len)
		return false;
	volatile uint8_t difference = 0;
	for (size_t i = 0; i < a.len; i++)
		difference |= a.data[i] ^ b.data[i];
	return difference == 0;
}

void
secret_wipe(void *data, size_t len) {
	explicit_bzero(data, len);
}

__attribute__((noinline)) void
secret_wipe_stack(void) {
	uint8_t below[8192];
	explicit_bzero(below, sizeof below);
}

enum status
secret_read_descriptor(struct secret *secret, int descriptor, size_t max) {
	_cleanup_(secret_free) struct secret all = {};
	TRY(secret_alloc(&all, max + 1));
	size_t len = 0;
	while (len <= max) {
		ssize_t got = read(descriptor, all.data + len, max + 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(STATUS_IO, "secret.read: descriptor %d", descriptor);
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len > max)
		return fail(STATUS_TOO_LARGE, "secret.size: more than %zu bytes", max);
	if (len > 0 && all.data[len - 1] == '\n')
		len--;
	return secret_copy(secret, bytes_of(all.data, len));
}

enum status
secret_read_file(struct secret *secret, const char *path, size_t max) {
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (descriptor < 0)
		return fail_errno(STATUS_IO, "secret.open: %s", path);
	enum status status = secret_read_descriptor(secret, descriptor, max);
	close(descriptor);
	return status;
}

struct secret_region {
	uint8_t *memory;
	size_t mapped;
	size_t slot_size;
	size_t slots;
	size_t free_count;
	bool isolated, locked;
	uint32_t *free_slots; /* a stack of slot numbers */
};

static uint8_t *
map_secret_memory(size_t mapped, bool *isolated, bool *locked) {
	void *memory = MAP_FAILED;
	int descriptor = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (descriptor >= 0) {
		if (ftruncate(descriptor, (off_t)mapped) == 0)
			memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
		close(descriptor);
	}
	*isolated = memory != MAP_FAILED;
	if (!*isolated)
		memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return nullptr;
	*locked = *isolated || protect_mapping(memory, mapped);
	if (*isolated)
		(void)madvise(memory, mapped, MADV_DONTFORK);
	return memory;
}

enum status
secret_region_create(struct secret_region **region, size_t slot_size, size_t slots) {
	size_t size;
	if (slot_size == 0 || slots == 0 || slots > UINT32_MAX || __builtin_mul_overflow(slot_size, slots, &size) ||
	    size > SIZE_MAX / 2)
		return fail(STATUS_INVALID, "secret.region: %zu slots of %zu bytes", slots, slot_size);
	_cleanup_(secret_region_destroy) struct secret_region *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->slot_size = slot_size;
	made->slots = made->free_count = slots;
	made->free_slots = calloc(slots, sizeof *made->free_slots);
	TRY_ALLOC(made->free_slots);
	for (size_t i = 0; i < slots; i++)
		made->free_slots[i] = (uint32_t)(slots - 1 - i);
	made->mapped = round_to_pages(size);
	made->memory = map_secret_memory(made->mapped, &made->isolated, &made->locked);
	TRY_ALLOC(made->memory);
	*region = TAKE(made);
	return OK;
}

void
secret_region_destroy(struct secret_region **region) {
	struct secret_region *gone = TAKE(*region);
	if (gone == nullptr)
		return;
	if (gone->memory != nullptr) {
		explicit_bzero(gone->memory, gone->mapped);
		munmap(gone->memory, gone->mapped);
	}
	free(gone->free_slots);
	free(gone);
}

uint8_t *
secret_region_take(struct secret_region *region) {
	if (region->free_count == 0)
		return nullptr;
	return region->memory + region->free_slots[--region->free_count] * region->slot_size;
}

void
secret_region_give_back(struct secret_region *region, uint8_t *slot) {
	if (slot == nullptr)
		return;
	explicit_bzero(slot, region->slot_size);
	region->free_slots[region->free_count++] = (uint32_t)((size_t)(slot - region->memory) / region->slot_size);
}

bool
secret_region_is_isolated(const struct secret_region *region) {
	return region->isolated;
}

bool
secret_region_is_locked(const struct secret_region *region) {
	return region->locked;
}
