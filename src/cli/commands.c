/* The table: everything that the program can be asked to do. Adding a command is adding a row. */
#include "cli/command.h"
#include "cli/handlers.h"
#include "cli/init.h"
#include "helpers/witness.h"
#include "ledger/verify_command.h"

#define YES {"yes", nullptr, "do not ask"}
#define OUT {"out", "FILE", "where to write (default: standard output)"}

#define ADMINISTERS COMMAND_SUBMITS | COMMAND_CONNECTS

/* clang-format off */
#define KEY_ATTRIBUTES \
	{"account", "ID", "the account that owns it", .is_required = true}, \
	{"algorithm", "NAME", "secp256k1, p256 or ed25519 (default secp256k1)"}, \
	{"purpose", "NAME", "transfer or digest (default transfer)"}, \
	{"material", "NAME", "single or extended, below which keys are derived (default single)"}, \
	{"branch", "PATH", "of an extended key: what may be signed for, such as m/84'/0'/0'", .is_repeatable = true}, \
	{"chain", "CHAIN", "the only one that it signs for, such as bitcoin:testnet4 (default: any of Ethereum's, and the main networks)"}

#define VOTES \
	{"offline", "FILE", "what `op export` wrote, instead of asking the installation"}, \
	{"out", "FILE", "with --offline: where the signed vote is written (default: standard output)"}, \
	YES

const struct command commands[] = {
	/* An installation. */
	{nullptr, "init", "", "Found an installation: the key ceremony that writes entry 0", init_run, COMMAND_CONFIG,
	 {{"founding", "FILE", "the founding document (examples/firm/firm.yaml)"},
	  {"sign-with", "KEYFILE", "key file of a founder; at least two", .is_repeatable = true},
	  {"print-document", nullptr, "make the log's keys and print the document, to be signed elsewhere"},
	  {"signature", "FILE", "complete what was printed, with what `init sign` wrote; at least two",
	   .is_repeatable = true},
	  {"pins", "FILE", "where the file that auditors pin is written (default: DATA/public/log.policy)"}}},
	{"init", "sign", "DOCUMENT", "Sign a founding document on a founder's own machine", init_sign_run, 0,
	 {{"with", "KEYFILE", "the founder's key file", .is_required = true}, OUT, YES}},
	{nullptr, "serve", "", "Run the installation: supervisor, gateway and keeper", serve_run, COMMAND_CONFIG, {}},
	{nullptr, "demo", "", "Found a firm, take its transfers through the gate, attack it and audit it, and tell of it",
	 demo_command_run, 0,
	 {{"amounts", "TEXT", "what the amounts are drawn from (default: gatehouse)"},
	  {"keep", nullptr, "stay serving at the end, until Ctrl-C"}}},
	{nullptr, "process", "ROLE", "One process of an installation; the supervisor starts it", process_run, 0, {},
	 .is_hidden = true},
	{"instance", "show", "", "Show the installation's name and its log's keys", listing_run, COMMAND_CONNECTS, {}},

	/* Operations. */
	{"op", "submit", "KIND RESOURCE", "Submit an operation of any kind (docs/operations.md)",
	 op_submit_run, ADMINISTERS,
	 {{"payload", "FILE", "a JSON object; - is standard input (default: {})"}}},
	{"op", "sign", "KEYID", "Submit a transaction to be signed by a key of the installation",
	 op_sign_run, ADMINISTERS,
	 {{"transaction", "FILE", "unsigned: hexadecimal, base64 or bytes; - is standard input", .is_required = true},
	  {"format", "NAME", "evm, psbt or solana; refused if the transaction is another"}}},
	{"op", "show", "ID", "Show an operation's state, decision and result", op_show_run, COMMAND_CONNECTS, {}},
	{"op", "list", "", "List operations, the newest first", op_list_run, COMMAND_CONNECTS,
	 {{"state", "NAME", "only those held, done, denied, rejected, failed, expired or unknown"},
	  {"kind", "KIND", "only of this kind"},
	  {"principal", "ID", "only of this requester"},
	  {"resource", "RESOURCE", "only on this resource"},
	  {"before", "ENTRY", "only older ones: the next page"},
	  {"limit", "COUNT", "at most so many (default 50)"}}},
	{"op", "receipt", "ID", "Save the proof that the operation stands in the log", op_receipt_run, COMMAND_CONNECTS,
	 {OUT}},
	{"op", "approve", "[ID]", "Decode a held operation here, show it, and sign an approval",
	 op_approve_run, COMMAND_CONNECTS,
	 {VOTES}},
	{"op", "reject", "[ID]", "Decode a held operation here, show it, and sign a rejection",
	 op_reject_run, COMMAND_CONNECTS,
	 {VOTES}},
	{"op", "withdraw", "[ID]", "Withdraw an own vote on a held operation", op_withdraw_run, COMMAND_CONNECTS,
	 {VOTES}},
	{"op", "export", "ID", "Save what an approver needs to decode a held operation offline",
	 op_export_run, COMMAND_CONNECTS,
	 {OUT}},
	{"op", "import", "FILE", "Hand in a vote that was signed offline", op_import_run, COMMAND_CONNECTS, {}},

	/* Keys. */
	{"key", "create", "ID", "Create a key", key_create_run, ADMINISTERS, {KEY_ATTRIBUTES}, .kind = "key.create"},
	{"key", "import", "ID", "Import a key; only a commitment to it is recorded", key_import_run, ADMINISTERS,
	 {KEY_ATTRIBUTES,
	  {"secret-kind", "NAME", "private_key, mnemonic or xprv", .is_required = true},
	  {"secret-file", "FILE", "holds the secret", .is_required = true},
	  {"passphrase-file", "FILE", "holds the passphrase of a mnemonic"}},
	 .kind = "key.import"},
	{"key", "list", "", "List the keys", listing_run, COMMAND_CONNECTS, {}},
	{"key", "show", "ID", "Show a key's record", key_show_run, COMMAND_CONNECTS, {}},
	{"key", "derive", "ID PATH", "Show the public key at a path below an extended key", key_derive_run, COMMAND_CONNECTS, {}},
	{"key", "freeze", "ID", "Freeze a key: it signs nothing until it is unfrozen", plain_key_run, ADMINISTERS, {},
	 .kind = "key.freeze"},
	{"key", "unfreeze", "ID", "Let a frozen key sign again", plain_key_run, ADMINISTERS, {},
	 .kind = "key.unfreeze"},
	{"key", "rotate", "ID", "Create a key's successor", key_rotate_run, ADMINISTERS,
	 {{"successor", "ID", "what the new key is called", .is_required = true}},
	 .kind = "key.rotate"},
	{"key", "destroy", "ID", "Destroy a key's secret for ever", plain_key_run, ADMINISTERS, {},
	 .kind = "key.destroy"},

	/* Who. */
	{"person", "keygen", "FILE", "Make a key for a person: FILE, which stays with its owner, and FILE.pub",
	 keygen_run, 0,
	 {{"id", "ID", "p- and 16 hexadecimal digits (default: a fresh pseudonym)"},
	  {"name", "NAME", "of the key (default terminal)"}}},
	{"person", "add", "PUBLICKEY", "Add a person with the key of a .pub file", principal_add_run, ADMINISTERS,
	 {{"desk", "ID", "the desk", .is_required = true},
	  {"class", "NAME", "terminal: an own machine, whose votes are independent; or plain (default terminal)"},
	  {"zone", "ID", "where its requests come from"}},
	 .kind = "person.add"},
	{"person", "list", "", "List the people", listing_run, COMMAND_CONNECTS, {}},
	{"person", "suspend", "ID", "Suspend a person", plain_principal_run, ADMINISTERS, {},
	 .kind = "principal.suspend"},
	{"person", "resume", "ID", "End a person's suspension", plain_principal_run, ADMINISTERS, {},
	 .kind = "principal.resume"},
	{"person", "key-add", "PUBLICKEY", "Give a person another key", principal_key_add_run, ADMINISTERS,
	 {{"class", "NAME", "terminal or plain (default terminal)"}, {"zone", "ID", "where its requests come from"}},
	 .kind = "principal.key_add"},
	{"person", "key-revoke", "KEYID", "Revoke a person's key", principal_key_revoke_run, ADMINISTERS, {},
	 .kind = "principal.key_revoke"},
	{"person", "delegate", "ID", "Let another person vote for this one", delegate_run, ADMINISTERS,
	 {{"by", "ID", "who votes", .is_required = true},
	  {"until", "TIME", "2026-12-24T00:00:00Z", .is_required = true}},
	 .kind = "delegate"},
	{"workload", "keygen", "FILE", "Make a key for a workload: FILE and FILE.pub", keygen_run, 0,
	 {{"id", "NAME", "what the workload is called"}, {"name", "NAME", "of the key (default main)"}}},
	{"workload", "add", "PUBLICKEY", "Add a workload with the key of a .pub file", principal_add_run, ADMINISTERS,
	 {{"desk", "ID", "the desk", .is_required = true}, {"zone", "ID", "where its requests come from"}},
	 .kind = "workload.add"},
	{"workload", "list", "", "List the workloads", listing_run, COMMAND_CONNECTS, {}},
	{"workload", "suspend", "ID", "Suspend a workload", plain_principal_run, ADMINISTERS, {},
	 .kind = "principal.suspend"},
	{"workload", "resume", "ID", "End a workload's suspension", plain_principal_run, ADMINISTERS, {},
	 .kind = "principal.resume"},
	{"workload", "key-add", "PUBLICKEY", "Give a workload another key", principal_key_add_run, ADMINISTERS,
	 {{"zone", "ID", "where its requests come from"}},
	 .kind = "principal.key_add"},
	{"workload", "key-revoke", "KEYID", "Revoke a workload's key", principal_key_revoke_run, ADMINISTERS, {},
	 .kind = "principal.key_revoke"},
	{"group", "add", "ID", "Add a group of people", group_add_run, ADMINISTERS, {}, .kind = "group.add"},
	{"group", "list", "", "List the groups and who is in them", listing_run, COMMAND_CONNECTS, {}},
	{"group", "member-add", "GROUP PERSON", "Take a person into a group", group_member_run, ADMINISTERS, {},
	 .kind = "group.member_add"},
	{"group", "member-remove", "GROUP PERSON", "Take a person out of a group", group_member_run, ADMINISTERS, {},
	 .kind = "group.member_remove"},
	{"unit", "add", "ID", "Add a legal entity, desk or account", unit_add_run, ADMINISTERS,
	 {{"kind", "NAME", "legal_entity, desk or account", .is_required = true},
	  {"parent", "ID", "a desk's legal entity, an account's desk"}},
	 .kind = "unit.add"},
	{"zone", "add", "ID", "Add a zone: where requests come from", zone_add_run, ADMINISTERS,
	 {{"network", "CIDR", "a network of the zone", .is_repeatable = true}},
	 .kind = "zone.add"},

	/* Where to, and what it is worth. */
	{"list", "create", "ID", "Create a list of destinations", list_create_run, ADMINISTERS,
	 {{"kind", "NAME", "allowed or sanctioned", .is_required = true}},
	 .kind = "list.create"},
	{"list", "add", "LIST [CHAIN:ADDRESS...]", "Add destinations to a list", list_entries_run, ADMINISTERS,
	 {{"from", "FILE", "one CHAIN:ADDRESS a line"}},
	 .kind = "list.add"},
	{"list", "remove", "LIST [CHAIN:ADDRESS...]", "Remove destinations from a list", list_entries_run, ADMINISTERS,
	 {{"from", "FILE", "one CHAIN:ADDRESS a line"}},
	 .kind = "list.remove"},
	{"list", "list", "", "Show all lists of destinations", listing_run, COMMAND_CONNECTS, {}},
	{"list", "show", "LIST", "Show one list of destinations", list_show_run, COMMAND_CONNECTS, {}},
	{"asset", "add", "", "Register an asset", asset_add_run, ADMINISTERS,
	 {{"chain", "CHAIN", "eip155:1, bitcoin:main, ...", .is_required = true},
	  {"contract", "ADDRESS", "of a token (default: the chain's own asset)"},
	  {"symbol", "TEXT", "for people to read", .is_required = true},
	  {"decimals", "COUNT", "of one whole unit", .is_required = true}},
	 .kind = "asset.add"},
	{"price", "set", "ASSET", "Set the price of an asset, such as eip155:1/native", price_set_run, ADMINISTERS,
	 {{"usd", "PRICE", "US dollars for one whole unit, at most 8 decimals", .is_required = true}},
	 .kind = "price.set"},
	{"price", "list", "", "List assets and their prices", listing_run, COMMAND_CONNECTS, {}},

	/* Policy. */
	{"policy", "check", "FILE", "Check policies, in Cedar's syntax or JSON, and what belongs to them", policy_check_run, 0,
	 {{"schema", "FILE", "validate the policies by it, and what else is given"},
	  {"entities", "FILE", "Cedar's entities JSON, read and judged by the schema"},
	  {"request", "FILE", "principal, action, resource and context in JSON, judged by the schema",
	   .is_repeatable = true}}},
	{"policy", "format", "FILE", "Lay out a text of policies; comments are kept", policy_format_run, 0,
	 {{"check", nullptr, "print nothing, and exit 1 if the file is laid out otherwise"}}},
	{"policy", "convert", "FILE", "Write policies or a schema (.cedarschema, .cedarschema.json) in the other form: Cedar or JSON",
	 policy_convert_run, 0,
	 {OUT}},
	{"policy", "conform", "DIRECTORY", "Run Cedar's published cases against this program", policy_conform_run, 0,
	 {}},
	{"policy", "prove", "FILE...", "Prove that policies keep their invariants, or show the request that breaks one",
	 policy_prove_run, 0,
	 {{"schema", "FILE", "what requests and entities look like (.json: in JSON)", .is_required = true},
	  {"invariants", "FILE", "what must hold (docs/invariants.md)", .is_required = true},
	  {"gateway-hostile", nullptr, "what the gateway reports may be a lie"},
	  {"timeout", "SECONDS", "give up after (default 60)"}}},
	{"policy", "explain", "ID", "Explain a decision: facts and where they come from, and what each policy said",
	 policy_explain_run, COMMAND_CONNECTS,
	 {}},
	{"policy", "pack", "DIRECTORY", "Check a bundle's directory and make one file of it", policy_pack_run, 0,
	 {{"sign-with", "KEYFILE", "sign it with this person's key", .is_repeatable = true}, OUT}},
	{"policy", "unpack", "FILE DIRECTORY", "Write a packed bundle's files into a new directory", policy_unpack_run, 0, {}},
	{"policy", "limits", "VERB FILE", "compile: a table of limits (CSV, YAML) to Cedar; extract: the table from its Cedar",
	 policy_limits_run, 0,
	 {{"to", "FORMAT", "of extract: csv or yaml (default csv)"}, OUT}},
	{"policy", "activate", "BUNDLE", "Put a bundle, packed or a directory, into force", policy_activate_run, ADMINISTERS, {},
	 .kind = "policy.activate"},
	{"policy", "show", "", "Show the bundle in force, or one that was", policy_show_run, COMMAND_CONNECTS,
	 {{"bundle", "HASH", "a bundle that was ever in force (default: the one that is)"}, OUT}},

	/* The system. */
	{"clock", "accept", "TIME", "Say that the keeper's clock, which stepped, is right",
	 clock_accept_run, ADMINISTERS,
	 {},
	 .kind = "clock.accept"},
	{"intent", "resolve", "ID", "Say what became of an act whose outcome is unknown",
	 intent_resolve_run, ADMINISTERS,
	 {{"happened", "yes|no", "whether it took effect", .is_required = true}},
	 .kind = "intent.resolve"},

	/* Files alone. */
	{"tx", "decode", "FILE", "Explain an Ethereum, Bitcoin or Solana transaction, signed or not; - is standard input",
	 tx_decode_run, 0,
	 {{"network", "NAME", "of a PSBT: main (the default), test, testnet4, signet or regtest; of Solana: main, test or dev"}}},
	{"ledger", "show", "DIRECTORY INDEX", "Show an entry of a log on disk", ledger_show_run, 0, {}},
	{"ledger", "replay", "DIRECTORY", "Decide everything in a log on disk again and compare", ledger_replay_run, 0,
	 {}},
	{"ledger", "receipt", "INDEX", "Save the proof that an entry stands in the installation's log",
	 ledger_receipt_run, COMMAND_CONNECTS,
	 {OUT}},
	{"ledger", "verify", "VERB...", "Verify a receipt, a checkpoint or a whole log offline: receipt, checkpoint, log",
	 nullptr, 0,
	 {},
	 .run_raw = verify_command},
	{nullptr, "witness", "VERB...", "A small independent witness: init, show, serve, add (docs/PROTOCOL.witness)",
	 nullptr, 0,
	 {},
	 .run_raw = witness_main},

	/* The program. */
	{nullptr, "completion", "SHELL", "Print the completion for a shell: bash", completion_run, 0, {}},
	{nullptr, "manual", "", "Print the manual page, in roff", manual_run, 0, {}},
};
/* clang-format on */

const size_t command_count = sizeof commands / sizeof commands[0];
