#!/usr/bin/env python3
"""The demo as people run it: its numbers are of the run, a step that fails ends it, and nothing is left behind."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import tap

GATEHOUSE = os.environ["GATEHOUSE"]
STEPS = [
    "the firm is founded", "the processes start", "a witness starts", "passkeys are enrolled", "keys are made",
    "1 small EIP-1559 transfer", "2 token over the limit", "3 PSBT", "4 sanctioned address", "5 unlimited approve", "6 tampered request",
    "7 replayed request", "8 velocity breach",
    "root edits the allow list", "root edits state.db", "a hostile gateway forges", "it shows another transfer", "old data is put back", "an operator re-signs",
    "an old receipt", "the witness", "offline verification", "replay", "answers with receipts",
]
# Steps whose number is an amount.
AMOUNTS = ["1 small EIP-1559 transfer", "2 token over the limit", "3 PSBT", "8 velocity breach", "it shows another transfer"]


class Demo:
    """One run in a temporary directory of its own, which must be empty afterwards."""

    def __init__(self, *arguments):
        self.directory = tempfile.TemporaryDirectory(prefix="gatehouse-demo-test-")
        os.chmod(self.directory.name, 0o755)
        self.process = subprocess.Popen([GATEHOUSE, "demo", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "TMPDIR": self.directory.name}, start_new_session=True)
        self.text = ""

    def read_until(self, words):
        while words not in self.text:
            line = self.process.stdout.readline()
            assert line != "", f"the demo ended before it said \"{words}\":\n{self.text}{self.process.stderr.read()}"
            self.text += line

    def end(self):
        output, self.errors = self.process.communicate(timeout=120)
        self.text += output
        left = os.listdir(self.directory.name)
        self.directory.cleanup()
        assert left == [], f"left behind: {left}"
        for pid in map(int, re.findall(r"(?:supervisor|process) (\d+)", self.text)):
            assert not is_ours(pid), f"process {pid} runs on"
        return self.process.returncode

    def numbers(self):
        """The number of each step, by the step's title."""
        return {title: found.group(1) for title in STEPS
                if (found := re.search(rf"^ +{re.escape(title)} +[a-z ]+? {{1,18}}(\S.*?)  ", self.text, re.MULTILINE))}


def is_ours(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().startswith(b"gatehouse")
    except FileNotFoundError:
        return False


def run(*arguments):
    demo = Demo(*arguments)
    code = demo.end()
    assert code == 0, f"exit code {code}:\n{demo.text}{demo.errors}"
    return demo


def test_every_step_is_told_with_a_number_and_other_amounts_give_other_numbers():
    one, other, again = run("--amounts", "one"), run("--amounts", "other"), run("--amounts", "one")
    for demo in (one, other):
        missing = [title for title in STEPS if title not in demo.numbers()]
        assert missing == [], f"not told: {missing}:\n{demo.text}"
        assert "different 0, erased 0" in demo.text and "0 signed" in demo.text, demo.text
        # Who touches what a gateway asks for, whatever it showed: counted, and never independent.
        assert re.search(r"it shows another transfer held .* touch their\s+passkeys; missing: 1 independent", demo.text), demo.text
        assert re.search(r"shortens this wait.*at least 1 s, not 86,400 s", demo.text, re.DOTALL), demo.text
        assert "\x1b" not in demo.text, "colours, and nobody's terminal"
        assert demo.errors == "", demo.errors
    for title in AMOUNTS:
        assert re.fullmatch(r"[0-9,]+\.[0-9]{2} USD", one.numbers()[title]), one.numbers()[title]
        assert one.numbers()[title] != other.numbers()[title], f"{title}: {one.numbers()[title]} in both"
        assert one.numbers()[title] == again.numbers()[title], f"{title}: the same text gives other amounts"


def test_a_signal_ends_it_in_order():
    demo = Demo()
    demo.read_until("1 small EIP-1559 transfer")
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == 3, demo.text
    assert "interrupted" in demo.errors, demo.errors


def test_a_step_that_fails_is_named_and_ends_it():
    demo = Demo()
    demo.read_until("a witness starts")
    os.kill(int(re.search(r"a witness starts .* process (\d+)", demo.text).group(1)), signal.SIGKILL)
    assert demo.end() in (1, 3), demo.text
    assert "did not give what it must" in demo.errors, demo.errors
    assert "offline verification" not in demo.text


def test_it_can_stay_and_be_talked_to():
    demo = Demo("--keep")
    demo.read_until("ledger verify log")
    commands = [line.split() for line in demo.text.splitlines() if line.startswith("  gatehouse ")]
    assert len(commands) == 4, demo.text
    # The console: on localhost without a certificate, and only there.
    console = re.search(r"The console is at (http://localhost:\d+)", demo.text).group(1)
    with urllib.request.urlopen(console, timeout=60) as page:
        assert page.status == 200 and "<title>Gatehouse</title>" in page.read().decode(), demo.text
    with urllib.request.urlopen(urllib.request.Request(f"{console}/v1/session/challenge", method="POST"), timeout=60) as challenge:
        assert json.loads(challenge.read())["rp_id"] == "localhost"
    try:
        urllib.request.urlopen(console.replace("localhost", "127.0.0.1"), timeout=60)
        raise AssertionError("another name than the console's is answered")
    except urllib.error.HTTPError as refused:
        assert refused.code == 421, refused
    for command in commands:
        done = subprocess.run([GATEHOUSE, *command[1:]], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.returncode}: {done.stdout}{done.stderr}"
    demo.process.send_signal(signal.SIGTERM)
    assert demo.end() == 0, demo.errors


def test_it_stops_with_whoever_is_killed():
    demo = Demo()
    demo.read_until("1 small EIP-1559 transfer")
    pids = [int(pid) for pid in re.findall(r"(?:supervisor|process) (\d+)", demo.text)]
    demo.process.kill()
    demo.process.communicate(timeout=60)
    for _ in range(500):
        if not any(is_ours(pid) for pid in pids):
            break
        time.sleep(0.02)
    assert not any(is_ours(pid) for pid in pids), f"one of {pids} runs on"
    demo.directory.cleanup()


if __name__ == "__main__":
    tap.main(dict(globals()))
