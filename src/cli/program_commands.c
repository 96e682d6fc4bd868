#include "cli/handlers.h"

#include <stdio.h>

#include "base/ipc_control.h"
#include "base/json.h"
#include "cli/demo/demo.h"
#include "cli/init.h"
#include "cli/key_file.h"
#include "cli/output.h"
#include "crypto/start.h"
#include "gateway/gateway.h"
#include "helpers/fetch.h"
#include "helpers/witness.h"
#include "helpers/worker.h"
#include "identity/directory.h"
#include "keeper/process.h"
#include "supervisor/supervisor.h"

enum status
serve_run(struct invocation *invocation) {
	struct config config = {};
	const char *path = init_config_path(invocation);
	TRY(config_read_file(path, &config));
	invocation->exit_code = supervisor_main(&config, path);
	return OK;
}

enum status
demo_command_run(struct invocation *invocation) {
	struct demo_options options = {.amounts = invocation_option(invocation, "amounts"),
				       .keepers = invocation_flag(invocation, "keepers"),
				       .keep = invocation_flag(invocation, "keep")};
	if (options.keepers && options.keep)
		return fail(STATUS_INVALID, "usage.keep: the three keepers stop when their story is told");
	invocation->exit_code = demo_run(&options);
	return OK;
}

/* One row per process that the supervisor starts. */
static const struct {
	enum ipc_role role;
	int (*run)(int control);
} processes[] = {
	{IPC_ROLE_GATEWAY, gateway_main},
	{IPC_ROLE_KEEPER, keeper_main},
	{IPC_ROLE_FETCH, fetch_main},
	{IPC_ROLE_WORKER, worker_main},
};

enum status
process_run(struct invocation *invocation) {
	const char *role = invocation_word(invocation, 0);
	for (size_t i = 0; i < ARRAY_LENGTH(processes); i++) {
		if (strcmp(role, ipc_role_name(processes[i].role)) != 0)
			continue;
		TRY(crypto_start()); /* before confinement takes away what the libraries read at first use */
		invocation->exit_code = processes[i].run(IPC_CONTROL_DESCRIPTOR);
		return OK;
	}
	return fail(STATUS_INVALID, "usage.role: there is no process \"%s\"", role);
}

enum status
completion_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (strcmp(invocation_word(invocation, 0), "bash") != 0)
		return fail(STATUS_INVALID, "usage.shell: only bash has a completion");
	command_write_completion(&text);
	return output_data(&text);
}

enum status
manual_run(struct invocation *) {
	_cleanup_(buffer_free) struct buffer text = {};
	command_write_manual(&text);
	return output_data(&text);
}

/* A person gets a fresh pseudonym unless one is given; a workload needs a name. */
enum status
keygen_run(struct invocation *invocation) {
	_cleanup_(key_file_free) struct key_file key = {};
	_cleanup_(buffer_free) struct buffer body = {};
	bool is_person = strcmp(invocation->command->noun, "person") == 0;
	const char *given = invocation_option(invocation, "id"), *name = invocation_option(invocation, "name");
	const char *prefix = is_person ? "person:" : "workload:";
	char pseudonym[PERSON_ID_SIZE];
	const char *principal = pseudonym;
	directory_new_person_id(pseudonym);
	if (given != nullptr) {
		bool is_whole = strncmp(given, prefix, strlen(prefix)) == 0;
		principal = arena_format(&invocation->arena, "%s%s", is_whole ? "" : prefix, given);
		TRY_ALLOC(principal);
	} else if (!is_person)
		return fail(STATUS_INVALID, "usage.id: a workload needs --id NAME");
	TRY(key_file_generate(&key, principal, name != nullptr ? name : is_person ? "terminal" : "main"));
	TRY(key_file_write(&key, invocation_word(invocation, 0)));
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_string(&w, "key_id", key.key_id);
	json_write_member_string(&w, "principal", key.principal);
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(key.public_key));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&body));
}

/* One row per verb. */
static const struct {
	const char *verb;
	int (*run)(const struct witness_arguments *arguments);
} witness_verbs[] = {
	{"init", witness_init},
	{"show", witness_show},
	{"serve", witness_serve},
	{"add", witness_add},
};

enum status
witness_command_run(struct invocation *invocation) {
	const struct witness_arguments arguments = {.directory = invocation_word(invocation, 0),
						    .name = invocation_word(invocation, 1),
						    .logs = invocation_option(invocation, "logs"),
						    .listen = invocation_option(invocation, "listen"),
						    .degraded_allowed = invocation_flag(invocation, "degraded"),
						    .json = invocation->json};
	for (size_t i = 0; i < ARRAY_LENGTH(witness_verbs); i++)
		if (strcmp(invocation->command->verb, witness_verbs[i].verb) == 0)
			invocation->exit_code = witness_verbs[i].run(&arguments);
	return OK;
}
