// A vote (docs/PROTOCOL.approval). The statement names the digest of the view that this page has shown, computed here from what was
// shown; the passkey signs the digest of the statement. The keeper builds both anew and refuses what is not its own.

import { get, type OperationAnswer, type Page, postVote, type PrincipalKey, type PrincipalRecord, Problem, type Waiting, type Instance } from "./api";
import { canonical, hex, type Json, randomHex, sha256 } from "./canonical";
import { PasskeyError, sign } from "./passkey";

export type Verdict = "approve" | "reject" | "withdraw";

// The person's own record: pages are in order of ids, so the few that share all but the last character hold it.
async function readPerson(id: string): Promise<PrincipalRecord> {
	const after = hex(new TextEncoder().encode(id.slice(0, -1)));
	const page = await get<Page<PrincipalRecord>>(`/v1/people?after=${after}&limit=16`);
	const record = page.items.find((one) => one.id === id);
	if (record === undefined) throw new Problem(404, "directory.unknown", "You are not in the directory any more.");
	return record;
}

export async function myPasskeys(by: string): Promise<PrincipalKey[]> {
	const passkeys = (await readPerson(by)).keys.filter((key) => key.class === "passkey" && !key.revoked);
	if (passkeys.length === 0) throw new PasskeyError("You have no passkey that counts. Ask for a link to enrol one.");
	return passkeys;
}

// A digest, by whichever of them the person touches.
export async function signWith(passkeys: readonly PrincipalKey[], digest: Uint8Array<ArrayBuffer>): Promise<Record<string, Json>> {
	const signed = await sign(digest, passkeys.map((key) => key.credential ?? ""));
	const key = passkeys.find(({ credential }) => credential === signed.credential);
	if (key === undefined) throw new PasskeyError("That passkey is not one of yours. Nothing was sent.");
	return { assertion: signed.assertion, key_id: key.id, signature: signed.signature };
}

export async function vote(shown: Waiting, verdict: Verdict, by: string, seat: string, reason: string): Promise<OperationAnswer> {
	const view = hex(await sha256(canonical(shown.view as unknown as Json)));
	if (view !== shown.view_digest)
		throw new Problem(0, "console.view_differs", "What this page shows is not what the keeper holds. Nothing was signed.");
	const [{ instance }, passkeys] = await Promise.all([get<Instance>("/v1/instance"), myPasskeys(by)]);
	const statement: Record<string, Json> = {
		bundle_hash: shown.bundle,
		client: "console",
		expires: shown.expires,
		instance,
		nonce: randomHex(16),
		operation_digest: shown.digest,
		operation_id: shown.operation,
		person: seat,
		stage: shown.stage ?? 0,
		type: "gatehouse/approval/v1",
		verdict,
		view_digest: view,
	};
	if (shown.completed_stage !== undefined) statement["completed_stage"] = shown.completed_stage;
	if (verdict === "reject" && reason !== "") statement["reason"] = reason;
	const signature = await signWith(passkeys, await sha256(canonical(statement)));
	return postVote(shown.operation, { signature, statement });
}
