// Live updates: Server-Sent Events read with fetch(), so that a client that comes back says itself where it stood, sees why it was
// refused, and lets go of its connection while nobody looks (browsers give one host six, over all tabs).

import { effect, signal } from "@preact/signals";
import { endSession, isAuditor, readSession, session } from "./api";

// The log's size as last told. Whoever shows what entries change reads again when it moves.
export const head = signal(0);
// Counts how often something was missed: whoever shows anything reads it again.
export const missed = signal(0);
export const feedState = signal<"off" | "connecting" | "live">("off");
// Since when the server has not been reached; null while it is, or while nobody looks.
export const lostSince = signal<number | null>(null);
// Every event that arrived, for the page that shows growth: when, and the size.
export const heads = signal<readonly { at: number; size: number }[]>([]);

const HEADS_KEPT = 600;
const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 15_000;
const TELL_MS = 200;
const SILENCE_MS = 40_000; // two heartbeats and more
const ANSWER_MS = 20_000; // a connection that is taken by nobody is given up

let lastId = "";
let running: AbortController | null = null;

interface Event {
	id: string;
	name: string;
	data: string;
}

// HTML Living Standard §9.2.6, of the fields that are sent here.
export function parseEvents(text: string): { events: Event[]; rest: string } {
	const blocks = text.split("\n\n");
	const rest = blocks.pop() ?? "";
	const events = blocks.map((block) => {
		const event: Event = { id: "", name: "", data: "" };
		for (const line of block.split("\n")) {
			const colon = line.indexOf(": ");
			const value = line.slice(colon + 2);
			if (line.startsWith("id: ")) event.id = value;
			else if (line.startsWith("event: ")) event.name = value;
			else if (line.startsWith("data: ")) event.data += value;
		}
		return event;
	});
	return { events: events.filter(({ name }) => name !== ""), rest };
}

let told: { at: number; size: number } | null = null;

// However fast the log grows, the page is told five times a second.
function tell(): void {
	if (told === null) return;
	const { at, size } = told;
	told = null;
	heads.value = [...heads.value.slice(-HEADS_KEPT), { at, size }];
	head.value = size;
}

// "head" says the log's size. Everything else is of an operation, whose entry a head tells as well; "resync": something was missed.
function take(event: Event): void {
	if (event.id !== "") lastId = event.id;
	const said = JSON.parse(event.data) as { size?: number };
	if (event.name === "resync") missed.value++;
	if (said.size === undefined) return;
	if (told === null) setTimeout(tell, TELL_MS);
	told = { at: Date.now(), size: said.size };
}

async function read(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
	const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
	let pending = "";
	for (;;) {
		const silence = setTimeout(() => abort.abort(), SILENCE_MS);
		const { value, done } = await reader.read().finally(() => clearTimeout(silence));
		if (done) return;
		const { events, rest } = parseEvents(pending + value);
		pending = rest;
		events.forEach(take);
	}
}

async function connect(abort: AbortController): Promise<"again" | "over"> {
	const headers: Record<string, string> = { Accept: "text/event-stream" };
	if (lastId !== "") headers["Last-Event-ID"] = lastId;
	const slow = setTimeout(() => abort.abort(), ANSWER_MS);
	const response = await fetch("/v1/events", { headers, credentials: "same-origin", cache: "no-store", signal: abort.signal }).finally(() => clearTimeout(slow));
	if (response.status === 401) {
		endSession();
		return "over";
	}
	if (response.status === 403) {
		void readSession(); // what this person may read has changed
		return "over";
	}
	if (!response.ok || response.body === null) return "again";
	feedState.value = "live";
	lostSince.value = null;
	await read(response.body, abort);
	return "again";
}

async function run(): Promise<void> {
	const mine = new AbortController();
	running = mine;
	let wait = RETRY_FIRST_MS;
	while (running === mine) {
		const attempt = new AbortController();
		const stop = () => attempt.abort();
		mine.signal.addEventListener("abort", stop);
		feedState.value = "connecting";
		const started = Date.now();
		const end = await connect(attempt).catch(() => "again" as const);
		mine.signal.removeEventListener("abort", stop);
		if (end === "over" || running !== mine) break;
		lostSince.value ??= Date.now();
		wait = Date.now() - started > RETRY_LAST_MS ? RETRY_FIRST_MS : Math.min(wait * 2, RETRY_LAST_MS);
		feedState.value = "connecting";
		await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
	}
	if (running === mine) running = null;
}

function stop(): void {
	running?.abort();
	running = null;
	feedState.value = "off";
	lostSince.value = null;
}

function settle(): void {
	const wanted = session.value != null && !isAuditor.value && document.visibilityState === "visible";
	if (wanted && running === null) void run();
	if (!wanted && running !== null) stop();
}

export function startFeed(): void {
	document.addEventListener("visibilitychange", settle);
	effect(() => {
		void session.value;
		settle();
	});
}
