/*
 * Listings of the state and of the projection, as JSON. Newest operations first, in pages.
 */
#ifndef GATEHOUSE_KEEPER_LISTING_H
#define GATEHOUSE_KEEPER_LISTING_H

#include "keeper/internal.h"

/* query: state, kind, principal, resource, before, limit (default 50). Errors: "query.*". Appended. */
enum status listing_operations(struct keeper *keeper, struct bytes query, struct buffer *to);

enum status listing_people(const struct gate_state *state, struct json_writer *writer);
enum status listing_workloads(const struct gate_state *state, struct json_writer *writer);
enum status listing_groups(const struct gate_state *state, struct json_writer *writer);
enum status listing_lists(const struct gate_state *state, struct json_writer *writer);
enum status listing_prices(const struct gate_state *state, struct json_writer *writer);
enum status listing_policy(const struct gate_state *state, struct json_writer *writer);

#endif
