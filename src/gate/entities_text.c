#include "gate/entities_text.h"

constexpr size_t KEPT_SIZE_MAX = 4096; /* of a request and of a text */

/* Length before content, so that no two requests read alike. */
static void
write_request(const struct entity_uid *from, size_t count, struct buffer *request) {
	for (size_t i = 0; i < count; i++) {
		buffer_append_u32be(request, (uint32_t)from[i].type.len);
		buffer_append_bytes(request, from[i].type);
		buffer_append_u32be(request, (uint32_t)from[i].id.len);
		buffer_append_bytes(request, from[i].id);
	}
}

/* FNV-1a: whoever makes collisions makes the cache useless and nothing else, since requests are compared whole. */
static size_t
slot_of(struct bytes request) {
	uint32_t hash = 2'166'136'261;
	for (size_t i = 0; i < request.len; i++)
		hash = (hash ^ request.data[i]) * 16'777'619;
	return (hash ^ hash >> 16) % ENTITIES_TEXT_SLOTS;
}

static enum status
write_text(const struct policy_entities *entities, const struct entity_uid *from, size_t count, struct arena *arena,
	   struct buffer *text) {
	struct json_writer writer;
	json_writer_start(&writer, text);
	TRY(entities_write_reachable(entities, from, count, arena, &writer));
	return json_writer_finish(&writer);
}

enum status
entities_text_of(struct entities_text *cache, const struct policy_entities *entities, const struct entity_uid *from,
		 size_t count, struct arena *arena, struct bytes *text) {
	_cleanup_(buffer_free) struct buffer request = {}, written = {};
	write_request(from, count, &request);
	TRY(buffer_status(&request));
	typeof(&cache->slots[0]) slot = &cache->slots[slot_of(buffer_bytes(&request))];
	if (bytes_equal(buffer_bytes(&slot->request), buffer_bytes(&request))) {
		*text = arena_copy(arena, buffer_bytes(&slot->text));
		TRY_ALLOC(text->data);
		return OK;
	}
	TRY(write_text(entities, from, count, arena, &written));
	*text = arena_copy(arena, buffer_bytes(&written));
	TRY_ALLOC(text->data);
	if (request.len > KEPT_SIZE_MAX || written.len > KEPT_SIZE_MAX)
		return OK;
	buffer_free(&slot->request);
	buffer_free(&slot->text);
	slot->request = request;
	slot->text = written;
	request = written = (struct buffer){};
	return OK;
}

void
entities_text_clear(struct entities_text *cache) {
	for (size_t i = 0; i < ENTITIES_TEXT_SLOTS; i++) {
		buffer_free(&cache->slots[i].request);
		buffer_free(&cache->slots[i].text);
	}
}
