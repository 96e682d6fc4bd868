// What became of an operation, entry by entry.

import type { Timeline as TimelineAnswer, TimelineEntry } from "./api";
import { dateTime, missingText, nameOf } from "./format";
import { Time, Who } from "./ui";

const CLIENTS: Record<string, string> = { console: "in the console", cli: "on the command line", offline: "offline" };

function personOf(key: string | undefined): string {
	return key === undefined ? "" : key.split("/")[0] ?? "";
}

function said(entry: TimelineEntry, isFirst: boolean): { tone: string; title: string; text: string; who: string } {
	switch (entry.type) {
		case "vote": {
			const signer = personOf(entry.key);
			const words: Record<string, string> = { approve: "Approved", reject: "Rejected", withdraw: "Vote withdrawn" };
			const forOther = entry.person !== undefined && entry.person !== signer ? ` for ${nameOf(entry.person).name}` : "";
			return {
				tone: entry.verdict === "approve" ? "good" : entry.verdict === "reject" ? "bad" : "plain",
				title: `${words[entry.verdict ?? ""] ?? "Vote"}${forOther}`,
				text: [CLIENTS[entry.client ?? ""] ?? "", entry.reason ?? ""].filter((part) => part !== "").join(": "),
				who: signer,
			};
		}
		case "outcome":
			return { tone: entry.outcome === "done" ? "good" : "bad", title: entry.outcome === "done" ? "Done" : "Failed", text: entry.error ?? "", who: "" };
		case "refusal":
			return { tone: "bad", title: "Refused before a decision", text: entry.error ?? "", who: personOf(entry.key) };
		default: {
			const decisions: Record<string, [string, string]> = { permit: ["good", "Permitted"], deny: ["bad", "Denied"], held: ["wait", "Held"] };
			const [tone, title] = decisions[entry.decision ?? ""] ?? ["plain", "Decided"];
			const parts = [];
			if (entry.decision === "held") parts.push(`missing ${missingText(entry.missing ?? {})}`);
			if ((entry.reasons ?? []).length > 0) parts.push(`by ${(entry.reasons ?? []).join(", ")}`);
			if (entry.outcome === "done") parts.push("and done");
			if (entry.outcome === "intended") parts.push("and intended: its outcome follows");
			if (entry.outcome === "failed") parts.push(`and failed: ${entry.error ?? ""}`);
			return { tone, title: isFirst ? `Asked for, and ${title.toLowerCase()}` : `${title} afresh`, text: parts.join(" "), who: isFirst ? personOf(entry.requester) : "" };
		}
	}
}

export function TimelineList({ timeline }: { timeline: TimelineAnswer }) {
	return (
		<ol class="timeline">
			{timeline.entries.map((entry, at) => {
				const { tone, title, text, who } = said(entry, at === 0);
				return (
					<li key={entry.entry} class={tone}>
						<p class="timeline-title">
							<strong>{title}</strong> {who !== "" && <Who id={who} />}
						</p>
						{text !== "" && <p>{text}</p>}
						<p class="muted small">
							<Time at={entry.at} /> · {dateTime(entry.at)} · entry {entry.entry}
						</p>
					</li>
				);
			})}
		</ol>
	);
}
