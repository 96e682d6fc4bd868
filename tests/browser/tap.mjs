// TAP for tests in a browser: cases run one after another, on what those before them left.

const cases = [];

export function test(name, run) {
	cases.push({ name, run });
}

// after: what must be done whatever happens; failed: told of each case that failed.
export async function main({ after, failed }) {
	const only = process.env.ONLY;
	console.log(`TAP version 13\n1..${cases.length}`);
	let bad = 0;
	for (const [at, { name, run }] of cases.entries()) {
		if (only !== undefined && at > 0 && !name.includes(only)) {
			console.log(`ok ${at + 1} # SKIP ${name}: another one is asked for`);
			continue;
		}
		const started = performance.now();
		try {
			await run();
			console.log(`ok ${at + 1} - ${name}`);
		} catch (error) {
			bad++;
			console.log(`not ok ${at + 1} - ${name}`);
			for (const line of String(error.stack ?? error).split("\n")) console.log(`# ${line}`);
			await failed(name);
		}
		console.log(`# ${Math.round(performance.now() - started)} ms`);
	}
	await after();
	process.exitCode = bad === 0 ? 0 : 1;
}

export function assert(holds, text) {
	if (!holds) throw new Error(text);
}

export function equal(actual, expected, text = "differs") {
	assert(JSON.stringify(actual) === JSON.stringify(expected), `${text}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}
