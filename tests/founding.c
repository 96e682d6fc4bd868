#include "tests/founding.h"

#include <stdio.h>

#include "keeper/installation.h"
#include "ledger/log.h"

static enum status
write_log_keys(const struct installation *installation, struct buffer *to) {
	const struct note_key *keys[] = {&installation->keys.ed25519, &installation->keys.mldsa44};
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_array(&w);
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		_cleanup_(buffer_free) struct buffer vkey = {};
		note_key_format(keys[i], &vkey);
		json_write_string(&w, buffer_bytes(&vkey));
	}
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(to, '\0');
	return buffer_status(to);
}

static enum status
begin_mark(const struct installation *installation, const struct founding *founding, struct ledger *ledger) {
	_cleanup_(high_water_close) struct high_water *mark = nullptr;
	struct ledger_head head;
	struct high_water_config guard = {.guard = founding->guard,
					  .io = founding->io,
					  .origin = bytes_of_text(installation->origin),
					  .data_directory = founding->data,
					  .path = founding->mark};
	ledger_durable_head(ledger, &head);
	TRY(high_water_open(&guard, &mark));
	return high_water_begin(mark, &(struct mark){head.head.size, head.head.root});
}

static enum status
begin_log(struct firm *firm, const struct installation *installation, const struct founding *founding) {
	_cleanup_(buffer_free) struct buffer keys = {}, genesis = {};
	_cleanup_(ledger_close) struct ledger *ledger = nullptr;
	char path[512];
	snprintf(path, sizeof path, "%s/ledger", founding->data);
	struct ledger_config config = {.io = founding->io,
				       .directory = path,
				       .signer = &installation->signer,
				       .first_segment_size = founding->segment_size,
				       .segment_size = founding->segment_size,
				       .is_manual = founding->segment_size != 0};
	TRY(write_log_keys(installation, &keys));
	TRY(firm_genesis(firm, founding->instance, installation->origin, (const char *)keys.data,
			 io_realtime_ns(founding->io) / 1'000'000, &genesis));
	TRY(ledger_create(&config));
	TRY(ledger_open(&config, &ledger));
	TRY(ledger_append(ledger, &(struct ledger_entry){.type = ENTRY_GENESIS, .body = buffer_bytes(&genesis)}, 1,
			  nullptr));
	return begin_mark(installation, founding, ledger);
}

enum status
found_installation(struct firm *firm, const struct founding *founding) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(installation_close) struct installation installation = {};
	struct root_key *root;
	if (founding->io == nullptr) {
		struct founding on_system = *founding;
		on_system.io = io_system();
		return found_installation(firm, &on_system);
	}
	struct argon2id_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
	TRY(root_key_create(&root, founding->source, founding->given, cheap, &record));
	TRY(installation_create(founding->io, founding->data, founding->instance,
				founding->keeper == nullptr ? "k1" : founding->keeper, root, buffer_bytes(&record),
				&installation));
	return begin_log(firm, &installation, founding);
}
