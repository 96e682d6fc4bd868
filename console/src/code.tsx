// Texts of a bundle: Cedar with its words told apart, everything else as it is.

import type { ComponentChildren } from "preact";
import { around, diffLines } from "./diff";

const CEDAR = /(\/\/[^\n]*)|("(?:[^"\\]|\\.)*")|(@[a-z_]+)|\b(permit|forbid|when|unless|if|then|else|in|is|has|like|true|false|principal|action|resource|context)\b/g;

function paint(text: string): ComponentChildren[] {
	const out: ComponentChildren[] = [];
	let at = 0;
	for (const match of text.matchAll(CEDAR)) {
		if (match.index > at) out.push(text.slice(at, match.index));
		const kind = match[1] !== undefined ? "comment" : match[2] !== undefined ? "string" : match[3] !== undefined ? "note-word" : match[4] === "permit" ? "permit" : match[4] === "forbid" ? "forbid" : "word";
		out.push(<span class={`cedar-${kind}`}>{match[0]}</span>);
		at = match.index + match[0].length;
	}
	out.push(text.slice(at));
	return out;
}

export function Code({ name, text }: { name: string; text: string }) {
	const lines = text.replace(/\n$/, "").split("\n");
	const isCedar = name.endsWith(".cedar");
	return (
		<div class="code" tabIndex={0} role="region" aria-label={name}>
			<table>
				<tbody>
					{lines.map((line, at) => (
						<tr key={at}>
							<td class="line-number" aria-hidden="true">
								{at + 1}
							</td>
							<td>
								<code>{isCedar ? paint(line) : line}</code>
							</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

const SIGNS = { same: " ", old: "−", new: "+" };

export function Difference({ name, before, after }: { name: string; before: string; after: string }) {
	const lines = around(diffLines(before, after), 3);
	return (
		<div class="code" tabIndex={0} role="region" aria-label={`What differs in ${name}`}>
			<table>
				<tbody>
					{lines.map((line, at) =>
						line === undefined ? (
							<tr key={at} class="gap">
								<td colSpan={3}>…</td>
							</tr>
						) : (
							<tr key={at} class={`diff-${line.kind}`}>
								<td class="line-number" aria-hidden="true">
									{line.newLine ?? line.oldLine}
								</td>
								<td class="sign">
									<span aria-hidden="true">{SIGNS[line.kind]}</span>
									{line.kind !== "same" && <span class="hidden">{line.kind === "old" ? "taken out" : "added"}</span>}
								</td>
								<td>
									<code>{line.text}</code>
								</td>
							</tr>
						),
					)}
				</tbody>
			</table>
		</div>
	);
}
