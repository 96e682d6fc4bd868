#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo/house.h"

static int
remove_entry(const char *path, const struct stat *, int, struct FTW *) {
	return remove(path);
}

enum status
house_remove(const char *path) {
	return nftw(path, remove_entry, 16, FTW_PHYS | FTW_DEPTH | FTW_MOUNT) == 0 || errno == ENOENT
		       ? OK
		       : fail_errno(STATUS_IO, "house.remove: %s", path);
}

static const char *copy_from, *copy_to;

static int
copy_content(const char *from, const char *to, mode_t mode) {
	char block[64 * 1024];
	int source = open(from, O_RDONLY | O_CLOEXEC), target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	ssize_t got = source < 0 || target < 0 ? -1 : 1;
	while (got > 0) {
		got = read(source, block, sizeof block);
		for (ssize_t written = 0, one; got > 0 && written < got; written += one)
			if ((one = write(target, block + written, (size_t)(got - written))) <= 0) {
				got = -1;
				break;
			}
	}
	if (source >= 0)
		close(source);
	if (target >= 0 && close(target) != 0)
		got = -1;
	return got == 0 ? 0 : -1;
}

static int
copy_entry(const char *path, const struct stat *found, int kind, struct FTW *) {
	char to[PATH_MAX];
	if ((size_t)snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from)) >= sizeof to)
		return -1;
	int done = kind == FTW_D                              ? mkdir(to, found->st_mode & 07777)
		   : kind == FTW_F && S_ISREG(found->st_mode) ? copy_content(path, to, found->st_mode & 07777)
							      : 0;
	return done == 0 && (geteuid() != 0 || lchown(to, found->st_uid, found->st_gid) == 0) ? 0 : -1;
}

enum status
house_copy(const char *from, const char *to) {
	TRY(house_remove(to));
	copy_from = from;
	copy_to = to;
	return nftw(from, copy_entry, 16, FTW_PHYS | FTW_MOUNT) == 0
		       ? OK
		       : fail_errno(STATUS_IO, "house.copy: %s to %s", from, to);
}
