/*
 * Which machine this is: a file whose content is another one as soon as a virtual machine was put back to a snapshot or copied,
 * where the platform has one (configuration `vm_generation`). What was in memory may then be in two places.
 *
 * The file is opened before the process is confined, and only read afterwards. Owner: the caller keeps it open. Threads: one.
 */
#ifndef GATEHOUSE_KEEPER_VM_GENERATION_H
#define GATEHOUSE_KEEPER_VM_GENERATION_H

#include "base/io.h"

constexpr size_t VM_GENERATION_MAX = 64;

struct vm_generation {
	bool is_given; /* there is such a file */
	int file;
	bool is_read; /* it has been read once */
	size_t len;   /* 0: it could not be read */
	uint8_t value[VM_GENERATION_MAX];
};

/* The same machine as one that read this: false where either cannot tell though it should. */
bool vm_generation_is(const struct vm_generation *generation, bool was_given, struct bytes value);
/* Looks; true where it is another one than at the last look, or can be read no more. The first look says false. */
bool vm_generation_has_changed(struct vm_generation *generation, const struct io *io);

#endif
