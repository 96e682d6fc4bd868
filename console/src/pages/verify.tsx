import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem } from "../resource";
import type { Problem } from "../api";
import { announce, Empty, Note, Page, ProblemNote, Section } from "../ui";

interface Given {
	name: string;
	bytes: Uint8Array<ArrayBuffer>;
}

async function read(files: FileList | null): Promise<Given[]> {
	return Promise.all([...(files ?? [])].map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
}

// The verifier is fetched when somebody verifies: no other page needs it.
async function judge(policy: Given | undefined, subjects: Given[]): Promise<{ views: HTMLElement[]; said: string }> {
	const { assess, kindOf, viewOf } = await import("../../verifier/module");
	const questions = subjects.map(({ bytes }) => ({ kind: kindOf(bytes), subject: bytes, ...(policy !== undefined && { policy: policy.bytes }) }));
	const found = await Promise.all(questions.map((question) => assess(question)));
	const said = found.map(({ result }, at) => `${subjects[at]?.name}: ${result === "weaker" ? "weaker than verified, which is no pass" : result}`).join("; ");
	return { views: found.map((assessment, at) => viewOf(assessment, subjects[at]?.name ?? "")), said };
}

function Chosen({ label, several, files, choose }: { label: string; several: boolean; files: Given[]; choose: (given: Given[]) => void }) {
	return (
		<label class="field">
			<span>{label}</span>
			<input type="file" multiple={several} onChange={(event) => void read(event.currentTarget.files).then(choose)} />
			{files.length > 0 && <span class="muted small">{files.map(({ name }) => name).join(", ")}</span>}
		</label>
	);
}

export function Verify() {
	const [policy, setPolicy] = useState<Given[]>([]);
	const [subjects, setSubjects] = useState<Given[]>([]);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const results = useRef<HTMLDivElement>(null);
	useEffect(() => {
		let stands = true;
		setProblem(undefined);
		judge(policy[0], subjects).then(
			({ views, said }) => {
				if (!stands) return;
				results.current?.replaceChildren(...views);
				if (said !== "") announce(said);
			},
			(error: unknown) => stands && setProblem(asProblem(error)),
		);
		return () => {
			stands = false;
		};
	}, [policy, subjects]);
	return (
		<Page title="Verify" lead="Receipts and heads, against the keys that were pinned at the founding. The files stay in this browser.">
			<Note tone="warn">
				<p>
					This page came from the server whose word it checks, and so it proves nothing against that server. The <a href="/assets/gatehouse-verify.html" download>same verifier in one file</a> does, from a source of your own and
					opened from disk.
				</p>
			</Note>
			<Section title="What is verified, and by what">
				<div class="filters">
					<Chosen label="Policy file (log.policy)" several={false} files={policy} choose={setPolicy} />
					<Chosen label="Receipts or heads" several files={subjects} choose={setSubjects} />
				</div>
			</Section>
			<Section title="What was found">
				{problem !== undefined && <ProblemNote problem={problem} />}
				{subjects.length === 0 && (
					<Empty title="Nothing was chosen yet">
						<p class="muted">An operation's receipt is on its page, an entry's on the page of the ledger.</p>
					</Empty>
				)}
				<div class="verifier" ref={results} />
			</Section>
		</Page>
	);
}
