import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

// What stands before the console: signing in, and enrolling.
export function Door({ title, children }: { title: string; children: ComponentChildren }) {
	const heading = useRef<HTMLHeadingElement>(null);
	useEffect(() => {
		document.title = `${title} · Gatehouse`;
		heading.current?.focus({ preventScroll: true });
	}, [title]);
	return (
		<main class="door" id="main">
			<div class="door-card">
				<p class="brand large">
					<img src="/assets/icon.svg" alt="" width="32" height="32" /> Gatehouse
				</p>
				<h1 ref={heading} tabIndex={-1}>
					{title}
				</h1>
				{children}
				<p class="muted small mono">{location.host}</p>
			</div>
		</main>
	);
}
