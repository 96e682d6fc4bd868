// Rows of the table of limits in force (docs/policies.md), in words, and which of them bounds what was spent.

import type { Limit } from "./api";

export function windowText({ per, window }: Limit): string {
	return window === "transaction" ? "each transaction" : `within ${window === "hour" ? "an hour" : `a ${window}`}, by ${(per ?? "").replace("_", " ")}`;
}

export function approvalsText({ approvals }: Limit): string {
	if (approvals === undefined) return "never";
	return approvals.map(({ count, group }) => (group === "independent" ? `${count} from a terminal` : group === "total" ? `${count} of anybody` : `${count} of ${group}`)).join(" and ");
}

// Where the key stands, as tables write it.
const OWNERS: Record<string, string> = { account: "account", desk: "desk", key: "key", legal_entity: "entity" };

// The lowest limit of what a key, account, desk or legal entity spends, whoever asks and whatever the asset.
export function barOf(limits: readonly Limit[], dimension: string, subject: string, window: string): number | undefined {
	const own = `${OWNERS[dimension] ?? dimension}:${subject}`;
	const bars = limits.filter((limit) => limit.per === dimension && limit.window === window && limit.who === "*" && limit.asset === "*" && (limit.account === "*" || limit.account === own)).map(({ cents }) => cents);
	return bars.length === 0 ? undefined : Math.min(...bars);
}
