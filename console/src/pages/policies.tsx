import { useState } from "preact/hooks";
import { type Bundle, type BundleDocument, type BundleFile, type Explanation, get, type OperationRow, type Timeline } from "../api";
import { Code, Difference } from "../code";
import { plural } from "../format";
import { useResource } from "../resource";
import { link } from "../route";
import { Answer, Empty, Hash, Note, Page, Section, Term, Terms, Time } from "../ui";

const PARTS = ["policies", "limits", "links", "invariants", "tests", "schema", "entities"] as const;
type Part = (typeof PARTS)[number];
const PART_NAMES: Record<Part, string> = {
	policies: "Policies",
	limits: "Limits",
	links: "Links",
	invariants: "Invariants",
	tests: "Tests",
	schema: "Schema",
	entities: "Entities",
};

interface Activation {
	operation: string;
	at: number;
	before: string | undefined; // the bundle that was in force when it was decided
}

// Every bundle that was put into force after the founding, the newest first.
async function readActivations(_path: string, aborted?: AbortSignal): Promise<Activation[]> {
	const { operations } = await get<{ operations: OperationRow[] }>("/v1/operations?kind=policy.activate&state=done&limit=20", aborted);
	return Promise.all(
		operations.map(async ({ operation, at }) => {
			const { entries } = await get<Timeline>(`/v1/operations/${operation}/timeline`, aborted);
			return { operation, at, before: entries.filter(({ bundle }) => bundle !== undefined).at(-1)?.bundle };
		}),
	);
}

function Proof({ activation }: { activation: Activation | undefined }) {
	const explanation = useResource<Explanation>(activation === undefined ? null : `/v1/operations/${activation.operation}/explanation`);
	if (activation === undefined)
		return (
			<Note tone="info">
				This is the bundle that the installation was founded with. Its invariants are proved with <code>gatehouse policy prove</code>; one that is put into force later is proved before that,
				and the result stands here.
			</Note>
		);
	return (
		<Answer of={explanation} rows={2}>
			{({ facts }) => {
				const number = (name: string) => Number(facts[`bundle.${name}`]?.value ?? 0);
				return (
					<>
						<ul class="checks">
							<li>{plural(number("invariants"), "invariant")} proved: they hold for every request</li>
							<li>{plural(number("tests"), "test")} passed</li>
							<li>{plural(number("policies"), "policy", "policies")} validated against the schema</li>
							{number("signers") > 0 && <li>{plural(number("signers"), "person", "people")} signed the bundle</li>}
						</ul>
						<p class="muted small">
							Put into force <Time at={activation.at} /> by <a href={link("operations", activation.operation)}>this operation</a>.
						</p>
					</>
				);
			}}
		</Answer>
	);
}

function Files({ document }: { document: BundleDocument }) {
	const present = PARTS.filter((part) => document[part].length > 0);
	const [part, setPart] = useState<Part>("policies");
	return (
		<>
			<div class="tabs" role="group" aria-label="Parts of the bundle">
				{present.map((one) => (
					<button key={one} type="button" class="tab" aria-pressed={one === part} onClick={() => setPart(one)}>
						{PART_NAMES[one]}
					</button>
				))}
			</div>
			{document[part].map(({ file, text }) => (
				<div key={file}>
					<h3 class="file mono">{file}</h3>
					<Code name={file} text={text} />
				</div>
			))}
		</>
	);
}

function textOf(files: BundleFile[] | undefined, name: string): string {
	return files?.find(({ file }) => file === name)?.text ?? "";
}

function Differences({ before, after }: { before: BundleDocument; after: BundleDocument }) {
	const changed = PARTS.flatMap((part) => {
		const names = new Set([...before[part], ...after[part]].map(({ file }) => file));
		return [...names].filter((name) => textOf(before[part], name) !== textOf(after[part], name)).map((name) => ({ part, name }));
	});
	if (changed.length === 0) return <p class="muted">No text differs.</p>;
	return (
		<>
			{changed.map(({ part, name }) => (
				<div key={`${part}/${name}`}>
					<h3 class="file mono">
						{part}/{name}
					</h3>
					<Difference name={name} before={textOf(before[part], name)} after={textOf(after[part], name)} />
				</div>
			))}
		</>
	);
}

function Compare({ activations, current }: { activations: Activation[]; current: Bundle }) {
	const [chosen, setChosen] = useState(0);
	const activation = activations[chosen];
	// What an activation put into force is what was in force at the next one.
	const afterHash = chosen === 0 ? current.bundle : activations[chosen - 1]?.before;
	const before = useResource<Bundle>(activation?.before === undefined ? null : `/v1/policy/bundles/${activation.before}`);
	const after = useResource<Bundle>(chosen === 0 || afterHash === undefined ? null : `/v1/policy/bundles/${afterHash}`);
	const newer = chosen === 0 ? current : after.data;
	return (
		<>
			<label class="field">
				<span>The change</span>
				<select value={String(chosen)} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
					{activations.map(({ operation, at }, number) => (
						<option key={operation} value={String(number)}>
							{new Date(at).toLocaleString("en-GB")} ({operation.slice(0, 8)}…)
						</option>
					))}
				</select>
			</label>
			<Answer of={before}>{({ document }) => (newer === undefined ? <p class="muted">Reading the bundle…</p> : <Differences before={document} after={newer.document} />)}</Answer>
		</>
	);
}

export function Policies() {
	const policy = useResource<Bundle>("/v1/policy", { live: true });
	const activations = useResource<Activation[]>("activations", { read: readActivations });
	return (
		<Page title="Policies" lead="What decides. A permit says under which conditions something may happen; any forbid that holds outweighs every permit.">
			<Answer of={policy}>
				{(bundle) => (
					<>
						<Section title={`${bundle.document.name} ${bundle.document.version}`} aside={<span class="pill good">in force</span>}>
							<Terms>
								<Term name="Bundle">
									<Hash value={bundle.bundle} />
								</Term>
								<Term name="Strict">{bundle.document.strict ? "yes: a forbid that cannot be evaluated denies" : "no"}</Term>
							</Terms>
							<Answer of={activations} rows={2}>
								{(all) => <Proof activation={all[0]} />}
							</Answer>
						</Section>
						<Section title="Text">
							<Files document={bundle.document} />
						</Section>
						{bundle.local !== undefined && (
							<Section title="This keeper's own policies" aside={<span class="pill wait">only forbid</span>}>
								<p>
									They come with the configuration of the keeper that answers you, hold beside those above, and can take away and never permit. Other keepers may have others. Bundle <Hash value={bundle.local.bundle} />
								</p>
								<Files document={bundle.local.document} />
							</Section>
						)}
						<Section title="Changes">
							<Answer of={activations}>
								{(all) =>
									all.length === 0 ? (
										<Empty title="The policies have not changed since the founding">
											<p>
												A change is a bundle that people approve: <code>gatehouse policy activate DIRECTORY --reason …</code>. What differs then stands here.
											</p>
										</Empty>
									) : (
										<Compare activations={all} current={bundle} />
									)
								}
							</Answer>
						</Section>
					</>
				)}
			</Answer>
		</Page>
	);
}
