#include "tests/test.h"

#include "tests/forged_log.h"

#include <stdarg.h>
#include <stdio.h>

#include "ledger/log_testing.h"

void
forged_log_start(struct forged_log *log, const struct io *io, const char *flavour) {
	struct segments_config config = {
		.io = io,
		.directory = FORGED_LOG_LEDGER,
		.identity = sha256(head_keys_origin(&log_test_keys()->keys)),
		.first_size = SEGMENT_SIZE_MIN,
		.size = SEGMENT_SIZE_MIN,
	};
	struct segment_tail tail;
	*log = (struct forged_log){
		.root = tree_empty_root(), .at_ms = 1'767'225'600'000, .epoch = 1, .flavour = flavour, .io = io};
	assert_ok(segments_create(&config));
	assert_ok(segments_open(&config, &log->segments));
	assert_ok(segments_scan(log->segments, 0, nullptr, nullptr, &tail));
	assert_ok(tile_writer_open(io, FORGED_LOG_PUBLIC, &log->tiles));
}

void
forged_log_stop(struct forged_log *log) {
	segments_close(&log->segments);
	tile_writer_close(&log->tiles);
}

[[gnu::format(printf, 3, 4)]] static void
add_leaf(struct forged_log *log, struct buffer *bytes, const char *format, ...) {
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	struct bytes leaf = bytes_of(text, (size_t)len);
	struct hash256 hash = tree_leaf_hash(leaf);
	frame_append_entry(bytes, leaf);
	assert_ok(tree_frontier_append(&log->frontier, &hash));
	assert_ok(tile_writer_append(log->tiles, leaf, nullptr));
}

static void
add_entries(struct forged_log *log, struct buffer *bytes, size_t votes, enum forged_log_fault fault) {
	for (size_t i = 0; i < votes; i++) {
		uint64_t seq = log->votes++;
		bool is_last = i + 1 == votes;
		log->at_ms += 10;
		if (is_last && fault == FAULT_SEQUENCE_GAP)
			seq = log->votes++;
		if (is_last && fault == FAULT_SEQUENCE_REPEAT)
			seq--;
		if (is_last && fault == FAULT_TIME_BACK)
			log->at_ms -= 11;
		add_leaf(log, bytes,
			 "{\"at\":%llu,\"body\":{\"%s\":[%llu,\"}]\\\"{\"]},\"seq\":%llu,\"type\":\"vote\",\"version\":"
			 "1}%s",
			 (unsigned long long)log->at_ms, log->flavour, (unsigned long long)seq, (unsigned long long)seq,
			 is_last && fault == FAULT_LEAF_FORM ? " " : "");
	}
	log->counts += fault != FAULT_NO_COUNTS_ENTRY;
	uint64_t stated = log->votes - (fault == FAULT_COUNT_TOO_LOW);
	if (fault == FAULT_COUNT_MISSING)
		add_leaf(log, bytes,
			 "{\"at\":%llu,\"body\":{\"counts\":{\"counts\":%llu}},\"seq\":%llu,\"type\":\"counts\","
			 "\"version\":1}",
			 (unsigned long long)log->at_ms, (unsigned long long)log->counts,
			 (unsigned long long)log->counts - 1);
	else if (fault == FAULT_COUNT_TWICE)
		add_leaf(log, bytes,
			 "{\"at\":%llu,\"body\":{\"counts\":{\"counts\":%llu,\"counts\":%llu}},\"seq\":%llu,\"type\":"
			 "\"counts\",\"version\":1}",
			 (unsigned long long)log->at_ms, (unsigned long long)log->counts,
			 (unsigned long long)log->counts, (unsigned long long)log->counts - 1);
	else if (fault != FAULT_NO_COUNTS_ENTRY)
		add_leaf(log, bytes,
			 "{\"at\":%llu,\"body\":{\"counts\":{\"counts\":%llu,\"vote\":%llu}},\"seq\":%llu,\"type\":"
			 "\"counts\","
			 "\"version\":1}",
			 (unsigned long long)log->at_ms, (unsigned long long)log->counts, (unsigned long long)stated,
			 (unsigned long long)log->counts - 1);
}

static void
sign(const struct head *head, enum forged_log_fault fault, uint8_t stored[HEAD_SIGNATURES_SIZE]) {
	struct head_signatures signatures;
	struct head other = *head;
	other.root.bytes[0] ^= fault == FAULT_HEAD_OF_OTHER_LOG;
	assert_ok(head_sign(&log_test_keys()->signer, &other, FORGED_LOG_TIME_S, &signatures));
	signatures.ed25519[3] ^= fault == FAULT_HEAD_ED25519 || fault == FAULT_OLD_HEAD_ED25519;
	signatures.mldsa44[3] ^= fault == FAULT_HEAD_MLDSA44;
	head_signatures_store(&signatures, stored);
}

void
forged_log_write_frame(struct forged_log *log, size_t votes, enum forged_log_fault fault) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	uint8_t room[FRAME_HEADER_SIZE] = {}, signatures[HEAD_SIGNATURES_SIZE];
	uint64_t first = log->frontier.size;
	buffer_append(&bytes, room, sizeof room);
	add_entries(log, &bytes, votes, fault);
	struct head head = {log->frontier.size, tree_frontier_root(&log->frontier)};
	sign(&head, fault, signatures);
	struct frame frame = {
		.epoch = fault == FAULT_EPOCH_BACK ? 0 : log->epoch,
		.first_index = first + (fault == FAULT_FIRST_INDEX),
		.entry_count = (uint32_t)(head.size - first),
		.previous_root = log->root,
		.root = head.root,
		.signatures = bytes_of(signatures, sizeof signatures - (fault == FAULT_SIGNATURES_LENGTH)),
	};
	frame.root.bytes[1] ^= fault == FAULT_ROOT;
	frame.previous_root.bytes[1] ^= fault == FAULT_PREVIOUS_ROOT;
	struct frame_place place;
	assert_ok(frame_finish(&bytes, &frame));
	if (segments_append(log->segments, buffer_bytes(&bytes), &place) != OK) {
		assert_ok(segments_prepare_next(log->segments));
		assert_ok(segments_append(log->segments, buffer_bytes(&bytes), &place));
	}
	assert_ok(segments_sync(log->segments));
	log->root = head.root;
}

void
forged_log_format_note(const struct head *head, const struct cosigner *witness, struct buffer *note) {
	struct head_signatures signatures;
	assert_ok(head_sign(&log_test_keys()->signer, head, FORGED_LOG_TIME_S, &signatures));
	head_format(note, &log_test_keys()->keys, head, &signatures);
	if (witness == nullptr)
		return;
	_cleanup_(buffer_free) struct buffer text = {};
	struct checkpoint checkpoint;
	checkpoint_format(&text, head_keys_origin(&log_test_keys()->keys), head->size, &head->root);
	assert_ok(checkpoint_parse(buffer_bytes(&text), &checkpoint));
	assert_ok(cosigner_sign(witness, buffer_bytes(&text), &checkpoint, FORGED_LOG_TIME_S + 5, note));
}

void
forged_log_publish(struct forged_log *log, const char *name, const struct cosigner *witness) {
	_cleanup_(buffer_free) struct buffer note = {};
	char path[64];
	struct head head = {log->frontier.size, tree_frontier_root(&log->frontier)};
	forged_log_format_note(&head, witness, &note);
	snprintf(path, sizeof path, "%s/%s", FORGED_LOG_PUBLIC, name);
	assert_ok(io_replace_file(log->io, path, buffer_bytes(&note)));
	if (witness == nullptr)
		assert_ok(tile_writer_publish(log->tiles, head.size, &head.root));
}
