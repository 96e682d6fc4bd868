// Numbers, times and names for people.

export function dollars(cents: number): string {
	return (cents / 100).toLocaleString("en-US", { style: "currency", currency: "USD" });
}

// Of one whole unit, in 10⁻⁸ dollars.
export function price(microcents: number): string {
	return (microcents / 1e8).toLocaleString("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 8 });
}

// How far it moves, away from zero: nothing looks smaller than it is.
export function priceChange(before: number, now: number): string {
	const hundredths = Math.ceil((Math.abs(now - before) * 10_000) / before) / 100;
	return `${now < before ? "−" : "+"}${hundredths.toLocaleString("en-US")} percent`;
}

export function count(number: number): string {
	return number.toLocaleString("en-US");
}

export function plural(number: number, one: string, many: string = `${one}s`): string {
	return `${count(number)} ${number === 1 ? one : many}`;
}

const UNITS: [number, string][] = [
	[86_400_000, "day"],
	[3_600_000, "hour"],
	[60_000, "minute"],
	[1000, "second"],
];

// "3 hours", of any length of time.
export function duration(ms: number): string {
	const [size, name] = UNITS.find(([unit]) => ms >= unit) ?? [1000, "second"];
	return plural(Math.max(0, Math.floor(ms / size)), name);
}

export function ago(at: number, now: number): string {
	if (Math.abs(now - at) < 5000) return "just now";
	return at <= now ? `${duration(now - at)} ago` : `in ${duration(at - now)}`;
}

export function dateTime(at: number): string {
	return new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

// The ends of something long, both of which are compared by eye.
export function short(text: string, head = 8, tail = 6): string {
	return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

const CHAINS: Record<string, string> = {
	"bitcoin:main": "Bitcoin",
	"eip155:1": "Ethereum",
	"eip155:10": "Optimism",
	"eip155:137": "Polygon",
	"eip155:42161": "Arbitrum",
	"eip155:8453": "Base",
	"solana:main": "Solana",
};

export function chainName(chain: string): string {
	return CHAINS[chain] ?? chain;
}

// As much of a principal's name as tells it apart: of a pseudonym its end.
export function shortName(id: string): string {
	const { name } = nameOf(id);
	return /^p-[0-9a-f]{16}$/.test(name) ? `p-…${name.slice(-6)}` : name;
}

// "workload:settlement" is the workload settlement.
export function nameOf(id: string): { type: string; name: string } {
	const colon = id.indexOf(":");
	return colon < 0 ? { type: "", name: id } : { type: id.slice(0, colon), name: id.slice(colon + 1) };
}

// "group.treasury" is "treasury"; "first.treasury" is "treasury, in the first stage".
export function missingName(name: string): string {
	if (name === "independent") return "from a terminal";
	if (name === "total") return "of anybody";
	if (name === "phishing_resistant") return "by passkey";
	const [kind, group] = name.split(".", 2);
	if (group === undefined) return name;
	return kind === "group" ? `of ${group}` : `of ${group}, ${kind} stage`;
}

export function missingText(missing: Record<string, number>): string {
	const parts = Object.entries(missing).map(([name, number]) => `${number} ${missingName(name)}`);
	return parts.length === 0 ? "nothing" : parts.join(" and ");
}
