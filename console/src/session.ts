// Signing in and out. A session reads and does nothing else: whatever changes something carries a signature of its own.

import { endSession, post, remove, type Session, session, sessionEnded } from "./api";
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
	lastSign = Date.now();
	session.value = begun;
}

export async function signOut(): Promise<void> {
	await remove("/v1/session");
	forget();
	sessionEnded.value = false;
	session.value = null;
}

// --- Nobody is there ---

// A page that follows the log reads all by itself, and to the keeper that looks like somebody at work. Only the page knows whether anybody
// is: where nobody has touched it for as long as a session may be idle, it ends the session.
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const LOOK_MS = 1000;
let lastSign = Date.now();

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
		if (session.value == null || Date.now() - lastSign < session.value.idle_ms) return;
		void remove("/v1/session").catch(() => undefined);
		forget();
		endSession();
	}, LOOK_MS);
}
