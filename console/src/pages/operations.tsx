import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, type OperationRow, type Problem } from "../api";
import { head } from "../feed";
import { count, short, shortName } from "../format";
import { asProblem } from "../resource";
import { go, link } from "../route";
import { Empty, Loading, Page, ProblemNote, State, Time } from "../ui";
import { Rows } from "../rows";
import { kindName, kindNames, STATES } from "../words";

const FIRST_PAGE = 60; // more than any window shows
const PAGE = 200;
const ROW_HEIGHT = 56;

interface Filter {
	state: string;
	kind: string;
	words: string;
}

interface OperationsPage {
	operations: OperationRow[];
	size: number;
}

// What is typed is an operation, a principal or a resource by its id; anything else is looked for among what is on the page.
export function queryOf({ state, kind, words }: Filter, before?: number): string {
	const query = new URLSearchParams({ limit: String(before === undefined ? FIRST_PAGE : PAGE) });
	if (state !== "") query.set("state", state);
	if (kind !== "") query.set("kind", kind);
	const word = words.trim();
	if (/^(person|workload):\S+$/.test(word)) query.set("principal", word);
	else if (/^(key|account|desk|zone|group|list|asset|system|operation):\S+$/.test(word)) query.set("resource", word);
	if (before !== undefined) query.set("before", String(before));
	return `/v1/operations?${query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/")}`;
}

function matches(row: OperationRow, words: string): boolean {
	const word = words.trim().toLowerCase();
	if (word === "") return true;
	return [row.operation, row.principal, row.resource, row.kind, kindName(row.kind)].some((text) => text.toLowerCase().includes(word));
}

function useOperations(filter: Filter) {
	const [rows, setRows] = useState<readonly OperationRow[]>([]);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const [hasMore, setHasMore] = useState(true);
	const [loaded, setLoaded] = useState(false);
	const asking = useRef<AbortController | null>(null);
	// The same words are the same question, however often they are typed.
	const server = queryOf(filter);
	const asked = useRef(filter);
	asked.current = filter;

	const read = useCallback(
		async (before: number | undefined, merge: (page: OperationRow[], rows: readonly OperationRow[]) => readonly OperationRow[]) => {
			const abort = new AbortController();
			asking.current = abort;
			try {
				const page = await get<OperationsPage>(queryOf(asked.current, before), abort.signal);
				if (abort.signal.aborted) return;
				setRows((known) => merge(page.operations, known));
				const whole = before === undefined ? FIRST_PAGE : PAGE;
				if (before !== undefined || page.operations.length < whole) setHasMore(page.operations.length === whole);
				setProblem(undefined);
				setLoaded(true);
			} catch (error) {
				if (!abort.signal.aborted) setProblem(asProblem(error));
			} finally {
				if (asking.current === abort) asking.current = null;
			}
		},
		[server],
	);

	useEffect(() => {
		setRows([]);
		setHasMore(true);
		setLoaded(false);
		void read(undefined, (page) => page);
		return () => asking.current?.abort();
	}, [read]);

	// What is new stands at the top; what changed moves there, as its newest entry does.
	useEffect(() => {
		let timer: ReturnType<typeof setTimeout> | undefined;
		let seen = head.peek();
		const stop = head.subscribe((size) => {
			if (size === seen) return;
			seen = size;
			clearTimeout(timer);
			timer = setTimeout(() => {
				if (asking.current !== null) return;
				void read(undefined, (page, known) => {
					const fresh = new Set(page.map(({ operation }) => operation));
					return [...page, ...known.filter(({ operation, entry }) => !fresh.has(operation) && entry < (page.at(-1)?.entry ?? Infinity))];
				});
			}, 1100); // the listing follows the log within a second
		});
		return () => {
			stop();
			clearTimeout(timer);
		};
	}, [read]);

	const more = useCallback(() => {
		const last = rows.at(-1);
		if (asking.current !== null || last === undefined) return;
		void read(last.entry, (page, known) => {
			const have = new Set(known.map(({ operation }) => operation));
			return [...known, ...page.filter(({ operation }) => !have.has(operation))];
		});
	}, [rows, read]);
	return { rows, problem, hasMore, loaded, more, retry: () => void read(undefined, (page) => page) };
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
	const { rows, problem, hasMore, loaded, more, retry } = useOperations(filter);
	const shown = rows.filter((row) => matches(row, filter.words));
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
					<input type="search" placeholder="An id, workload:…, person:…, key:…" value={filter.words} onInput={(event) => set({ words: event.currentTarget.value })} />
				</label>
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
						{hasMore ? " so far; scroll for more" : shown.length === 1 ? " operation" : " operations"}
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
