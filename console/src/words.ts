// What an operation is, in a sentence: a verb, and what it is done to. Every kind of docs/operations.md stands here once.

import type { Movement, Transaction, View } from "./api";
import type { Json } from "./canonical";
import { chainName, dateTime, dollars, nameOf, plural, price, short } from "./format";

type Payload = Record<string, Json>;

function text(payload: Payload, member: string): string {
	const value = payload[member];
	return typeof value === "string" ? value : typeof value === "number" ? String(value) : "?";
}

function texts(payload: Payload, member: string): string {
	const value = payload[member];
	return Array.isArray(value) ? value.filter((one) => typeof one === "string").join(", ") : "?";
}

function size(payload: Payload, member: string): number {
	const value = payload[member];
	return Array.isArray(value) ? value.length : 0;
}

// Of new destinations: what an approver agrees to beside the addresses.
function terms(payload: Payload): string {
	const { effective_from: from, expires, probation } = payload;
	return (
		(typeof probation === "number" ? `, on probation with tests of up to ${dollars(probation)}` : "") +
		(typeof from === "number" ? `, from ${dateTime(from)} on` : "") +
		(typeof expires === "number" ? `, until ${dateTime(expires)}` : "")
	);
}

function asAuditor(payload: Payload): string {
	return payload["auditor"] === true ? ", to audit and read nothing else" : "";
}

const KINDS: Record<string, { name: string; says: (payload: Payload, on: string) => string }> = {
	sign: { name: "Transfer", says: (_, on) => `Sign with ${on}` },
	"digest.sign": { name: "Opaque digest", says: (p, on) => `Sign the digest ${text(p, "digest")} with ${on}: what it is of is not known here` },
	"key.create": { name: "New key", says: (p) => `Create the ${text(p, "algorithm")} key ${text(p, "id")}${p["threshold"] ? `, shared ${text(p, "threshold")} by ${texts(p, "parties")}` : ""}` },
	"key.import": { name: "Key import", says: (p) => `Import the key ${text(p, "id")}${p["threshold"] ? `, shared ${text(p, "threshold")} by ${texts(p, "parties")}` : ""}` },
	"key.freeze": { name: "Key freeze", says: (_, on) => `Freeze the key ${on}` },
	"key.unfreeze": { name: "Key unfreeze", says: (_, on) => `Unfreeze the key ${on}` },
	"key.rotate": { name: "Key rotation", says: (p, on) => `Rotate the key ${on} to ${text(p, "id")}` },
	"key.refresh": { name: "Key refresh", says: (_, on) => `Deal the shares of the key ${on} anew` },
	"key.reshare": { name: "Key resharing", says: (p, on) => `Share the key ${on} ${text(p, "threshold")} by ${texts(p, "parties")}` },
	"key.backup": { name: "Key backup", says: (_, on) => `Give the shares of the key ${on} to a recovery key` },
	"key.destroy": { name: "Key destruction", says: (_, on) => `Destroy the key ${on}` },
	"unit.add": { name: "New unit", says: (p) => `Add the ${text(p, "kind").replace("_", " ")} ${text(p, "id")}` },
	"zone.add": { name: "New zone", says: (p) => `Add the zone ${text(p, "id")}` },
	"person.add": { name: "New person", says: (p, on) => `Add the person ${nameOf(text(p, "person")).name} to ${on}${asAuditor(p)}` },
	"workload.add": { name: "New workload", says: (p, on) => `Add the workload ${nameOf(text(p, "workload")).name} to ${on}${asAuditor(p)}` },
	"person.profile": { name: "Personal values", says: (_, on) => `Record personal values of ${on}, sealed` },
	"person.erase": { name: "Erasure", says: (_, on) => `Erase what is personal of ${on}, for ever` },
	"personal.grant": { name: "Reader of personal values", says: (p, on) => `Let ${on} read personal values until ${dateTime(Number(p["until"] ?? 0))}` },
	"personal.revoke": { name: "Reader leaves", says: (_, on) => `Let ${on} read personal values no more` },
	"auditor.grant": { name: "Auditor", says: (p, on) => `Let ${on} read what is recorded of ${text(p, "entity")} from ${dateTime(Number(p["from"] ?? 0))} until ${dateTime(Number(p["until"] ?? 0))}, and nothing else` },
	"auditor.revoke": { name: "Auditor leaves", says: (p, on) => `Let ${on} read the records of ${text(p, "entity")} no more` },
	"addition.cancel": { name: "Cancelled addition", says: (p, on) => (p["person"] === undefined ? `Cancel the delegation of ${on} that waits` : `Cancel that ${nameOf(text(p, "person")).name} joins ${on}`) },
	"principal.suspend": { name: "Suspension", says: (_, on) => `Suspend ${on}` },
	"principal.resume": { name: "Resumption", says: (_, on) => `Let ${on} act again` },
	"principal.key_add": { name: "New signing key", says: (p, on) => `Give ${on} the ${text(p, "class")} key ${text(p, "name")}` },
	"principal.passkey_add": { name: "New passkey", says: (p, on) => `Give ${on} the passkey ${text(p, "name")}, which counts from ${dateTime(Number(p["usable_from"] ?? 0))}` },
	"principal.totp_add": { name: "One-time passwords", says: (p, on) => `Give ${on} the generator of one-time passwords ${text(p, "name")}` },
	"principal.invite": { name: "Invitation", says: (p, on) => `Invite ${on} to enrol the passkey ${text(p, "name")} by a link that works once` },
	"principal.key_revoke": { name: "Key revocation", says: (p) => `Revoke ${text(p, "key")}` },
	"authenticator.trust": { name: "Authenticator trust", says: (p) => `Believe the authenticators of model ${text(p, "aaguid")}` },
	"session.revoke": { name: "Sign-out", says: (_, on) => `Sign ${on} out everywhere` },
	"group.add": { name: "New group", says: (p) => `Add the group ${text(p, "id")}` },
	"group.member_add": { name: "New member", says: (p, on) => `Add ${nameOf(text(p, "person")).name} to the group ${on}` },
	"group.member_remove": { name: "Member leaves", says: (p, on) => `Take ${nameOf(text(p, "person")).name} out of the group ${on}` },
	delegate: { name: "Delegation", says: (p, on) => `Let ${nameOf(text(p, "by")).name} vote for ${on} until ${dateTime(Number(p["until"] ?? 0))}` },
	"list.create": { name: "New list", says: (p) => `Create the list ${text(p, "id")} of ${text(p, "kind")} destinations` },
	"list.add": { name: "New destinations", says: (p, on) => `Add ${plural(size(p, "entries"), "destination")} to the list ${on}${terms(p)}` },
	"list.confirm": { name: "Confirmed destinations", says: (p, on) => `Confirm ${plural(size(p, "entries"), "destination")} of the list ${on}: the test arrived` },
	"list.remove": { name: "Destinations leave", says: (p, on) => `Take ${plural(size(p, "entries"), "destination")} out of the list ${on}` },
	"asset.add": { name: "New asset", says: (p) => `Register the asset ${text(p, "symbol")} on ${chainName(text(p, "chain"))}` },
	"price.set": { name: "Price", says: (p, on) => `Set the price of ${on} to ${price(Number(p["microcents"] ?? 0))}` },
	"policy.activate": { name: "Policy change", says: (p) => {
		const bundle = p["bundle"] as Payload | undefined;
		return bundle === undefined ? "Put another policy bundle into force" : `Put the policies ${text(bundle, "name")} ${text(bundle, "version")} into force`;
	} },
	"keeper.add": { name: "New keeper", says: (p) => `Let the keeper ${text(p, "name")} take part` },
	"keeper.remove": { name: "Keeper leaves", says: (p) => `Let the keeper ${text(p, "name")} take part no more` },
	"keeper.readmit": { name: "Keeper returns", says: (p) => `Let the keeper ${text(p, "name")} go on from ${text(p, "size")} entries` },
	"break_glass.review": { name: "Review of an emergency", says: (_, on) => `State what came of the review of the emergency ${on}` },
	"clock.accept": { name: "Clock", says: (p) => `Accept the clock: it is ${dateTime(Number(p["realtime"] ?? 0))}` },
	"notification.test": { name: "Test of a notification", says: (p) => `Send a test to ${text(p, "receiver")}` },
	"intent.resolve": { name: "Outcome", says: (p) => `State that the intended act ${p["happened"] === true ? "happened" : "did not happen"}` },
};

export const kindNames: readonly [string, string][] = Object.entries(KINDS).map(([kind, { name }]) => [kind, name]);

export function kindName(kind: string): string {
	return KINDS[kind]?.name ?? kind;
}

export function moved(transaction: Transaction): Movement[] {
	return transaction.movements.filter(({ part }) => part !== "fee");
}

export function fees(transaction: Transaction): Movement[] {
	return transaction.movements.filter(({ part }) => part === "fee");
}

export function isAllowance({ part }: Movement): boolean {
	return part === "allowance";
}

function transfer(transaction: Transaction): string {
	const all = moved(transaction);
	const first = all[0];
	if (transaction.call_unrecognised) return "Call a contract in a way that is not fully understood";
	if (first === undefined) return `Sign a transaction on ${chainName(transaction.chain)} that moves nothing`;
	if (isAllowance(first)) return `Allow somebody to spend ${transaction.approve_unlimited ? "any amount" : first.text}`;
	if (all.length === 1) return `Send ${first.text}`;
	const assets = new Set(all.map(({ asset }) => asset));
	return `Send ${plural(all.length, "payment")}${assets.size === 1 ? ` of one asset, the first ${first.text}` : ""}`;
}

export function headline(view: View): string {
	if (view.transaction !== undefined) return transfer(view.transaction);
	return sentence(view.kind, view.resource, view.payload ?? {});
}

export function sentence(kind: string, resource: string, payload: Payload): string {
	const { name } = nameOf(resource);
	return KINDS[kind]?.says(payload, /^[0-9a-f]{64}$/.test(name) ? short(name) : name) ?? `${kind} on ${resource}`;
}

// --- States, and what to do about refusals ---

export const STATES: Record<string, { name: string; tone: "good" | "bad" | "wait" | "plain" }> = {
	done: { name: "Done", tone: "good" },
	held: { name: "Waiting", tone: "wait" },
	in_flight: { name: "Being recorded", tone: "wait" },
	unknown: { name: "Outcome unknown", tone: "wait" },
	denied: { name: "Denied", tone: "bad" },
	rejected: { name: "Rejected", tone: "bad" },
	failed: { name: "Failed", tone: "bad" },
	expired: { name: "Expired", tone: "plain" },
};

const ADVICE: [RegExp, string][] = [
	[/^network\./, "Check the network, then try again. Nothing was sent twice: a vote counts once."],
	[/^http\.0|^unavailable|^overloaded|^read\.overloaded/, "The installation is busy or starting. Try again in a moment."],
	[/^outcome-unknown/, "Look at the operation before you vote again: the vote may have been taken."],
	[/^request\.rate/, "You ask faster than the installation allows. Wait a few seconds."],
	[/^session\.throttled/, "Somebody of your network failed to sign in too often. Wait a little, then try again."],
	[/^session\./, "Sign in again with your passkey."],
	[/^console\.view_differs|^approval\.view_digest_differs/, "Do not approve. What you were shown is not what would be signed: tell your security people, and compare on a terminal with: gatehouse op approve."],
	[/^approval\.bundle_hash_differs/, "The policies changed while you read. The page has been read again: look at it, then decide."],
	[/^approval\.(stage|completed_stage)_differs/, "Somebody voted while you read. The page has been read again: look at it, then decide."],
	[/^approval\.(expired|expires_late)/, "The time to decide is over. Whoever asked can ask again."],
	[/^approval\.\w+_differs/, "What was signed is not what the keeper holds. Reload, and read it again."],
	[/^operation\.not_held|^operation\.(rejected|denied|expired|done)/, "It does not wait any more. Its page says what became of it."],
	[/^votes\.initiator/, "Whoever asked for an operation has no vote on it. Somebody else must decide."],
	[/^votes\.(repeated|signer_voted|seat_taken|stage_voted)/, "A vote of yours counts already. There is nothing more to do."],
	[/\.counter$/, "The authenticator's counter went back, as that of a copy would. Revoke this passkey and enrol another."],
	[/^passkey\.|^client_data\.|^authenticator_data\./, "The passkey's answer was not accepted. Try again; if it stays so, enrol another passkey."],
	[/^(person_)?signature\.mismatch/, "The signature does not fit your key. Try again with a passkey that is enrolled for you."],
	[/^directory\.key_waiting/, "This passkey does not count yet: new ones wait, so that a stolen enrolment can be stopped."],
	[/^directory\./, "Your key is revoked, suspended or unknown. Ask whoever administers people."],
	[/^enrolment\.outdated/, "Since you were invited you were given a vote, or the policy became another: ask whoever gave you the link for a new one."],
	[/^enrol|^invitation/, "The link is used, over or wrong. Ask whoever gave it to you for another."],
];

export function advice(problem: string): string {
	return ADVICE.find(([pattern]) => pattern.test(problem))?.[1] ?? "If it happens again, give this name to whoever runs the installation.";
}
