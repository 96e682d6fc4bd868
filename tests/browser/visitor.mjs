// A person at a browser: Debian's Chromium with an authenticator of its own, which the browser's protocol makes. The browser trusts
// the test's authority as a firm's browsers trust theirs, and no check of certificates is off.

import { spawnSync } from "node:child_process";
import { createHash, createPrivateKey, randomBytes, sign } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { createRequire } from "node:module";
import { equal, main, test } from "./tap.mjs";

const require = createRequire(new URL("../../console/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const HOUSE = JSON.parse(process.env.HOUSE);
export const SCREENS = process.env.SCREENS;
mkdirSync(SCREENS, { recursive: true });

const PATIENCE_MS = 240_000;
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox"], // the tests may run as root; what is tested is the page
	timeout: PATIENCE_MS,
	env: { ...process.env, HOME: HOUSE.home },
});

export function close() {
	return browser.close();
}

// Runs the cases, and at their end what holds for all of them.
export async function runCases() {
	test("no_page_did_what_its_policy_forbids", () => equal(violations, []));
	await main({
		failed: shootAll,
		after: async () => {
			if (HOUSE.exchanges !== undefined) writeFileSync(HOUSE.exchanges, JSON.stringify(exchanges));
			await close();
		},
	});
}

// Asked again and again; patience is the only limit.
export async function until(holds, what) {
	for (const end = Date.now() + PATIENCE_MS; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 50))) if (Date.now() > end) throw new Error(`in vain: ${what}`);
}

// What no person does in a browser, as the test's own program does it (console_test.py).
export async function act(name) {
	const answer = await fetch(`${HOUSE.acts}/${name}`, { method: "POST" });
	const given = await answer.json();
	if (!answer.ok) throw new Error(`${name}: ${given}`);
	return given;
}

// --- The command line ---

// What it answers, taken or refused (exit codes 0 and 1).
export function gatehouse(who, ...words) {
	const done = spawnSync(HOUSE.program, [...words, "--json"], { env: { ...process.env, GATEHOUSE_PROFILE: HOUSE.profiles[who] }, encoding: "utf8" });
	if (done.status > 1 || done.stdout === "") throw new Error(`gatehouse ${words.join(" ")}: ${done.status} ${done.stderr}`);
	return JSON.parse(done.stdout);
}

export function approve(operation, ...people) {
	let answer;
	for (const who of people) answer = gatehouse(who, "op", "approve", operation, "--yes");
	return answer;
}

export const PEOPLE = Object.fromEntries([1, 2, 3, 4, 5].map((number) => [`person${number}`, `person:p-000000000000000${number}`]));
PEOPLE.auditor = "person:p-00000000000000a1";

// The key of a person, as its owner makes it.
export function makeKey(who) {
	const done = spawnSync(HOUSE.program, ["person", "keygen", join(HOUSE.folder, "keys", who), "--id", PEOPLE[who].slice("person:".length)], { encoding: "utf8" });
	if (done.status !== 0) throw new Error(`keygen: ${done.stderr}`);
}

// --- The same without the command line, for many at once ---

const LABEL = Buffer.from("gatehouse/operation/v1\0");
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex"); // RFC 8410, before the seed of an Ed25519 key
let agent;

// By the way that their command line takes: Node does not speak the key agreement that the gateway asks for.
function post(who, path, body, fields) {
	const url = /^url: (\S+)$/m.exec(readFileSync(HOUSE.profiles[who], "utf8"))[1];
	agent ??= new Agent({ keepAlive: true, maxSockets: 8, ca: readFileSync(join(HOUSE.folder, "proxy.crt")) });
	return new Promise((resolve, reject) => {
		const asked = request(new URL(path, url), { method: "POST", agent, servername: "", headers: { Host: new URL(HOUSE.url).host, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...fields } }, (answer) => {
			const parts = [];
			answer.on("data", (part) => parts.push(part));
			answer.on("end", () => resolve({ status: answer.statusCode, answer: JSON.parse(Buffer.concat(parts).toString()) }));
		});
		// A connection that nothing was asked on for long may end just then: the same is asked on another.
		asked.on("error", (error) => (asked.reusedSocket && error.code === "ECONNRESET" ? resolve(post(who, path, body, fields)) : reject(error)));
		asked.end(body);
	});
}

// An operation of a person, signed by the key of their terminal. Whoever is told to wait asks the same again.
export async function ask(who, kind, resource, payload) {
	const { key_id, principal, seed } = JSON.parse(readFileSync(join(HOUSE.folder, "keys", who.replace("person", "")), "utf8"));
	const key = createPrivateKey({ key: Buffer.concat([PKCS8, Buffer.from(seed, "hex")]), format: "der", type: "pkcs8" });
	const created = Date.now(), idempotency = randomBytes(16).toString("hex");
	const operation = {
		created, expires: created + 3_600_000, idempotency_key: idempotency, instance: HOUSE.instance, kind,
		payload_sha256: createHash("sha256").update(canonical(payload)).digest("hex"), principal, resource, type: "gatehouse/operation/v1",
	};
	const digest = createHash("sha256").update(canonical(operation)).digest();
	const body = canonical({ operation, payload, signature: { key_id, signature: sign(null, Buffer.concat([LABEL, digest]), key).toString("hex") } });
	let given;
	await until(async () => {
		given = await post(who, "/v1/operations", body, { "Idempotency-Key": idempotency });
		return given.status !== 429 && given.status !== 503;
	}, `${kind} is taken`);
	return given.answer;
}

let transfers = 0;
// A transfer of some 12,000 USD: two of the treasury, one of them from a terminal.
export function askTransfer() {
	const answer = gatehouse("settlement", "op", "sign", "eth-hot", "--transaction", HOUSE.transfers[transfers++]);
	equal(answer.state, "held");
	return answer.operation;
}

// The link, as whoever invites hands it over.
export function invite(person) {
	const file = join(HOUSE.folder, `link-${person}`);
	const asked = gatehouse("person4", "person", "invite", PEOPLE[person].slice("person:".length), "--name", "laptop", "--waiting", "0", "--link", file);
	const answer = approve(asked.operation, "person3", "person5");
	if (answer.state !== "done") throw new Error(`nobody was invited: ${JSON.stringify(answer)}`);
	return readFileSync(file, "utf8").trim();
}

// --- Reading ---

const violations = [];
const exchanges = [];
const visitors = [];

const PLAIN = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 780 };
const VIEWS = {
	light: { scheme: "light", size: PLAIN },
	dark: { scheme: "dark", size: PLAIN },
	narrow: { scheme: "light", size: NARROW },
	darkNarrow: { scheme: "dark", size: NARROW },
};

export class Visitor {
	static async come(options = {}) {
		const visitor = new Visitor();
		visitor.context = await browser.newContext({ viewport: PLAIN, locale: "en-GB", timezoneId: "UTC", colorScheme: "light", ...options });
		await visitor.context.exposeBinding("tellViolation", (_, text) => violations.push(text));
		await visitor.context.addInitScript(() => {
			document.addEventListener("securitypolicyviolation", (event) => globalThis.tellViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
		});
		visitors.push(visitor);
		visitor.page = await visitor.newTab();
		return visitor;
	}

	// isForged: what it is answered is not all of the installation, and is not held against the document.
	async newTab({ isForged = false } = {}) {
		const page = await this.context.newPage();
		page.setDefaultTimeout(PATIENCE_MS);
		page.on("console", (message) => {
			if (message.type() === "error") this.lastError = message.text();
		});
		page.on("pageerror", (error) => violations.push(`uncaught: ${error.stack ?? error.message}`));
		if (!isForged) page.on("response", (response) => void remember(response).catch(() => undefined)); // of a page that was left
		return page;
	}

	async open(hash, origin = HOUSE.url) {
		await this.page.goto(`${origin}/${hash}`, { waitUntil: "load" });
	}

	async goTo(hash, heading) {
		await this.page.evaluate((to) => {
			location.hash = to;
		}, hash);
		await this.heading(heading);
	}

	// The page of that title: text is all of it.
	heading(name) {
		return this.page.getByRole("heading", { level: 1, name, exact: typeof name === "string" }).waitFor();
	}

	// --- The network between ---

	// take(what is paused, how to go on): requests that fit the pattern, until the function that is given back is called.
	async intercept(pattern, requestStage, take) {
		const { session } = this.key;
		const paused = (event) => {
			const goOn = (method, options = {}) => session.send(`Fetch.${method}`, { requestId: event.requestId, ...options });
			take(event, goOn).catch(() => undefined); // the page has given the request up
		};
		session.on("Fetch.requestPaused", paused);
		await session.send("Fetch.enable", { patterns: [{ urlPattern: pattern, requestStage }] });
		return async () => {
			session.off("Fetch.requestPaused", paused);
			await session.send("Fetch.disable");
		};
	}

	// --- The authenticator ---

	async plugIn(options = {}, page = this.page) {
		const session = await this.context.newCDPSession(page);
		await session.send("WebAuthn.enable");
		const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
			options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...options },
		});
		const key = { session, authenticatorId };
		this.key ??= key;
		return key;
	}

	async credential({ session, authenticatorId } = this.key) {
		const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
		return credentials[0];
	}

	async setCounter(signCount) {
		const { session, authenticatorId } = this.key;
		const credential = await this.credential();
		await session.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
		await session.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount } });
	}

	// Another authenticator with a copy of the only credential, its counter further on.
	async plugInCopy(credential, further, page = this.page) {
		const key = await this.plugIn({}, page);
		await key.session.send("WebAuthn.addCredential", { authenticatorId: key.authenticatorId, credential: { ...credential, signCount: credential.signCount + further } });
		return key;
	}

	// --- What was promised of every page ---

	// In light and wide, and in dark and narrow.
	async check(name) {
		for (const view of ["light", "darkNarrow"]) {
			await this.lookAt(VIEWS[view]);
			await this.page.evaluate(AXE); // by the protocol: the page's policy lets no script in
			const found = await this.page.evaluate(async () => {
				const result = await globalThis.axe.run(document, { resultTypes: ["violations", "passes"] });
				if (result.passes.length < 10) return [`only ${result.passes.length} rules found anything to look at`];
				return result.violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
			});
			if (found.length > 0) throw new Error(`${name}, ${view}: ${found.join("\n")}`);
		}
		await this.lookAt(VIEWS.light);
	}

	async lookAt({ scheme, size }) {
		await this.page.emulateMedia({ colorScheme: scheme });
		await this.page.setViewportSize(size);
		await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))); // laid out, and drawn
	}

	async shoot(name) {
		for (const kind of ["light", "dark", "narrow"]) {
			await this.lookAt(VIEWS[kind]);
			await this.page.screenshot({ path: join(SCREENS, `${name}-${kind}.png`), fullPage: kind !== "dark", animations: "disabled" });
			const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
			if (wide > 0) throw new Error(`${name} (${kind}): the page is ${wide} px wider than the window`);
		}
		await this.lookAt(VIEWS.light);
	}
}

// By a link, to the inbox: a person with a passkey of their own.
export async function signedIn(who) {
	const visitor = await Visitor.come();
	await visitor.plugIn();
	await visitor.page.goto(invite(who).replace(/^https?:\/\/[^/]+/, HOUSE.url));
	await visitor.page.getByRole("button", { name: "Make the passkey", exact: true }).click();
	await visitor.page.getByRole("link", { name: "Sign in", exact: true }).click();
	await visitor.page.getByRole("button", { name: "Sign in with passkey", exact: true }).click();
	await visitor.heading("Inbox");
	return visitor;
}

async function shootAll(name) {
	for (const [at, { page }] of visitors.entries()) await page.screenshot({ path: join(SCREENS, `failed-${name.slice(0, 40)}-${at}.png`) }).catch(() => undefined);
}

// What the interface answered, for the comparison with docs/openapi.yaml.
async function remember(response) {
	const { pathname, search, origin } = new URL(response.url());
	if (!pathname.startsWith("/v1/") || pathname === "/v1/events" || origin !== HOUSE.url) return;
	const request = response.request();
	const body = await response.body().catch(() => null);
	if (body === null) return;
	exchanges.push({
		method: request.method(),
		target: pathname + search,
		fields: await request.allHeaders(),
		body: request.postData() ?? "",
		status: response.status(),
		answer_fields: await response.allHeaders(),
		answer: body.toString("utf8"),
	});
}

// --- A passkey, enrolled by an operation ---

// docs/PROTOCOL.json
export function canonical(value) {
	if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
	if (value === null || typeof value !== "object") return JSON.stringify(value);
	return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

export async function makePasskey(page, person, name) {
	const nonce = randomBytes(16).toString("hex");
	const challenge = createHash("sha256").update(canonical({ instance: HOUSE.instance, name, nonce, person, type: "gatehouse/passkey-enrolment/v1" })).digest("hex");
	const made = await page.evaluate(
		async ({ challenge, person }) => {
			const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
			const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
			const credential = await navigator.credentials.create({
				publicKey: {
					challenge: bytes(challenge),
					rp: { id: location.hostname, name: "Gatehouse" },
					user: { id: new TextEncoder().encode(person), name: person, displayName: person },
					pubKeyCredParams: [{ type: "public-key", alg: -7 }],
					authenticatorSelection: { residentKey: "required", userVerification: "required" },
				},
			});
			return { attestation_object: hex(credential.response.attestationObject), client_data: hex(credential.response.clientDataJSON), credential: hex(credential.rawId) };
		},
		{ challenge, person },
	);
	const file = join(HOUSE.folder, `passkey-${nonce}.json`);
	writeFileSync(file, canonical({ attestation_object: made.attestation_object, client_data: made.client_data, name, nonce, rp_id: "localhost", usable_from: Date.now() + 60_000 }));
	const asked = gatehouse("person4", "person", "passkey-add", person.slice("person:".length), file);
	const answer = approve(asked.operation, "person3", "person5");
	if (answer.state !== "done") throw new Error(`the passkey was not enrolled: ${JSON.stringify(answer)}`);
	return made.credential;
}
