// The verifier's page in Chromium, from disk: page.mjs PAGE FOLDER SCREENS. FOLDER has what verifier_test.py collected from a running
// installation. Exit 0 and a line for each thing that was seen, or an error.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [, , PAGE, FOLDER, SCREENS] = process.argv;
const AXE = readFileSync(join(process.env.GATEHOUSE_ROOT, "console/node_modules/axe-core/axe.min.js"), "utf8");
const URL_OF_PAGE = pathToFileURL(PAGE).href;
const file = (name) => join(FOLDER, name);
const PATIENCE_MS = 240_000;
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find(existsSync);

mkdirSync(SCREENS, { recursive: true });

/* What the page asks the network for, and what its policy stopped. */
function watch(page) {
	const seen = { requests: [], violations: [], errors: [] };
	page.on("request", (request) => seen.requests.push(request.url()));
	page.on("pageerror", (error) => seen.errors.push(String(error)));
	page.on("console", (message) => (/Content Security Policy|Trusted Type/i.test(message.text()) ? seen.violations : seen.errors).push(message.text()));
	return seen;
}

/* Checked whenever a page is done with: it asked for itself and nothing else. */
function assertQuiet(seen, url) {
	assert.deepEqual(seen, { requests: [url], violations: [], errors: [] });
}

async function assertAccessible(page, state) {
	await page.evaluate(AXE);
	const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
	const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
	assert.ok(passes.length > 10, "axe looked at too little");
	assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], state);
}

/* As a person drops files from a folder onto the page. */
async function drop(page, ...names) {
	const files = names.map((name) => ({ name: name.split("/").at(-1), content: readFileSync(file(name)).toString("base64") }));
	const transfer = await page.evaluateHandle((given) => {
		const made = new DataTransfer();
		for (const { name, content } of given) made.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
		return made;
	}, files);
	const before = await page.textContent("#said");
	await page.dispatchEvent("main", "dragover", { dataTransfer: transfer });
	await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
	await page.waitForFunction((text) => document.querySelector("#said").textContent !== text, before);
}

const titles = (page) => page.locator(".verdict .title").allTextContents();

async function main() {
	const browser = await chromium.launch({ executablePath, timeout: PATIENCE_MS });
	const open = async (options = {}, url = URL_OF_PAGE) => {
		const page = await (await browser.newContext({ viewport: { width: 900, height: 900 }, ...options })).newPage(), seen = watch(page);
		page.setDefaultTimeout(PATIENCE_MS);
		await page.goto(url);
		return { page, seen };
	};
	const screen = (page, name) => page.screenshot({ path: join(SCREENS, `verifier-${name}.png`), fullPage: true });

	for (const colorScheme of ["light", "dark"]) {
		const { page, seen } = await open({ colorScheme });
		await assertAccessible(page, "nothing given");
		await screen(page, `empty-${colorScheme}`);

		await drop(page, "signed.tlog-proof");
		assert.deepEqual(await titles(page), ["Weaker than verified"]);
		assert.match(await page.textContent("#results"), /unpinned/);

		await drop(page, "witness.policy", "signed.tlog-proof");
		assert.deepEqual(await titles(page), ["Verified"]);
		assert.equal(await page.textContent("#said"), "signed.tlog-proof: verified.");
		const text = await page.textContent("article");
		for (const part of ["100000000000000000 smallest units of eip155:1/native", "0.1 ETH", "key:eth-hot", "workload:settlement", "small_transfer", "permitted", "the workload's key signed the request"]) assert.ok(text.includes(part), part);
		await assertAccessible(page, "verified");
		await screen(page, `verified-${colorScheme}`);

		await drop(page, "plain.tlog-proof");
		assert.deepEqual(await titles(page), ["Weaker than verified"]);
		assert.match(await page.textContent("#said"), /no pass/);
		await assertAccessible(page, "weaker");
		await screen(page, `weaker-${colorScheme}`);

		await drop(page, "forged.tlog-proof");
		assert.deepEqual(await titles(page), ["Refused"]);
		assert.match(await page.textContent("article"), /proof\.root/);
		assert.equal(await page.textContent("#said"), "forged.tlog-proof: refused.");
		await assertAccessible(page, "refused");
		await screen(page, `refused-${colorScheme}`);
		assertQuiet(seen, URL_OF_PAGE);
		await page.context().close();
	}
	console.log("dropped receipts pass, are weaker, are refused; light and dark");

	{
		const { page, seen } = await open();
		await drop(page, "witness.policy", "decision.tlog-proof");
		assert.match(await page.textContent("article"), /receipts of 0 of 2 were given/);
		await drop(page, "decision.tlog-proof", "vote-0.tlog-proof", "vote-1.tlog-proof");
		assert.deepEqual(await titles(page), ["Verified", "Verified", "Verified"]);
		assert.match(await page.textContent("article"), /receipts of all 2 votes were given as well/);
		await screen(page, "votes");
		await page.setInputFiles("#choose-older", file("older.tlog-proof"));
		await page.locator(".verdict .title", { hasText: /^Weaker than verified$/ }).first().waitFor();
		assert.match(await page.textContent("article"), /older-not-compared/);
		await page.setInputFiles("#choose-consistency", file("consistency"));
		await page.locator(".verdict .title", { hasText: /^Verified$/ }).first().waitFor();
		assert.deepEqual(await titles(page), ["Verified", "Verified", "Verified"]);
		assertQuiet(seen, URL_OF_PAGE);
		await page.context().close();
	}
	console.log("a decision rests on its votes' receipts; an older head with its proof");

	{
		const { page, seen } = await open();
		await drop(page, "late.tlog-proof");
		assert.deepEqual(await titles(page), ["Weaker than verified"]);
		assert.match(await page.textContent("article"), /9007199254740991 ms after 1970 began/);
		assertQuiet(seen, URL_OF_PAGE);
		await page.context().close();
	}
	console.log("an entry of a time that no date has is shown");

	{
		const { page, seen } = await open();
		const chooser = page.waitForEvent("filechooser");
		for (let at = 0; at < 10 && (await page.evaluate(() => document.activeElement?.id)) !== "choose-files"; at++) await page.keyboard.press("Tab");
		await page.keyboard.press("Enter");
		await (await chooser).setFiles([file("witness.policy"), file("signed.tlog-proof")]);
		await page.locator("article").waitFor();
		assert.deepEqual(await titles(page), ["Verified"]);
		const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
		await download.saveAs(file("pinned.html"));
		assertQuiet({ ...seen, requests: seen.requests.filter((url) => !url.startsWith("blob:")) }, URL_OF_PAGE);
		const copy = await open({}, pathToFileURL(file("pinned.html")).href);
		await drop(copy.page, "signed.tlog-proof");
		assert.deepEqual(await titles(copy.page), ["Verified"]);
		assert.match(await copy.page.textContent("#pins"), /this copy of the page/);
		/* Who sends a receipt and a policy with it does not change whose log it must be. */
		await drop(copy.page, "log.policy", "plain.tlog-proof");
		assert.match(await copy.page.textContent("#pins"), /this copy of the page/);
		assert.match(await copy.page.textContent("#pins"), /log\.policy: not taken as a policy, the keys that were pinned stay/);
		await copy.page.setInputFiles("#choose-policy", file("log.policy"));
		await copy.page.locator("#pins dd", { hasText: /^log\.policy$/ }).waitFor();
		assert.equal(await copy.page.locator("#pins .wrong").count(), 0);
		assertQuiet(copy.seen, pathToFileURL(file("pinned.html")).href);
		await page.context().close();
		await copy.page.context().close();
	}
	console.log("by keyboard alone; a copy that was saved with its keys");

	{
		const { page, seen } = await open({ viewport: { width: 360, height: 740 } });
		await drop(page, "witness.policy", "signed.tlog-proof");
		assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), "it does not fit into 360 pixels");
		await screen(page, "narrow");
		assertQuiet(seen, URL_OF_PAGE);
		await page.context().close();
	}
	console.log("360 pixels wide");

	{
		const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(readFileSync(PAGE)));
		await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
		const { page } = await open({}, `http://localhost:${server.address().port}/`);
		assert.ok(await page.isVisible("#served"), "a page from a server must say so");
		await page.context().close();
		server.close();
		const { page: local } = await open();
		assert.ok(!(await local.isVisible("#served")));
	}
	console.log("a page that came from a server says that it proves nothing against it");
	await browser.close();
}

await main();
