import { render } from "preact";
import { App } from "./app";
import { startFeed } from "./feed";
import { preload } from "./resource";
import { route, startRouting } from "./route";
import { readSession } from "./api";
import { watchIdleness } from "./session";

// Both at once: whoever is signed in sees the first row without waiting for either.
const [first = "inbox"] = route.value;
if (first === "inbox") preload("/v1/inbox");
void readSession();
startRouting();
startFeed();
watchIdleness();

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
