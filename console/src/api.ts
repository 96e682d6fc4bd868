// The interface of docs/openapi.yaml, as the console uses it: same origin, the session's cookie, nothing kept by the browser.

import { computed, signal } from "@preact/signals";
import { canonical, type Json } from "./canonical";

const PREFIX = "urn:gatehouse:problem:";

// A refusal, by its stable name.
export class Problem extends Error {
	constructor(
		readonly status: number,
		readonly problem: string,
		readonly detail: string,
		readonly operation?: string,
	) {
		super(detail === "" ? problem : detail);
	}
}

export interface Session {
	aal: number;
	expires: number;
	groups: string[];
	idle_expires: number;
	idle_ms: number;
	person: string;
	roles: string[];
}

// undefined: not known yet; null: nobody is signed in.
export const session = signal<Session | null | undefined>(undefined);
// Whoever audits reads the record of what was granted, and nothing of the state.
export const isAuditor = computed(() => session.value?.roles.includes("auditor") === true);
// Whether the session ended while somebody was at work, which the page to sign in tells.
export const sessionEnded = signal(false);

interface ProblemDocument {
	type?: string;
	detail?: string;
	operation?: string;
}

async function problemOf(response: Response): Promise<Problem> {
	let document: ProblemDocument = {};
	try {
		document = (await response.json()) as ProblemDocument;
	} catch {
		// Not from the gateway itself: the status says all.
	}
	const type = document.type ?? "";
	const name = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : `http.${response.status}`;
	return new Problem(response.status, name, document.detail ?? response.statusText, document.operation);
}

async function ask(path: string, options: RequestInit): Promise<Response> {
	try {
		return await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error", ...options });
	} catch (error) {
		if (error instanceof DOMException && error.name === "AbortError") throw error;
		throw new Problem(0, "network.unreachable", "The gateway does not answer.");
	}
}

// Over: the keeper does not know the cookie, or the browser has none to send.
function noteSession(response: Response): void {
	if (response.status === 401) endSession();
}

export function endSession(): void {
	if (session.value) sessionEnded.value = true;
	session.value = null;
}

export async function readSession(): Promise<void> {
	try {
		session.value = await get<Session>("/v1/session");
	} catch (error) {
		// Whoever is asked in vain is not signed out by that.
		if (session.value == null || (error instanceof Problem && error.status === 401)) session.value = null;
	}
}

export async function get<T>(path: string, aborted?: AbortSignal): Promise<T> {
	const response = await ask(path, aborted ? { signal: aborted } : {});
	noteSession(response);
	if (!response.ok) throw await problemOf(response);
	return (await response.json()) as T;
}

export async function getText(path: string, aborted?: AbortSignal): Promise<string> {
	const response = await ask(path, aborted ? { signal: aborted } : {});
	noteSession(response);
	if (!response.ok) throw await problemOf(response);
	return response.text();
}

// An operation that was refused is answered with its state as well as with a problem.
export async function getOperation(path: string, aborted?: AbortSignal): Promise<OperationAnswer> {
	const response = await ask(path, aborted ? { signal: aborted } : {});
	noteSession(response);
	return operationOf(response);
}

async function operationOf(response: Response): Promise<OperationAnswer> {
	if (!response.ok) {
		const copy = response.clone();
		const body = (await response.json().catch(() => ({}))) as Partial<OperationAnswer>;
		if (body.state === undefined) throw await problemOf(copy);
		return body as OperationAnswer;
	}
	return (await response.json()) as OperationAnswer;
}

function send(method: string, path: string, body: Json | undefined, fields: Record<string, string> = {}): Promise<Response> {
	const options: RequestInit = { method };
	if (method === "POST") options.headers = { "Content-Type": "application/json", ...fields }; // or it is refused
	if (body !== undefined) options.body = canonical(body);
	return ask(path, options);
}

// Nothing that is posted rests on the session: a 401 is of what was signed, and the session stays.
export async function post<T>(path: string, body?: Json): Promise<T> {
	const response = await send("POST", path, body);
	if (!response.ok) throw await problemOf(response);
	return (await response.json()) as T;
}

export async function postOperation(path: string, key: string, body: Json): Promise<OperationAnswer> {
	return operationOf(await send("POST", path, body, { "Idempotency-Key": key }));
}

export async function postVote(operation: string, body: Json): Promise<OperationAnswer> {
	return operationOf(await send("POST", `/v1/operations/${operation}/votes`, body));
}

export async function remove(path: string): Promise<void> {
	const response = await send("DELETE", path, undefined);
	if (!response.ok && response.status !== 401) throw await problemOf(response);
}

// --- What is answered ---

export type Missing = Record<string, number>;

export interface OperationAnswer {
	entry: number;
	operation: string;
	state: string;
	bundle?: string;
	decision?: string;
	detail?: string;
	errors?: { message: string; policy: string }[];
	missing?: Missing;
	reasons?: string[];
	refusal?: string;
	rejection?: { person: string; reason?: string };
	result?: Record<string, Json>;
	type?: string;
}

export interface OperationRow {
	at: number;
	entry: number;
	kind: string;
	operation: string;
	principal: string;
	resource: string;
	state: string;
}

export interface CastVote {
	expires: number;
	independent: boolean;
	key: string;
	person: string;
	phishing_resistant: boolean;
	stands: boolean;
	verdict: string;
}

export interface Movement {
	amount: string;
	asset: string;
	destination: string;
	part: string;
	text: string;
}

export interface Transaction {
	chain: string;
	destinations: string[];
	format: string;
	from: string;
	kind: string;
	movements: Movement[];
	payload_hash: string;
	approve_unlimited: boolean;
	call_unrecognised: boolean;
	details: Record<string, Json>;
}

export interface View {
	break_glass?: true;
	kind: string;
	principal: string;
	resource: string;
	reason: string;
	reference: string;
	payload?: Record<string, Json>;
	transaction?: Transaction;
}

export interface Waiting {
	bundle: string;
	completed_stage?: string;
	created: number;
	digest: string;
	expires: number;
	helps: string[];
	missing: Missing;
	operation: string;
	seats: string[];
	stage?: number;
	view: View;
	view_digest: string;
	votes: CastVote[];
}

export interface Review {
	due: number;
	operation: string;
	requester: string;
}

export interface Inbox {
	count: number;
	items: Waiting[];
	next?: string;
	person: string;
	reviews: Review[];
}

export interface Fact {
	origin: string;
	value: Json;
}

export interface Explanation {
	bundle: string;
	decision: string;
	facts: Record<string, Fact>;
	missing?: Missing;
	operation: string;
	policies: { column: number; effect: string; error?: string; id: string; line: number; outcome: string; reason?: string }[];
}

export interface OperationDocument {
	break_glass?: true;
	created: number;
	expires: number;
	kind: string;
	principal: string;
	resource: string;
	reason?: string;
	reference?: string;
}

export interface TimelineEntry {
	at: number;
	entry: number;
	type: string;
	bundle?: string;
	client?: string;
	decision?: string;
	document?: OperationDocument;
	error?: string;
	key?: string;
	missing?: Missing;
	outcome?: string;
	person?: string;
	reason?: string;
	reasons?: string[];
	requester?: string;
	verdict?: string;
}

export interface Timeline {
	entries: TimelineEntry[];
	size: number;
}

export interface Page<T> {
	items: T[];
	next?: string;
}

export interface KeyRecord {
	account: string;
	algorithm: string;
	branches?: string[];
	chain?: string;
	created: number;
	fingerprint?: string;
	id: string;
	material: string;
	origin?: string;
	public_key: string;
	purpose: string;
	sharing?: { epoch: number; parties: number; scheme: string; threshold: number };
	state: string;
	successor?: string;
}

// How a shared key is shared, and what the keeper that was asked has of it.
export interface SharingOfKey {
	address?: string;
	age_days: number;
	dealt_at: number;
	holder?: number;
	prepared: number;
	ready?: number[];
	refresh_due_at?: number;
	refresh_is_overdue?: boolean;
	sharing: { epoch: number; parties: { index: number; name: string }[]; scheme: string; threshold: number };
}

export interface Keepers {
	own?: { name: string; party: number };
	peers: { build?: string; bundle?: string; name: string; reason?: string; refused_at?: { size: number }; shown?: { size: number }; state: string }[];
}

export interface PrincipalKey {
	class: string;
	credential?: string;
	id: string;
	public_key: string;
	revoked: boolean;
	usable_from?: number;
	zone?: string;
}

export interface Delegation {
	by: string;
	from?: number;
	until: number;
}

export interface PrincipalRecord {
	delegations?: Delegation[]; // the present one, and what takes its place
	id: string;
	keys: PrincipalKey[];
	suspended: boolean;
	unit: string;
}

export interface Group {
	entering: { from: number; person: string }[];
	id: string;
	members: string[];
}

export interface Destination {
	destination: string;
	effective_from?: number;
	expires?: number;
	note?: string;
	probation?: number;
	state: "expired" | "waiting" | "probation" | "in_force";
	tested_by?: string;
}

export interface DestinationList {
	changed_at: number;
	count: number;
	hash: string;
	id: string;
	kind: string;
	version: number;
	entries?: Destination[];
	next?: string;
}

export interface Asset {
	decimals: number;
	id: string;
	microcents?: number;
	recorded_at?: number;
	symbol: string;
}

export interface Spent {
	day: number;
	hour: number;
	subject: string;
	week: number;
}

export interface LimitsOfKey {
	account: Spent;
	desk?: Spent;
	key: Spent;
	legal_entity?: Spent;
}

// A row of the table of limits in force.
export interface Limit {
	account: string;
	approvals?: { count: number; group: string }[];
	asset: string;
	cents: number;
	id: string;
	note: string;
	per?: string;
	who: string;
	window: string;
}

export interface BundleFile {
	file: string;
	text: string;
}

export interface BundleDocument {
	entities: BundleFile[];
	invariants: BundleFile[];
	limits: BundleFile[];
	links: BundleFile[];
	name: string;
	policies: BundleFile[];
	schema: BundleFile[];
	strict: boolean;
	tests: BundleFile[];
	version: string;
}

export interface Bundle {
	bundle: string;
	document: BundleDocument;
	local?: { bundle: string; document: BundleDocument }; // of the keeper that answers
}

export interface Instance {
	instance: string;
	log_keys: string;
	origin: string;
	version: string;
}

export interface Health {
	confinement: Record<string, { degraded: boolean; lacks: string } | null>; // by process; null: it said nothing that can be read
	gateway: Record<string, Json>;
	keeper: Record<string, Json> | null;
	ready: boolean;
}
