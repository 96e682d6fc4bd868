// A button that starts an operation: the first press shows what will happen, the second signs exactly that with the passkey.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type OperationAnswer, type Problem, session } from "./api";
import { missingText } from "./format";
import { asRefusal } from "./resource";
import { link } from "./route";
import { type Intention, start, viewOf } from "./start";
import { announce, Button, Note, ProblemNote, State } from "./ui";
import { OperationView } from "./view";
import { headline } from "./words";

interface Props {
	// On the button: "Freeze…"
	label: string;
	intention: Intention;
	// What comes of it, in plain words.
	children: ComponentChildren;
	// What the person is asked to write, where they are; it becomes the reason, or what the function makes of it.
	ask?: string;
	withText?: (intention: Intention, text: string) => Intention;
	tone?: "plain" | "danger";
	// On the button that signs, where the first one's words do not say what that is.
	confirm?: string;
	done?: (answer: OperationAnswer) => void;
}

function Outcome({ answer }: { answer: OperationAnswer }) {
	const went = answer.state === "done" || answer.state === "held";
	return (
		<Note tone={went ? "good" : "warn"}>
			<p tabIndex={-1} ref={(text) => text?.focus()}>
				<State state={answer.state} /> <a href={link("operations", answer.operation)}>The operation</a>{" "}
				{answer.state === "done" && "is done."}
				{answer.state === "held" && `waits for approval by ${missingText(answer.missing ?? {})}.`}
				{answer.state === "denied" && `was denied: ${answer.detail ?? "no policy permits it"}.`}
				{answer.state === "failed" && `was permitted and could not be done: ${answer.detail ?? ""}`}
			</p>
		</Note>
	);
}

export function Act({ label, intention, children, ask, withText, tone = "plain", confirm = label.replace("…", ""), done }: Props) {
	const [open, setOpen] = useState(false);
	const [busy, setBusy] = useState(false);
	const [text, setText] = useState("");
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const [answer, setAnswer] = useState<OperationAnswer | undefined>(undefined);
	const opener = useRef<HTMLSpanElement>(null);
	const heading = useRef<HTMLHeadingElement>(null);
	const wasOpen = useRef(false);
	// Whoever opens it is told what it is; whoever turns back is where they were.
	useEffect(() => {
		if (open) heading.current?.focus();
		if (wasOpen.current && !open && answer === undefined) opener.current?.querySelector("button")?.focus();
		wasOpen.current = open;
	}, [open]);
	const by = session.value?.person ?? "";
	const written = text.trim();
	const asked = withText === undefined ? intention : withText(intention, written);
	const reason = withText === undefined ? written : "";
	const view = viewOf(asked, by, reason);

	const go = async () => {
		setBusy(true);
		setProblem(undefined);
		try {
			const given = await start(asked, by, reason);
			announce(`${label.replace("…", "")}: ${given.state}`);
			setAnswer(given);
			setOpen(false);
			done?.(given);
		} catch (error) {
			setProblem(asRefusal(error));
		} finally {
			setBusy(false);
		}
	};

	if (answer !== undefined) return <Outcome answer={answer} />;
	if (!open)
		return (
			<span ref={opener}>
				<button type="button" class={`button small ${tone}`} onClick={() => setOpen(true)}>
					{label}
				</button>
			</span>
		);
	return (
		<div class="act" role="group" aria-label={label}>
			<h4 tabIndex={-1} ref={heading}>
				{headline(view)}
			</h4>
			<p>{children}</p>
			{ask !== undefined && (
				<label class="field">
					<span>{ask}</span>
					<textarea rows={2} maxLength={500} value={text} onInput={(event) => setText(event.currentTarget.value)} />
				</label>
			)}
			<details>
				<summary>Exactly what your passkey will sign</summary>
				<OperationView view={view} />
			</details>
			{problem !== undefined && <ProblemNote problem={problem} />}
			<div class="buttons">
				<Button tone={tone === "danger" ? "danger" : "primary"} busy={busy} disabled={withText !== undefined && written === ""} onClick={() => void go()}>
					{`${confirm} with passkey`}
				</Button>
				<Button disabled={busy} onClick={() => setOpen(false)}>
					Back
				</Button>
			</div>
		</div>
	);
}
