// What differs between two texts, line by line: the shortest script of Myers (1986), by its greedy algorithm.

export interface Line {
	kind: "same" | "old" | "new";
	text: string;
	oldLine?: number;
	newLine?: number;
}

export function diffLines(before: string, after: string): Line[] {
	const a = linesOf(before);
	const b = linesOf(after);
	const trace = shortest(a, b);
	return trace === null ? replaced(a, b) : walkBack(a, b, trace);
}

function linesOf(text: string): string[] {
	return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

const EDITS_MAX = 2000; // beyond, the texts have nothing in common that helps a reader

function replaced(a: string[], b: string[]): Line[] {
	return [...a.map((text, at) => ({ kind: "old" as const, text, oldLine: at + 1 })), ...b.map((text, at) => ({ kind: "new" as const, text, newLine: at + 1 }))];
}

// For each number of edits, how far each diagonal came.
function shortest(a: string[], b: string[]): Map<number, number>[] | null {
	const trace: Map<number, number>[] = [];
	let furthest = new Map<number, number>([[1, 0]]);
	for (let edits = 0; edits <= Math.min(a.length + b.length, EDITS_MAX); edits++) {
		trace.push(new Map(furthest));
		const next = new Map(furthest);
		for (let k = -edits; k <= edits; k += 2) {
			const down = k === -edits || (k !== edits && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1));
			let x = down ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
			while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
			next.set(k, x);
			if (x >= a.length && x - k >= b.length) return trace;
		}
		furthest = next;
	}
	return null;
}

function walkBack(a: string[], b: string[], trace: Map<number, number>[]): Line[] {
	const lines: Line[] = [];
	let x = a.length;
	let y = b.length;
	const same = () => {
		x--;
		y--;
		lines.push({ kind: "same", text: a[x] ?? "", oldLine: x + 1, newLine: y + 1 });
	};
	for (let edits = trace.length - 1; edits >= 0; edits--) {
		const furthest = trace[edits] as Map<number, number>;
		const k = x - y;
		const down = k === -edits || (k !== edits && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
		const fromK = down ? k + 1 : k - 1;
		const fromX = furthest.get(fromK) ?? 0;
		while (x > fromX && y > fromX - fromK && x > 0 && y > 0) same();
		if (edits === 0) break;
		if (down) {
			y--;
			lines.push({ kind: "new", text: b[y] ?? "", newLine: y + 1 });
		} else {
			x--;
			lines.push({ kind: "old", text: a[x] ?? "", oldLine: x + 1 });
		}
	}
	while (x > 0 && y > 0) same();
	return lines.reverse();
}

// With so many lines around what differs, and nothing else; undefined where something is left out.
export function around(lines: readonly Line[], context: number): (Line | undefined)[] {
	const keep = new Set<number>();
	lines.forEach(({ kind }, at) => {
		if (kind !== "same") for (let near = at - context; near <= at + context; near++) keep.add(near);
	});
	const out: (Line | undefined)[] = [];
	lines.forEach((line, at) => {
		if (keep.has(at)) out.push(line);
		else if (out.length === 0 || out.at(-1) !== undefined) out.push(undefined);
	});
	return out;
}
