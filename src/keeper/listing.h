/*
 * Listings of the state, as JSON, in pages by id; and what queries of listings are made of.
 */
#ifndef GATEHOUSE_KEEPER_LISTING_H
#define GATEHOUSE_KEEPER_LISTING_H

#include "keeper/internal.h"

/* The next name=value of a query that is not empty. */
enum status listing_take_parameter(struct bytes *query, struct bytes *name, struct bytes *value);
/* A time of a query: "query.time". */
enum status listing_read_time(struct bytes value, int64_t *time_ms);
/* 1 to max: "query.limit". */
enum status listing_read_limit(struct bytes value, size_t max, size_t *limit);

constexpr size_t LISTING_PAGE_MAX = 1000;

enum listing {
	LISTING_KEYS,
	LISTING_PEOPLE,
	LISTING_WORKLOADS,
	LISTING_GROUPS,
	LISTING_LISTS,
	LISTING_ZONES,
	LISTING_ASSETS,
	LISTING_LIMITS, /* of every key: what was spent by it and by what it stands in */
};

/* A page in bytewise order of the ids: {"items": [...], "next": cursor where there is more}. query: after (a cursor), limit
 * (default and greatest LISTING_PAGE_MAX; a page of long items has fewer). Whoever follows the cursors sees everything that
 * is there all the time, whatever comes and goes meanwhile. Errors: "query.*". */
enum status listing_page(struct arena *arena, const struct gate_state *state, enum listing of, struct bytes query,
			 struct json_writer *writer);
/* One list of destinations, a page of its entries inside, and how they stand now. Error also: "list.unknown". */
enum status listing_list(struct arena *arena, const struct gate_state *state, struct bytes name, int64_t now_ms,
			 struct bytes query, struct json_writer *writer);
enum status listing_policy(const struct gate_state *state, struct json_writer *writer);

#endif
