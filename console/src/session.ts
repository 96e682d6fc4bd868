// Signing in and out. A session reads and does nothing else: whatever changes something carries a signature of its own.

import { get, post, remove, type Session, session, sessionEnded } from "./api";
import { unhex } from "./canonical";
import { sign } from "./passkey";
import { forget } from "./resource";

interface Challenge {
	challenge: string;
	expires: number;
	rp_id: string;
}

export async function readSession(): Promise<void> {
	try {
		session.value = await get<Session>("/v1/session");
	} catch {
		session.value = null;
	}
}

export async function signIn(): Promise<void> {
	const asked = await post<Challenge>("/v1/session/challenge");
	const { credential, assertion, signature } = await sign(unhex(asked.challenge), [], asked.rp_id);
	forget();
	const begun = await post<Session>("/v1/session", { assertion, credential_id: credential, signature });
	sessionEnded.value = false;
	session.value = begun;
}

export async function signOut(): Promise<void> {
	await remove("/v1/session");
	forget();
	sessionEnded.value = false;
	session.value = null;
}
