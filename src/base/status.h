/*
 * The result of every function that can fail, and the sentence that explains it.
 *
 * A function returns enum status; the detail goes to fail(), which keeps it for this thread until the next fail().
 * A detail begins with a stable dotted name, a colon and a sentence: "psbt.duplicate_input: input 1 repeats input 0".
 * The name is what tests, problem documents and the log refer to; the sentence says what, where, expected, found.
 * Threads: the detail is thread-local.
 */
#ifndef GATEHOUSE_BASE_STATUS_H
#define GATEHOUSE_BASE_STATUS_H

#include <stddef.h>

enum [[nodiscard]] status {
	OK = 0,
	STATUS_INVALID,      /* the input is malformed */
	STATUS_UNSUPPORTED,  /* well-formed, and not something that is handled */
	STATUS_UNAUTHORIZED, /* a signature, MAC or identity did not verify */
	STATUS_DENIED,       /* understood and refused */
	STATUS_NOT_FOUND,
	STATUS_CONFLICT,    /* contradicts what is recorded */
	STATUS_EXPIRED,     /* outside its time */
	STATUS_TOO_LARGE,   /* over a stated limit */
	STATUS_UNAVAILABLE, /* cannot be done now; may be tried again */
	STATUS_RATE,        /* asked for too often; may be tried again in a second */
	STATUS_CORRUPT,     /* stored data does not match its checks */
	STATUS_IO,          /* the system failed a read, write or sync */
	STATUS_NO_MEMORY,
	STATUS_INTERNAL, /* a fault of this program */
	STATUS_COUNT,
};

/* Cold: what leads here is laid out apart from what runs each time. */
void fail_keep(const char *format, ...) __attribute__((cold, format(printf, 1, 2)));
void fail_keep_errno(const char *format, ...) __attribute__((cold, format(printf, 1, 2)));

static inline enum status
fail_with(enum status status) {
	return status;
}

/* Keeps the detail for this thread and gives status, so that `return fail(STATUS_X, "...")` reads as one act. */
#define fail(status, ...) (fail_keep(__VA_ARGS__), fail_with(status))
/* Like fail(), with ": strerror(errno)" appended. */
#define fail_errno(status, ...) (fail_keep_errno(__VA_ARGS__), fail_with(status))

/* The last detail of this thread; "" if none. Valid until the next fail() of this thread. */
const char *fail_message(void);

/* Copies the stable name of the last detail (what stands before the first colon) into name; "" if none. */
void fail_name(char *name, size_t capacity);

/* "invalid", "denied", ...: for logs and tests. */
const char *status_name(enum status status);

#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		enum status try_status_ = (call);                                                                      \
		if (__builtin_expect(try_status_ != OK, 0))                                                            \
			return try_status_;                                                                            \
	} while (0)

#define TRY_ALLOC(pointer)                                                                                             \
	do {                                                                                                           \
		if ((pointer) == nullptr)                                                                              \
			return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);                        \
	} while (0)

/* Where a result is deliberately not acted on; say why in a comment beside it. */
#define IGNORE_STATUS(call) ((void)((call) == OK))

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Hands ownership on: the value of pointer, which becomes null. */
#define TAKE(pointer)                                                                                                  \
	({                                                                                                             \
		typeof(pointer) *take_from_ = &(pointer);                                                              \
		typeof(pointer) take_value_ = *take_from_;                                                             \
		*take_from_ = nullptr;                                                                                 \
		take_value_;                                                                                           \
	})

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
