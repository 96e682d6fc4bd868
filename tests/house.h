/*
 * The founded firm with its keeper, as tests of faults and of hostile gateways use it: an installation in a directory of its
 * own, and a keeper in this process or in one of its own that can be killed.
 *
 * Owner: the caller; house_free() removes the directory. Errors end the test. Threads: one.
 */
#ifndef GATEHOUSE_TESTS_HOUSE_H
#define GATEHOUSE_TESTS_HOUSE_H

#include <sys/types.h>

#include "keeper/keeper.h"
#include "tests/firm.h"

#define HOUSE_AUTHORITY "127.0.0.1:8443"
#define HOUSE_INSTANCE "northwind.example"

constexpr size_t HOUSE_CHANNELS = 128; /* that a keeper in a child serves, one after another */

struct house {
	struct firm firm;
	char directory[160], data[192], mark[192];
	const struct io *io; /* what the keeper's files and clock are */
	uint32_t rate;       /* requests a second that one principal may make; 0: any */
	uint32_t read_rate;  /* the same of reads */
	uint32_t credits;    /* of each kind */
	uint64_t snapshot_entries;
	struct refresh_schedule refresh;
	bool is_manual;                                    /* small segments, and no threads: keeper_publish() */
	bool has_small_segments;                           /* with threads as well */
	void (*fatal)(void *context, const char *message); /* instead of the process's end; null: that */
	void *fatal_context;
	/* A keeper in this process. */
	struct installation installation;
	struct keeper *keeper;
	/* A keeper in a process of its own; this one is its gateway. */
	pid_t process;
	struct ipc_channel channel;
	int waiting[HOUSE_CHANNELS]; /* this side of those that are still to come */
	size_t served;
	char errors[192]; /* the child's standard error */
	uint64_t next_request;
	uint64_t stream_ended; /* what the newest IPC_STREAM_END named */
	unsigned next_key;
	bool is_forged; /* the log says what no keeper did */
};

/* Directory, installation and genesis; no keeper yet. io: null for the system's. */
void house_found(struct house *house, const struct io *io);
/* A keeper that is open here is closed, and its log replayed before. */
void house_free(struct house *house); /* a cleanup function */
/* The same on a disk of a test's own, without threads. */
void house_found_on_disk(struct house *house, const struct io *io);
/* As a keeper of this name: of several. */
void house_found_as(struct house *house, const struct io *io, const char *keeper);
/* The same in a directory of the system's own disk. */
void house_found_here(struct house *house, const char *keeper);
int64_t house_now_ms(const struct house *house);

enum status house_open(struct house *house);
void house_close(struct house *house);

/* The keeper in a child, this process at the other end of its channel. */
void house_start(struct house *house);
/* Another gateway's turn: this one's channel is closed. */
void house_next_channel(struct house *house);
/* All channels are closed and the child ends by itself; its exit status. */
int house_stop(struct house *house);
void house_kill(struct house *house);
/* Whether the child's standard error says this text; how often. */
bool house_said(struct house *house, const char *text);
size_t house_times_said(struct house *house, const char *text);

/* One request, and its answer in the arena. To a keeper in a child: STATUS_UNAVAILABLE if it is gone. */
enum status house_ask(struct house *house, const struct ipc_request *request, struct arena *arena,
		      struct ipc_response *response);
/* To a keeper in a child, with a payload of the caller's own. */
enum status house_ask_payload(struct house *house, struct bytes payload, struct arena *arena,
			      struct ipc_response *response);
/* As the gateway writes it. */
struct ipc_request house_frame(const struct http_request *request);
/* The next answer of the channel, whatever it answers; waits at most timeout_ms: STATUS_EXPIRED. */
enum status house_receive(struct house *house, int timeout_ms, uint64_t *request, struct arena *arena,
			  struct ipc_response *response);

/* An operation of a member, signed now. A null idempotency key becomes a fresh one. */
void house_request(struct house *house, struct arena *arena, struct firm_operation operation,
		   struct ipc_request *request);
enum status house_submit(struct house *house, struct arena *arena, struct firm_operation operation,
			 struct ipc_response *response);
/* Signed by person 1, or by another. */
enum status house_get(struct house *house, struct arena *arena, const char *target, struct ipc_response *response);
void house_get_request(struct house *house, struct arena *arena, enum firm_member by, const char *target,
		       struct ipc_request *frame);
enum status house_get_by(struct house *house, struct arena *arena, enum firm_member by, const char *target,
			 struct ipc_response *response);
/* The vote as a request, on what the keeper shows for the operation (64 hexadecimal digits). */
void house_vote_request(struct house *house, struct arena *arena, struct bytes operation, enum firm_member by,
			const char *verdict, struct ipc_request *request);
enum status house_vote(struct house *house, struct arena *arena, struct bytes operation, enum firm_member by,
		       const char *verdict, struct ipc_response *response);

/* Members of an answer's JSON; empty where there is none. */
struct bytes house_text(struct arena *arena, const struct ipc_response *response, const char *member);
/* The problem's stable name: "operation.differs". */
struct bytes house_problem(struct arena *arena, const struct ipc_response *response);
/* The answer has this status, and the state if state is not null. */
#define assert_answer(expected_status, expected_state, response)                                                       \
	house_expect(__FILE__, __LINE__, expected_status, expected_state, response)
void house_expect(const char *file, int line, unsigned status, const char *state, const struct ipc_response *response);

/* The key "eth-hot", by person 4 with the votes of 3 and 5. */
void house_make_key(struct house *house, const char *id);

/* EIP-1559 on chain 1 to 0x3535…: value in hundredths of ETH (30 USD each). JSON, in the arena. */
const char *house_transfer(struct arena *arena, unsigned hundredths, uint64_t nonce, unsigned fee_gwei);
struct firm_operation house_sign(const char *payload);

#endif
