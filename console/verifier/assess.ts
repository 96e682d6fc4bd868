/*
 * All that one receipt or checkpoint shows: the verdict of gatehouse-verify, the entry itself, and whether what the entry says
 * of itself holds. It passes only where nothing is missing and nothing contradicts.
 */
import type { Bytes } from "./bytes";
import { type Check, checkEvidence, provenVote, type ProvenVotes } from "./evidence";
import { type Entry, readEntry } from "./entry";
import { Refusal } from "./refusal";
import { type Question, type Verdict, verify, type Weakness } from "./verify";

export interface Assessment {
	result: "verified" | "weaker" | "refused";
	error: string | null; /* refused: its stable name */
	detail: string;
	weaknesses: Weakness[];
	verdict: Verdict;
	leaf: Bytes | null; /* the entry's bytes, where they are proven */
	entry: Entry | null;
	checks: Check[];
}

function refused(verdict: Verdict, error: string, detail: string, rest: Partial<Assessment> = {}): Assessment {
	return { result: "refused", error, detail, weaknesses: [], verdict, leaf: null, entry: null, checks: [], ...rest };
}

export async function assess(question: Question, proven: ProvenVotes = new Map()): Promise<Assessment> {
	const verdict = await verify(question);
	if (verdict.result === "refused")
		return refused(verdict, verdict.error, verdict.detail);
	const { result, weaknesses, entry: leaf } = verdict;
	if (leaf === null)
		return { result, error: null, detail: "", weaknesses, verdict, leaf, entry: null, checks: [] };
	let entry: Entry;
	try {
		entry = readEntry(leaf);
	} catch (reason) {
		if (!(reason instanceof Refusal))
			throw reason;
		return refused(verdict, reason.error, reason.detail, { leaf });
	}
	const checks = await checkEvidence(entry, verdict.report.origin, proven);
	const contradiction = checks.find((check) => check.state === "contradicts");
	if (contradiction !== undefined)
		return refused(verdict, contradiction.error ?? contradiction.name, contradiction.text, { leaf, entry, checks });
	return { result, error: null, detail: "", weaknesses, verdict, leaf, entry, checks };
}

/* Votes that are proven to stand in a log of that origin, and hold: what a decision of the same log counts can be looked up there. */
export async function provenVotes(assessments: Assessment[], origin: string): Promise<ProvenVotes> {
	const votes = assessments.filter(({ result, entry, verdict }) => result !== "refused" && entry?.type === "vote" && verdict.result !== "refused" && verdict.report.origin === origin);
	return new Map(await Promise.all(votes.map(({ entry }) => provenVote(entry as Entry))));
}
