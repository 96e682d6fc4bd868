/*
 * Removes a directory with all that is in it, for tests and benchmarks that work in a temporary one. Links are not followed.
 */
#ifndef GATEHOUSE_TESTS_REMOVE_TREE_H
#define GATEHOUSE_TESTS_REMOVE_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int
remove_tree_entry(const char *path, const struct stat *, int, struct FTW *) {
	return remove(path);
}

/* 0, or -1 if something is left. */
static inline int
remove_tree(const char *directory) {
	return nftw(directory, remove_tree_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
