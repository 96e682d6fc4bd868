// What a person does in the console, and what is refused there. The cases follow one another: a firm's morning.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { assert, equal, test } from "./tap.mjs";
import { approve, askTransfer, canonical, gatehouse, HOUSE, invite, makePasskey, PEOPLE, runCases, until, Visitor } from "./visitor.mjs";

let one; // person 1, of the treasury

const title = (visitor, name) => visitor.heading(name);
// Beside the buttons to decide with, or at the door.
const alert = (visitor) => visitor.page.locator(".decide, .door").getByRole("alert").first();

async function refusal(visitor) {
	await alert(visitor).waitFor();
	return (await alert(visitor).locator("code").first().textContent()).trim();
}

async function signIn(visitor) {
	await visitor.page.getByRole("button", { name: "Sign in with passkey" }).click();
	await title(visitor, "Inbox");
}

// --- Coming in ---

test("a_stranger_sees_the_page_to_sign_in_and_nothing_else", async () => {
	one = await Visitor.come();
	await one.open("");
	await title(one, "Sign in");
	await one.check("sign-in");
	await one.shoot("sign-in");
	for (const path of ["/v1/inbox", "/v1/operations", "/v1/session"]) assert((await one.page.evaluate(async (target) => (await fetch(target)).status, path)) >= 400, path);
});

test("a_passkey_that_nobody_enrolled_signs_nobody_in", async () => {
	const stranger = await Visitor.come();
	await stranger.open("");
	await stranger.plugIn();
	await title(stranger, "Sign in");
	await stranger.page.getByRole("button", { name: "Sign in with passkey" }).click();
	equal(await refusal(stranger), "passkey.not_used");
	await stranger.context.close();
});

test("a_link_that_works_once_enrols_a_passkey", async () => {
	const link = invite("person1");
	await one.plugIn();
	await one.page.goto("about:blank"); // whoever comes by the link has seen nothing before
	await one.page.goto(link.replace(/^https?:\/\/[^/]+/, HOUSE.url));
	await one.page.getByText("p-0000000000000001").waitFor();
	await one.check("enrol");
	await one.shoot("enrol");
	await one.page.getByRole("button", { name: "Make the passkey" }).click();
	await title(one, "Your passkey is enrolled");
	await one.check("enrolled");
	await one.shoot("enrolled");
	const late = await Visitor.come();
	await late.open(link.slice(link.indexOf("#")));
	equal(await refusal(late), "enrolment.refused");
	await late.shoot("enrol-refused");
	await late.context.close();
});

test("whoever_has_a_passkey_signs_in_and_reads_an_empty_inbox", async () => {
	await one.page.getByRole("link", { name: "Sign in", exact: true }).click();
	await signIn(one);
	await one.page.getByText("Nothing waits for your vote", { exact: true }).waitFor();
	await one.check("inbox, empty");
	await one.shoot("inbox-empty");
});

// --- Deciding ---

let first;

test("what_is_asked_for_appears_in_the_inbox_by_itself_in_plain_words", async () => {
	first = askTransfer();
	const reading = one.page.getByRole("article");
	await reading.waitFor();
	const text = await reading.innerText();
	for (const part of ["Send 4 ETH", "3535353535353535353535353535353535353535", "eth-hot", "settlement", "Ethereum", "Fee at most", "2 of treasury", "1 from a terminal", "does not count as independent"])
		assert(text.includes(part) || text.replaceAll("\n", "").includes(part), `the page does not say ${part}: ${text}`);
	await reading.getByText("Above that, two of the treasury approve").waitFor();
	await reading.getByRole("rowheader", { name: "A sanctioned address has a part in it destination.sanctioned", exact: true }).waitFor();
	await reading.locator("summary", { hasText: /^What is sent [0-9]+$/ }).click();
	await reading.getByRole("rowheader", { name: "Everything that it can cost transfer.usd_cents", exact: true }).waitFor();
	await one.check("inbox");
	await one.shoot("inbox");
});

test("one_touch_approves_and_with_a_vote_from_a_terminal_it_is_signed", async () => {
	await one.page.getByRole("button", { name: "Approve with passkey" }).click();
	await one.page.getByText("your vote is recorded").waitFor();
	const done = approve(first, "person2");
	equal(done.state, "done");
	await one.goTo(`#/operations/${first}`, /Transfer/);
	await one.page.getByText("Done", { exact: true }).first().waitFor();
	await one.page.getByText("in the console").waitFor();
	await one.page.getByText("Permitted afresh").waitFor();
	await one.check("operation");
	await one.shoot("operation");
});


// --- What must not count ---

// The page as it stands: what would renew it does not reach it.
async function freeze(visitor) {
	await visitor.page.route("**/v1/events", (route) => route.abort());
	await visitor.page.route("**/v1/inbox", (route) => route.abort());
}

async function thaw(visitor) {
	await visitor.page.unrouteAll({ behavior: "ignoreErrors" });
}

async function waiting(visitor, operation) {
	await visitor.page.goto(`${HOUSE.url}/#/inbox/${operation}`);
	await visitor.page.getByRole("button", { name: "Approve with passkey" }).waitFor();
}

async function press(visitor) {
	await visitor.page.getByRole("button", { name: "Approve with passkey" }).click();
	return refusal(visitor);
}

// The stable name of what is answered; "" for what is taken.
async function post(visitor, path, body) {
	return visitor.page.evaluate(
		async ([target, text]) => {
			const answer = await fetch(target, { method: "POST", body: text, headers: { "Content-Type": "application/json" } });
			return answer.ok ? "" : (await answer.json()).type.replace("urn:gatehouse:problem:", "");
		},
		[path, body],
	);
}

// Another server on the same host, which hands everything on to the installation, as whoever fishes for passkeys would.
async function foreignOrigin() {
	const { hostname, port } = new URL(HOUSE.url);
	const server = createServer({ cert: readFileSync(HOUSE.server[0]), key: readFileSync(HOUSE.server[1]) }, (request, response) => {
		const body = [];
		request.on("data", (part) => body.push(part));
		request.on("end", () => {
			const words = ["-s", "-i", "--cacert", HOUSE.ca, "-X", request.method, `https://${hostname}:${port}${request.url}`, "-H", "Content-Type: application/json"];
			if (body.length > 0) words.push("--data-binary", "@-");
			const out = execFileSync("curl", words, { input: Buffer.concat(body), maxBuffer: 1 << 24 });
			const end = out.indexOf("\r\n\r\n");
			const [status, ...fields] = out.subarray(0, end).toString().split("\r\n");
			response.writeHead(Number(status.split(" ")[1]), Object.fromEntries(fields.map((line) => line.split(/: (.*)/).slice(0, 2)).filter(([name]) => !/^(content-length|connection|date)$/i.test(name))));
			response.end(out.subarray(end + 4));
		});
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { port: server.address().port, stop: () => new Promise((resolve) => server.close(resolve)) };
}

const votesOn = (operation) => gatehouse("person4", "op", "show", operation);

// The inbox, changed on its way, as a fallen gateway would.
function change(visitor, alter) {
	return visitor.intercept("*/v1/inbox", "Response", async ({ responseStatusCode, responseHeaders }, goOn) => {
		const { body, base64Encoded } = await goOn("getResponseBody");
		const inbox = JSON.parse(base64Encoded ? Buffer.from(body, "base64").toString() : body);
		inbox.items.forEach(alter);
		const fields = responseHeaders.filter(({ name }) => name.toLowerCase() !== "content-length");
		await goOn("fulfillRequest", { responseCode: responseStatusCode, responseHeaders: fields, body: Buffer.from(JSON.stringify(inbox)).toString("base64") });
	});
}

test("a_view_that_was_swapped_after_its_digest_is_not_even_offered_for_signing", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	const stop = await change(one, (item) => {
		item.view.transaction.movements[0].destination = "0x1111111111111111111111111111111111111111";
	});
	await one.page.reload();
	const before = (await one.credential()).signCount;
	equal(await press(one), "console.view_differs");
	equal((await one.credential()).signCount, before, "the authenticator was asked");
	await stop();
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("a_view_that_was_swapped_with_its_digest_is_refused_by_the_keeper", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	const stop = await change(one, (item) => {
		item.view.reason = "as agreed";
		item.view_digest = createHash("sha256").update(canonical(item.view)).digest("hex");
	});
	await one.goTo("#/keys", "Keys");
	await one.goTo(`#/inbox/${operation}`, "Inbox");
	await one.page.getByText("as agreed").waitFor();
	equal(await press(one), "approval.view_digest_differs");
	await stop();
	equal(votesOn(operation).missing["group.treasury"], 2);
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("a_signature_without_verification_of_the_person_is_refused", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	await one.key.session.send("WebAuthn.setUserVerified", { authenticatorId: one.key.authenticatorId, isUserVerified: false });
	equal(await press(one), "passkey.not_used"); // the browser itself
	// A page that does not ask for it, as a fallen gateway would serve.
	await one.page.evaluate(() => {
		const get = navigator.credentials.get.bind(navigator.credentials);
		navigator.credentials.get = (options) => get({ publicKey: { ...options.publicKey, userVerification: "discouraged" } });
	});
	await one.page.getByRole("button", { name: "Approve with passkey" }).click();
	await one.page.getByText("authenticator_data.user_verified").waitFor();
	await one.key.session.send("WebAuthn.setUserVerified", { authenticatorId: one.key.authenticatorId, isUserVerified: true });
	await one.page.reload();
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});


test("a_vote_that_is_handed_in_again_counts_for_nothing", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	const sent = one.page.waitForRequest((request) => request.url().endsWith("/votes"));
	await one.page.getByRole("button", { name: "Approve with passkey" }).click();
	const body = (await sent).postData();
	await one.page.getByText("your vote is recorded").waitFor();
	equal(votesOn(operation).missing["group.treasury"], 1);
	const again = await post(one, `/v1/operations/${operation}/votes`, body);
	assert(["votes.repeated", "authenticator_data.counter"].includes(again), again);
	equal(votesOn(operation).missing["group.treasury"], 1);
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("a_vote_under_another_persons_key_is_refused", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	const stop = await one.intercept("*/votes", "Request", ({ request }, goOn) => {
		const vote = JSON.parse(request.postData);
		vote.signature.key_id = `${PEOPLE.person2}/laptop`;
		return goOn("continueRequest", { postData: Buffer.from(canonical(vote)).toString("base64") });
	});
	equal(await press(one), "signature.mismatch");
	await stop();
	equal(votesOn(operation).missing["group.treasury"], 2);
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("an_authenticator_with_somebody_elses_passkey_signs_nothing", async () => {
	const operation = askTransfer();
	const other = await Visitor.come();
	await other.open("");
	await other.plugIn();
	await makePasskey(other.page, PEOPLE.person3, "laptop");
	// Person 1's session at a browser that holds person 3's passkey.
	await other.context.addCookies(await one.context.cookies());
	await other.page.reload();
	await waiting(other, operation);
	equal(await press(other), "passkey.not_used");
	equal(votesOn(operation).missing["group.treasury"], 2);
	await other.context.close();
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("an_authenticator_whose_counter_goes_back_is_refused", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	const { signCount } = await one.credential();
	await one.setCounter(1);
	equal(await press(one), "authenticator_data.counter");
	await one.setCounter(signCount + 10);
	await one.page.getByRole("button", { name: "Approve with passkey" }).click();
	await one.page.getByText("your vote is recorded").waitFor();
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("two_tabs_are_one_vote_and_the_second_says_so", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	const tab = await one.newTab();
	const credential = await one.credential();
	await one.plugInCopy(credential, 10, tab);
	await tab.route("**/v1/events", (route) => route.abort()); // it does not learn of the other's vote
	await tab.goto(`${HOUSE.url}/#/inbox/${operation}`);
	await tab.getByRole("button", { name: "Approve with passkey" }).waitFor();
	await one.page.getByRole("button", { name: "Approve with passkey" }).click();
	await one.page.getByText("your vote is recorded").waitFor();
	await tab.getByRole("button", { name: "Approve with passkey" }).click();
	await tab.getByText("does not wait for you any more").or(tab.getByText("vote is recorded")).first().waitFor();
	equal(votesOn(operation).missing["group.treasury"], 1, "one human is one vote");
	await tab.close();
	await one.setCounter(credential.signCount + 50);
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("whoever_rejects_says_why_and_the_operation_is_over", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	await one.page.getByRole("button", { name: "Reject…" }).click();
	await one.page.getByRole("textbox").fill("Nobody ordered this.");
	await one.check("rejecting");
	await one.page.getByRole("button", { name: "Reject with this reason" }).click();
	await one.page.getByText("your vote is recorded").waitFor();
	await one.goTo(`#/operations/${operation}`, /Transfer/);
	await one.page.getByText("Rejected", { exact: true }).first().waitFor();
	await one.page.getByText("Nobody ordered this.").first().waitFor();
	await one.shoot("operation-rejected");
});

test("under_other_policies_than_were_shown_a_vote_does_not_count", async () => {
	const operation = askTransfer();
	await waiting(one, operation);
	await freeze(one);
	const policies = join(HOUSE.bundle, "policies.cedar");
	writeFileSync(policies, `${readFileSync(policies, "utf8")}\n@id("night")\n@reason("Nothing moves before the year 2000.")\nforbid (principal, action == Action::"sign", resource)\nwhen { context.time.now < datetime("2000-01-01") };\n`);
	const asked = gatehouse("person4", "policy", "activate", HOUSE.bundle, "--reason", "nights are quiet");
	equal(approve(asked.operation, "person3", "person5").state, "done");
	equal(await press(one), "approval.bundle_hash_differs");
	await thaw(one);
	await one.page.reload();
	await waiting(one, operation);
	await one.page.getByRole("button", { name: "Approve with passkey" }).click();
	await one.page.getByText("your vote is recorded").waitFor();
});

test("a_page_of_another_origin_signs_nobody_in", async () => {
	const { port, stop } = await foreignOrigin();
	const victim = await Visitor.come();
	await victim.plugInCopy(await one.credential(), 200);
	await victim.open("", `https://localhost:${port}`);
	await victim.page.getByRole("button", { name: "Sign in with passkey" }).click();
	equal(await refusal(victim), "session.refused");
	await victim.context.close();
	await stop();
});

test("a_sign_in_that_is_handed_in_again_is_refused", async () => {
	const again = await Visitor.come();
	const credential = await one.credential();
	await again.plugInCopy(credential, 300);
	await again.open("");
	const sent = again.page.waitForRequest((request) => request.url().endsWith("/v1/session") && request.method() === "POST");
	await signIn(again);
	equal(await post(again, "/v1/session", (await sent).postData()), "session.refused");
	await again.page.getByRole("button", { name: "Sign out", exact: true }).click();
	await title(again, "Sign in");
	equal(await again.page.evaluate(async () => (await (await fetch("/v1/session")).json()).status >= 400), true);
	await again.context.close();
	await one.setCounter(credential.signCount + 400);
});

test("an_emergency_is_loud_and_what_the_page_does_not_know_is_shown", async () => {
	const stop = await change(one, (item) => {
		item.view.break_glass = true;
		item.view.unheard_of = "a new member";
	});
	const operation = askTransfer();
	await one.goTo("#/keys", "Keys");
	await waiting(one, operation);
	const text = await one.page.getByRole("article").innerText();
	for (const part of ["The glass is broken", "unheard of", "a new member"]) assert(text.includes(part), `the page does not say ${part}`);
	await one.check("an emergency");
	await one.shoot("inbox-emergency");
	await stop();
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

// --- Every page ---

const PAGES = [
	["inbox", "#/inbox", "Inbox", (page) => page.getByText(/Nothing waits for your vote|Facts/).first()],
	["operations", "#/operations", "Operations", (page) => page.getByRole("link", { name: /New key/ })],
	["keys", "#/keys", "Keys", (page) => page.getByRole("heading", { name: "eth-hot" })],
	["people", "#/people", "People and workloads", (page) => page.getByText("settlement").first()],
	["destinations", "#/destinations", "Destinations and limits", (page) => page.getByRole("rowheader", { name: /options-hot/ })],
	["policies", "#/policies", "Policies", (page) => page.getByText("added").first()],
	["ledger", "#/ledger", "Ledger", (page) => page.getByText("ML-DSA-44").first()],
	["verify", "#/verify", "Verify", (page) => page.getByText("proves nothing against that server")],
	["health", "#/health", "Health", (page) => page.getByText("Operations are decided")],
];

// A decision stands in the chart until the next reading, two seconds later: the page itself looks whether it did.
function watchForDecision() {
	globalThis.hasDecided = false;
	new MutationObserver(() => {
		const text = document.querySelector(".chart strong")?.textContent ?? "";
		globalThis.hasDecided ||= /^[1-9]/.test(text) || /0\.[0-9]*[1-9]/.test(text);
	}).observe(document.body, { characterData: true, childList: true, subtree: true });
}

test("every_page_shows_what_the_installation_answers_to_everybody", async () => {
	askTransfer();
	await one.goTo("#/keys", "Keys");
	for (const [name, hash, heading, shown] of PAGES) {
		await one.goTo(hash, heading);
		await shown(one.page).waitFor();
		// A line has two points at least, of which each is another reading or another entry.
		if (name === "health") {
			for (let more = 0; more < 3; more++) await one.page.waitForResponse((response) => response.url().endsWith("/metrics"));
			await one.page.evaluate(watchForDecision);
			askTransfer();
			await until(() => one.page.evaluate(() => globalThis.hasDecided), "a decision in the chart");
		}
		if (name === "ledger") {
			let next = 0; // two that the page was told of at once are one point
			await until(async () => {
				if (await one.page.locator(".chart canvas").count()) return true;
				if (Date.now() < next) return false;
				for (let more = 0; more < 2; more++) askTransfer();
				next = Date.now() + 20_000;
				return false;
			}, "a line");
		}
		await one.check(name);
		await one.shoot(name);
		equal(await one.page.evaluate(() => document.activeElement?.tagName === "H1" || document.activeElement === document.body), true, `${name}: where the focus is`);
	}
});

test("the_console_is_walked_by_keyboard_alone", async () => {
	await one.goTo("#/inbox", "Inbox");
	const pressed = async (name) => {
		await one.page.keyboard.press(name);
		return one.page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.textContent.trim().slice(0, 24)}`);
	};
	await one.page.getByRole("button", { name: "Approve with passkey" }).waitFor(); // the heading stands there before what waits is read
	await one.page.locator(".skip").focus();
	equal(await pressed("Enter"), "H1 Inbox");
	for (let steps = 0; steps < 60 && !(await pressed("Tab")).includes("Approve with passkey"); steps++);
	await one.page.keyboard.press("Enter");
	await one.page.getByText("your vote is recorded").waitFor();
	await one.page.waitForFunction(() => document.activeElement.textContent.includes("your vote is recorded")); // the focus goes to what came of it
});

test("a_session_that_is_ended_elsewhere_is_over_at_once", async () => {
	await one.goTo("#/keys", "Keys");
	gatehouse("person1", "person", "sign-out", "p-0000000000000001");
	await title(one, "Sign in");
	await one.page.getByText("Your session is over").waitFor();
	await one.shoot("session-over");
	await one.page.getByRole("button", { name: "Sign in with passkey" }).click();
	await title(one, "Keys"); // where one was
});

await runCases();
