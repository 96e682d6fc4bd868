// Three keepers and a key that they share, as the console of one of them shows both. The third keeper's program lies when it signs.

import { assert, equal, test } from "./tap.mjs";
import { act, approve, gatehouse, HOUSE, runCases, signedIn, until } from "./visitor.mjs";

const one = await signedIn("person1"); // of the treasury
const vault = () => one.page.getByRole("listitem").filter({ has: one.page.getByRole("heading", { name: "vault", exact: true }) });

test("a_key_at_which_a_check_failed_says_with_whom_it_signs_no_more_and_what_helps", async () => {
	await one.goTo("#/keys", "Keys");
	// Keepers prepare signatures by themselves: c is found out by a, and with b there are some.
	await vault().getByText("needs a refresh").waitFor();
	await vault().getByText(/^[1-9][0-9]* signatures? in advance$/).waitFor();
	const text = await vault().innerText();
	assert(text.includes("needs a refresh before it signs together with c"), text);
	await one.check("keys, one needs a refresh");
	await one.shoot("keys-needs-refresh");
	await one.goTo("#/health", "Health");
	await one.page.getByText("Shared keys need a refresh: this keeper does not sign with 1 other holder of them").waitFor();
	await one.shoot("health-needs-refresh");
});

test("a_refresh_is_started_there_and_ends_that", async () => {
	await act("mend_c");
	await one.goTo("#/keys", "Keys");
	await vault().getByRole("button", { name: "Refresh…" }).click();
	await one.check("refreshing a key");
	await one.shoot("keys-refreshing");
	await vault().getByRole("button", { name: "Refresh with passkey" }).click();
	await vault().getByText("waits for approval by").waitFor();
	const href = await vault().getByRole("link", { name: "The operation" }).getAttribute("href");
	equal(approve(href.split("/").at(-1), "person3", "person5").state, "done");
	await vault().getByText("needs a refresh").waitFor({ state: "detached" });
	await vault().getByText("epoch 2").waitFor();
});

test("a_shared_key_says_who_shares_it_and_how_many_sign", async () => {
	await one.goTo("#/keys", "Keys");
	await vault().getByText("a, b, c", { exact: true }).waitFor();
	await vault().getByText(/^[1-9][0-9]* signatures? in advance$/).waitFor();
	const text = await vault().innerText();
	for (const part of ["any 2 of 3 keepers sign together", "threshold ECDSA, epoch 2", "this keeper holds share 1", "to be dealt anew by", "(in 89 days)"]) assert(text.includes(part), `the page does not say ${part}: ${text}`);
	await one.check("keys, a shared one");
	await one.shoot("keys-shared");
});

test("what_it_signs_is_told_as_of_any_key", async () => {
	const answer = gatehouse("settlement", "op", "sign", "vault", "--transaction", HOUSE.transfers[0]);
	equal(answer.state, "held");
	await one.page.goto(`${HOUSE.url}/#/inbox/${answer.operation}`);
	await one.page.getByText("Keepers that share it").waitFor({ state: "attached" });
	equal(approve(answer.operation, "person1", "person2").state, "done");
	await one.goTo(`#/operations/${answer.operation}`, "Transfer of 4 ETH from vault");
	await one.page.getByText("Done", { exact: true }).first().waitFor();
});

test("what_was_asked_of_one_keeper_waits_in_the_inbox_of_each_and_a_vote_at_another_counts", async () => {
	// A passkey that was enrolled at one keeper is known to all of them, and the console of each is another origin of the same name.
	const two = await signedIn("person2");
	await two.page.goto(`${HOUSE.other}/#/inbox`);
	await two.page.getByRole("button", { name: "Sign in with passkey", exact: true }).click();
	await two.page.getByText("Nothing waits for your vote", { exact: true }).waitFor();
	const { operation, state } = gatehouse("settlement", "op", "sign", "vault", "--transaction", HOUSE.transfers[2]);
	equal(state, "held");
	await two.page.getByRole("article").getByText("4.02 ETH").first().waitFor(); // by itself, as at the keeper that was asked
	await two.shoot("inbox-other-keeper");
	await two.page.getByRole("button", { name: "Approve with passkey", exact: true }).click();
	await two.page.getByText("your vote is recorded").waitFor();
	await until(() => gatehouse("person4", "op", "show", operation).missing["group.treasury"] === 1, "the vote at the keeper that was asked");
	equal(approve(operation, "person1").state, "done");
	await two.page.goto(`${HOUSE.other}/#/operations/${operation}`);
	await two.page.getByText("Done", { exact: true }).first().waitFor();
	await two.context.close();
});

test("what_one_keeper_forbids_by_itself_stands_beside_the_policies_of_all", async () => {
	await one.goTo("#/policies", "Policies");
	await one.page.getByText("in force", { exact: true }).waitFor();
	equal(await one.page.getByRole("heading", { name: "This keeper's own policies" }).count(), 0);
	await act("forbid");
	await one.page.reload();
	const own = one.page.locator("section").filter({ has: one.page.getByRole("heading", { name: "This keeper's own policies" }) });
	await own.getByText("only forbid", { exact: true }).waitFor();
	await own.getByText("at this keeper nothing above 200 USD").waitFor();
	await one.check("policies, a local bundle");
	await one.shoot("policies-local");
	// What it forbids is denied here, and the operation says by whose policy.
	const denied = gatehouse("settlement", "op", "sign", "vault", "--transaction", HOUSE.transfers[1]);
	equal([denied.state, denied.reasons], ["denied", ["local:no-large"]]);
	await one.goTo(`#/operations/${denied.operation}`, /Transfer/);
	await one.page.getByText("Denied by local:no-large").waitFor();
	await one.shoot("operation-denied-local");
});

test("what_became_of_an_act_whose_outcome_was_lost_is_said_by_people_in_the_console", async () => {
	const operation = await act("lose_outcome");
	await one.page.goto(`${HOUSE.url}/#/operations/${operation}`);
	await one.page.reload();
	await one.page.getByRole("button", { name: "Sign in with passkey", exact: true }).click(); // the keeper's sessions went with it
	await one.page.getByText("The act was intended, and what became of it is not recorded").waitFor();
	await one.check("operation, unknown");
	await one.shoot("operation-unknown");
	await one.page.getByRole("button", { name: "It did not happen…" }).click();
	await one.page.getByRole("textbox").fill("No transaction of that nonce left this house.");
	await one.check("resolving");
	await one.shoot("operation-resolving");
	await one.page.getByRole("button", { name: "State it with passkey" }).click();
	await one.page.getByText("waits for approval by").waitFor();
	const href = await one.page.getByRole("alert").or(one.page.locator(".note")).getByRole("link", { name: "The operation" }).getAttribute("href");
	const resolution = href.split("/").at(-1);
	assert(resolution !== operation, "the answer is of the resolution");
	equal(approve(resolution, "person3", "person5").state, "done");
	await one.page.getByText("Failed", { exact: true }).first().waitFor();
	equal(gatehouse("person4", "op", "show", operation).state, "failed");
});

test("the_keepers_are_shown_as_they_are", async () => {
	await one.goTo("#/health", "Health");
	for (const name of ["b", "c"]) await one.page.getByRole("listitem").filter({ hasText: new RegExp(`^\\s*${name} up`) }).waitFor();
	await one.check("health, keepers");
	await one.shoot("health-keepers");
});

await runCases();
