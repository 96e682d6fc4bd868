// The parts of the console that need no browser: what is signed, what is read, what is compared. TAP.

import { createRequire } from "node:module";
import { equal, main, test } from "./tap.mjs";

const require = createRequire(new URL("../../console/package.json", import.meta.url));
const { buildSync } = require("esbuild");

// The modules as the page has them.
const { outputFiles } = buildSync({
	stdin: {
		contents: ["canonical", "diff", "feed", "format", "limits", "metrics"].map((name) => `export * as ${name} from "./${name}";`).join("\n") + '\nexport { readCheckpoint } from "./pages/ledger"; export { queryOf, withNewer } from "./pages/operations"; export { findings } from "./pages/health";',
		resolveDir: new URL("../../console/src", import.meta.url).pathname,
		loader: "ts",
	},
	bundle: true,
	write: false,
	format: "esm",
	jsx: "automatic",
	jsxImportSource: "preact",
	splitting: false,
});
globalThis.document = { addEventListener: () => undefined, visibilityState: "hidden" };
globalThis.location = { hash: "", host: "", hostname: "" };
globalThis.addEventListener = () => undefined;
const { canonical, diff, feed, format, limits, metrics, readCheckpoint, queryOf, withNewer, findings } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);

test("what_health_says_is_shown_of_every_process_and_of_what_fails", () => {
	const confined = { degraded: false, lacks: "" }, whole = { clock_in_doubt: false, disk_full: false, keys_isolated: true, keys_locked: true, rollback_guard: "witness", root_key: "credential" };
	const shown = (health) => findings({ confinement: { gateway: confined, keeper: confined }, gateway: { self_signed: false }, keeper: whole, ready: true, ...health }).filter(({ tone }) => tone !== "good").map(({ text }) => text);
	equal(shown({}), []);
	equal(shown({ confinement: { gateway: confined, keeper: { degraded: true, lacks: "landlock: the kernel has none" }, worker: null } }), ["Not confined as it should be: keeper (landlock: the kernel has none)", "Not confined as it should be: worker (it said nothing)"]);
	equal(shown({ ready: false, keeper: { ...whole, disk_full: true, publisher_failing: "tiles" } }), ["Operations are not decided", "The disk is full", "The log is not published: tiles"]);
	equal(shown({ keeper: { ...whole, keys_isolated: false } }), ["The kernel has no secret memory: keys lie in locked memory"]);
	equal(shown({ keeper: { ...whole, keys_isolated: false, keys_locked: false } }), ["Keys lie in memory that may be swapped out: the limit of locked memory is too low"]);
});

test("the_statement_of_the_protocol_has_the_digest_that_stands_there", async () => {
	// docs/PROTOCOL.approval §6, its members in another order
	const statement = {
		verdict: "approve", view_digest: "4".repeat(64), type: "gatehouse/approval/v1", stage: 0, person: "person:p-3f9c0a5512d07e84", operation_id: "3".repeat(64), operation_digest: "2".repeat(64),
		nonce: "00000000000000000000000000000001", instance: "treasury.example", expires: 1800000600000, client: "cli", bundle_hash: "1".repeat(64),
	};
	equal(canonical.hex(await canonical.sha256(canonical.canonical(statement))), "0eedbd916850641a9195b01d7f766d3120a5ac50454f6812c9f850d844341dcf");
});

test("every_value_has_the_spelling_of_the_protocol", () => {
	equal(canonical.canonical({ b: [1, true, null], a: "\u0001\b\t\n\f\r\"\\/é\u2028" }), '{"a":"\\u0001\\b\\t\\n\\f\\r\\"\\\\/é\u2028","b":[1,true,null]}');
	for (const number of [1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
		let refused = false;
		try {
			canonical.canonical([number]);
		} catch {
			refused = true;
		}
		equal(refused, true, String(number));
	}
	equal(canonical.hex(canonical.unhex("00ff7f")), "00ff7f");
});

test("events_are_read_however_they_are_cut", () => {
	const text = 'id: 7\nevent: head\ndata: {"size":9}\n\n:\n\nid: 8\nevent: held\ndata: {"operation":"aa"}\n\n';
	const whole = feed.parseEvents(text);
	equal(whole, { events: [{ id: "7", name: "head", data: '{"size":9}' }, { id: "8", name: "held", data: '{"operation":"aa"}' }], rest: "" });
	for (let cut = 0; cut <= text.length; cut++) {
		const first = feed.parseEvents(text.slice(0, cut));
		const second = feed.parseEvents(first.rest + text.slice(cut));
		equal([...first.events, ...second.events], whole.events, `cut at ${cut}`);
	}
});

test("a_difference_leads_from_one_text_to_the_other", () => {
	let state = 1;
	const below = (bound) => ((state = (state * 48271) % 2147483647), state % bound);
	for (let round = 0; round < 300; round++) {
		const draw = () => Array.from({ length: below(12) }, () => "abc"[below(3)]);
		const [a, b] = [draw(), draw()];
		const lines = diff.diffLines(a.join("\n"), b.join("\n"));
		equal(lines.filter(({ kind }) => kind !== "new").map(({ text }) => text), a, "the old text");
		equal(lines.filter(({ kind }) => kind !== "old").map(({ text }) => text), b, "the new text");
	}
	const one = diff.diffLines("a\nb\nc\n", "a\nx\nc\n");
	equal(one.map(({ kind, text }) => `${kind} ${text}`), ["same a", "old b", "new x", "same c"]);
	equal(diff.around(one, 0).map((line) => line?.text), [undefined, "b", "x", undefined]);
	equal(diff.diffLines("same", "same").every(({ kind }) => kind === "same"), true);
});

test("limits_are_told_in_words_and_bound_what_they_are_about", () => {
	const limit = (more) => ({ account: "*", asset: "*", cents: 100, id: "x", note: "", per: "account", who: "*", window: "day", ...more });
	equal(limits.windowText(limit({})), "within a day, by account");
	equal(limits.windowText(limit({ per: undefined, window: "transaction" })), "each transaction");
	equal(limits.windowText(limit({ per: "legal_entity", window: "hour" })), "within an hour, by legal entity");
	equal(limits.approvalsText(limit({})), "never");
	equal(limits.approvalsText(limit({ approvals: [{ count: 2, group: "treasury" }, { count: 1, group: "independent" }] })), "2 of treasury and 1 from a terminal");
	const table = [limit({}), limit({ account: "account:hot", cents: 70 }), limit({ account: "account:cold", cents: 10 }), limit({ who: "desk:x", cents: 1 }), limit({ asset: "a/b", cents: 1 }), limit({ window: "hour", cents: 5 })];
	equal([limits.barOf(table, "account", "hot", "day"), limits.barOf(table, "account", "warm", "day"), limits.barOf(table, "key", "hot", "day"), limits.barOf(table, "account", "hot", "hour")], [70, 100, undefined, 5]);
});

test("metrics_are_summed_over_their_labels", () => {
	const before = metrics.readMetrics('# TYPE a counter\na_total{x="1"} 2\na_total{x="2"} 3\na_totally 9\n# EOF\n');
	const after = metrics.readMetrics('a_total{x="1"} 4\na_total{x="2"} 7\nb_sum 0.5\nb_count 2\n');
	equal(metrics.sum(before, "a_total"), 5);
	equal(metrics.rate(before, after, "a_total", 2), 3);
	equal(metrics.rate(after, before, "a_total", 2), null, "a process that began anew");
	equal(metrics.mean(before, after, "b_sum", "b_count"), 0.25);
	equal(metrics.mean(after, after, "b_sum", "b_count"), null, "nothing was counted");
});

test("a_checkpoint_is_told_by_its_lines", () => {
	const { origin, size, root, signers } = readCheckpoint(`o/k\n12\nroot=\n\n— o/k ${Buffer.alloc(68).toString("base64")}\n— o/k ${Buffer.alloc(2432).toString("base64")}\n`);
	equal([origin, size, root], ["o/k", 12, "root="]);
	equal(signers.map(({ name, bytes }) => `${name} ${bytes}`), ["o/k 64", "o/k 2428"]);
});

test("what_is_typed_is_looked_for_by_the_server", () => {
	const query = (words, before) => queryOf({ state: "held", kind: "", words }, before);
	equal(query("  Audit of   Q3, 100% "), "/v1/operations?limit=60&state=held&search=Audit%20of%20Q3%2C%20100%25");
	equal(query("a b c d e f", 7), "/v1/operations?limit=200&state=held&search=a%20b%20c%20d&before=7");
	equal(query(" "), "/v1/operations?limit=60&state=held");
});

test("a_newer_page_joins_what_is_known_only_where_nothing_lies_between", () => {
	const row = (operation, entry) => ({ operation, entry });
	const known = [row("d", 40), row("c", 30), row("b", 20), row("a", 10)];
	const names = ({ rows, isWhole }) => `${rows.map(({ operation }) => operation).join("")} ${isWhole}`;
	equal(names(withNewer([row("e", 50), row("d", 40), row("c", 30)], known)), "edcba true");
	equal(names(withNewer([row("a", 60), row("e", 50), row("d", 40)], known)), "aedcb true", "what changed has moved up");
	equal(names(withNewer([row("b", 45), row("d", 40)], known)), "bdca true");
	equal(names(withNewer([row("g", 80), row("f", 70), row("e", 60)], known)), "gfe false", "more came than a page holds: what lies between is not known");
	equal(names(withNewer([row("a", 10)], [])), "a false");
	equal(names(withNewer([], [])), " true");
});

test("what_is_missing_is_told_in_words", () => {
	equal(format.missingText({ "group.treasury": 2, independent: 1 }), "2 of treasury and 1 from a terminal");
	equal(format.missingText({ "second.security": 1 }), "1 of security, second stage");
	equal(format.shortName("person:p-00000000000000a1"), "p-…0000a1");
	equal(format.duration(90_000), "1 minute");
});

// The clock that the pages share goes on for ever.
await main({ failed: () => undefined, after: () => void setImmediate(() => process.exit()) });
