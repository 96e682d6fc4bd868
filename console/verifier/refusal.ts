/* What contradicts: a stable name, the same as in C, and a sentence. */

export class Refusal extends Error {
	constructor(
		readonly error: string,
		readonly detail: string,
	) {
		super(`${error}: ${detail}`);
	}
}

export function refuse(error: string, detail: string): never {
	throw new Refusal(error, detail);
}
