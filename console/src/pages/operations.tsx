import { effect } from "@preact/signals";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, isAuditor, type OperationRow, type Problem } from "../api";
import { head, missed } from "../feed";
import { count, short, shortName } from "../format";
import { asProblem } from "../resource";
import { go, link } from "../route";
import { Empty, Loading, Page, ProblemNote, State, Time } from "../ui";
import { Rows } from "../rows";
import { kindName, kindNames, STATES } from "../words";

const FIRST_PAGE = 60; // more than any window shows
const PAGE = 200;
const ROW_HEIGHT = 56;
const WORDS_MAX = 4; // of a search
const TYPING_MS = 250;
const LAG_MS = 1100;

interface Filter {
	state: string;
	kind: string;
	words: string;
	entity?: string; // of those that an auditor may read
}

interface OperationsPage {
	operations: OperationRow[];
	rest?: number;
	size: number;
}

export function queryOf({ state, kind, words, entity = "" }: Filter, before?: number): string {
	const query = [`limit=${before === undefined ? FIRST_PAGE : PAGE}`];
	if (state !== "") query.push(`state=${state}`);
	if (kind !== "") query.push(`kind=${kind}`);
	if (entity.trim() !== "") query.push(`legal_entity=${encodeURIComponent(entity.trim())}`);
	const found = words.trim().split(/\s+/).slice(0, WORDS_MAX).join(" ");
	if (found !== "") query.push(`search=${encodeURIComponent(found)}`);
	if (before !== undefined) query.push(`before=${before}`);
	return `/v1/operations?${query.join("&")}`;
}

// A newer first page on top of what was read before. What changed moved up, so what is known of it below is over; and where the new page does not
// reach down to what is known, something between was missed, and what is known is dropped: the rest is read again.
export function withNewer(page: readonly OperationRow[], known: readonly OperationRow[]): { rows: readonly OperationRow[]; isWhole: boolean } {
	const last = page.at(-1)?.entry ?? -1;
	const newest = known[0]?.entry ?? -1;
	if (page.length > 0 && last > newest) return { rows: page, isWhole: false };
	const fresh = new Set(page.map(({ operation }) => operation));
	return { rows: [...page, ...known.filter(({ operation, entry }) => !fresh.has(operation) && entry < last)], isWhole: true };
}

function useOperations(filter: Filter) {
	const [rows, setRows] = useState<readonly OperationRow[]>([]);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const [rest, setRest] = useState<number | undefined>(undefined); // where the listing goes on
	const [loaded, setLoaded] = useState(false);
	const [reflected, setReflected] = useState({ size: 0 }); // how much of the log the newest page shows
	const asking = useRef<AbortController | null>(null);
	const known = useRef<readonly OperationRow[]>([]);
	const server = queryOf(filter);

	const show = (now: readonly OperationRow[], goesOn: number | undefined) => {
		known.current = now;
		setRows(now);
		setRest(goesOn);
	};

	// The newest page (before: none), or the next one.
	const read = useCallback(
		async (before: number | undefined) => {
			const abort = new AbortController();
			asking.current = abort;
			try {
				const page = await get<OperationsPage>(queryOf(filter, before), abort.signal);
				if (abort.signal.aborted) return;
				if (before !== undefined) {
					const have = new Set(known.current.map(({ operation }) => operation));
					show([...known.current, ...page.operations.filter(({ operation }) => !have.has(operation))], page.rest);
				} else {
					const { rows: merged, isWhole } = withNewer(page.operations, known.current);
					if (known.current.length > 0 && isWhole && page.rest !== undefined) {
						known.current = merged;
						setRows(merged);
					} else show(merged, page.rest);
				}
				if (before === undefined) setReflected({ size: page.size });
				setProblem(undefined);
				setLoaded(true);
			} catch (error) {
				if (abort.signal.aborted) return;
				const problem = asProblem(error);
				setProblem(problem);
				if (problem.status === 0 || problem.status >= 500) setReflected(({ size }) => ({ size })); // it may be there again
			} finally {
				if (asking.current === abort) asking.current = null;
			}
		},
		[server],
	);

	useEffect(() => {
		show([], undefined);
		setLoaded(false);
		void read(undefined);
		return () => asking.current?.abort();
	}, [read]);

	// What is new stands at the top; what changed moves there, as its newest entry does.
	useEffect(() => {
		let timer: ReturnType<typeof setTimeout> | undefined;
		let seen = head.peek() + missed.peek();
		const look = () => {
			timer = asking.current === null ? undefined : setTimeout(look, LAG_MS);
			if (timer === undefined) void read(undefined);
		};
		const stop = effect(() => {
			const size = head.value + missed.value;
			if (size === seen) return;
			seen = size;
			clearTimeout(timer);
			timer = setTimeout(look, LAG_MS); // the listing follows the log within a second
		});
		return () => {
			stop();
			clearTimeout(timer);
		};
	}, [read]);

	// Read while the listing was behind, or not at all: what it had not yet is asked for again, and while something else is being read, after it.
	useEffect(() => {
		if (!loaded || reflected.size >= head.peek()) return;
		const again = () => {
			if (asking.current === null) void read(undefined);
			else timer = setTimeout(again, LAG_MS);
		};
		let timer = setTimeout(again, LAG_MS);
		return () => clearTimeout(timer);
	}, [reflected, loaded, read]);

	const more = useCallback(() => {
		if (asking.current === null && rest !== undefined) void read(rest);
	}, [rest, read]);
	// A search looks back step by step, and a step may find nothing.
	useEffect(() => {
		if (rest !== undefined && rows.length < FIRST_PAGE) more();
	}, [rest, rows.length, more]);
	return { rows, problem, rest, loaded, more, retry: () => void read(undefined) };
}

function Row({ row }: { row: OperationRow }) {
	return (
		<a class="op" href={link("operations", row.operation)}>
			<span class="op-state">
				<State state={row.state} />
			</span>
			<span class="op-kind">{kindName(row.kind)}</span>
			<span class="op-on">{shortName(row.resource)}</span>
			<span class="op-by muted">{shortName(row.principal)}</span>
			<span class="op-id mono muted">{short(row.operation, 8, 4)}</span>
			<span class="op-at muted">
				<Time at={row.at} />
			</span>
		</a>
	);
}

export function Operations() {
	const [filter, setFilter] = useState<Filter>({ state: "", kind: "", words: "" });
	// Asked for when the typing rests.
	const [asked, setAsked] = useState(filter);
	useEffect(() => {
		const timer = setTimeout(() => setAsked(filter), filter.words === asked.words ? 0 : TYPING_MS);
		return () => clearTimeout(timer);
	}, [filter]);
	const { rows: shown, problem, rest, loaded, more, retry } = useOperations(asked);
	const hasMore = rest !== undefined;
	const set = (change: Partial<Filter>) => setFilter((before) => ({ ...before, ...change }));
	const isFiltered = filter.state !== "" || filter.kind !== "" || filter.words !== "";
	return (
		<Page title="Operations" lead="Everything that was asked for, the newest first.">
			<form
				class="filters"
				role="search"
				onSubmit={(event) => {
					event.preventDefault();
					if (/^[0-9a-f]{64}$/.test(filter.words.trim())) go("operations", filter.words.trim());
				}}
			>
				<label class="field grow">
					<span>Search</span>
					<input type="search" placeholder="Id, key, destination, who asked or voted, reference, reason" value={filter.words} onInput={(event) => set({ words: event.currentTarget.value })} />
				</label>
				{isAuditor.value && (
					<label class="field">
						<span>Legal entity, where several are granted</span>
						<input type="text" value={filter.entity ?? ""} onChange={(event) => set({ entity: event.currentTarget.value })} />
					</label>
				)}
				<label class="field">
					<span>State</span>
					<select value={filter.state} onChange={(event) => set({ state: event.currentTarget.value })}>
						<option value="">Any</option>
						{Object.entries(STATES).map(([state, { name }]) => (
							<option key={state} value={state}>
								{name}
							</option>
						))}
					</select>
				</label>
				<label class="field">
					<span>Kind</span>
					<select value={filter.kind} onChange={(event) => set({ kind: event.currentTarget.value })}>
						<option value="">Any</option>
						{kindNames.map(([kind, name]) => (
							<option key={kind} value={kind}>
								{name}
							</option>
						))}
					</select>
				</label>
			</form>
			{problem !== undefined && <ProblemNote problem={problem} retry={retry} />}
			{!loaded && problem === undefined && <Loading rows={8} />}
			{loaded && shown.length === 0 && !hasMore && (
				<Empty title={isFiltered ? "Nothing fits these filters" : "Nothing has been asked for yet"}>
					{isFiltered ? (
						<Button onClick={() => setFilter({ state: "", kind: "", words: "" })} />
					) : (
						<p>
							A workload asks with a signed request to <code>POST /v1/operations</code>, a person with the command line: <code>gatehouse key create</code>.
						</p>
					)}
				</Empty>
			)}
			{shown.length > 0 || (loaded && hasMore) ? (
				<>
					<p class="muted small" role="status">
						{count(shown.length)}
						{hasMore ? (shown.length < FIRST_PAGE ? ` so far; looking back from entry ${count(rest)}` : " so far; scroll for more") : shown.length === 1 ? " operation" : " operations"}
					</p>
					<Rows label="Operations" items={shown} height={ROW_HEIGHT} idOf={(row) => row.operation} draw={(row) => <Row row={row} />} more={more} hasMore={hasMore} />
				</>
			) : null}
		</Page>
	);
}

function Button({ onClick }: { onClick: () => void }) {
	return (
		<button type="button" class="button" onClick={onClick}>
			Show everything
		</button>
	);
}
