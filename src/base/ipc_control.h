/*
 * What the supervisor and each process that it started say to each other, over a SOCK_SEQPACKET pair: descriptors on
 * the way in (configuration, channels, listeners, certificate, passphrase), readiness on the way out. Format:
 * docs/PROTOCOL.ipc.
 *
 * Every process is exec'd with its end at IPC_CONTROL_DESCRIPTOR and receives all else through it, so that a peer which
 * was restarted is handed on like the first one. Owner: a received descriptor belongs to the receiver. Threads: one.
 */
#ifndef GATEHOUSE_BASE_IPC_CONTROL_H
#define GATEHOUSE_BASE_IPC_CONTROL_H

#include "base/ipc.h"

constexpr int IPC_CONTROL_DESCRIPTOR = 3;
constexpr size_t IPC_CONTROL_DESCRIPTORS = 4; /* in one message, at most */

enum ipc_control_type {
	IPC_CONTROL_NONE,
	/* supervisor → process */
	IPC_CONTROL_CONFIG,     /* 1 descriptor: the configuration as read, from offset 0 */
	IPC_CONTROL_CHANNEL,    /* 1: a stream socket to the process whose role is in `peer`; replaces an earlier one */
	IPC_CONTROL_LISTENERS,  /* 1 to 4: listening sockets; replace earlier ones */
	IPC_CONTROL_TLS,        /* 2: certificate chain and private key, PEM, from offset 0; replace earlier ones */
	IPC_CONTROL_PASSPHRASE, /* 1: read end of a pipe */
	IPC_CONTROL_START,      /* 0: all has been handed over */
	IPC_CONTROL_LOG_LEVEL,  /* 0; `value` is an enum log_level */
	IPC_CONTROL_STOP,       /* 0: drain and exit */
	/* process → supervisor */
	/* 0: start-up is done and the process is confined: `text` says how (supervisor/confine.h), `value` is 1 if degraded */
	IPC_CONTROL_READY,
	IPC_CONTROL_FAILED, /* 0: `text` says why it exits; `value` is an enum ipc_failed */
	/* 0: the channel to `peer` closed. If that process lives on, the supervisor starts the gateway anew: it has the
	 * less to lose, and both get a new channel. */
	IPC_CONTROL_CHANNEL_LOST,
	/* supervisor → process */
	IPC_CONTROL_PEER_LISTENER, /* 1: a listening socket for the gateways of other keepers */
	IPC_CONTROL_LOCAL_BUNDLE,  /* 1: the keeper's local bundle, packed, from offset 0; goes with the next CONFIG */
	IPC_CONTROL_CONFINED,      /* 0, to the gateway: what the process of role `peer` said with READY */
	IPC_CONTROL_END,
};

/* What a restart would do about it. */
enum ipc_failed {
	IPC_FAILED_FOR_NOW,  /* it may help */
	IPC_FAILED_AT_START, /* it would not, if this was the start of the installation */
	IPC_FAILED_FOR_GOOD, /* none may be tried: the installation stops */
};

constexpr size_t IPC_CONTROL_TEXT_MAX = 512;

struct ipc_control_message {
	enum ipc_control_type type;
	enum ipc_role peer; /* IPC_CONTROL_CHANNEL, _LOST and _CONFINED; else none */
	uint32_t value;
	char text[IPC_CONTROL_TEXT_MAX]; /* NUL-terminated */
	int descriptors[IPC_CONTROL_DESCRIPTORS];
	size_t descriptor_count;
};

/* Blocking or not as the socket is. STATUS_UNAVAILABLE: "control.closed" when the other side is gone, "control.full" or
 * "control.empty" where a call would have to wait and must not. Descriptors stay the caller's. */
enum status ipc_control_send(int control, const struct ipc_control_message *message);
/* The descriptors are the caller's, close-on-exec. */
enum status ipc_control_receive(int control, struct ipc_control_message *message);
void ipc_control_close_descriptors(struct ipc_control_message *message); /* those not taken: not −1 */

#endif
