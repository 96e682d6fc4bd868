/*
 * The guard on the guard: checks that a test build leaves out, one at a time, to see that the suite which should notice does.
 * tests/weakened_test.py compiles the one file concerned with the one name defined and demands that the suite fails. In the
 * product every one of these is false and costs nothing. The last is no check but a lie: a test needs a peer that is found out.
 */
#ifndef GATEHOUSE_BASE_FAULT_H
#define GATEHOUSE_BASE_FAULT_H

#if defined(GATEHOUSE_FAULT_SKIP_NONCE) /* gate/gate.c: a request signature's nonce is not taken */
constexpr bool FAULT_SKIP_NONCE = true;
#else
constexpr bool FAULT_SKIP_NONCE = false;
#endif

#if defined(GATEHOUSE_FAULT_SKIP_POLICY) /* gate/evaluate.c: whatever the policy says, the answer is permit */
constexpr bool FAULT_SKIP_POLICY = true;
#else
constexpr bool FAULT_SKIP_POLICY = false;
#endif

#if defined(                                                                                                           \
	GATEHOUSE_FAULT_SKIP_SELF_VERIFY) /* keys/software/signer.c: a signature leaves without having been verified */
constexpr bool FAULT_SKIP_SELF_VERIFY = true;
#else
constexpr bool FAULT_SKIP_SELF_VERIFY = false;
#endif

#if defined(                                                                                                           \
	GATEHOUSE_FAULT_SKIP_PLEDGES) /* keeper/threshold_pledging.c: shares are taken on what was said, not pledged */
constexpr bool FAULT_SKIP_PLEDGES = true;
#else
constexpr bool FAULT_SKIP_PLEDGES = false;
#endif

#if defined(GATEHOUSE_FAULT_SKIP_SYNC) /* ledger/log.c: a frame is answered for before it is durable */
constexpr bool FAULT_SKIP_SYNC = true;
#else
constexpr bool FAULT_SKIP_SYNC = false;
#endif

#if defined(                                                                                                           \
	GATEHOUSE_FAULT_LIE) /* keys/threshold/ecdsa/signing.c: what it answers in a multiplication is a bit wrong */
constexpr bool FAULT_LIE = true;
#else
constexpr bool FAULT_LIE = false;
#endif

#endif
