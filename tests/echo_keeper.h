/*
 * A keeper for tests of the gateway and the supervisor: it speaks the real protocol, is confined like the real one, and
 * decides nothing. What it does with a request is asked for by the request's Idempotency-Key:
 *
 *     status:N    answers with that status           big:N      answers N bytes
 *     wait:MS     answers later                      hold       never answers
 *     die         ends                               garble     sends bytes that are no frame
 *     feed:N      publishes event N, then answers    wrong      sends a frame that only a gateway may send
 *     hangup      closes the channel and lives on
 *     attempts    answers what confinement refuses   passphrase answers how long the passphrase is
 *
 * Anything else: 200, and what was received as JSON. GET /v1/events opens the feed.
 */
#ifndef GATEHOUSE_TESTS_ECHO_KEEPER_H
#define GATEHOUSE_TESTS_ECHO_KEEPER_H

int echo_keeper_main(int control);

#endif
