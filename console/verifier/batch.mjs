/*
 * The verifier as a filter, for tests that compare it with gatehouse-verify: each line of standard input is a JSON object
 * of file names (kind, subject, entry, policy, older, consistency), each line of standard output a verdict in the form of
 * `gatehouse-verify --json`, and beside it, as `assessed`, what the entry's own evidence makes of it.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { assess } from "./assess.ts";

function questionOf({ kind, ...files }) {
	const read = Object.entries(files).map(([name, path]) => [name, new Uint8Array(readFileSync(path))]);
	return { kind, ...Object.fromEntries(read) };
}

for await (const line of createInterface({ input: process.stdin })) {
	const files = JSON.parse(line);
	const { verdict, result, error, checks } = await assess(questionOf(files));
	const said = verdict.result === "refused" ? { error: verdict.error, detail: verdict.detail, weaknesses: [] } : { report: verdict.report, weaknesses: verdict.weaknesses };
	process.stdout.write(`${JSON.stringify({ kind: files.kind, result: verdict.result, ...said, assessed: { result, error, checks } })}\n`);
}
