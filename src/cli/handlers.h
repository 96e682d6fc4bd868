/*
 * The functions behind the table of commands (cli/commands.c), by the file that they stand in.
 */
#ifndef GATEHOUSE_CLI_HANDLERS_H
#define GATEHOUSE_CLI_HANDLERS_H

#include "cli/command.h"

/* program_commands.c: what runs the program itself. */
enum status serve_run(struct invocation *invocation);
enum status demo_command_run(struct invocation *invocation);
enum status process_run(struct invocation *invocation);
enum status completion_run(struct invocation *invocation);
enum status manual_run(struct invocation *invocation);
enum status keygen_run(struct invocation *invocation);
enum status witness_command_run(struct invocation *invocation);

/* backup_commands.c */
enum status recovery_keygen_run(struct invocation *invocation);
enum status backup_run(struct invocation *invocation);
enum status restore_run(struct invocation *invocation);

/* operation_commands.c */
enum status op_submit_run(struct invocation *invocation);
enum status op_submit_help(const struct invocation *invocation, struct buffer *to);
enum status op_sign_run(struct invocation *invocation);
enum status op_sign_digest_run(struct invocation *invocation);
enum status op_show_run(struct invocation *invocation);
enum status op_review_run(struct invocation *invocation);
enum status op_list_run(struct invocation *invocation);
enum status op_receipt_run(struct invocation *invocation);
enum status op_export_run(struct invocation *invocation);
enum status op_import_run(struct invocation *invocation);
enum status op_approve_run(struct invocation *invocation);
enum status op_reject_run(struct invocation *invocation);
enum status op_withdraw_run(struct invocation *invocation);
enum status policy_explain_run(struct invocation *invocation);

/* key_commands.c: each submits one kind of operation. */
enum status key_create_run(struct invocation *invocation);
enum status key_import_run(struct invocation *invocation);
enum status key_rotate_run(struct invocation *invocation);
enum status key_reshare_run(struct invocation *invocation);
enum status key_repair_run(struct invocation *invocation);
enum status key_backup_run(struct invocation *invocation);
enum status plain_key_run(struct invocation *invocation); /* freeze, unfreeze, destroy */

/* key_split_commands.c: a key that is whole is split here, and its parts are sealed to the keepers. */
enum status key_import_key_run(struct invocation *invocation);
enum status key_split_run(struct invocation *invocation);

/* shared_key_commands.c */
enum status key_parties_run(struct invocation *invocation);
enum status key_audit_run(struct invocation *invocation);

/* administration_commands.c: each submits one kind of operation. */
enum status plain_principal_run(struct invocation *invocation); /* suspend, resume */
enum status principal_add_run(struct invocation *invocation);
enum status principal_key_add_run(struct invocation *invocation);
enum status principal_key_revoke_run(struct invocation *invocation);
enum status delegate_run(struct invocation *invocation);
enum status delegation_cancel_run(struct invocation *invocation);
enum status group_add_run(struct invocation *invocation);
enum status group_member_run(struct invocation *invocation);
enum status list_create_run(struct invocation *invocation);
enum status list_add_run(struct invocation *invocation);
enum status list_entries_run(struct invocation *invocation);
enum status asset_add_run(struct invocation *invocation);
enum status price_set_run(struct invocation *invocation);
enum status unit_add_run(struct invocation *invocation);
enum status zone_add_run(struct invocation *invocation);
enum status policy_activate_run(struct invocation *invocation);
enum status clock_accept_run(struct invocation *invocation);
enum status intent_resolve_run(struct invocation *invocation);
enum status notify_test_run(struct invocation *invocation);

/* escrow_commands.c: files alone. */
enum status key_escrow_check_run(struct invocation *invocation);
enum status key_recover_run(struct invocation *invocation);

/* state_commands.c */
enum status instance_show_run(struct invocation *invocation);
enum status key_show_run(struct invocation *invocation);
enum status key_derive_run(struct invocation *invocation);
enum status list_show_run(struct invocation *invocation);
enum status listing_run(struct invocation *invocation); /* all pages of what the noun names */

/* keeper_commands.c. */
enum status keeper_show_run(struct invocation *invocation);
enum status keeper_list_run(struct invocation *invocation);
enum status keeper_add_run(struct invocation *invocation);
enum status keeper_remove_run(struct invocation *invocation);
enum status keeper_readmit_run(struct invocation *invocation);

/* personal_commands.c: what people are called, who may read it, and who audits. */
enum status person_profile_run(struct invocation *invocation);
enum status person_show_run(struct invocation *invocation);
enum status personal_grant_run(struct invocation *invocation);
enum status principal_resume_run(struct invocation *invocation);
enum status auditor_grant_run(struct invocation *invocation);
enum status auditor_revoke_run(struct invocation *invocation);
enum status ledger_personal_run(struct invocation *invocation);
enum status ledger_export_run(struct invocation *invocation);

/* authenticator_commands.c. */
enum status authenticator_trust_run(struct invocation *invocation);
enum status passkey_add_run(struct invocation *invocation);
enum status person_invite_run(struct invocation *invocation);
enum status totp_add_run(struct invocation *invocation);

/* prove_commands.c: files alone, by a worker of its own. */
enum status policy_prove_run(struct invocation *invocation);
enum status policy_diff_run(struct invocation *invocation);
enum status policy_lint_run(struct invocation *invocation);
enum status policy_people_run(struct invocation *invocation);

/* bundle_commands.c: bundles in files and directories. */
enum status policy_pack_run(struct invocation *invocation);
enum status policy_unpack_run(struct invocation *invocation);
enum status policy_test_run(struct invocation *invocation);
enum status policy_import_run(struct invocation *invocation);
enum status policy_shadow_run(struct invocation *invocation); /* shadow_command.c */
enum status policy_limits_run(struct invocation *invocation);
enum status policy_show_run(struct invocation *invocation);

/* file_commands.c: no installation, no network. */
enum status tx_decode_run(struct invocation *invocation);
enum status tx_combine_run(struct invocation *invocation);
enum status ledger_show_run(struct invocation *invocation);
enum status ledger_receipt_run(struct invocation *invocation);
enum status ledger_replay_run(struct invocation *invocation);
enum status ledger_verify_run(struct invocation *invocation);

/* policy_commands.c: policies, schemas and entities in files. */
enum status policy_check_run(struct invocation *invocation);
enum status policy_conform_run(struct invocation *invocation);
enum status policy_format_run(struct invocation *invocation);
enum status policy_convert_run(struct invocation *invocation);

#endif
