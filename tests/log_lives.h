/*
 * The lives of one log on a simulated disk, each ended by a crash or a fault, with all that an installation keeps beside it: tiles,
 * checkpoint, projection, high-water mark, blobs. What the outside world was told in any of them must hold in all that follow; what
 * breaks a promise is named in the world.
 *
 * Owner: the caller, of disk and world; log_life_end() also where the life did not begin.
 */
#ifndef GATEHOUSE_TESTS_LOG_LIVES_H
#define GATEHOUSE_TESTS_LOG_LIVES_H

#include "base/io_simulated.h"
#include "ledger/publisher.h"
#include "ledger/tile_writer.h"
#include "store/high_water.h"
#include "store/projection.h"

constexpr size_t LOG_LIFE_STEPS = 24;
constexpr size_t LOG_WORLD_ENTRIES_MAX = 512;

struct log_world;

struct log_submitted {
	struct log_world *world;
	bool names_blob;
	struct hash256 blob;
};

/* What the outside world has been told, in all lives of one log. */
struct log_world {
	struct log_submitted submitted[LOG_WORLD_ENTRIES_MAX]; /* each outlives its callback */
	size_t submitted_count;
	struct {
		bool is_known;
		struct hash256 leaf;
	} acknowledged[LOG_WORLD_ENTRIES_MAX];
	struct {
		bool is_known;
		struct hash256 root;
	} released[LOG_WORLD_ENTRIES_MAX]; /* by size */
	struct hash256 blobs[LOG_LIFE_STEPS * 2];
	size_t blob_count;
	const char *broken; /* the first promise that was broken */
};

struct log_life {
	const struct io *io;
	struct ledger *ledger;
	struct high_water *high_water;
	struct projection *projection;
	struct tile_writer *tiles;
	struct checkpoint_target checkpoint;
	struct log_world *world;
};

void log_world_breaks(struct log_world *world, const char *promise);

/* Genesis is not a crash point: nothing was promised before it. */
void log_life_found(struct simulated_disk *disk);
struct ledger_config log_life_config(const struct io *io);
struct checkpoint_target log_life_checkpoint(const struct io *io);

enum status log_life_begin(struct simulated_disk *disk, struct log_world *world, struct log_life *life);
/* One to three entries, some with openings or a blob; at some numbers a publication, or a snapshot. */
enum status log_life_step(struct log_life *life, uint64_t number);
enum status log_life_publish(struct log_life *life);
void log_life_end(struct log_life *life);
/* A life of that many steps, or until the operation that is cut. */
void log_life_until_the_crash(struct simulated_disk *disk, struct log_world *world, size_t steps);

void log_life_check_promises(struct log_life *life);
/* What was applied over several lives, and what one run from the beginning gives. */
void log_life_check_projection(struct log_life *life);

#endif
