/*
 * The helper `fetch`: what the installation asks of others, for processes that have no network. Those are the witnesses of
 * the rollback guard, and whoever is to be notified (helpers/receiver.h).
 *
 * The keeper sends bytes and the number of a row of the table in fetch.c; where they go is the configuration's alone. Answers
 * are bounded in size and time and handed on as they came: nobody trusts them, the keeper verifies what they carry. Before the
 * first byte the process has read the certificates that it trusts and looked up the services' names, and is then confined to
 * TCP connections to their ports, without any file. If one with a name cannot be reached for a while the process ends, so that a name
 * is looked up anew by the one that is started in its place.
 */
#ifndef GATEHOUSE_HELPERS_FETCH_H
#define GATEHOUSE_HELPERS_FETCH_H

/* control: descriptor of the control socket. Returns the exit status. */
int fetch_main(int control);

#endif
