/*
 * The kinds of operations: one table. Adding a kind is adding a row here and a row of handlers in gate/administration.c.
 *
 * The kind's name is the policy's action: Action::"list.add" in Action::"destinations". A resource is written "<type>:<id>"
 * and is the policy's entity <Type>::"<id>".
 *
 * An act is inward if nothing has effect until the answer leaves: one entry holds decision and outcome. It is outward where
 * something leaves or is destroyed before: an intent entry first, an outcome entry after (design §2).
 * Protective operations only take away (freeze, suspend, revoke): they have a queue of their own, ahead of all others, and
 * are taken also while the clock is in doubt.
 */
#ifndef GATEHOUSE_MODEL_OPERATION_KIND_H
#define GATEHOUSE_MODEL_OPERATION_KIND_H

#include "base/bytes.h"

enum operation_kind_id {
	OPERATION_SIGN,
	OPERATION_DIGEST_SIGN,
	OPERATION_KEY_CREATE,
	OPERATION_KEY_IMPORT,
	OPERATION_KEY_FREEZE,
	OPERATION_KEY_UNFREEZE,
	OPERATION_KEY_ROTATE,
	OPERATION_KEY_REFRESH,
	OPERATION_KEY_RESHARE,
	OPERATION_KEY_BACKUP,
	OPERATION_KEY_DESTROY,
	OPERATION_UNIT_ADD,
	OPERATION_ZONE_ADD,
	OPERATION_PERSON_ADD,
	OPERATION_WORKLOAD_ADD,
	OPERATION_PRINCIPAL_SUSPEND,
	OPERATION_PRINCIPAL_RESUME,
	OPERATION_PRINCIPAL_KEY_ADD,
	OPERATION_PRINCIPAL_PASSKEY_ADD,
	OPERATION_PRINCIPAL_INVITE,
	OPERATION_PRINCIPAL_TOTP_ADD,
	OPERATION_AUTHENTICATOR_TRUST,
	OPERATION_PRINCIPAL_KEY_REVOKE,
	OPERATION_SESSION_REVOKE,
	OPERATION_PERSON_PROFILE,
	OPERATION_PERSON_ERASE,
	OPERATION_AUDITOR_GRANT,
	OPERATION_AUDITOR_REVOKE,
	OPERATION_PERSONAL_GRANT,
	OPERATION_PERSONAL_REVOKE,
	OPERATION_GROUP_ADD,
	OPERATION_GROUP_MEMBER_ADD,
	OPERATION_GROUP_MEMBER_REMOVE,
	OPERATION_DELEGATE,
	OPERATION_ADDITION_CANCEL,
	OPERATION_LIST_CREATE,
	OPERATION_LIST_ADD,
	OPERATION_LIST_CONFIRM,
	OPERATION_LIST_REMOVE,
	OPERATION_ASSET_ADD,
	OPERATION_PRICE_SET,
	OPERATION_POLICY_ACTIVATE,
	OPERATION_KEEPER_ADD,
	OPERATION_KEEPER_REMOVE,
	OPERATION_KEEPER_READMIT,
	OPERATION_CLOCK_ACCEPT,
	OPERATION_INTENT_RESOLVE,
	OPERATION_NOTIFICATION_TEST,
	OPERATION_BREAK_GLASS_REVIEW,
	OPERATION_KINDS,
};

enum resource_type {
	RESOURCE_KEY,
	RESOURCE_ACCOUNT,
	RESOURCE_DESK,
	RESOURCE_ZONE,
	RESOURCE_PERSON,
	RESOURCE_WORKLOAD,
	RESOURCE_GROUP,
	RESOURCE_LIST,
	RESOURCE_ASSET,
	RESOURCE_SYSTEM,
	RESOURCE_OPERATION,
	RESOURCE_TYPES,
};

enum act_direction { ACT_INWARD, ACT_OUTWARD };

struct operation_kind {
	const char *name;
	const char *action_group; /* Action::"<group>", the parent of this action */
	unsigned resource_types;  /* bits 1 << enum resource_type */
	enum act_direction direction;
	bool is_protective;
};

extern const struct operation_kind operation_kinds[OPERATION_KINDS];

struct resource_kind {
	const char *prefix; /* "key" of "key:eth-hot-1" */
	const char *entity; /* "Key" */
};
extern const struct resource_kind resource_kinds[RESOURCE_TYPES];

/* STATUS_UNSUPPORTED "operation.kind". */
enum status operation_kind_parse(struct bytes name, enum operation_kind_id *id);
/* Splits "key:eth-hot-1"; STATUS_INVALID "operation.resource" for an unknown type or an empty id. */
enum status resource_parse(struct bytes resource, enum resource_type *type, struct bytes *id);
/* OK if the kind may name a resource of this type: "operation.resource". */
enum status operation_kind_check_resource(enum operation_kind_id kind, struct bytes resource, enum resource_type *type,
					  struct bytes *id);

#endif
