// Where one is: the hash, as a path of words. The focus follows, so that a screen reader tells the new page.

import { signal } from "@preact/signals";

function read(): string[] {
	return location.hash.replace(/^#\/?/, "").split("/").filter((word) => word !== "").map(decodeURIComponent);
}

export const route = signal<string[]>(read());

export function link(...words: string[]): string {
	return `#/${words.map(encodeURIComponent).join("/")}`;
}

export function go(...words: string[]): void {
	location.hash = link(...words);
}

export function startRouting(): void {
	addEventListener("hashchange", () => {
		route.value = read();
	});
}
