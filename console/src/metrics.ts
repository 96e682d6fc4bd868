// OpenMetrics, as far as /metrics writes it: names with labels, and their values.

export type Sample = Map<string, number>;

export function readMetrics(text: string): Sample {
	const sample: Sample = new Map();
	for (const line of text.split("\n")) {
		if (line === "" || line.startsWith("#")) continue;
		const space = line.lastIndexOf(" ");
		sample.set(line.slice(0, space), Number(line.slice(space + 1)));
	}
	return sample;
}

export function sum(sample: Sample, name: string): number {
	let total = 0;
	for (const [key, value] of sample) if (key === name || key.startsWith(`${name}{`)) total += value;
	return total;
}

// Per second, between two samples; null where the process began anew.
export function rate(before: Sample, after: Sample, name: string, seconds: number): number | null {
	const grown = sum(after, name) - sum(before, name);
	return grown < 0 || seconds <= 0 ? null : grown / seconds;
}

// The quotient of what two counters grew by: the mean of a histogram between two samples.
export function mean(before: Sample, after: Sample, total: string, number: string): number | null {
	const count = sum(after, number) - sum(before, number);
	const amount = sum(after, total) - sum(before, total);
	return count <= 0 || amount < 0 ? null : amount / count;
}
