import { useEffect, useState } from "preact/hooks";
import { getText, type Health as HealthAnswer, type Keepers, type Problem } from "../api";
import { Chart } from "../charts";
import { plural, short } from "../format";
import { mean, rate, readMetrics, type Sample, sum } from "../metrics";
import { asProblem, useResource } from "../resource";
import { Answer, Page, ProblemNote, Section, Term, Terms } from "../ui";

const EVERY_MS = 2000;
const KEPT = 300;

interface Point {
	at: number;
	values: (number | null)[];
}

interface Line {
	label: string;
	unit: string;
	of: (before: Sample, after: Sample, seconds: number) => number | null;
}

const milli = (value: number | null) => (value === null ? null : value * 1000);

const LINES: Line[] = [
	{ label: "Decisions", unit: "/s", of: (a, b, s) => rate(a, b, "gatehouse_decisions_total", s) },
	{ label: "Time to an answer", unit: "ms", of: (a, b) => milli(mean(a, b, "gatehouse_gateway_answer_seconds_sum", "gatehouse_gateway_answer_seconds_count")) },
	{ label: "Time to decide a batch", unit: "ms", of: (a, b) => milli(mean(a, b, "gatehouse_decide_seconds_sum", "gatehouse_decide_seconds_count")) },
	{ label: "One fdatasync", unit: "ms", of: (a, b) => mean(a, b, "gatehouse_ledger_sync_milliseconds_total", "gatehouse_frames_total") },
	{ label: "Entries", unit: "/s", of: (a, b, s) => rate(a, b, "gatehouse_entries_total", s) },
	{ label: "Entries in one frame", unit: "", of: (a, b) => mean(a, b, "gatehouse_entries_total", "gatehouse_frames_total") },
	{ label: "Being recorded", unit: "", of: (_, b) => sum(b, "gatehouse_outstanding") },
	{ label: "Reads under way", unit: "", of: (_, b) => sum(b, "gatehouse_slow_reads") },
	{ label: "Connections", unit: "", of: (_, b) => sum(b, "gatehouse_gateway_connections") },
	{ label: "Refused", unit: "/s", of: (a, b, s) => rate(a, b, "gatehouse_gateway_refusals_total", s) },
];

function usePoints(): { points: readonly Point[]; problem: Problem | undefined; latest: Sample | undefined } {
	const [points, setPoints] = useState<readonly Point[]>([]);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const [latest, setLatest] = useState<Sample | undefined>(undefined);
	useEffect(() => {
		const abort = new AbortController();
		let before: { at: number; sample: Sample } | undefined;
		let timer: ReturnType<typeof setTimeout>;
		const step = async () => {
			if (document.visibilityState === "visible") {
				try {
					const sample = readMetrics(await getText("/metrics", abort.signal));
					const at = Date.now() / 1000;
					const earlier = before;
					if (earlier !== undefined) {
						const values = LINES.map(({ of }) => of(earlier.sample, sample, at - earlier.at));
						setPoints((known) => [...known.slice(-KEPT), { at, values }]);
					}
					before = { at, sample };
					setLatest(sample);
					setProblem(undefined);
				} catch (error) {
					if (abort.signal.aborted) return;
					setProblem(asProblem(error));
				}
			}
			if (!abort.signal.aborted) timer = setTimeout(() => void step(), EVERY_MS);
		};
		void step();
		return () => {
			abort.abort();
			clearTimeout(timer);
		};
	}, []);
	return { points, problem, latest };
}

type Verdict = { tone: "good" | "wait" | "bad"; text: string };

// What an operator must know at a glance; docs/openapi.yaml, Health.
export function findings({ confinement, gateway, keeper, ready }: HealthAnswer): Verdict[] {
	const found: Verdict[] = [ready ? { tone: "good", text: "Operations are decided" } : { tone: "bad", text: "Operations are not decided" }];
	const degraded = Object.entries(confinement).filter(([, said]) => said?.degraded !== false);
	for (const [process, said] of degraded) found.push({ tone: "bad", text: `Not confined as it should be: ${process} (${said?.lacks ?? "it said nothing"})` });
	if (degraded.length === 0) found.push({ tone: "good", text: "Processes are confined" });
	if (gateway["self_signed"] === true) found.push({ tone: "wait", text: "The certificate is one that the installation made itself" });
	if (keeper === null) return [...found, { tone: "bad", text: "The keeper has not reported" }];
	if (keeper["clock_in_doubt"] === true) found.push({ tone: "bad", text: "The clock is in doubt: new operations are refused until it is accepted" });
	if (keeper["disk_full"] === true) found.push({ tone: "bad", text: "The disk is full" });
	if (keeper["publisher_failing"] !== undefined) found.push({ tone: "bad", text: `The log is not published: ${String(keeper["publisher_failing"])}` });
	if (keeper["root_key"] === "file") found.push({ tone: "wait", text: "The root key lies in a file: whoever reads the disk has it" });
	if (keeper["rollback_guard"] === "none") found.push({ tone: "bad", text: "Nothing guards against an older copy of the data" });
	const overdue = Number(keeper["reviews_overdue"] ?? 0), open = Number(keeper["reviews_open"] ?? 0);
	if (overdue > 0) found.push({ tone: "bad", text: `${plural(overdue, "emergency", "emergencies")} went through and were not reviewed in time: no other is permitted` });
	else if (open > 0) found.push({ tone: "wait", text: `${plural(open, "emergency waits", "emergencies wait")} for review` });
	if (keeper["keys_locked"] === false) found.push({ tone: "wait", text: "Keys lie in memory that may be swapped out: the limit of locked memory is too low" });
	else if (keeper["keys_isolated"] === false) found.push({ tone: "wait", text: "The kernel has no secret memory: keys lie in locked memory" });
	const lost = Number(keeper["key_pairs_lost"] ?? 0);
	if (lost > 0) found.push({ tone: "bad", text: `Shared keys need a refresh: this keeper does not sign with ${plural(lost, "other holder")} of them` });
	const aged = Number(keeper["keys_overdue"] ?? 0);
	if (aged > 0) found.push({ tone: "wait", text: `${plural(aged, "shared key")} should have been dealt anew by now: the page Keys says which` });
	return found;
}

const PEER_TONES: Record<string, string> = { up: "good", open: "good", connected: "good", refused: "bad", removed: "plain" };

function KeeperList() {
	const keepers = useResource<Keepers>("/v1/keepers", { live: true });
	return (
		<Answer of={keepers} rows={2}>
			{({ own, peers }) =>
				peers.length === 0 ? (
					<p class="muted">
						This installation has one keeper. With several, keys are shared and no machine alone can sign: <code>gatehouse keeper add</code>.
					</p>
				) : (
					<ul class="findings">
						{own !== undefined && (
							<li>
								<span class="dot good" aria-hidden="true" /> {own.name} <span class="muted">answers you</span>
							</li>
						)}
						{peers
							.filter(({ name }) => name !== own?.name)
							.map(({ name, state, reason, shown, bundle }) => (
								<li key={name}>
									<span class={`dot ${PEER_TONES[state] ?? "wait"}`} aria-hidden="true" /> {name} <span class="pill plain">{state.replaceAll("_", " ")}</span>
									<span class="muted small">
										{shown !== undefined && ` ${plural(shown.size, "entry", "entries")} seen of its log`}
										{bundle !== undefined && `, bundle ${short(bundle)}`}
										{reason !== undefined && `: ${reason}`}
									</span>
								</li>
							))}
					</ul>
				)
			}
		</Answer>
	);
}

export function Health() {
	const health = useResource<HealthAnswer>("/healthz", { live: true });
	const { points, problem, latest } = usePoints();
	// The keeper reports once a second, after what it reports of.
	useEffect(health.reload, [points]);
	const at = points.map((point) => point.at);
	return (
		<Page title="Health" lead="How gateway and keeper are, as they say themselves, every two seconds.">
			<Section title="State">
				<Answer of={health}>
					{(data) => (
						<>
							<ul class="findings">
								{findings(data).map(({ tone, text }) => (
									<li key={text}>
										<span class={`dot ${tone}`} aria-hidden="true" />
										<span class="hidden">{tone === "good" ? "Good: " : tone === "bad" ? "Bad: " : "Mind: "}</span>
										{text}
									</li>
								))}
							</ul>
							{data.keeper !== null && (
								<Terms>
									<Term name="Entries">{String(data.keeper["entries"] ?? "")}</Term>
									<Term name="Published">{String(data.keeper["published"] ?? "")}</Term>
									<Term name="Held">{String(data.keeper["held"] ?? "")}</Term>
									<Term name="Clients of live updates">{latest === undefined ? "" : String(sum(latest, "gatehouse_gateway_feed_clients"))}</Term>
								</Terms>
							)}
						</>
					)}
				</Answer>
			</Section>
			<Section title="Keepers">
				<KeeperList />
			</Section>
			{problem !== undefined && <ProblemNote problem={problem} />}
			<div class="charts">
				{LINES.map(({ label, unit }, number) => (
					<Chart key={label} label={label} unit={unit} at={at} values={points.map(({ values }) => values[number] ?? null)} />
				))}
			</div>
		</Page>
	);
}
