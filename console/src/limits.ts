// The limits that a bundle's tables set (docs/policies.md), as far as a page can hold them beside what was spent.

import type { BundleDocument } from "./api";

export interface Limit {
	id: string;
	who: string;
	account: string;
	asset: string;
	window: string;
	per: string;
	cents: number;
	approvals: string;
	note: string;
}

// One row of RFC 4180, as the tables are written.
export function csvRow(line: string): string[] {
	const fields: string[] = [];
	// Each field with the comma behind it, which the last one is given.
	for (const [, quoted, plain] of `${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*)),/g)) fields.push(quoted !== undefined ? quoted.replaceAll('""', '"') : (plain ?? ""));
	return fields;
}

function cents(amount: string): number {
	return Math.round(Number(amount) * 100);
}

export function limitsOf(document: BundleDocument): Limit[] {
	return document.limits
		.filter(({ file }) => file.endsWith(".csv"))
		.flatMap(({ text }) => {
			const [head = "", ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== "");
			const names = csvRow(head);
			return lines.map((line, at) => {
				const fields = csvRow(line);
				const field = (name: string) => fields[names.indexOf(name)] ?? "";
				return {
					id: field("id") || `limit-${at + 1}`,
					who: field("who"),
					account: field("account"),
					asset: field("asset"),
					window: field("window"),
					per: field("per"),
					cents: cents(field("amount")),
					approvals: field("approvals"),
					note: field("note"),
				};
			});
		});
}
