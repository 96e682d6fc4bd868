// node bench/cedar_decide.mjs FILE: decides every request of FILE with the reference implementation (npm
// @cedar-policy/cedar-wasm) and prints the median and the 99th percentile in microseconds, how many it allowed, and by how many
// MiB the process grew when it read the policies. FILE is
// {"policies": text, "groups": [{"entities": [...], "requests": [{principal, action, resource, context}, ...]}, ...]}.
// The policies are parsed beforehand; entities and context cross the boundary to wasm with every call, as its interface has it.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../tests/independent/package.json", import.meta.url));
const cedar = require("@cedar-policy/cedar-wasm/nodejs");

const { policies, groups } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const before = process.memoryUsage().rss;
const parsed = cedar.preparsePolicySet("bench", { staticPolicies: policies });
const held = (process.memoryUsage().rss - before) / 2 ** 20;
if (parsed.type !== "success") throw new Error(JSON.stringify(parsed.errors));

const times = [];
let allowed = 0;
for (const { entities, requests } of groups) {
  for (const request of requests) {
    const call = { ...request, preparsedPolicySetId: "bench", entities };
    const start = process.hrtime.bigint();
    const answer = cedar.statefulIsAuthorized(call);
    times.push(Number(process.hrtime.bigint() - start) / 1e3);
    if (answer.type !== "success") throw new Error(JSON.stringify(answer.errors));
    if (answer.response.decision === "allow") allowed++;
  }
}
times.sort((a, b) => a - b);
const quantile = (q) => times[Math.min(times.length - 1, Math.ceil(q * times.length) - 1)];
console.log(quantile(0.5), quantile(0.99), allowed, held);
