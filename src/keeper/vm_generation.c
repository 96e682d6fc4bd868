#include "keeper/vm_generation.h"

bool
vm_generation_is(const struct vm_generation *generation, bool was_given, struct bytes value) {
	if (!generation->is_given || !was_given)
		return !generation->is_given && !was_given;
	return value.len > 0 && bytes_equal(bytes_of(generation->value, generation->len), value);
}

bool
vm_generation_has_changed(struct vm_generation *generation, const struct io *io) {
	uint8_t value[VM_GENERATION_MAX] = {};
	size_t len = 0;
	if (!generation->is_given)
		return false;
	if (io_read_at(io, generation->file, 0, value, sizeof value, &len) != OK)
		len = 0;
	bool is_same = len == generation->len && memcmp(value, generation->value, sizeof value) == 0;
	bool is_first = !generation->is_read;
	generation->is_read = true;
	generation->len = len;
	memcpy(generation->value, value, sizeof value);
	return !is_first && !is_same;
}
