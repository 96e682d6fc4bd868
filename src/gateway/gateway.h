/*
 * The gateway process: the only one with the network. It ends TLS, reads HTTP strictly, asks the keeper, and relays the
 * answer; it decides nothing and holds no key but the TLS server's. Design §2, §9.
 *
 * One thread, one libuv loop. A request that waits for the keeper is known by a token {generation, slot}: an answer to
 * a connection that is gone, or that has gone on, is counted and dropped.
 */
#ifndef GATEHOUSE_GATEWAY_GATEWAY_H
#define GATEHOUSE_GATEWAY_GATEWAY_H

/* Runs until it is told to stop or fails; control: descriptor of the control socket. Returns the exit status. */
int gateway_main(int control);

#endif
