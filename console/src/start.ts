// Operations that a person starts here (docs/PROTOCOL.operation). The passkey signs the digest of the document itself; the session has no
// say in it. What the page shows before the touch is the view that approvers will read, made of the very document that is signed.

import { get, type Instance, type OperationAnswer, postOperation, type View } from "./api";
import { myPasskeys, signWith } from "./approval";
import { canonical, hex, type Json, randomHex, sha256 } from "./canonical";

export interface Intention {
	kind: string;
	resource: string;
	payload: Record<string, Json>;
	// What only takes away goes ahead of all others.
	isProtective?: boolean;
}

const LIFETIME_MS = 24 * 3_600_000;

export function viewOf({ kind, payload, resource }: Intention, by: string, reason: string): View {
	return { kind, payload, principal: by, reason, reference: "", resource };
}

export async function start(intention: Intention, by: string, reason: string): Promise<OperationAnswer> {
	const [{ instance }, passkeys] = await Promise.all([get<Instance>("/v1/instance"), myPasskeys(by)]);
	const created = Date.now();
	const operation: Record<string, Json> = {
		created,
		expires: created + LIFETIME_MS,
		idempotency_key: randomHex(16),
		instance,
		kind: intention.kind,
		payload_sha256: hex(await sha256(canonical(intention.payload))),
		principal: by,
		resource: intention.resource,
		type: "gatehouse/operation/v1",
	};
	if (reason !== "") operation["reason"] = reason;
	const signature = await signWith(passkeys, await sha256(canonical(operation)));
	const path = intention.isProtective === true ? "/v1/protective" : "/v1/operations";
	return postOperation(path, String(operation["idempotency_key"]), { operation, payload: intention.payload, signature });
}
