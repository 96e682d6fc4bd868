// What a person starts in the console, who is asked in which order, an emergency from its asking to its review, what is found, and what
// a page that was cut off shows when it is back. The cases follow one another.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, equal, test } from "./tap.mjs";
import { act, approve, ask, askTransfer, gatehouse, HOUSE, makeKey, PEOPLE, runCases, signedIn, until } from "./visitor.mjs";

const button = (visitor, name) => visitor.page.getByRole("button", { name, exact: true });
const card = (visitor, heading) => visitor.page.getByRole("listitem").filter({ has: visitor.page.getByRole("heading", { name: heading }) });
const keyState = (id) => gatehouse("person4", "key", "list").find((key) => key.id === id).state;

const one = await signedIn("person1"); // of the treasury
let five; // of security

// --- Starting ---

test("a_key_is_frozen_by_the_passkey_of_whoever_saw_what_will_happen", async () => {
	await one.goTo("#/keys", "Keys");
	const key = card(one, "eth-hot");
	await key.getByRole("button", { name: "Freeze…" }).click();
	await key.getByRole("heading", { name: "Freeze the key eth-hot" }).waitFor();
	await one.page.waitForFunction(() => document.activeElement.textContent === "Freeze the key eth-hot");
	await key.getByRole("textbox").fill("An odd order.");
	await key.getByText("Exactly what your passkey will sign").click();
	const text = await key.getByRole("group").first().innerText();
	for (const part of ["Nothing is signed with eth-hot any more", "An odd order.", "key:eth-hot", "p-0000000000000001"]) assert(text.includes(part), `the page does not say ${part}: ${text}`);
	await one.check("freezing a key");
	await one.shoot("keys-freezing");
	equal(keyState("eth-hot"), "active", "before the touch");
	await button(one, "Freeze with passkey").click();
	await key.getByText("is done.").waitFor();
	equal(keyState("eth-hot"), "frozen");
});

test("whoever_turns_back_has_started_nothing", async () => {
	await one.page.reload();
	const key = card(one, "eth-hot");
	const before = (await one.credential()).signCount;
	await key.getByRole("button", { name: "Unfreeze…" }).click();
	await button(one, "Back").click();
	await one.page.waitForFunction(() => document.activeElement.textContent === "Unfreeze…"); // where the focus comes to be, once the page is drawn
	equal((await one.credential()).signCount, before, "the authenticator was asked");
	equal(keyState("eth-hot"), "frozen");
});

test("what_gives_something_back_waits_for_those_whom_the_policies_ask", async () => {
	const key = card(one, "eth-hot");
	await key.getByRole("button", { name: "Unfreeze…" }).click();
	await button(one, "Unfreeze with passkey").click();
	await key.getByText("waits for approval by 2 of security and 1 from a terminal").waitFor();
	await one.check("unfreezing a key");
	const operation = (await key.getByRole("link", { name: "The operation" }).getAttribute("href")).split("/").at(-1);
	equal(keyState("eth-hot"), "frozen");
	equal(approve(operation, "person3", "person4").state, "done");
	await key.getByText("active", { exact: true }).waitFor();
	equal(keyState("eth-hot"), "active");
});

test("a_passkey_that_is_not_touched_starts_nothing", async () => {
	await one.page.reload();
	await one.key.session.send("WebAuthn.setUserVerified", { authenticatorId: one.key.authenticatorId, isUserVerified: false });
	const key = card(one, "eth-hot");
	await key.getByRole("button", { name: "Freeze…" }).click();
	await button(one, "Freeze with passkey").click();
	await key.getByRole("alert").getByText("passkey.not_used").waitFor();
	equal(keyState("eth-hot"), "active");
	await one.key.session.send("WebAuthn.setUserVerified", { authenticatorId: one.key.authenticatorId, isUserVerified: true });
});

test("what_is_started_on_the_way_of_a_fallen_gateway_is_refused", async () => {
	await one.page.reload();
	const key = card(one, "eth-hot");
	await key.getByRole("button", { name: "Freeze…" }).click();
	// The payload stays; the document asks for another key than the person signed for.
	const stop = await one.intercept("*/v1/protective", "Request", ({ request }, goOn) => {
		const asked = JSON.parse(request.postData);
		asked.operation.resource = "key:eth-cold";
		return goOn("continueRequest", { postData: Buffer.from(JSON.stringify(asked)).toString("base64") });
	});
	await button(one, "Freeze with passkey").click();
	await key.getByRole("alert").waitFor();
	await stop();
	equal(keyState("eth-hot"), "active");
});

test("an_approval_is_taken_back_where_it_was_given", async () => {
	const operation = askTransfer();
	await one.page.goto(`${HOUSE.url}/#/operations/${operation}`);
	await button(one, "Approve with passkey").click();
	await button(one, "Withdraw my approval…").waitFor();
	equal(gatehouse("person4", "op", "show", operation).missing["group.treasury"], 1);
	await button(one, "Withdraw my approval…").click();
	await one.check("withdrawing");
	await one.shoot("operation-withdrawing");
	await button(one, "Withdraw with passkey").click();
	await button(one, "Approve with passkey").waitFor();
	equal(gatehouse("person4", "op", "show", operation).missing["group.treasury"], 2);
	gatehouse("person2", "op", "reject", operation, "--reason", "tried", "--yes");
});

test("whoever_sees_somebody_enter_a_group_stops_it_alone", async () => {
	const asked = gatehouse("person4", "group", "member-add", "security", "p-0000000000000001", "--wait", "25h");
	equal(approve(asked.operation, "person3", "person5").state, "done");
	await one.goTo("#/people", "People and workloads");
	const entering = one.page.locator(".entering");
	await entering.getByText("enters", { exact: true }).waitFor();
	await one.check("people, somebody enters");
	await one.shoot("people-entering");
	await entering.getByRole("button", { name: "Stop it…" }).click();
	await button(one, "Stop it with passkey").click();
	await entering.waitFor({ state: "detached" });
	equal(gatehouse("person4", "group", "list").find(({ id }) => id === "security").entering, []);
});

test("a_delegation_is_shown_and_ended", async () => {
	const asked = gatehouse("person4", "person", "delegate", "p-0000000000000001", "--by", "p-0000000000000002", "--until", new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 19) + "Z");
	equal(approve(asked.operation, "person3", "person5").state, "done");
	const delegation = one.page.locator(".delegation");
	await delegation.getByText("votes for you").waitFor();
	await delegation.getByRole("button", { name: "End it…" }).click();
	await button(one, "End it with passkey").click();
	const href = await delegation.getByRole("link", { name: "The operation" }).getAttribute("href");
	equal(approve(href.split("/").at(-1), "person3", "person5").state, "done");
	await delegation.waitFor({ state: "detached" });
});

// --- Order ---

// Transfers as the bundle has them, but first one of the treasury, then one of security.
function stage() {
	const folder = join(HOUSE.folder, "staged");
	cpSync(HOUSE.bundle, folder, { recursive: true });
	rmSync(join(folder, "tests"), { recursive: true, force: true });
	const change = (file, pattern, by) => {
		const path = join(folder, file), text = readFileSync(path, "utf8"), changed = text.replace(pattern, by);
		assert(text !== changed, `${file} has not ${pattern}`);
		writeFileSync(path, changed);
	};
	change("policies.cedar", "context.approvals.group.treasury >= 2 && context.approvals.independent >= 1", "context.approvals.first.treasury >= 1 && context.approvals.second.security >= 1");
	change("invariants.cedar", /@id\("value_needs_approvals"\)[^;]*;\n/, "");
	return folder;
}

function activate(folder) {
	const asked = gatehouse("person4", "policy", "activate", folder, "--reason", "the order of approvals");
	equal(approve(asked.operation, "person3", "person5").state, "done");
}

test("people_are_asked_in_order_and_the_second_sees_that_the_first_have_approved", async () => {
	five = await signedIn("person5");
	activate(stage());
	const operation = askTransfer();
	equal(gatehouse("person4", "op", "show", operation).missing, { "first.treasury": 1, "second.security": 1 });
	// It is not the turn of security yet, and a vote of theirs would be lost.
	await five.page.goto(`${HOUSE.url}/#/inbox/${operation}`);
	await five.page.getByText("This one does not wait for you any more").waitFor();
	await one.page.goto(`${HOUSE.url}/#/inbox/${operation}`);
	await button(one, "Approve with passkey").waitFor();
	assert((await one.page.getByRole("article").innerText()).includes("of security, second stage"), "the order is not told");
	await one.shoot("inbox-staged");
	await button(one, "Approve with passkey").click();
	await one.page.getByText("Still missing: 1 of security, second stage").waitFor();
	await button(five, "Approve with passkey").waitFor();
	await five.page.getByText("Your vote rests on theirs").waitFor();
	await five.check("inbox, second stage");
	await five.shoot("inbox-second-stage");
	await button(five, "Approve with passkey").click();
	await five.page.getByText("it is done").waitFor();
	equal(gatehouse("person4", "op", "show", operation).state, "done");
});

test("the_command_line_votes_in_the_order_that_is_asked_for", () => {
	const operation = askTransfer();
	equal(approve(operation, "person1").missing, { "second.security": 1 });
	equal(approve(operation, "person5").state, "done");
	activate(HOUSE.bundle);
});

// --- An emergency ---

let emergency;

test("an_emergency_is_approved_by_any_two_people_in_plain_sight", async () => {
	gatehouse("person1", "key", "freeze", "eth-hot");
	const asked = gatehouse("person4", "key", "unfreeze", "eth-hot", "--break-glass", "--reason", "Margin call: the other signers sleep.");
	equal([asked.state, asked.missing], ["held", { independent: 1, total: 2 }]);
	emergency = asked.operation;
	await one.page.goto(`${HOUSE.url}/#/inbox/${emergency}`);
	const reading = one.page.getByRole("article");
	await reading.getByText("The glass is broken.").waitFor();
	await reading.getByText("Margin call: the other signers sleep.").waitFor();
	await one.check("an emergency");
	await one.shoot("inbox-break-glass");
	await button(one, "Approve with passkey").click();
	await one.page.getByText("your vote is recorded").waitFor();
	const done = approve(emergency, "person2");
	equal([done.state, done.reasons], ["done", ["break_glass"]]);
	equal(keyState("eth-hot"), "active");
});

test("it_waits_for_its_review_and_whoever_asked_for_it_cannot_give_that", async () => {
	await one.goTo("#/health", "Health");
	await one.page.getByText("1 emergency waits for review").waitFor();
	await one.goTo("#/inbox", "Inbox");
	await one.page.getByText("An emergency waits for review.").waitFor();
	await one.shoot("inbox-review");
	const own = gatehouse("person4", "op", "review", emergency, "--finding", "justified");
	equal(own.state, "denied");
	await one.page.locator(`a[href="#/operations/${emergency}"]`).click();
	await one.page.getByText("This emergency waits for its review").waitFor();
	await button(one, "Review…").click();
	equal(await button(one, "Review with passkey").isDisabled(), true, "without a finding");
	await one.page.getByRole("textbox").fill("The call was real, the price as agreed.");
	await one.check("reviewing");
	await one.shoot("operation-review");
	await button(one, "Review with passkey").click();
	await one.page.getByText("This emergency waits for its review").waitFor({ state: "detached" });
	await one.goTo("#/health", "Health");
	await one.page.getByText("emergency waits for review").waitFor({ state: "detached" });
});

// --- Finding ---

const listed = (visitor) => visitor.page.locator(".op");

test("operations_are_found_by_what_they_say_and_where_funds_go", async () => {
	await one.goTo("#/operations", "Operations");
	const search = one.page.getByRole("searchbox");
	for (const [words, kind] of [
		["0X3535 settlement", /Transfer/],
		["margin CALL", /Key unfreeze/],
		[emergency.slice(0, 12), /Key unfreeze/],
	]) {
		await search.fill(words);
		await until(async () => {
			const texts = await listed(one).allInnerTexts();
			return texts.length > 0 && texts.every((text) => kind.test(text));
		}, `what "${words}" finds`);
	}
	equal(await listed(one).count(), 1);
	await one.check("operations, found");
	await one.shoot("operations-found");
	await search.fill("nobody ever said this");
	await one.page.getByText("Nothing fits these filters").waitFor();
	await one.shoot("operations-none");
	await button(one, "Show everything").click();
	await until(async () => (await listed(one).count()) > 10, "everything");
});

const CONFIRMED = { entries: ["eip155:1:0x3535353535353535353535353535353535353535"] };
const askDenied = () => ask("person4", "list.confirm", "list:counterparties", CONFIRMED);

// The list in a tab of its own.
async function listing() {
	const tab = await one.newTab({ isForged: true });
	await tab.clock.install(); // goes on as ever, and is moved ahead where a case says so
	await tab.goto(`${HOUSE.url}/#/operations`);
	const row = (operation) => tab.locator(`a[href="#/operations/${operation}"]`);
	await tab.getByText("live", { exact: true }).waitFor();
	await row((await askDenied()).operation).waitFor(); // it has been told how long the log is
	return { tab, row };
}

// answer(what is asked, the request): true where it is dealt with.
const forge = (tab, answer) => tab.route("**/v1/operations?*", async (route, request) => (await answer(new URL(request.url()).searchParams, route)) || route.continue());

test("a_list_that_could_not_be_read_says_so_and_is_read_again_without_being_told_anew", async () => {
	const { tab, row } = await listing();
	const unreachable = tab.getByText("network.unreachable");
	const unavailable = tab.getByText("keeper.unavailable");
	let asked = 0;
	await forge(tab, async (_, route) => {
		asked++;
		if (asked === 1) await route.abort();
		if (asked === 2) {
			await unreachable.waitFor();
			await route.fulfill({ status: 503, json: { type: "urn:gatehouse:problem:keeper.unavailable", detail: "It starts." } });
		}
		if (asked === 3) await unavailable.waitFor();
		return asked < 3;
	});
	const { operation } = await askDenied();
	await row(operation).waitFor();
	await unavailable.waitFor({ state: "detached" });
	assert(asked >= 3, `read ${asked} times`);
	await tab.close();
});

test("a_list_that_is_behind_is_read_again_after_whatever_was_being_read_then", async () => {
	const { tab, row } = await listing();
	const { operation } = await askDenied();
	await row(operation).waitFor();
	await tab.goto(`${HOUSE.url}/#/keys`);
	let isBehind = true, isOlderAsked = false, letGo;
	const held = new Promise((resolve) => {
		letGo = resolve;
	});
	await forge(tab, async (query, route) => {
		if (query.has("before")) {
			isOlderAsked = true;
			await held;
			await route.fulfill({ json: { operations: [], size: 1 } });
		} else if (isBehind) {
			isBehind = false;
			await route.fulfill({ json: { operations: [], rest: 1, size: 1 } });
		} else return false;
		return true;
	});
	await tab.goto(`${HOUSE.url}/#/operations`);
	await until(() => isOlderAsked, "what is older is asked for");
	await tab.clock.runFor(10_000); // when it would be read again, the older is being read yet
	equal(await row(operation).count(), 0, "it was read again meanwhile");
	letGo();
	await row(operation).waitFor();
	await tab.close();
});

// --- Limits ---

test("limits_are_shown_as_they_bind_also_where_they_are_written_as_yaml", async () => {
	await one.goTo("#/destinations", "Destinations and limits");
	await one.page.getByText("The bundle has no table of limits.").waitFor();
	const folder = join(HOUSE.folder, "limited");
	cpSync(HOUSE.bundle, folder, { recursive: true });
	rmSync(join(folder, "tests"), { recursive: true, force: true });
	writeFileSync(join(folder, "limits.yaml"), 'limits:\n  - {id: hot-day, who: "*", account: "account:options-hot", asset: "*", window: day, per: account, amount: "250000.00", approvals: "treasury:2 independent:1", note: Daily limit of the hot account}\n  - {who: "desk:options", account: "*", asset: "eip155:1/native", window: transaction, per: "-", amount: "100000.5", approvals: never}\n');
	activate(folder);
	const row = one.page.getByRole("row").filter({ has: one.page.getByRole("rowheader", { name: "hot-day Daily limit of the hot account", exact: true }) });
	await row.waitFor();
	const text = await row.innerText();
	for (const part of ["account:options-hot", "$250,000.00", "within a day, by account", "2 of treasury and 1 from a terminal", "Daily limit of the hot account"]) assert(text.includes(part), `${part} is not in ${text}`);
	await one.page.getByRole("row").filter({ has: one.page.getByRole("rowheader", { name: "options-hot account", exact: true }) }).getByRole("meter").waitFor();
	const pages = await one.page.evaluate(async () => {
		const first = await (await fetch("/v1/policy/limits?limit=1")).json();
		return [first, await (await fetch(`/v1/policy/limits?limit=1&after=${first.next}`)).json()];
	});
	equal(pages.map(({ items }) => items.map(({ id, cents, window, who, approvals }) => [id, cents, window, who, approvals?.length])), [[["hot-day", 25_000_000, "day", "*", 2]], [["limit-2", 10_000_050, "transaction", "desk:options", undefined]]]);
	equal(pages[1].next, undefined);
	await one.check("destinations, limits");
	await one.shoot("destinations-limits");
	activate(HOUSE.bundle);
	await one.page.getByText("The bundle has no table of limits.").waitFor();
});

// --- Being cut off ---

const RING = 1024; // src/gateway/sse.h
const newest = async () => (await one.page.evaluate(async () => (await (await fetch("/v1/operations?limit=1")).json()).operations[0])).operation;

// What an event stream says first to whoever resumes after that event.
const firstOf = (id) =>
	one.page.evaluate(async (last) => {
		const abort = new AbortController();
		const answer = await fetch("/v1/events", { headers: { "Last-Event-ID": last }, signal: abort.signal });
		const { value } = await answer.body.getReader().read();
		abort.abort();
		return new TextDecoder().decode(value);
	}, id);

// Denied, each with an entry of its own; the last of them.
async function askMany(count) {
	for (let left = count; left > 0; left -= 8) await Promise.all(Array.from({ length: Math.min(left, 8) }, askDenied));
	const last = await askDenied();
	equal(last.state, "denied");
	return last.operation;
}

// A tab that nobody looks at lets go of its connection; how the browser says so.
const look = (state) =>
	one.page.evaluate((visibility) => {
		Object.defineProperty(document, "visibilityState", { value: visibility, configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
	}, state);

async function cutOff(count) {
	await look("visible");
	await one.goTo("#/keys", "Keys");
	await one.goTo("#/operations", "Operations");
	await one.page.getByText("live", { exact: true }).waitFor();
	await until(async () => (await one.page.locator("a.op").first().getAttribute("href")) === `#/operations/${await newest()}`, "the page is where the log is");
	await look("hidden");
	await one.page.getByText("paused", { exact: true }).waitFor();
	const operation = await askMany(count);
	await until(async () => (await newest()) === operation, "the listing");
	equal(await one.page.locator(`a[href="#/operations/${operation}"]`).count(), 0, "the page was not cut off");
	const resumed = one.page.waitForRequest((request) => request.url().endsWith("/v1/events"));
	await look("visible");
	const id = (await resumed).headers()["last-event-id"];
	return { operation, first: await firstOf(id) };
}

// Every row, as whoever scrolls to the end sees them.
async function everyRow() {
	const box = one.page.locator(".long");
	const seen = new Set();
	for (let still = 0; still < 20; ) {
		const before = seen.size;
		for (const href of await box.locator("a.op").evaluateAll((links) => links.map((link) => link.getAttribute("href")))) seen.add(href);
		await box.evaluate((element) => {
			element.scrollTop += element.clientHeight / 2;
		});
		await one.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
		const done = await box.evaluate((element) => element.scrollTop + element.clientHeight >= element.scrollHeight - 1);
		const isWhole = !(await one.page.getByRole("status").filter({ hasText: "so far" }).count());
		still = done && isWhole && seen.size === before ? still + 1 : 0;
	}
	return seen;
}

async function everyOperation() {
	return one.page.evaluate(async () => {
		const all = [];
		for (let before = ""; before !== undefined; ) {
			const page = await (await fetch(`/v1/operations?limit=1000${before}`)).json();
			all.push(...page.operations.map(({ operation }) => `#/operations/${operation}`));
			before = page.rest === undefined ? undefined : `&before=${page.rest}`;
		}
		return all;
	});
}

test("a_page_that_missed_less_than_the_server_remembers_goes_on_where_it_was", async () => {
	const { operation, first } = await cutOff(300);
	assert(first.startsWith("id: ") && !first.includes("event: resync"), first);
	await one.page.locator(`a[href="#/operations/${operation}"]`).waitFor();
	const [seen, all] = [await everyRow(), await everyOperation()];
	equal(all.filter((one) => !seen.has(one)), [], "rows that are lost");
});

test("a_page_that_missed_more_than_that_reads_everything_again", async () => {
	const { operation, first } = await cutOff(RING + RING / 2);
	assert(first.includes("event: resync"), first);
	await one.page.locator(`a[href="#/operations/${operation}"]`).waitFor();
	const [seen, all] = [await everyRow(), await everyOperation()];
	assert(all.length > RING, String(all.length));
	equal(all.filter((one) => !seen.has(one)), [], "rows that are lost");
});

const lost = () => one.page.getByRole("alert").filter({ hasText: "The server has not been reached since" });
const expiryOf = (operation) => one.page.evaluate(async (id) => (await (await fetch(`/v1/operations/${id}/timeline`)).json()).entries.find(({ type }) => type === "expiry")?.at, operation);

// An operation that expires while nobody can be told; null where it took too long to show it before.
async function expiresInTheDark(seconds) {
	const { operation } = gatehouse("person4", "key", "create", "never", "--account", "options-hot", "--expires", `${seconds}s`);
	const expired = new Promise((resolve) => setTimeout(resolve, 1000 * (seconds + 1)));
	const row = one.page.locator(`a[href="#/operations/${operation}"]`);
	await row.waitFor();
	const cut = Date.now();
	const resumed = one.page.waitForRequest((request) => request.url().endsWith("/v1/events"));
	await act("cut");
	try {
		await lost().waitFor();
		await one.page.getByText("offline", { exact: true }).waitFor();
		await one.check("the server is gone");
		await one.shoot("offline");
		await expired;
	} finally {
		await act("mend");
	}
	assert(Number((await resumed).headers()["last-event-id"]) > 0, "it says where it was");
	await lost().waitFor({ state: "detached" });
	await one.page.getByText("live", { exact: true }).waitFor();
	await row.getByText("Expired", { exact: true }).waitFor();
	return (await expiryOf(operation)) > cut ? operation : null;
}

test("a_page_whose_server_is_gone_says_so_and_shows_what_happened_meanwhile_when_it_is_back", async () => {
	await one.goTo("#/keys", "Keys");
	await one.goTo("#/operations", "Operations"); // at its beginning
	await one.page.evaluate(() => {
		globalThis.isSamePage = true;
	});
	for (let seconds = 6; (await expiresInTheDark(seconds)) === null; seconds *= 2);
	equal(await one.page.evaluate(() => globalThis.isSamePage), true, "nobody loaded it anew");
	const [seen, all] = [await everyRow(), await everyOperation()];
	equal(all.filter((one) => !seen.has(one)), [], "rows that are lost");
});

// --- Becoming an auditor ---

test("whoever_becomes_an_auditor_is_shown_what_an_auditor_reads_and_no_more", async () => {
	makeKey("auditor");
	const added = gatehouse("person4", "person", "add", join(HOUSE.folder, "keys", "auditor.pub"), "--desk", "options");
	equal(approve(added.operation, "person3", "person5").state, "done");
	const auditor = await signedIn("auditor");
	await auditor.page.getByText("live", { exact: true }).waitFor();
	const granted = gatehouse("person4", "auditor", "grant", PEOPLE.auditor.slice(7), "--legal-entity", "northwind-trading", "--from", "2020-01-01T00:00:00Z", "--until", "2099-01-01T00:00:00Z");
	equal(approve(granted.operation, "person3", "person5").state, "done");
	await auditor.page.getByText("auditor: each reading is recorded").waitFor();
	await auditor.goTo("#/operations", "Operations");
	await until(async () => (await listed(auditor).count()) > 0, "the operations of the entity");
	equal(await auditor.page.getByRole("navigation", { name: "Pages" }).getByRole("link").allInnerTexts(), ["Operations", "Ledger", "Verify", "Health"]);
	await auditor.check("operations, auditor");
	await auditor.shoot("operations-auditor");
	await auditor.context.close();
});

await runCases();
