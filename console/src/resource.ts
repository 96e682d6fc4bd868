// What a page shows of an endpoint: the last answer, kept while it is read again; an error beside it, never instead of it.

import { effect } from "@preact/signals";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, type Page, Problem } from "./api";
import { head, missed } from "./feed";
import { PasskeyError } from "./passkey";

export interface Resource<T> {
	data: T | undefined;
	problem: Problem | undefined;
	loading: boolean;
	reload: () => void;
}

type Reader<T> = (path: string, aborted?: AbortSignal) => Promise<T>;

const kept = new Map<string, unknown>();
const KEPT_MAX = 64;
const SETTLE_MS = 150; // a burst of entries is one reading
const REST_MS = 800; // however fast the log grows
const REST_FACTOR = 20; // times as long as the reading took, so that a long listing is not read all the time
const LAG_MS = 1300; // listings follow the log within a second

// Nothing that one person read is shown to the next.
export function forget(): void {
	kept.clear();
	early.clear();
}

function keep(path: string, data: unknown): void {
	kept.delete(path);
	kept.set(path, data);
	if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string);
}

// What the first page will ask for, asked before anything is drawn.
const early = new Map<string, Promise<unknown>>();
export function preload(path: string): void {
	const answer = get<unknown>(path);
	answer.catch(() => undefined);
	early.set(path, answer);
}

export function asProblem(error: unknown): Problem {
	return error instanceof Problem ? error : new Problem(0, "console.error", error instanceof Error ? error.message : String(error));
}

// The same of what a person signs: where the authenticator was not used, that is the name.
export function asRefusal(error: unknown): Problem {
	return error instanceof PasskeyError ? new Problem(0, "passkey.not_used", error.message) : asProblem(error);
}

// path null: nothing is asked. live: read again when the log has grown; lags: and once more when listings have followed it.
export function useResource<T>(path: string | null, options: { live?: boolean; lags?: boolean; read?: Reader<T> } = {}): Resource<T> {
	const reader = useRef<Reader<T>>(options.read ?? get<T>);
	const [state, setState] = useState<{ path: string | null; data: T | undefined; problem: Problem | undefined; loading: boolean }>({
		path,
		data: path === null ? undefined : (kept.get(path) as T | undefined),
		problem: undefined,
		loading: path !== null,
	});
	const [round, setRound] = useState(0);
	const pace = useRef({ ended: 0, took: 0 });

	useEffect(() => {
		if (path === null) return;
		const abort = new AbortController();
		const known = kept.get(path) as T | undefined;
		setState((before) => ({ path, data: before.path === path ? before.data : known, problem: undefined, loading: true }));
		const started = performance.now();
		const asked = (early.get(path) as Promise<T> | undefined) ?? reader.current(path, abort.signal);
		early.delete(path);
		asked.then(
			(data) => {
				if (abort.signal.aborted) return;
				keep(path, data);
				pace.current = { ended: performance.now(), took: performance.now() - started };
				setState({ path, data, problem: undefined, loading: false });
			},
			(error: unknown) => {
				if (abort.signal.aborted) return;
				setState((before) => ({ ...before, problem: asProblem(error), loading: false }));
			},
		);
		return () => abort.abort();
	}, [path, round]);

	const reload = useCallback(() => setRound((count) => count + 1), []);
	useEffect(() => {
		if (options.live !== true || path === null) return;
		let soon: ReturnType<typeof setTimeout> | undefined;
		let late: ReturnType<typeof setTimeout> | undefined;
		let seen = head.peek() + missed.peek();
		const stop = effect(() => {
			const size = head.value + missed.value;
			if (size === seen) return;
			seen = size;
			const rest = pace.current.ended + Math.max(REST_MS, REST_FACTOR * pace.current.took) - performance.now();
			soon ??= setTimeout(() => {
				soon = undefined;
				reload();
			}, Math.max(SETTLE_MS, rest));
			if (options.lags !== true) return;
			clearTimeout(late);
			late = setTimeout(reload, LAG_MS);
		});
		return () => {
			stop();
			clearTimeout(soon);
			clearTimeout(late);
		};
	}, [path, options.live, options.lags, reload]);

	// The answer of another path is never shown for this one, not even for one drawing.
	const current = state.path === path ? state : { data: path === null ? undefined : (kept.get(path) as T | undefined), problem: undefined, loading: path !== null };
	return { data: current.data, problem: current.problem, loading: current.loading, reload };
}

// All pages of a listing, one after another.
export async function readAll<T>(path: string, aborted?: AbortSignal): Promise<T[]> {
	const all: T[] = [];
	let next: string | undefined;
	do {
		const target: string = next === undefined ? path : `${path}${path.includes("?") ? "&" : "?"}after=${next}`;
		const page: { items: T[]; next?: string } = await get(target, aborted);
		all.push(...page.items);
		next = page.next;
	} while (next !== undefined);
	return all;
}

// All of a list, of however many pages.
export function everything<T>(path: string, aborted?: AbortSignal): Promise<Page<T>> {
	return readAll<T>(path, aborted).then((items) => ({ items }));
}
