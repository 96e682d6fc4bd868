// Sessions that end by themselves, on an installation that keeps them short: when nobody is there, and when they have lasted as long as
// they may. What is waited for is that they end; nothing here depends on when. All begin at once, and each case waits for one of them.

import { assert, equal, test } from "./tap.mjs";
import { runCases, signedIn, until } from "./visitor.mjs";

const sessionOf = (page) => page.evaluate(async () => (await fetch("/v1/session", { cache: "no-store" })).status);
const isOver = async (visitor) => {
	await visitor.heading("Sign in");
	await visitor.page.getByText("Your session is over").waitFor();
};
// Again and again, until the function that is given back is called.
function keepDoing(act) {
	let goesOn = true;
	const work = (async () => {
		while (goesOn) {
			await act().catch(() => undefined); // the page has come to its end
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	})();
	return () => {
		goesOn = false;
		return work;
	};
}
const readKeys = ({ page }) => page.evaluate(() => fetch("/v1/keys?limit=1"));

const busy = await signedIn("person4");
const { expires, idle_expires: wouldEnd } = await busy.page.evaluate(async () => (await fetch("/v1/session")).json());
let steps = 0;
const stopWorking = keepDoing(async () => {
	await busy.page.mouse.move(100 + (steps++ % 50), 200);
	await readKeys(busy);
});

const idle = await signedIn("person1");
const followed = idle.page.getByText("live", { exact: true }).waitFor();
// The page reads by itself all the time, which is not somebody at work.
const stopReading = keepDoing(() => readKeys(idle));

test("a_session_at_which_nobody_is_ends_also_where_the_page_follows_the_log", async () => {
	await followed;
	await isOver(idle);
	await stopReading();
	equal(await sessionOf(idle.page), 401, "whoever of page and keeper was first"); // each ends it by its own clock
	await idle.shoot("session-idle");
	await idle.page.getByRole("button", { name: "Sign in with passkey", exact: true }).click();
	await idle.heading("Inbox");
	await idle.context.close();
});

test("the_keeper_ends_a_session_at_which_nobody_is_whatever_is_read_in_it", async () => {
	const away = await signedIn("person2");
	const cookies = await away.context.cookies();
	const { idle_expires: ends } = await away.page.evaluate(async () => (await fetch("/v1/session")).json());
	await away.page.goto("about:blank"); // the page is gone, the cookie is not
	const later = await signedIn("person3");
	await later.context.clearCookies();
	await later.context.addCookies(cookies);
	// No read is activity.
	await until(async () => (await readKeys(later), await sessionOf(later.page)) === 401, "the end of the session");
	assert(Date.now() >= ends, "not before its time");
	await later.context.close();
	await away.context.close();
});

test("a_session_at_which_somebody_is_ends_when_it_has_lasted_long_enough", async () => {
	await isOver(busy);
	await stopWorking();
	assert(Date.now() >= expires && expires > wouldEnd, "it lasted as long as it may");
	await busy.context.close();
});

await runCases();
