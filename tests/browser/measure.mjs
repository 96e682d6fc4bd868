// What a person waits for in the console, with 10,000 operations in the log: rows of bench/bars.json, one line of JSON each.

import { writeFileSync } from "node:fs";
import { approve, close, gatehouse, HOUSE, signedIn, Visitor } from "./visitor.mjs";

const ROUNDS = 7;
const OPERATIONS = 10_000;

function row(name, value, detail) {
	console.log(JSON.stringify({ name, unit: "ms", value: Number(value.toFixed(1)), detail }));
}

// Sorted: what is told is what half of the visits take at most, and beside it all of them, the least first.
const median = (times) => times[Math.floor(times.length / 2)];

const round = (values) => values.map((value) => value.toFixed(0)).join(", ");

async function comeIn() {
	const asked = gatehouse("person4", "policy", "activate", HOUSE.bundle, "--reason", "passkeys count at once");
	if (approve(asked.operation, "person3", "person5").state !== "done") throw new Error("the policy is not in force");
	return signedIn("person1");
}

// When what fits the selector was painted: the frame after the one in which it stood in the document.
const WATCH = (selector) => {
	globalThis.painted = new Promise((resolve) => {
		const look = () => {
			if (document.querySelector(selector) === null) return false;
			requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
			return true;
		};
		if (look()) return;
		new MutationObserver((_, observer) => look() && observer.disconnect()).observe(document, { childList: true, subtree: true });
	});
};

// Nothing is kept from before: a context of its own, with the session's cookie alone.
async function measureFirstRow(cookies) {
	const times = [];
	for (let number = 0; number < ROUNDS; number++) {
		const visitor = await Visitor.come();
		await visitor.context.addCookies(cookies);
		await visitor.context.addInitScript(WATCH, ".row");
		await visitor.page.goto(`${HOUSE.url}/#/inbox`, { waitUntil: "commit" });
		times.push(await visitor.page.evaluate(() => globalThis.painted));
		await visitor.context.close();
	}
	times.sort((a, b) => a - b);
	row("console.interactive_ms", median(times), `from the address to the first row of the inbox, cold, over TLS; the median of ${ROUNDS}: ${round(times)}`);
}

async function measureListing({ page }) {
	const times = [];
	for (let number = 0; number < ROUNDS; number++) {
		await page.evaluate(() => {
			location.hash = "#/keys-that-are-nowhere";
		});
		await page.getByRole("heading", { level: 1, name: "There is no such page" }).waitFor();
		await page.evaluate(WATCH, ".op");
		times.push(
			await page.evaluate(async () => {
				const started = performance.now();
				location.hash = "#/operations";
				return (await globalThis.painted) - started;
			}),
		);
	}
	times.sort((a, b) => a - b);
	row("console.list_10k_first_page_ms", median(times), `from the click to the first rows, of ${OPERATIONS} operations; the median of ${ROUNDS}: ${round(times)}`);
}

// The longest task of the page's main thread, as the browser's own trace has it, while all rows pass by.
async function measureScrolling(visitor) {
	const longest = [];
	for (let number = 0; number < 3; number++) {
		await visitor.page.evaluate(() => {
			location.hash = "#/keys-that-are-nowhere";
		});
		await visitor.page.getByRole("heading", { level: 1, name: "There is no such page" }).waitFor();
		await visitor.page.evaluate(() => {
			location.hash = "#/operations";
		});
		await visitor.page.locator(".op").first().waitFor();
		const session = await visitor.context.newCDPSession(visitor.page);
		const tasks = await trace(session, () => visitor.page.evaluate(scroll));
		const seen = await visitor.page.getByRole("status").filter({ hasText: "operations" }).textContent();
		longest.push({ ms: Math.max(...tasks.map(({ ms }) => ms)), processor: Math.max(...tasks.map(({ processor }) => processor)), seen });
	}
	longest.sort((a, b) => a.ms - b.ms);
	const processor = Math.max(...longest.map((one) => one.processor));
	row("console.longest_task_ms", longest.at(-1).ms, `while ${longest[0].seen.trim()} are scrolled through, of which processor time at most ${processor.toFixed(1)}; the longest of 3 times: ${round(longest.map(({ ms }) => ms))}`);
}

async function scroll() {
	const box = document.querySelector(".long");
	for (let still = 0; still < 30; ) {
		const before = box.scrollTop;
		box.scrollTop += box.clientHeight * 2;
		await new Promise(requestAnimationFrame);
		still = box.scrollTop === before ? still + 1 : 0;
		if (still > 0) await new Promise((resolve) => setTimeout(resolve, 30));
	}
}

// The tasks of the main thread of the page: how long they took, and how long of it they had a processor.
async function trace(session, act) {
	const events = [];
	session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
	const ended = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
	await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["disabled-by-default-devtools.timeline", "toplevel", "__metadata"], excludedCategories: ["*"] } });
	await act();
	await session.send("Tracing.end");
	await ended;
	const names = new Map(events.filter(({ name }) => name === "thread_name").map(({ pid, tid, args }) => [`${pid} ${tid}`, args.name]));
	const tasks = events.filter(({ name, ph, pid, tid }) => ph === "X" && /RunTask$/.test(name) && names.get(`${pid} ${tid}`) === "CrRendererMain");
	if (tasks.length === 0) throw new Error("the trace has no tasks");
	return tasks.map(({ dur, tdur = dur }) => ({ ms: dur / 1000, processor: tdur / 1000 }));
}

const visitor = await comeIn();
for (let number = 0; number < 5; number++) gatehouse("settlement", "op", "sign", "key-0", "--transaction", HOUSE.transfers[number]);
await visitor.page.locator(".row").first().waitFor();
const cookies = await visitor.context.cookies();
await measureFirstRow(cookies);
await measureListing(visitor);
await measureScrolling(visitor);
writeFileSync(HOUSE.cookie, cookies.map(({ name, value }) => `${name}=${value}`).join("; "));
await close();
