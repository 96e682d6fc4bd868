// The demo in an unmodified browser: by the printed link a person enrols a passkey, signs in, approves what waits, sees it signed, and
// verifies its receipt in the one file that is opened from disk. HOUSE says where.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, equal, test } from "./tap.mjs";
import { HOUSE, runCases, until, Visitor } from "./visitor.mjs";

const you = await Visitor.come({ acceptDownloads: true });
const title = (name) => you.heading(name);
let counts; // from when on the passkey does, by the demo's policy

test("the_printed_link_enrols_a_passkey", async () => {
	await you.plugIn();
	await you.page.goto(HOUSE.link);
	await title("Enrol a passkey");
	await you.page.getByText("p-0000000000000001").first().waitFor();
	await you.check("enrol");
	await you.shoot("demo-enrol");
	const enrolled = you.page.waitForResponse((response) => response.url().endsWith("/v1/enrolment"));
	await you.page.getByRole("button", { name: "Make the passkey" }).click();
	counts = (await (await enrolled).json()).usable_from;
	await title("Your passkey is enrolled");
});

test("the_link_works_once", async () => {
	const other = await Visitor.come();
	await other.page.goto(HOUSE.link);
	await other.page.getByRole("alert").first().waitFor();
	assert((await other.page.getByRole("alert").first().innerText()).includes("enrolment.refused"), await other.page.innerText("body"));
	await other.context.close();
});

test("you_sign_in_and_read_what_waits", async () => {
	await until(() => Date.now() > counts, "the time from which the passkey counts");
	await you.page.goto(`${HOUSE.url}/#/inbox`);
	await you.page.getByRole("button", { name: "Sign in with passkey" }).click();
	await title("Inbox");
	const text = await you.page.getByRole("article").first().innerText();
	for (const part of ["BTC", "btc-treasury", "treasurer"]) assert(text.includes(part), `${part} is not in ${text}`);
	await you.shoot("demo-inbox");
});

let receipt;

test("you_approve_it_and_see_it_signed", async () => {
	await you.page.getByRole("button", { name: "Approve with passkey" }).first().click();
	await you.page.getByText("it is done").waitFor();
	await you.page.getByText("your vote is recorded").getByRole("link").click();
	await you.page.getByText("Done", { exact: true }).first().waitFor();
	// The witness cosigns about once a second; until then there is a receipt that no witness saw.
	const operation = new URL(you.page.url()).hash.split("/").at(-1);
	// (waitForFunction would take the promise of an answer for the answer.)
	const cosigned = (id) => fetch(`/v1/operations/${id}/receipt?cosigned=1`).then((answer) => answer.ok);
	await until(() => you.page.evaluate(cosigned, operation), "the witness");
	await you.shoot("demo-operation");
	const [download] = await Promise.all([you.page.waitForEvent("download"), you.page.getByRole("button", { name: "Download the receipt" }).click()]);
	receipt = join(HOUSE.folder, "receipt.tlog-proof");
	await download.saveAs(receipt);
});

test("the_page_that_verifies_says_that_it_proves_nothing_against_its_server", async () => {
	await you.goTo("#/verify", "Verify");
	await you.page.getByText("proves nothing against that server").waitFor();
	await you.check("verify, empty");
	await you.page.getByLabel("Policy file").setInputFiles(HOUSE.policy);
	await you.page.getByLabel("Receipts or heads").setInputFiles(receipt);
	await you.page.locator(".verdict .title", { hasText: /^Verified$/ }).waitFor();
	await you.check("verify");
	await you.shoot("verify");
});

test("the_receipt_verifies_in_the_file_from_disk_under_the_witness", async () => {
	const page = await you.newTab(), requests = [];
	page.on("request", (request) => requests.push(request.url()));
	const file = pathToFileURL(HOUSE.verifier).href;
	await page.goto(file);
	await page.setInputFiles("#choose-files", [HOUSE.policy, receipt]);
	await page.locator("article").waitFor();
	equal(await page.locator(".verdict .title").allTextContents(), ["Verified"]);
	const text = await page.locator("article").innerText();
	for (const part of ["key:btc-treasury", "workload:treasurer", "large_transfer", "person:p-0000000000000001/yours", "permitted"]) assert(text.includes(part), `${part} is not in ${text}`);
	await page.screenshot({ path: join(process.env.SCREENS, "demo-verified.png"), fullPage: true });
	equal(requests, [file]);
});

await runCases();
