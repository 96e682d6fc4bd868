// The small parts that every page is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { type Problem, session } from "./api";
import { ago, dateTime, nameOf, short } from "./format";
import { link } from "./route";
import { advice, STATES } from "./words";

// The time, for everything that says "ago": one clock, a step every ten seconds.
export const now = signal(Date.now());
setInterval(() => {
	now.value = Date.now();
}, 10_000);

// What changed without being asked for, said by screen readers.
export const announcement = signal("");
export function announce(text: string): void {
	announcement.value = "";
	setTimeout(() => {
		announcement.value = text;
	}, 50);
}

export function Page({ title, lead, aside, children }: { title: string; lead?: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren }) {
	const heading = useRef<HTMLHeadingElement>(null);
	useEffect(() => {
		document.title = `${title} · Gatehouse`;
		heading.current?.focus({ preventScroll: true });
	}, [title]);
	return (
		<div class="page">
			<header class="page-head">
				<div>
					<h1 ref={heading} tabIndex={-1}>
						{title}
					</h1>
					{lead !== undefined && <p class="lead">{lead}</p>}
				</div>
				{aside}
			</header>
			{children}
		</div>
	);
}

export function Section({ title, aside, children }: { title: string; aside?: ComponentChildren; children: ComponentChildren }) {
	return (
		<section class="card">
			<div class="card-head">
				<h2>{title}</h2>
				{aside}
			</div>
			{children}
		</section>
	);
}

export function State({ state }: { state: string }) {
	const { name, tone } = STATES[state] ?? { name: state, tone: "plain" };
	return <span class={`pill ${tone}`}>{name}</span>;
}

export function Time({ at, both = false }: { at: number; both?: boolean }) {
	const moment = Math.max(now.value, Date.now());
	return (
		<time dateTime={new Date(at).toISOString()} title={dateTime(at)}>
			{both ? `${dateTime(at)} (${ago(at, moment)})` : ago(at, moment)}
		</time>
	);
}

// Something long that people compare or take along: its ends, all of it on demand, and a way to copy it.
export function Hash({ value, shown }: { value: string; shown?: string }) {
	const [copied, setCopied] = useState(false);
	const copy = () => {
		void navigator.clipboard?.writeText(value).then(() => {
			setCopied(true);
			announce("Copied");
			setTimeout(() => setCopied(false), 1500);
		});
	};
	return (
		<span class="hash">
			<code title={value}>{shown ?? short(value)}</code>
			<button type="button" class="copy" onClick={copy} aria-label={`Copy ${shown ?? short(value)}`}>
				{copied ? "Copied" : "Copy"}
			</button>
		</span>
	);
}

export function Who({ id }: { id: string }) {
	const { type, name } = nameOf(id);
	const isYou = session.value?.person === id;
	return (
		<span class="who" title={id}>
			<span class={`who-kind ${type}`} aria-hidden="true">
				{type === "person" ? "P" : type === "workload" ? "W" : "·"}
			</span>
			<span class="who-name">
				{type === "person" ? <span class="mono">{name}</span> : name}
				{isYou && <span class="muted"> (you)</span>}
			</span>
		</span>
	);
}

export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
	return (
		<div class="note bad" role="alert">
			<p>
				<strong>{problem.message}</strong>
			</p>
			<p>{advice(problem.problem)}</p>
			<p class="note-foot">
				<code>{problem.problem}</code>
				{problem.operation !== undefined && <a href={link("operations", problem.operation)}>The operation</a>}
				{retry !== undefined && (
					<button type="button" class="button small" onClick={retry}>
						Try again
					</button>
				)}
			</p>
		</div>
	);
}

export function Note({ tone, children }: { tone: "info" | "warn" | "good"; children: ComponentChildren }) {
	return <div class={`note ${tone}`}>{children}</div>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
	return (
		<div class="empty">
			<p class="empty-title">{title}</p>
			{children}
		</div>
	);
}

export function Loading({ rows = 3 }: { rows?: number }) {
	return (
		<div class="skeleton" role="status">
			<span class="hidden">Loading</span>
			{Array.from({ length: rows }, (_, at) => (
				<div key={at} class="bone" />
			))}
		</div>
	);
}

// An answer, or why there is none yet.
export function Answer<T>({ of, children, rows }: { of: { data: T | undefined; problem: Problem | undefined; reload: () => void }; children: (data: T) => ComponentChildren; rows?: number }) {
	return (
		<>
			{of.problem !== undefined && <ProblemNote problem={of.problem} retry={of.reload} />}
			{of.data !== undefined ? children(of.data) : of.problem === undefined && <Loading {...(rows === undefined ? {} : { rows })} />}
		</>
	);
}

export function Terms({ children }: { children: ComponentChildren }) {
	return <dl class="terms">{children}</dl>;
}

export function Term({ name, children }: { name: string; children: ComponentChildren }) {
	return (
		<div class="term">
			<dt>{name}</dt>
			<dd>{children}</dd>
		</div>
	);
}

// A table that may be wider than the page: the region scrolls, by keyboard too.
export function Table({ caption, head, children }: { caption: string; head: string[]; children: ComponentChildren }) {
	const body = useRef<HTMLTableSectionElement>(null);
	// Where the window is narrow a row is a list, and each cell says what it is.
	useEffect(() => {
		for (const row of body.current?.rows ?? [])
			for (const [at, cell] of [...row.cells].entries()) cell.dataset["label"] = head[at] ?? "";
	});
	return (
		<div class="table" tabIndex={0} role="region" aria-label={caption}>
			<table>
				<caption class="hidden">{caption}</caption>
				<thead>
					<tr>
						{head.map((name) => (
							<th key={name} scope="col">
								{name}
							</th>
						))}
					</tr>
				</thead>
				<tbody ref={body}>{children}</tbody>
			</table>
		</div>
	);
}

export function Button({ tone = "plain", busy = false, disabled = false, onClick, children }: { tone?: "plain" | "primary" | "danger"; busy?: boolean; disabled?: boolean; onClick: () => void; children: ComponentChildren }) {
	return (
		<button type="button" class={`button ${tone}`} aria-busy={busy} disabled={busy || disabled} onClick={onClick}>
			{children}
		</button>
	);
}

export function save(name: string, text: string, type: string): void {
	const url = URL.createObjectURL(new Blob([text], { type }));
	const anchor = document.createElement("a");
	anchor.href = url;
	anchor.download = name;
	anchor.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
