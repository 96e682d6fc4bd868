// Validates Cedar policies against a schema by the reference implementation, strictly.
//   node validate-policies.mjs SCHEMA POLICIES
// Prints "ok", or "fail: " and what it finds; exit status 0 or 1.
import { readFileSync } from "node:fs";
import { validate } from "@cedar-policy/cedar-wasm/nodejs";

const [schema, policies] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const answer = validate({ schema, policies: { staticPolicies: policies }, validationSettings: { mode: "strict" } });
const faults = answer.type === "success" ? answer.validationErrors : answer.errors;
if (faults.length > 0) {
	console.log(`fail: ${JSON.stringify(faults)}`);
	process.exit(1);
}
console.log("ok");
