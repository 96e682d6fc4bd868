#include "model/operation_kind.h"

#define ON(type) (1U << RESOURCE_##type)

const struct operation_kind operation_kinds[OPERATION_KINDS] = {
	[OPERATION_SIGN] = {"sign", "move_funds", ON(KEY), ACT_INWARD, false},
	[OPERATION_DIGEST_SIGN] = {"digest.sign", "digests", ON(KEY), ACT_INWARD, false},
	[OPERATION_KEY_CREATE] = {"key.create", "keys", ON(ACCOUNT), ACT_INWARD, false},
	[OPERATION_KEY_IMPORT] = {"key.import", "keys", ON(ACCOUNT), ACT_INWARD, false},
	[OPERATION_KEY_FREEZE] = {"key.freeze", "protect", ON(KEY), ACT_INWARD, true},
	[OPERATION_KEY_UNFREEZE] = {"key.unfreeze", "keys", ON(KEY), ACT_INWARD, false},
	[OPERATION_KEY_ROTATE] = {"key.rotate", "keys", ON(KEY), ACT_INWARD, false},
	[OPERATION_KEY_REFRESH] = {"key.refresh", "keys", ON(KEY), ACT_OUTWARD, false},
	[OPERATION_KEY_RESHARE] = {"key.reshare", "keys", ON(KEY), ACT_OUTWARD, false},
	[OPERATION_KEY_BACKUP] = {"key.backup", "keys", ON(KEY), ACT_INWARD, false},
	[OPERATION_KEY_DESTROY] = {"key.destroy", "keys", ON(KEY), ACT_OUTWARD, false},
	[OPERATION_UNIT_ADD] = {"unit.add", "zones", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_ZONE_ADD] = {"zone.add", "zones", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_PERSON_ADD] = {"person.add", "people", ON(DESK), ACT_INWARD, false},
	[OPERATION_WORKLOAD_ADD] = {"workload.add", "people", ON(DESK), ACT_INWARD, false},
	[OPERATION_PRINCIPAL_SUSPEND] = {"principal.suspend", "protect", ON(PERSON) | ON(WORKLOAD), ACT_INWARD, true},
	[OPERATION_PRINCIPAL_RESUME] = {"principal.resume", "people", ON(PERSON) | ON(WORKLOAD), ACT_INWARD, false},
	[OPERATION_PRINCIPAL_KEY_ADD] = {"principal.key_add", "people", ON(PERSON) | ON(WORKLOAD), ACT_INWARD, false},
	[OPERATION_PRINCIPAL_PASSKEY_ADD] = {"principal.passkey_add", "people", ON(PERSON), ACT_INWARD, false},
	[OPERATION_PRINCIPAL_INVITE] = {"principal.invite", "people", ON(PERSON), ACT_INWARD, false},
	[OPERATION_PRINCIPAL_TOTP_ADD] = {"principal.totp_add", "people", ON(PERSON), ACT_INWARD, false},
	[OPERATION_AUTHENTICATOR_TRUST] = {"authenticator.trust", "people", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_PRINCIPAL_KEY_REVOKE] = {"principal.key_revoke", "protect", ON(PERSON) | ON(WORKLOAD), ACT_INWARD,
					    true},
	[OPERATION_SESSION_REVOKE] = {"session.revoke", "protect", ON(PERSON), ACT_INWARD, true},
	[OPERATION_PERSON_PROFILE] = {"person.profile", "people", ON(PERSON), ACT_INWARD, false},
	[OPERATION_PERSON_ERASE] = {"person.erase", "people", ON(PERSON), ACT_OUTWARD, false},
	[OPERATION_AUDITOR_GRANT] = {"auditor.grant", "people", ON(PERSON) | ON(WORKLOAD), ACT_INWARD, false},
	[OPERATION_AUDITOR_REVOKE] = {"auditor.revoke", "protect", ON(PERSON) | ON(WORKLOAD), ACT_INWARD, true},
	[OPERATION_PERSONAL_GRANT] = {"personal.grant", "people", ON(PERSON), ACT_INWARD, false},
	[OPERATION_PERSONAL_REVOKE] = {"personal.revoke", "protect", ON(PERSON), ACT_INWARD, true},
	[OPERATION_GROUP_ADD] = {"group.add", "people", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_GROUP_MEMBER_ADD] = {"group.member_add", "people", ON(GROUP), ACT_INWARD, false},
	[OPERATION_GROUP_MEMBER_REMOVE] = {"group.member_remove", "people", ON(GROUP), ACT_INWARD, false},
	[OPERATION_DELEGATE] = {"delegate", "people", ON(PERSON), ACT_INWARD, false},
	[OPERATION_ADDITION_CANCEL] = {"addition.cancel", "protect", ON(GROUP) | ON(PERSON), ACT_INWARD, true},
	[OPERATION_LIST_CREATE] = {"list.create", "destinations", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_LIST_ADD] = {"list.add", "destinations", ON(LIST), ACT_INWARD, false},
	[OPERATION_LIST_CONFIRM] = {"list.confirm", "destinations", ON(LIST), ACT_INWARD, false},
	[OPERATION_LIST_REMOVE] = {"list.remove", "destinations", ON(LIST), ACT_INWARD, false},
	[OPERATION_ASSET_ADD] = {"asset.add", "assets", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_PRICE_SET] = {"price.set", "prices", ON(ASSET), ACT_INWARD, false},
	[OPERATION_POLICY_ACTIVATE] = {"policy.activate", "policy", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_KEEPER_ADD] = {"keeper.add", "system", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_KEEPER_REMOVE] = {"keeper.remove", "system", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_KEEPER_READMIT] = {"keeper.readmit", "system", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_CLOCK_ACCEPT] = {"clock.accept", "system", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_INTENT_RESOLVE] = {"intent.resolve", "system", ON(OPERATION), ACT_INWARD, false},
	[OPERATION_NOTIFICATION_TEST] = {"notification.test", "notifications", ON(SYSTEM), ACT_INWARD, false},
	[OPERATION_BREAK_GLASS_REVIEW] = {"break_glass.review", "review", ON(OPERATION), ACT_INWARD, false},
};

const struct resource_kind resource_kinds[RESOURCE_TYPES] = {
	[RESOURCE_KEY] = {"key", "Key"},
	[RESOURCE_ACCOUNT] = {"account", "Account"},
	[RESOURCE_DESK] = {"desk", "Desk"},
	[RESOURCE_ZONE] = {"zone", "Zone"},
	[RESOURCE_PERSON] = {"person", "Person"},
	[RESOURCE_WORKLOAD] = {"workload", "Workload"},
	[RESOURCE_GROUP] = {"group", "Group"},
	[RESOURCE_LIST] = {"list", "List"},
	[RESOURCE_ASSET] = {"asset", "Asset"},
	[RESOURCE_SYSTEM] = {"system", "System"},
	[RESOURCE_OPERATION] = {"operation", "Operation"},
};

enum status
operation_kind_parse(struct bytes name, enum operation_kind_id *id) {
	for (size_t i = 0; i < OPERATION_KINDS; i++)
		if (bytes_equal_text(name, operation_kinds[i].name)) {
			*id = (enum operation_kind_id)i;
			return OK;
		}
	return fail(STATUS_UNSUPPORTED, "operation.kind: \"%.*s\" is not a kind of operation",
		    (int)(name.len > 64 ? 64 : name.len), (const char *)name.data);
}

enum status
resource_parse(struct bytes resource, enum resource_type *type, struct bytes *id) {
	for (size_t i = 0; i < RESOURCE_TYPES; i++) {
		size_t len = strlen(resource_kinds[i].prefix);
		if (resource.len <= len + 1 || memcmp(resource.data, resource_kinds[i].prefix, len) != 0 ||
		    resource.data[len] != ':')
			continue;
		*type = (enum resource_type)i;
		*id = bytes_of(resource.data + len + 1, resource.len - len - 1);
		return OK;
	}
	return fail(STATUS_INVALID,
		    "operation.resource: expected \"<type>:<id>\", such as \"key:eth-hot-1\", found \"%.*s\"",
		    (int)(resource.len > 64 ? 64 : resource.len), (const char *)resource.data);
}

enum status
operation_kind_check_resource(enum operation_kind_id kind, struct bytes resource, enum resource_type *type,
			      struct bytes *id) {
	TRY(resource_parse(resource, type, id));
	if (operation_kinds[kind].resource_types & 1U << *type)
		return OK;
	return fail(STATUS_INVALID, "operation.resource: %s does not act on a %s", operation_kinds[kind].name,
		    resource_kinds[*type].prefix);
}
