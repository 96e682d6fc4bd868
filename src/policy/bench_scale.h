/*
 * A firm at the size of the bar: 10,000 policies over 100,000 entities, drawn here.
 *
 * Users in groups, accounts in desks in legal entities, addresses on lists. Of the policies, 40 % name one account, 25 % a
 * desk, 20 % a user, 13 % a group; 200 name a type alone, and 20 nothing: those concern every request of their action.
 */
#ifndef GATEHOUSE_POLICY_BENCH_SCALE_H
#define GATEHOUSE_POLICY_BENCH_SCALE_H

#include "policy/bench_applications.h"

constexpr size_t BENCH_SCALE_POLICIES = 10'000;
constexpr size_t BENCH_SCALE_ENTITIES = 100'000;

enum status bench_scale_policies(struct buffer *text, struct bench_draw *draw);
enum status bench_scale_fill(struct policy_entities *entities, struct bench_draw *draw);
/* A signature by a user over an account, with a context in the arena. */
enum status bench_scale_ask(struct bench_request *request, struct arena *arena, struct bench_draw *draw);

#endif
