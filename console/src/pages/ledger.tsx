import { useState } from "preact/hooks";
import { getText, type Health, type Instance, type Problem } from "../api";
import { Chart } from "../charts";
import { feedState, head, heads } from "../feed";
import { count } from "../format";
import { asProblem, useResource } from "../resource";
import { Answer, Button, Empty, Hash, Note, Page, ProblemNote, save, Section, Term, Terms } from "../ui";

// C2SP tlog-checkpoint: origin, size, root; then the signatures, one a line.
interface Checkpoint {
	origin: string;
	size: number;
	root: string;
	signers: { name: string; bytes: number }[];
	text: string;
}

export function readCheckpoint(text: string): Checkpoint {
	const [body = "", signatures = ""] = text.split("\n\n");
	const [origin = "", size = "0", root = ""] = body.split("\n");
	const signers = signatures
		.split("\n")
		.filter((line) => line.startsWith("— "))
		.map((line) => {
			const [, name = "", signature = ""] = line.split(" ");
			return { name, bytes: Math.floor((signature.replace(/=+$/, "").length * 3) / 4) - 4 };
		});
	return { origin, size: Number(size), root, signers, text };
}

async function checkpoint(path: string, aborted?: AbortSignal): Promise<Checkpoint> {
	return readCheckpoint(await getText(path, aborted));
}

const GUARDS: Record<string, [string, "good" | "wait" | "bad"]> = {
	witness: ["Witnesses cosign the head: a log that was put back is refused at start.", "good"],
	path: ["A mark outside the data directory: a data directory that was put back is refused at start. Whoever can write both can put back both.", "good"],
	none: ["None: a data directory that was put back to an older day would be taken. For trials only.", "bad"],
};

function Head({ of }: { of: Checkpoint }) {
	return (
		<>
			<Terms>
				<Term name="Entries">
					<strong>{count(of.size)}</strong>
				</Term>
				<Term name="Root">
					<code class="mono wrap">{of.root}</code>
				</Term>
				<Term name="Signatures">
					<ul class="plain">
						{of.signers.map(({ name, bytes }, at) => (
							<li key={at}>
								{name} <span class="muted small">{bytes === 64 ? "Ed25519" : bytes === 72 ? "Ed25519, timestamped" : bytes > 2000 ? "ML-DSA-44" : `${bytes} bytes`}</span>
							</li>
						))}
					</ul>
				</Term>
			</Terms>
			<Button onClick={() => save("checkpoint.txt", of.text, "text/plain")}>Download the head</Button>
		</>
	);
}

function Entry() {
	const [index, setIndex] = useState("");
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const fetchEntry = async () => {
		setProblem(undefined);
		try {
			save(`entry-${index}.txt`, await getText(`/v1/ledger/entries/${encodeURIComponent(index)}`), "text/plain");
		} catch (error) {
			setProblem(asProblem(error));
		}
	};
	return (
		<form
			class="filters"
			onSubmit={(event) => {
				event.preventDefault();
				void fetchEntry();
			}}
		>
			<label class="field">
				<span>Entry</span>
				<input inputMode="numeric" pattern="[0-9]+" required value={index} onInput={(event) => setIndex(event.currentTarget.value)} />
			</label>
			<button class="button" type="submit">
				Download its receipt
			</button>
			{problem !== undefined && <ProblemNote problem={problem} />}
		</form>
	);
}

export function Ledger() {
	const newest = useResource<Checkpoint>("/v1/ledger/checkpoint", { live: true, read: checkpoint });
	const cosigned = useResource<Checkpoint>("/v1/ledger/checkpoint?cosigned=1", { live: true, read: checkpoint });
	const health = useResource<Health>("/healthz", { live: true });
	const instance = useResource<Instance>("/v1/instance");
	const guard = String(health.data?.keeper?.["rollback_guard"] ?? "");
	const [guardText, guardTone] = GUARDS[guard] ?? ["", "wait"];
	const grown = heads.value;
	return (
		<Page title="Ledger" lead="Everything that was asked, decided, voted and done, in one Merkle log. Nothing leaves before it stands there.">
			<div class="columns">
				<Section title="Head" aside={<span class={`pill ${feedState.value === "live" ? "good" : "wait"}`}>{feedState.value === "live" ? "live" : "reconnecting"}</span>}>
					<Answer of={newest}>{(data) => <Head of={data} />}</Answer>
				</Section>
				<Section title="Growth">
					{grown.length < 2 ? (
						<Empty title="It has not grown since you opened the console">
							<p class="muted">{head.value > 0 ? `It has ${count(head.value)} entries. ` : ""}A line begins here with the next two entries.</p>
						</Empty>
					) : (
						<Chart label="Entries" unit="" steps at={grown.map(({ at }) => at / 1000)} values={grown.map(({ size }) => size)} />
					)}
				</Section>
			</div>
			<div class="columns">
				<Section title="Rollback guard" aside={guard !== "" && <span class={`pill ${guardTone}`}>{guard}</span>}>
					<Answer of={health} rows={2}>
						{() => <p>{guardText}</p>}
					</Answer>
				</Section>
				<Section title="Witnesses">
					{cosigned.problem?.problem === "checkpoint.not_cosigned" ? (
						<p class="muted">No head is known that a witness quorum cosigned. Without witnesses, an operator who holds the log's keys could show two logs to two people; old receipts alone would tell. Who else runs one: <code>gatehouse witness init</code>; what is believed of it stands in the configuration, under <code>rollback_guard</code>.</p>
					) : (
						<Answer of={cosigned}>
							{(data) => (
								<>
									<p>
										Cosigned up to {count(data.size)} entries{newest.data !== undefined && data.size < newest.data.size ? `, ${count(newest.data.size - data.size)} behind the head` : ""}.
									</p>
									<Head of={data} />
								</>
							)}
						</Answer>
					)}
				</Section>
			</div>
			<Section title="Identity of the log">
				<Answer of={instance}>
					{({ origin, log_keys, version }) => (
						<>
							<Terms>
								<Term name="Origin">
									<span class="mono">{origin}</span>
								</Term>
								<Term name="Keys">
									{log_keys
										.trim()
										.split("\n")
										.map((key) => (
											<span key={key} class="block">
												<Hash value={key} />
											</span>
										))}
								</Term>
								<Term name="Version">{version}</Term>
							</Terms>
							<Note tone="info">
								These are what this server says. Keys that you verify with must come from elsewhere: from the founding, or from whoever runs the installation, on another way than this page.
							</Note>
						</>
					)}
				</Answer>
			</Section>
			<Section title="Receipt of an entry">
				<Entry />
			</Section>
		</Page>
	);
}
