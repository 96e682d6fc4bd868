#include "policy/pack.h"

#include <stdlib.h>

/* Structures stand in front, bytes behind them. */
struct packer {
	void *structures;
	uint8_t *bytes;
};

static void
measure_value(const struct value *value, size_t *structures, size_t *bytes) {
	switch (value->type) {
	case VALUE_STRING:
		*bytes += value->string.len;
		break;
	case VALUE_ENTITY:
		*bytes += value->entity.type.len + value->entity.id.len;
		break;
	case VALUE_SET:
		*structures += value->set.count * sizeof(struct value);
		for (size_t i = 0; i < value->set.count; i++)
			measure_value(&value->set.items[i], structures, bytes);
		break;
	case VALUE_RECORD:
		*structures += value->record.count * sizeof(struct value_field);
		for (size_t i = 0; i < value->record.count; i++) {
			*bytes += value->record.fields[i].name.len;
			measure_value(&value->record.fields[i].value, structures, bytes);
		}
		break;
	default:
		break;
	}
}

static struct bytes
pack_bytes(struct packer *packer, struct bytes bytes) {
	struct bytes packed = bytes_of(packer->bytes, bytes.len);
	if (bytes.len > 0)
		packer->bytes = mempcpy(packer->bytes, bytes.data, bytes.len);
	return packed;
}

static void
pack_value(struct packer *packer, const struct value *value, struct value *packed) {
	*packed = *value;
	switch (value->type) {
	case VALUE_STRING:
		packed->string = pack_bytes(packer, value->string);
		break;
	case VALUE_ENTITY:
		packed->entity.type = pack_bytes(packer, value->entity.type);
		packed->entity.id = pack_bytes(packer, value->entity.id);
		break;
	case VALUE_SET: {
		struct value *items = packer->structures;
		packer->structures = items + value->set.count;
		for (size_t i = 0; i < value->set.count; i++)
			pack_value(packer, &value->set.items[i], &items[i]);
		*packed = value_set(items, value->set.count);
		break;
	}
	case VALUE_RECORD: {
		struct value_field *fields = packer->structures;
		packer->structures = fields + value->record.count;
		for (size_t i = 0; i < value->record.count; i++) {
			fields[i].name = pack_bytes(packer, value->record.fields[i].name);
			pack_value(packer, &value->record.fields[i].value, &fields[i].value);
		}
		packed->record.fields = fields;
		break;
	}
	default:
		break;
	}
}

static_assert(sizeof(struct value) % alignof(struct value_field) == 0 &&
	      sizeof(struct value_field) % alignof(struct value) == 0);

enum status
pack_values(const struct value *const *values, size_t count, struct packed_values *packed) {
	size_t roots = 0, structures = 0, bytes = 0;
	*packed = (struct packed_values){};
	for (size_t i = 0; i < count; i++)
		if (values[i] != nullptr) {
			measure_value(values[i], &structures, &bytes);
			roots++;
		}
	if (roots == 0)
		return OK;
	structures += roots * sizeof(struct value);
	struct value *root = malloc(structures + bytes);
	TRY_ALLOC(root);
	struct packer packer = {root + roots, (uint8_t *)root + structures};
	for (size_t i = 0; i < count; i++)
		if (values[i] != nullptr) {
			pack_value(&packer, values[i], root);
			packed->values[i] = root++;
		}
	return OK;
}

void
pack_free(struct packed_values *packed) {
	for (size_t i = 0; i < PACK_VALUES_MAX; i++)
		if (packed->values[i] != nullptr) {
			free((void *)(uintptr_t)packed->values[i]);
			break;
		}
	*packed = (struct packed_values){};
}
