// Answers random cases with the reference implementation: node cedar-differential.mjs < CASES > ANSWERS, a JSON object per line.
// A case is {schema, entities, policies, requests, implicit}; policies are {staticPolicies, templates, templateLinks}. The
// answer says what is accepted, which policies do not validate, and what each request gives, in a fixed order, so that two
// answers are equal where their lines are.
import { createInterface } from "node:readline";
import * as cedar from "@cedar-policy/cedar-wasm/nodejs";

cedar.preparsePolicySet("none", { staticPolicies: "" });

const order = (ids) => [...new Set(ids)].sort();

// Cases in a row share schema and entities, which take the longest.
function remember(compute) {
  let key, answer;
  return (...parts) => {
    const own = JSON.stringify(parts);
    if (own !== key) [key, answer] = [own, compute(...parts)];
    return answer;
  };
}
const acceptsSchema = remember((schema) => cedar.preparseSchema("case", schema).type === "success");
const acceptsEntities = remember((entities, schema) => cedar.checkParseEntities({ entities, schema }).type === "success");

const fits = (request) => cedar.statefulIsAuthorized({ ...request, preparsedSchemaName: "case", validateRequest: true,
  preparsedPolicySetId: "none", entities: [] }).type === "success";

function answerRequests({ entities, requests, implicit }) {
  return requests.map((request) => {
    const call = { ...request, preparsedPolicySetId: "case", entities };
    const answer = cedar.statefulIsAuthorized(implicit ? { ...call, preparsedSchemaName: "case", validateRequest: true } : call);
    if (answer.type !== "success") return ["refused"];
    const { decision, diagnostics } = answer.response;
    return [decision, order(diagnostics.reason), order(diagnostics.errors.map((error) => error.policyId))];
  });
}

function answerCase(described) {
  const { schema, entities, policies, requests, implicit } = described;
  const answer = { schema: acceptsSchema(schema), policies: cedar.preparsePolicySet("case", policies).type === "success" };
  if (!answer.schema) return answer;
  answer.entities = acceptsEntities(entities, schema);
  if (!implicit || !answer.entities) answer.fits = requests.map(fits);
  if (!answer.policies) return answer;
  const validated = cedar.validate({ schema, policies, validationSettings: { mode: "strict" } });
  answer.invalid = validated.type === "success" ? order(validated.validationErrors.map((error) => error.policyId)) : ["failure"];
  if (!implicit || answer.entities) answer.requests = answerRequests(described);
  return answer;
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(answerCase(JSON.parse(line))));
