// Three keepers and a key that they share, as the console of one of them shows both.

import { assert, equal, test } from "./tap.mjs";
import { approve, gatehouse, HOUSE, runCases, signedIn } from "./visitor.mjs";

const one = await signedIn("person1");

test("a_shared_key_says_who_shares_it_and_how_many_sign", async () => {
	await one.goTo("#/keys", "Keys");
	const key = one.page.getByRole("listitem").filter({ has: one.page.getByRole("heading", { name: "vault", exact: true }) });
	await key.getByText("a, b, c", { exact: true }).waitFor();
	await key.getByText(/^[1-9][0-9]* signatures? in advance$/).waitFor(); // keepers prepare them by themselves
	const text = await key.innerText();
	for (const part of ["any 2 of 3 keepers sign together", "threshold ECDSA, epoch 1", "this keeper holds share 1"]) assert(text.includes(part), `the page does not say ${part}: ${text}`);
	assert(!text.includes("needs a refresh"), text);
	await one.check("keys, a shared one");
	await one.shoot("keys-shared");
});

// Approved from terminals: a passkey that was enrolled by a link is known to the keeper where that was.
test("what_it_signs_is_told_as_of_any_key", async () => {
	const answer = gatehouse("settlement", "op", "sign", "vault", "--transaction", HOUSE.transfers[0]);
	equal(answer.state, "held");
	await one.page.goto(`${HOUSE.url}/#/inbox/${answer.operation}`);
	await one.page.getByText("Keepers that share it").waitFor({ state: "attached" });
	equal(approve(answer.operation, "person1", "person2").state, "done");
	await one.goTo(`#/operations/${answer.operation}`, "Transfer of 4 ETH from vault");
	await one.page.getByText("Done", { exact: true }).first().waitFor();
});

test("the_keepers_are_shown_as_they_are", async () => {
	await one.goTo("#/health", "Health");
	for (const name of ["b", "c"]) await one.page.getByRole("listitem").filter({ hasText: new RegExp(`^\\s*${name} up`) }).waitFor();
	await one.check("health, keepers");
	await one.shoot("health-keepers");
});

await runCases();
