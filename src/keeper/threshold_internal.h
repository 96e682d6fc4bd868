/*
 * The parts of operations that keepers do together, for keeper/threshold*.c and keeper/enrolments.c only.
 */
#ifndef GATEHOUSE_KEEPER_THRESHOLD_INTERNAL_H
#define GATEHOUSE_KEEPER_THRESHOLD_INTERNAL_H

#include "gate/joint.h"
#include "keeper/threshold.h"
#include "keeper/threshold_journal.h"
#include "keeper/threshold_message.h"
#include "keeper/threshold_sets.h"
#include "keys/threshold/ecdsa/dealing.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "keys/threshold/frost/frost_dealing.h"
#include "keys/threshold/frost/frost_quorum.h"
#include "store/secrets.h"

constexpr size_t POOL_TARGET = 4;    /* presignatures ready for each set of signers that is likely (threshold_sets.h) */
constexpr size_t POOL_KEYS_MAX = 16; /* that are looked at in one turn */
constexpr int64_t GATHER_MS = 2'000; /* that the asker waits for those that are there */
constexpr int64_t SIGNING_MS = 10'000;   /* from intent to signature */
constexpr int64_t ENDING_MS = 2'000;     /* that a requester waits for the others' words on what they released */
constexpr int64_t DEALING_MS = 30'000;   /* from intent to stored share */
constexpr int64_t BACK_MS = 5'000;       /* that a holder may be away when a dealing begins: its process starts anew */
constexpr int64_t RESUMING_MS = 900'000; /* from a dealing's intent to the last restart after which it goes on */
constexpr int64_t CLOCK_SKEW_MS = 5'000; /* that the wall clock may be put back meanwhile */
constexpr int64_t PREPARING_MS = 10'000; /* of one presignature */
constexpr int64_t EARLY_MS = 30'000;     /* that a message waits for what it belongs to */
constexpr size_t EARLY_BYTES_MAX = 4 << 20; /* of one party */
constexpr size_t EARLY_MAX = 1024;          /* messages of one party */
constexpr int64_t POOL_TURN_MS = 100;
constexpr int64_t SEAL_TURN_MS = 1'000; /* how often it is tried again to write what is lost */
constexpr int64_t LEAVING_TURN_MS = 30'000;
constexpr int64_t OPEN_TURN_MS = 30'000;
constexpr int64_t OPEN_SOON_MS =
	200;                       /* after it is left open others are asked: they may have ended it at the same time */
constexpr unsigned SHOWN_MAX = 64; /* results of one peer's asking, between two such turns */
constexpr int64_t UNHEARD_ENTRY_MS = 60'000; /* how often it stands in the log of one party that its list was refused */
constexpr int64_t FAULT_LOG_MS = 60'000;     /* how often the operational log says what one peer does wrong */
constexpr int64_t COMPLAINT_MS = 3'600'000;  /* how often whose pledges are missing stands in the log */
constexpr size_t PREPARING_MAX = 16;
constexpr size_t PREPARING_OF_PEER_MAX = PREPARING_MAX / 2; /* that one peer has begun */
constexpr size_t PREPARING_OWN = POOL_TARGET;               /* whose places are this keeper's, whoever begins */

/* One run of a protocol at this keeper. */
enum machine_kind {
	MACHINE_NONE,
	MACHINE_DEALING,
	MACHINE_SIGNING,
	MACHINE_ONLINE,
	MACHINE_FROST_DEALING,
	MACHINE_QUORUM, /* FROST */
};

struct machine {
	enum machine_kind kind;
	union {
		struct dealing *dealing;
		struct signing *signing;
		struct online *online;
		struct frost_dealing *frost_dealing;
		struct frost_quorum *quorum;
	};
	bool has_session_id;
	struct hash256 session_id;
	bool waits;           /* dealing: who is not there gets its frames when it comes again */
	struct seeded seeded; /* dealing: all that it draws; it lies where it began */
	bool has_shown; /* signing: a frame of the last round was handed to a channel: with it others may complete a signature */
	struct vm_generation generation; /* of the computer when what it sends was drawn, a presignature included */
};

enum session_state {
	SESSION_GATHERING, /* signing: who permits */
	SESSION_DECIDING,  /* signing: proposed; waits for what the other signers counted, and for presignatures */
	SESSION_RUNNING,   /* frames go to and fro */
	SESSION_STORED,    /* dealing: the own share is durable; what the others have and pledge is awaited */
	SESSION_ENDING,    /* signing: nothing is released here any more; the others' words on that are awaited */
};

struct session_party {
	bool is_expected; /* was there when it began, and has not answered */
	bool has_permitted, has_stored;
	struct hash256 digest, bundle; /* permitted, */
	uint32_t epoch;                /* with the key as of this epoch, or dealt so */
	struct hash256 sharing;        /* stored */
	bool is_met; /* dealing: frames go to it as they are made; else it has not said on this connection how far it is */
	bool is_told; /* dealing: on this connection, how far this keeper is */
	struct buffer
		confirmation; /* dealing: the last frame to it, kept when the share is stored: it may not have had it */
};

/* One operation, done together. */
struct joint_session {
	struct joint_session *next;
	bool is_dealing;
	enum session_state state;
	struct gate_operation *operation;
	struct job *job; /* null: nobody waits (after a restart, or too long) */
	bool is_asker;
	uint8_t asker;                                 /* who proposes; 0: this keeper */
	int64_t gather_end_ms, end_ms;                 /* boot time */
	struct session_party parties[PARTIES_MAX + 1]; /* by index; of the holders of the key */
	struct party_set holders;
	struct arena arena; /* of what is decided again */
	/* Dealing. */
	struct joint_key wanted;
	const json *secret; /* of the request, until it has begun; null where it brings none */
	struct machine dealing;
	struct kept_journal journal;
	struct sharing sharing;
	struct hash256 sharing_hash;
	bool has_row; /* the share's row is this dealing's own */
	struct pledges pledges;
	/* Why another has ended it, where it said so: it counts when it is pledged. Signing: the check that failed, or why it ends. */
	char refusal[512];
	/* Signing. */
	char key_id[KEY_ID_MAX + 1];
	struct proposal proposal;
	struct party_set signers;
	struct evaluation evaluation;
	struct bytes again; /* the record of what was decided once more */
	size_t request_count;
	struct machine machines[JOINT_REQUESTS_MAX];
	struct ecdsa_signature signatures[JOINT_REQUESTS_MAX];
	/* A check of it failed, and what that cost is not durable yet: nobody hears of it. Else null. */
	struct machine *failed;
	bool cannot_verify; /* what is to be signed could not be found out once more: nothing that is shown is looked at again */
	bool share_left; /* another has shown a signature; of the own share the machines know: session_may_be_signed() */
	uint32_t closed;    /* parties that release nothing without this keeper: bits; */
	uint32_t open;      /* and those that may have */
	struct bytes blame; /* ending: whom a check named */
};

/* A presignature on its way. */
struct preparing {
	struct preparing *next;
	char key_id[KEY_ID_MAX + 1];
	struct party_set signers;
	struct machine machine;
	bool has_failed; /* as a session's: nobody hears of it yet */
	int64_t end_ms;
};

/* A message that came before what it belongs to. */
struct early {
	struct early *next;
	uint8_t party;
	enum peer_kind kind;
	int64_t end_ms;
	struct buffer body;
};

/* What a peer can do as often as it likes, and the log says. */
enum peer_fault {
	FAULT_REQUESTS,  /* forwards more than its part */
	FAULT_EARLY,     /* says more that is about nothing yet than may wait */
	FAULT_ANSWER,    /* says what cannot be read: an answer, */
	FAULT_PROPOSAL,  /* a proposal */
	FAULT_SIGNERS,   /* proposes signers of what another asks for */
	FAULT_PLEDGE,    /* shows what nobody has pledged */
	FAULT_ENROLMENT, /* has enrolled another passkey */
	FAULT_DEAF,      /* takes nothing of what it is told */
	PEER_FAULTS,
};

struct fault_log {
	int64_t next_ms; /* from then on it may be said again */
	uint64_t unsaid; /* times since it was */
};

struct threshold {
	struct threshold_link link;
	bool is_mute; /* what a failed check costs could not be written since the start */
	int64_t seal_turn_ms;
	struct joint_session *sessions;
	struct preparing *preparing;
	size_t preparing_count;
	struct early *early;
	size_t early_bytes[PARTIES_MAX + 1], early_count[PARTIES_MAX + 1]; /* by party */
	struct presignature_pool pool;
	struct secrets *journals; /* null: none were kept */
	struct secret journal_key;
	bool has_begun;       /* what has come early may have found what it belongs to */
	bool awaits_settling; /* or is about an end that is not durable yet */
	bool is_pool_due;
	/* The last operation that a session ended: nothing is prepared before that is durable. */
	struct hash256 concluded;
	int64_t pool_turn_ms;             /* the next look at what is prepared, */
	size_t pool_at;                   /* and at which of the keys */
	int64_t leaving_turn_ms;          /* holders are asked again then whether they have left an epoch */
	uint64_t prepared;                /* counter of the last preparation that was begun here */
	uint64_t heard[PARTIES_MAX + 1];  /* by party: the greatest of those that it began */
	uint64_t ups;                     /* connections that have come up here, */
	uint64_t up_at[PARTIES_MAX + 1];  /* and by party the number of the last */
	int64_t down_ms[PARTIES_MAX + 1]; /* by party: when its last connection was lost; 0: none was */
	uint64_t told[PARTIES_MAX + 1];   /* by party: the number of the first spend that was not told */
	bool was_told[PARTIES_MAX + 1];
	struct buffer untold[PARTIES_MAX + 1]; /* spends that the channel had no room for yet */
	bool is_untold[PARTIES_MAX + 1];       /* there are more: told on with the next turns */
	/* The hash of all that was told on the connection with that party: by this keeper, and by that one. */
	struct hash256 told_head[PARTIES_MAX + 1], heard_head[PARTIES_MAX + 1];
	bool is_unheard[PARTIES_MAX + 1];          /* what that party told could not be kept */
	int64_t unheard_entry_ms[PARTIES_MAX + 1]; /* from then on an entry may say so of that party again */
	unsigned shown[PARTIES_MAX + 1];           /* since the last turn */
	size_t open_at[PARTIES_MAX + 1];           /* by party: from where on it is asked about what is open */
	int64_t open_turn_ms;
	int64_t contradiction_entry_ms[PARTIES_MAX + 1]; /* the same of signatures where it failed here */
	int64_t pool_paused_ms[PARTIES_MAX + 1];         /* after a failure with that party */
	struct fault_log faults[PARTIES_MAX + 1][PEER_FAULTS];
};

/* By index. */
static inline uint32_t
party_bits(const struct party_set *parties) {
	uint32_t bits = 0;
	for (size_t i = 0; i < parties->count; i++)
		bits |= UINT32_C(1) << parties->parties[i].index;
	return bits;
}

/* --- threshold.c --- */
int64_t threshold_now_ms(const struct keeper *keeper);
const struct peer *threshold_peer(const struct keeper *keeper, uint8_t party);
/* The peer that holds the party's share: there, and the same as when the key was dealt. */
const struct peer *threshold_holder(const struct keeper *keeper, const struct party *party);
/* The same, and admitted no other time since. */
bool threshold_may_sign(const struct keeper *keeper, const struct shared_key *key, const struct party *party);
/* How often people have admitted the keeper of this party. */
uint64_t threshold_admission(const struct keeper *keeper, uint8_t party);
void threshold_send_answer(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer);
void threshold_send_proposal(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal);
/* A holder that may not have heard of the session's request hears it, where this keeper's own gateway got it. It is the same request:
 * who knows it does nothing twice. */
void threshold_ask_again(struct keeper *keeper, const struct joint_session *session, const struct peer *peer);
/* To all peers that are there and among the parties. */
void threshold_tell(struct keeper *keeper, const struct party_set *parties, const struct joint_answer *answer);
/* A message; false: there is nothing yet that it could be about. */
bool threshold_hear(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body);

/* --- threshold_faults.c --- */
void threshold_log_fault(struct keeper *keeper, const struct peer *peer, enum peer_fault fault, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* --- threshold_early.c: another keeper may be ahead, and what cannot be about anything yet waits a while --- */
void early_keep(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body);
/* What has waited is heard again, until nothing of it finds what it belongs to. */
void early_take(struct keeper *keeper);
/* Of the party (0: of any) what waits until then and no longer. */
void early_drop(struct keeper *keeper, uint8_t party, int64_t until_ms);
void early_close(struct threshold *threshold);

/* --- threshold_session.c --- */
struct joint_session *session_find(struct keeper *keeper, const struct hash256 *operation);
struct joint_session *session_find_frame(struct keeper *keeper, const struct hash256 *session_id,
					 struct machine **machine);
/* Ends the session: the outcome is recorded, and whoever waits is answered. Failed: the others are told. */
void session_conclude(struct keeper *keeper, struct joint_session *session, const struct conclusion *conclusion);
/* What another could complete a signature with has left: that it failed is not for this keeper alone to say any more. */
bool session_may_be_signed(const struct joint_session *session);
/* It ends with the last error: failed, or, where it may be signed, left unknown. Where it was a machine's check: outwardly all are one,
 * and which it was and whom it names stands in the own log. */
void session_fail(struct keeper *keeper, struct joint_session *session, const struct machine *failed);
/* Whether a signature was made others may know: what is reserved stays so, and people may say what became of it. */
void session_leave_open(struct keeper *keeper, struct joint_session *session, const char *error, struct bytes blame);
/* Time has passed: ends what is too late, and what a person has ended meanwhile. */
void session_expire(struct keeper *keeper, struct joint_session *session, int64_t now_ms);
void session_unlink(struct keeper *keeper, struct joint_session *session);
void session_free(struct joint_session *session);
/* One that lost its share with its keys has the party of a holder, and no say in what the key signs. */
bool session_is_holder(const struct joint_session *session, const struct peer *peer);

/* --- threshold_ending.c: a signing of which nothing was released here --- */
/* It has ended so, and the others were told. It is failed once they can have made no signature, or is left unknown. */
void ending_begin(struct keeper *keeper, struct joint_session *session, const char *error, struct bytes blame);
/* A word was heard, or none will be; the session may be gone afterwards. */
void ending_step(struct keeper *keeper, struct joint_session *session);
/* What a holder says of its own share, in a session. */
void ending_note(struct joint_session *session, const struct peer *peer, const struct joint_answer *answer);
/* It signs in this session, which takes this keeper, and in no other. */
void ending_note_frame(struct joint_session *session, const struct peer *peer);
/* None of whom a signature without this keeper takes may have released anything. */
bool ending_is_failed(const struct keeper *keeper, const struct joint_session *session);

/* --- threshold_machine.c --- */
/* Before it draws anything. */
void machine_begin(const struct keeper *keeper, struct machine *machine);
void machine_close(struct machine *machine);
struct exchange *machine_exchange(const struct machine *machine);
/* Of how many rounds it has made its frames. */
uint8_t machine_rounds(const struct machine *machine);
/* The frame of that round to a party. */
struct bytes machine_sent(const struct machine *machine, size_t round, uint8_t party);
struct bytes machine_heard(const struct machine *machine, size_t round, uint8_t party);
enum status machine_receive(struct machine *machine, struct bytes frame);
enum exchange_state machine_state(const struct machine *machine);
uint8_t machine_culprit(const struct machine *machine);
/* Members of the last error: which check failed, at which message of which round, and whom it names, where it names anybody. Where they
 * are members of an entry, the legal entity that it names stands among them; empty: none. */
void machine_write_blame(const struct machine *machine, struct bytes legal_entity, struct json_writer *writer);
/* Sends what it has to say. STATUS_UNAVAILABLE where a party is not there; STATUS_DENIED joint.generation where the computer is
 * not the one that it began on. */
enum status machine_send(struct keeper *keeper, struct machine *machine, const struct party_set *parties);
/* The same frames to a party that may have lost them. */
enum status machine_send_again(struct keeper *keeper, struct machine *machine, const struct party_set *parties,
			       uint8_t party);
/* The newest frame to a party, taken out of the machine. */
struct buffer machine_take_newest(struct machine *machine, uint8_t party);

/* --- threshold_dealing.c --- */
enum status dealing_session_start(struct keeper *keeper, struct joint_session *session);
void dealing_session_frame(struct keeper *keeper, struct joint_session *session, struct bytes frame);
/* Among whom: the enrolled keepers that are named; is_there: all of them there. */
enum status dealing_find_parties(struct keeper *keeper, struct joint_session *session, bool is_there);
/* From the seed that is kept: it makes what it made before. */
enum status dealing_start_machine(struct keeper *keeper, struct joint_session *session);
enum status dealing_need_kept(const struct joint_session *session);
void dealing_tell_permitted(struct keeper *keeper, const struct joint_session *session, const struct peer *peer);
/* Another holder has permitted it, under the same bundle, and deals the same epoch; to the same holders; else STATUS_CONFLICT "joint.bundle", "key.behind" or "joint.sharing_differs". */
enum status dealing_session_permitted(const struct keeper *keeper, const struct joint_session *session,
				      const struct peer *peer, const struct joint_answer *answer);

/* --- threshold_continuing.c: a dealing goes on after a restart, or a connection that was lost --- */
/* Before the intent of a dealing is recorded: what it will be made from. Where that fails it fails when it begins. */
void dealing_session_intend(struct keeper *keeper, const struct gate_operation *operation, const json *secret);
/* What was kept then, or, where it could not be, what is kept now. */
enum status dealing_session_prepare(struct keeper *keeper, struct joint_session *session);
/* Among whom it is, for what is kept from now on. */
void dealing_note_parties(struct joint_session *session);
/* After a restart, before the share is stored. STATUS_NOT_FOUND "joint.interrupted" where nothing was kept. */
enum status dealing_session_resume(struct keeper *keeper, struct joint_session *session);
/* After a restart, the share being stored: the last frames, for who may lack them. */
void dealing_session_recall_last(struct keeper *keeper, struct joint_session *session);
/* A holder is there: it hears how far this keeper is. */
void dealing_session_tell(struct keeper *keeper, struct joint_session *session, const struct peer *peer);
/* It has said how far it is: it gets again what was sent, or is refused where it was further. */
void dealing_session_continued(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			       const struct proposal *proposal);

/* --- threshold_pledging.c --- */
/* The own share is durable: the others are told. */
void dealing_session_has_stored(struct keeper *keeper, struct joint_session *session);
/* Goes on where it can: pledges, takes the new shares, or gives them up. The session may be gone afterwards. */
void dealing_session_settle(struct keeper *keeper, struct joint_session *session);
/* It has failed, and not after a pledge but where all are hopeless: the share is gone before anybody hears that it never keeps it. */
void dealing_session_renounce(struct keeper *keeper, struct joint_session *session);
/* Waiting does not seem to help: whose pledges are missing stands in the own log. */
void dealing_session_complain(struct keeper *keeper, const struct joint_session *session);
/* People may say that it failed: nothing was pledged here, or those whose pledges are missing are keepers no more. */
bool dealing_session_is_free(const struct keeper *keeper, const struct joint_session *session);
void dealing_session_stored(struct keeper *keeper, struct joint_session *session, uint8_t party,
			    const struct hash256 *sharing);
void dealing_session_pledged(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			     const struct pledges *pledges);
void dealing_session_up(struct keeper *keeper, struct joint_session *session, const struct peer *peer);
void dealing_session_proposed(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal);
/* After a restart: dealings that are intended and not ended. */
enum status dealings_resume(struct keeper *keeper);

/* --- threshold_signing.c --- */
enum status signing_session_start(struct keeper *keeper, struct joint_session *session);
void signing_session_frame(struct keeper *keeper, struct joint_session *session, struct machine *machine,
			   struct bytes frame);
/* What failed checks of this key have cost is durable: whoever was in their sessions hears that they have ended. */
void signing_tell_failed(struct keeper *keeper, struct bytes key_id);
void signing_session_proposed(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			      const struct proposal *proposal);
void signing_session_signed(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			    const struct joint_answer *answer);
void signing_session_shown(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			   const struct joint_answer *answer);
/* Enough of the key's former holders have left; else the last error says so. */
bool signing_session_is_settled(const struct keeper *keeper, const struct joint_session *session);
/* Something that it may have waited for has come. */
void signing_session_step(struct keeper *keeper, struct joint_session *session);

/* --- threshold_open.c: signatures of operations whose sessions are gone --- */
/* A keeper says that it is signed, or shows what that gave, or says that nothing was released. */
void open_hear(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer);
/* A peer is there: it is asked about what it may know, and again now and then. */
void open_ask(struct keeper *keeper, const struct peer *peer);
void open_turn(struct keeper *keeper, int64_t now_ms);
void open_turn_soon(struct keeper *keeper);
/* How one that has ended here has. False: nothing is told, since its own log does not say so, or people do. */
bool open_tell_ended(struct keeper *keeper, const struct peer *peer, const struct gate_operation *operation);
void open_asked(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal);

/* --- threshold_choosing.c --- */
/* Exactly as many as it takes, this keeper among them, of those that permit it. STATUS_UNAVAILABLE "joint.too_few". */
enum status choosing_signers(struct keeper *keeper, const struct joint_session *session, struct party_set *signers);
/* Those that were to sign did not, and a check named this party (0: nobody): others are chosen next time. */
void choosing_doubt(struct keeper *keeper, const struct joint_session *session, uint8_t culprit);
/* They have signed. */
void choosing_trust(struct keeper *keeper, const struct joint_session *session);

/* --- threshold_counting.c --- */
/* What is new among the own spends, signed, to a peer that shares keys. */
enum status signing_tell_counted(struct keeper *keeper, const struct peer *peer);
/* The connection is another: all is told again. */
void counting_restart(struct keeper *keeper, uint8_t party);
/* What there was no room for. */
void counting_turn(struct keeper *keeper);
void signing_hear_counted(struct keeper *keeper, const struct peer *peer, struct bytes body);
/* What is kept of a key of what others have counted, in the own list. */
enum status counting_tell_kept(struct keeper *keeper, const struct peer *peer, struct shared_key *key);
/* A statement as this keeper signs it; and as that peer must have. */
enum status counting_seal(const struct keeper *keeper, struct bytes statement, struct counted_seal *sealed);
enum status counting_check_seal(const struct keeper *keeper, const struct peer *peer, const struct counted_seal *sealed,
				struct bytes statement);

/* --- threshold_leaving.c --- */
/* The key is in its next epoch here: its holders are told, and asked. */
void leaving_concluded(struct keeper *keeper, struct bytes key_id);
/* A peer has come: it is asked for what is missing. */
void leaving_up(struct keeper *keeper, const struct peer *peer);
/* Now and then they are asked again: what one said could not be kept, or it could not say it. */
void leaving_turn(struct keeper *keeper, int64_t now_ms);
void leaving_asked(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal);
void leaving_heard(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer);

/* --- threshold_pairs.c --- */
/* Some are gone here: that is made durable, and only then anybody hears of it, holders of which they are and sessions that they have ended.
 * Where it cannot be, the key is closed, and it is tried again. */
void pairs_seal(struct keeper *keeper, struct bytes key_id);
void pairs_seal_turn(struct keeper *keeper, int64_t now_ms);
/* STATUS_UNAVAILABLE "joint.reseal": the key is closed. */
enum status pairs_need_sealed(const struct shared_key *key);
/* Whether what a failed check costs can be written; else all keys are closed, and nobody is connected to, until it can. */
void pairs_start(struct keeper *keeper);
/* A peer has come; and now and then, since what was told of an epoch that it was not in yet it has not heard. */
void pairs_up(struct keeper *keeper, const struct peer *peer);
void pairs_turn(struct keeper *keeper);
void pairs_heard(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer);

/* --- threshold_quorum.c --- */
/* For one of what is to be signed, in the place of that number. */
enum status quorum_machine_start(struct keeper *keeper, struct joint_session *session,
				 const struct frost_key_share *share, size_t i);
/* As ECDSA's signatures are held, without a recovery id. */
bool quorum_machine_result(const struct machine *machine, const struct sharing *sharing,
			   struct ecdsa_signature *signature);

/* --- threshold_pool.c --- */
void pool_turn(struct keeper *keeper);
void pool_proposed(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal);
bool pool_frame(struct keeper *keeper, const struct hash256 *session_id, struct bytes frame);
void pool_forget_party(struct keeper *keeper, uint8_t party);
/* As signing_tell_failed(). */
void pool_tell_failed(struct keeper *keeper, struct bytes key_id);
void pool_forget_key(struct keeper *keeper, struct bytes key_id);
/* Of that key what is for sets that can sign no more, since a pair of two of them is lost. */
void pool_forget_lost(struct keeper *keeper, const struct shared_key *key);
/* One that is ready for these signers of the key, its id; false: none. Those skipped are left. */
bool pool_find(struct keeper *keeper, struct bytes key_id, const struct party_set *signers, size_t skip,
	       struct hash256 *id);
/* What was proposed is used up, whatever came of it: of those that party (0: this keeper) is a signer of. */
void pool_burn(struct keeper *keeper, uint8_t party, const struct proposal *proposal);
size_t pool_count(const struct keeper *keeper, struct bytes key_id, const struct party_set *signers);
void pool_close(struct keeper *keeper);

#endif
