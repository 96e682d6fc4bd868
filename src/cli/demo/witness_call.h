/* One request of the log's side to the demo's witness. */
#ifndef GATEHOUSE_CLI_DEMO_WITNESS_CALL_H
#define GATEHOUSE_CLI_DEMO_WITNESS_CALL_H

#include "cli/demo/journal.h"
#include "cli/demo/stage.h"
#include "helpers/http_exchange.h"
#include "ledger/witness.h"

/* A head, and that it continues the one that the witness cosigned last (or what is said to prove it). */
enum status witness_ask(struct stage *stage, struct bytes note, const struct proof *proof, struct http_reply *reply);

#endif
