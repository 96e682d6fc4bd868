// node bench/cedar_corpus.mjs DIRECTORY COUNT [validate]: parses and decides the first COUNT cases of an unpacked Cedar corpus with the
// reference implementation (npm @cedar-policy/cedar-wasm), which validates their policies before where it is asked to, and prints the
// seconds that this took, reading files left out.
import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const require = createRequire(new URL("../tests/independent/package.json", import.meta.url));
const cedar = require("@cedar-policy/cedar-wasm/nodejs");

const [directory, count, validates] = [process.argv[2], Number(process.argv[3]), process.argv[4] === "validate"];
const cases = readdirSync(directory)
  .filter((name) => name.endsWith(".json") && !name.endsWith(".entities.json"))
  .sort()
  .slice(0, count)
  .map((name) => {
    const described = JSON.parse(readFileSync(join(directory, name), "utf8"));
    return {
      requests: described.requests,
      schema: readFileSync(join(directory, basename(described.schema)), "utf8"),
      policies: readFileSync(join(directory, basename(described.policies)), "utf8"),
      entities: JSON.parse(readFileSync(join(directory, basename(described.entities)), "utf8")),
    };
  });

const start = process.hrtime.bigint();
let requests = 0;
for (const { schema, policies, entities, requests: asked } of cases) {
  if (validates) {
    const validated = cedar.validate({ schema, policies: { staticPolicies: policies }, validationSettings: { mode: "strict" } });
    if (validated.type !== "success") throw new Error(JSON.stringify(validated.errors));
  }
  cedar.preparsePolicySet("corpus", { staticPolicies: policies });
  for (const { principal, action, resource, context, decision } of asked) {
    const answer = cedar.statefulIsAuthorized({ principal, action, resource, context, preparsedPolicySetId: "corpus", entities });
    if (answer.type !== "success" || answer.response.decision !== decision) throw new Error("another answer than expected");
    requests++;
  }
}
console.log(Number(process.hrtime.bigint() - start) / 1e9, cases.length, requests);
