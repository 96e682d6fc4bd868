import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { startFeed } from "./feed";
import { preload } from "./resource";
import { route, startRouting } from "./route";
import { readSession } from "./session";

// Once; where somebody comes to enrol a passkey, when they go on from there.
const stop = effect(() => {
	const [word = "inbox"] = route.value;
	if (word === "enrol") return;
	// Both at once: whoever is signed in sees the first row without waiting for either.
	if (word === "inbox") preload("/v1/inbox");
	void readSession();
	queueMicrotask(() => stop());
});
startRouting();
startFeed();

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
