/*
 * What each role may ask the kernel for: one table of roles and sets of system calls, and the seccomp filter that is made of it.
 * All else is answered EPERM. The supervisor, which must start processes, has a list of what is refused instead.
 *
 * Sources: seccomp(2), libseccomp. Errors: the negative errno values of libseccomp.
 */
#ifndef GATEHOUSE_SUPERVISOR_CALL_FILTER_H
#define GATEHOUSE_SUPERVISOR_CALL_FILTER_H

#include "base/ipc.h"

struct call_role;

/* Null: the table has none, as for the supervisor. */
const struct call_role *call_role_find(enum ipc_role role);
/* Whether it may make TCP connections where ports are given. */
bool call_role_connects(const struct call_role *role);
/* From here on, for all threads. role null: the supervisor's list of what is refused. */
int call_filter_load(const struct call_role *role, bool connects);

#endif
