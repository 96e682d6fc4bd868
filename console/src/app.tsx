import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isAuditor, session } from "./api";
import { feedState, lostSince } from "./feed";
import { link, route } from "./route";
import { signOut } from "./session";
import { Destinations } from "./pages/destinations";
import { Enrol } from "./pages/enrol";
import { Health } from "./pages/health";
import { Inbox } from "./pages/inbox";
import { Keys } from "./pages/keys";
import { Ledger } from "./pages/ledger";
import { Operation } from "./pages/operation";
import { Operations } from "./pages/operations";
import { People } from "./pages/people";
import { Policies } from "./pages/policies";
import { SignIn } from "./pages/signin";
import { Verify } from "./pages/verify";
import { announce, announcement, Empty, Loading, Note, Page, Who } from "./ui";

interface Place {
	word: string;
	name: string;
	draw: (rest: string[]) => ComponentChildren;
	forAuditors?: true;
}

const PLACES: Place[] = [
	{ word: "inbox", name: "Inbox", draw: ([id]) => <Inbox chosen={id} /> },
	{ word: "operations", name: "Operations", draw: ([id]) => (id === undefined ? <Operations /> : <Operation key={id} id={id} />), forAuditors: true },
	{ word: "keys", name: "Keys", draw: () => <Keys /> },
	{ word: "people", name: "People", draw: () => <People /> },
	{ word: "destinations", name: "Destinations", draw: () => <Destinations /> },
	{ word: "policies", name: "Policies", draw: () => <Policies /> },
	{ word: "ledger", name: "Ledger", draw: () => <Ledger />, forAuditors: true },
	{ word: "verify", name: "Verify", draw: () => <Verify />, forAuditors: true },
	{ word: "health", name: "Health", draw: () => <Health />, forAuditors: true },
];

function placesOf(): Place[] {
	return isAuditor.value ? PLACES.filter(({ forAuditors }) => forAuditors) : PLACES;
}

function Live() {
	if (isAuditor.value) return <span class="live">auditor: each reading is recorded</span>;
	const text = lostSince.value !== null ? "offline" : { off: "paused", connecting: "connecting", live: "live" }[feedState.value];
	return (
		<span class="live">
			<span class={`dot ${feedState.value === "live" ? "good" : lostSince.value !== null ? "bad" : "wait"}`} aria-hidden="true" /> {text}
		</span>
	);
}

const PATIENCE_MS = 2_000; // a connection that is made anew at once is nobody's concern

// Whoever decides must know that what they see may be of before.
function Lost() {
	const since = lostSince.value;
	const [told, setTold] = useState(since !== null && Date.now() - since > PATIENCE_MS ? since : null);
	useEffect(() => {
		if (since === null) {
			if (told !== null) announce("The server is reached again");
			setTold(null);
			return;
		}
		const timer = setTimeout(() => setTold(since), PATIENCE_MS);
		return () => clearTimeout(timer);
	}, [since]);
	if (told === null) return null;
	return (
		<div class="lost" role="alert">
			<Note tone="warn">
				<p>
					<strong>The server has not been reached since {new Date(told).toLocaleTimeString("en-GB")}.</strong> What stands here is of before. It is tried again and again, and what was missed is read when it answers.
				</p>
			</Note>
		</div>
	);
}

function Navigation({ current }: { current: string }) {
	const [open, setOpen] = useState(false);
	useEffect(() => setOpen(false), [route.value]);
	return (
		<header class="bar">
			<div class="bar-head">
				<a class="brand" href={link(placesOf()[0]?.word ?? "")}>
					<img src="/assets/icon.svg" alt="" width="24" height="24" /> Gatehouse
				</a>
				<button type="button" class="menu" aria-expanded={open} aria-controls="navigation" onClick={() => setOpen(!open)}>
					Menu
				</button>
			</div>
			<div id="navigation" class={`navigation ${open ? "open" : ""}`}>
				<nav aria-label="Pages">
					<ul>
						{placesOf().map(({ word, name }) => (
							<li key={word}>
								<a href={link(word)} aria-current={word === current ? "page" : undefined}>
									{name}
								</a>
							</li>
						))}
					</ul>
				</nav>
				<div class="account">
					<Live />
					<Who id={session.value?.person ?? ""} />
					<button type="button" class="button small" onClick={() => void signOut()}>
						Sign out
					</button>
				</div>
			</div>
		</header>
	);
}

function Nowhere() {
	return (
		<Page title="There is no such page">
			<Empty title="The link leads nowhere">
				<p>
					{isAuditor.value ? <a href={link("operations")}>To the operations, of which you read what is granted to you</a> : <a href={link("inbox")}>To the inbox</a>}
				</p>
			</Empty>
		</Page>
	);
}

function Inside() {
	const places = placesOf();
	const [word = places[0]?.word ?? "", ...rest] = route.value;
	const place = places.find((one) => one.word === word);
	return (
		<div class="frame">
			<a
				class="skip"
				href="#main"
				onClick={(event) => {
					event.preventDefault();
					document.querySelector<HTMLElement>("#main h1")?.focus();
				}}
			>
				To the content
			</a>
			<Navigation current={word} />
			<main id="main" key={word}>
				<Lost />
				{place === undefined ? <Nowhere /> : place.draw(rest)}
			</main>
		</div>
	);
}

export function App() {
	const [word, token] = route.value;
	return (
		<>
			{word === "enrol" && token !== undefined ? (
				<Enrol key={token} token={token} />
			) : session.value === undefined ? (
				<main class="door">
					<Loading />
				</main>
			) : session.value === null ? (
				<SignIn />
			) : (
				<Inside />
			)}
			<p class="hidden" role="status" aria-live="polite">
				{announcement.value}
			</p>
		</>
	);
}
