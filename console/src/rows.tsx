// A long list of which only what is seen is in the document. Rows are of one height; more is asked for before the end is reached.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const MARGIN = 12; // rows drawn beyond each edge

interface Props<T> {
	label: string;
	items: readonly T[];
	height: number;
	idOf: (item: T) => string;
	draw: (item: T, at: number) => ComponentChildren;
	more: () => void;
	hasMore: boolean;
}

function useWindow(box: RefObject<HTMLDivElement | null>, height: number, count: number): [number, number] {
	const [range, setRange] = useState<[number, number]>([0, 40]);
	useLayoutEffect(() => {
		const element = box.current;
		if (element === null) return;
		let asked = false;
		const measure = () => {
			asked = false;
			const first = Math.max(0, Math.floor(element.scrollTop / height) - MARGIN);
			const last = Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / height) + MARGIN);
			setRange(([a, b]) => (a === first && b === last ? [a, b] : [first, last]));
		};
		const ask = () => {
			if (!asked) requestAnimationFrame(measure);
			asked = true;
		};
		measure();
		element.addEventListener("scroll", ask, { passive: true });
		const watcher = new ResizeObserver(ask);
		watcher.observe(element);
		return () => {
			element.removeEventListener("scroll", ask);
			watcher.disconnect();
		};
	}, [height, count]);
	return range;
}

export function Rows<T>({ label, items, height, idOf, draw, more, hasMore }: Props<T>) {
	const box = useRef<HTMLDivElement>(null);
	const [first, last] = useWindow(box, height, items.length);
	useEffect(() => {
		if (hasMore && last >= items.length - MARGIN) more();
	}, [last, items.length, hasMore]);

	const move = (event: KeyboardEvent) => {
		const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
		const links = step === 0 ? [] : Array.from(box.current?.querySelectorAll<HTMLAnchorElement>("a") ?? []);
		const at = links.indexOf(document.activeElement as HTMLAnchorElement);
		if (at < 0) return;
		links[at + step]?.focus();
		event.preventDefault();
	};
	return (
		<div class="long" ref={box} role="region" aria-label={label} tabIndex={0} onKeyDown={move}>
			<ul class="long-rows" ref={(list) => list?.style.setProperty("height", `${items.length * height}px`)}>
				{items.slice(first, last).map((item, at) => (
					<li
						key={idOf(item)}
						aria-setsize={hasMore ? -1 : items.length}
						aria-posinset={first + at + 1}
						ref={(row) => row?.style.setProperty("transform", `translateY(${(first + at) * height}px)`)}
					>
						{draw(item, first + at)}
					</li>
				))}
			</ul>
		</div>
	);
}
