// Both verifiers on the same files: the C program as it is called, the TypeScript as the page calls it.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verify } from "../../console/verifier/verify.ts";

const PROGRAM = process.env.GATEHOUSE_VERIFY;
const FILES = ["subject", "entry", "policy", "older", "consistency"];

let folder = null, count = 0;

/* A name of its own for every file, so that several questions may be asked at once. */
function fileOf(content) {
	folder ??= mkdtempSync(join(tmpdir(), "gatehouse-verifiers-"));
	const path = join(folder, String(count++));
	writeFileSync(path, content);
	return path;
}

export function clean() {
	if (folder !== null) rmSync(folder, { recursive: true });
	folder = null;
}

function run(args) {
	return new Promise((resolve) => execFile(PROGRAM, args, { timeout: 240_000 }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr })));
}

/* {result, error?, weaknesses, report?}, numbers as text. A usage error is told on standard error alone. */
async function askProgram(question) {
	const paths = Object.fromEntries(FILES.filter((name) => question[name] !== undefined).map((name) => [name, fileOf(question[name])]));
	const options = FILES.filter((name) => name !== "subject" && paths[name] !== undefined).flatMap((name) => [`--${name}`, paths[name]]);
	const { code, stdout, stderr } = await run([question.kind, paths.subject, ...options, "--json"]);
	if (stdout === "") return { code, result: "refused", error: /^\S+: ([a-z_.]+):/.exec(stderr)?.[1] ?? stderr, weaknesses: [] };
	const { result, error, weaknesses, report } = JSON.parse(stdout);
	if (report !== undefined) for (const name of ["index", "size"]) if (report[name] !== undefined) report[name] = String(report[name]);
	return { code, result, error, weaknesses, report };
}

async function askHere(question) {
	const given = Object.fromEntries(FILES.filter((name) => question[name] !== undefined).map((name) => [name, new Uint8Array(Buffer.from(question[name]))]));
	const verdict = await verify({ kind: question.kind, ...given });
	return verdict.result === "refused"
		? { result: "refused", error: verdict.error, weaknesses: [] }
		: { result: verdict.result, error: undefined, weaknesses: verdict.weaknesses, report: verdict.report };
}

const ORDER = ["result", "error", "weaknesses", "report"];
const written = (verdict) => JSON.stringify(ORDER.map((name) => (name === "report" && verdict.report !== undefined ? Object.entries(verdict.report).sort() : verdict[name])));

/* "verified", "weaker: unwitnessed no-older-head", or the name of what refused. */
export function saidBy({ result, error, weaknesses }) {
	return result === "refused" ? error : result === "verified" ? result : `weaker: ${weaknesses.join(" ")}`;
}

/* What both say; throws where they differ, in the report as well. */
export async function ask(question) {
	const [there, here] = await Promise.all([askProgram(question), askHere(question)]);
	if (written(there) !== written(here)) throw new Error(`gatehouse-verify: ${written(there)}\nthe page: ${written(here)}`);
	if ((there.code === 0) !== (here.result === "verified")) throw new Error(`exit code ${there.code} for ${here.result}`);
	return saidBy(here);
}
