// Passkeys by WebAuthn Level 3. The browser shows which site asks and verifies the person; what is signed is a digest.

import { hex, unhex } from "./canonical";

export interface Assertion {
	credential: string;
	assertion: { authenticator_data: string; client_data: string };
	signature: string;
}

const PATIENCE_MS = 120_000;

// What went wrong at the authenticator, where nothing was signed.
export class PasskeyError extends Error {}

function explain(error: unknown): PasskeyError {
	const name = error instanceof DOMException ? error.name : "";
	if (name === "NotAllowedError") return new PasskeyError("Nothing was signed: the passkey was cancelled, timed out, or is not on this device.");
	if (name === "SecurityError") return new PasskeyError("Nothing was signed: this address is not the one the passkey belongs to.");
	if (name === "InvalidStateError") return new PasskeyError("This authenticator has a passkey for you already.");
	return new PasskeyError(error instanceof Error ? error.message : "Nothing was signed.");
}

export const passkeysWork = typeof PublicKeyCredential !== "undefined" && isSecureContext;

// credentials: hexadecimal; empty: whichever the person chooses. host: the relying party.
export async function sign(challenge: Uint8Array<ArrayBuffer>, credentials: readonly string[], host: string = location.hostname): Promise<Assertion> {
	let found: PublicKeyCredential | null;
	try {
		found = (await navigator.credentials.get({
			publicKey: {
				challenge,
				rpId: host,
				allowCredentials: credentials.map((id) => ({ type: "public-key" as const, id: unhex(id) })),
				userVerification: "required",
				timeout: PATIENCE_MS,
			},
		})) as PublicKeyCredential | null;
	} catch (error) {
		throw explain(error);
	}
	if (found === null) throw new PasskeyError("Nothing was signed.");
	const response = found.response as AuthenticatorAssertionResponse;
	return {
		credential: hex(found.rawId),
		assertion: { authenticator_data: hex(response.authenticatorData), client_data: hex(response.clientDataJSON) },
		signature: hex(response.signature),
	};
}

export interface NewPasskey {
	attestation_object: string;
	client_data: string;
}

export interface NewPasskeyOptions {
	challenge: string;
	host: string;
	person: string;
	label: string;
	algorithms: readonly number[];
	attestation: AttestationConveyancePreference;
}

export async function create(options: NewPasskeyOptions): Promise<NewPasskey> {
	let made: PublicKeyCredential | null;
	try {
		made = (await navigator.credentials.create({
			publicKey: {
				challenge: unhex(options.challenge),
				rp: { id: options.host, name: "Gatehouse" },
				user: { id: new TextEncoder().encode(options.person), name: options.label, displayName: options.label },
				pubKeyCredParams: options.algorithms.map((alg) => ({ type: "public-key" as const, alg })),
				authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
				attestation: options.attestation,
				timeout: PATIENCE_MS,
			},
		})) as PublicKeyCredential | null;
	} catch (error) {
		throw explain(error);
	}
	if (made === null) throw new PasskeyError("No passkey was made.");
	const response = made.response as AuthenticatorAttestationResponse;
	return { attestation_object: hex(response.attestationObject), client_data: hex(response.clientDataJSON) };
}
