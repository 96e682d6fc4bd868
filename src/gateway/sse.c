#include "gateway/sse.h"

#include <stdlib.h>

void
sse_free(struct sse_ring *ring) {
	for (size_t i = 0; i < SSE_RING_SIZE; i++)
		free(ring->events[i].text);
	*ring = (struct sse_ring){};
}

static uint64_t
oldest(const struct sse_ring *ring) {
	return ring->count > SSE_RING_SIZE ? ring->count - SSE_RING_SIZE : 0;
}

static const struct sse_event *
event_at(const struct sse_ring *ring, uint64_t number) {
	return &ring->events[number % SSE_RING_SIZE];
}

enum status
sse_add(struct sse_ring *ring, const struct ipc_feed *feed) {
	if (ring->count > 0 && feed->index <= event_at(ring, ring->count - 1)->index)
		return OK;
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "id: ");
	buffer_append_decimal(&text, feed->index);
	buffer_append_text(&text, "\nevent: ");
	buffer_append_bytes(&text, feed->event);
	buffer_append_text(&text, "\ndata: ");
	buffer_append_bytes(&text, feed->data);
	buffer_append_text(&text, "\n\n");
	TRY(buffer_status(&text));
	struct sse_event *event = &ring->events[ring->count % SSE_RING_SIZE];
	char *copy = malloc(text.len);
	TRY_ALLOC(copy);
	memcpy(copy, text.data, text.len);
	free(event->text);
	*event = (struct sse_event){feed->index, copy, text.len};
	ring->count++;
	return OK;
}

static bool
parse_index(struct bytes text, uint64_t *index) {
	*index = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(*index, 10U, index) ||
		    __builtin_add_overflow(*index, (uint64_t)(text.data[i] - '0'), index))
			return false;
	}
	return text.len > 0;
}

struct sse_place
sse_resume(const struct sse_ring *ring, struct bytes last_event_id) {
	uint64_t index, first = oldest(ring);
	if (last_event_id.data == nullptr)
		return (struct sse_place){.next = ring->count};
	/* Between the client's last event and the oldest that is here there may be others, unless it is that one. */
	if (!parse_index(last_event_id, &index) || ring->count == 0 || index < event_at(ring, first)->index ||
	    index > event_at(ring, ring->count - 1)->index)
		return (struct sse_place){.next = ring->count, .lost = true};
	uint64_t low = first, high = ring->count; /* the first event after index is in [low, high] */
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (event_at(ring, middle)->index <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct sse_place){.next = low};
}

static void
write_resync(const struct sse_ring *ring, struct buffer *to) {
	if (ring->count > 0)
		buffer_append_format(to, "id: %llu\n", (unsigned long long)event_at(ring, ring->count - 1)->index);
	buffer_append_text(to, "event: resync\ndata: {}\n\n");
}

bool
sse_write(const struct sse_ring *ring, struct sse_place *place, struct buffer *to) {
	size_t before = to->len;
	if (place->next < oldest(ring))
		place->lost = true;
	if (place->lost && to->len < SSE_BACKLOG_MAX) {
		write_resync(ring, to);
		*place = (struct sse_place){.next = ring->count};
	}
	for (; !place->lost && place->next < ring->count && to->len < SSE_BACKLOG_MAX; place->next++) {
		const struct sse_event *event = event_at(ring, place->next);
		buffer_append(to, event->text, event->len);
	}
	return to->len > before;
}
