// Signing in and out. A session reads and does nothing else: whatever changes something carries a signature of its own.

import { endSession, Problem, post, remove, type Session, session, sessionEnded } from "./api";
import { unhex } from "./canonical";
import { sign } from "./passkey";
import { forget } from "./resource";

interface Challenge {
	challenge: string;
	expires: number;
	rp_id: string;
}

export async function signIn(): Promise<void> {
	const asked = await post<Challenge>("/v1/session/challenge");
	const { credential, assertion, signature } = await sign(unhex(asked.challenge), [], asked.rp_id);
	forget();
	const begun = await post<Session>("/v1/session", { assertion, credential_id: credential, signature });
	sessionEnded.value = false;
	lastSign = lastTold = Date.now();
	session.value = begun;
}

export async function signOut(): Promise<void> {
	await remove("/v1/session");
	forget();
	sessionEnded.value = false;
	session.value = null;
}

// --- Nobody is there ---

// A page reads all by itself, and to the keeper none of that is activity. It hears of somebody who is there from here alone, now and then
// while they are; and where nobody has touched the page for as long as a session may be idle, the page ends the session itself.
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const LOOK_MS = 1000;
const TELL_MS = 60_000;
let lastSign = Date.now();
let lastTold = Date.now();

function tellActivity(): void {
	lastTold = Date.now();
	post("/v1/session/activity").catch((error: unknown) => {
		if (error instanceof Problem && error.status === 401) endSession();
	});
}

export function watchIdleness(): void {
	for (const sign of SIGNS)
		addEventListener(
			sign,
			() => {
				lastSign = Date.now();
			},
			{ passive: true, capture: true },
		);
	setInterval(() => {
		if (session.value == null) return;
		const { idle_ms: idle } = session.value;
		if (lastSign > lastTold && Date.now() - lastTold >= Math.min(TELL_MS, idle / 4)) tellActivity();
		if (Date.now() - lastSign < idle) return;
		void remove("/v1/session").catch(() => undefined);
		forget();
		endSession();
	}, LOOK_MS);
}
