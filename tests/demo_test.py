#!/usr/bin/env python3
"""The demo as people run it: its numbers are of the run, a step that fails ends it, and nothing is left behind."""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import processes
import tap
from installation import PATIENCE_S
from passkey import Passkey

GATEHOUSE = os.environ["GATEHOUSE"]
STEPS = [
    "the firm is founded", "the processes start", "a witness starts", "passkeys are enrolled", "keys are made",
    "1 small EIP-1559 transfer", "2 token over the limit", "3 PSBT", "4 sanctioned address", "5 unlimited approve", "6 tampered request",
    "7 replayed request", "8 velocity breach",
    "root edits the allow list", "root edits state.db", "a hostile gateway forges", "it shows another transfer", "old data is put back", "an operator re-signs",
    "an old receipt", "the witness", "offline verification", "replay", "answers with receipts",
]
KEEPERS_STEPS = [
    "three keepers are founded", "their processes start", "they enrol each other", "a key is made, 2 of 3", "a transfer",
    "b dies while it signs", "the other two sign", "its limit is not freed", "b starts again", "b is copied and put back", "a and c go on", "people re-admit it",
    "its shares are dealt anew", "c has a policy of its own", "a larger transfer", "a smaller one", "replay of the three logs",
]
KEEPERS_AMOUNTS = ["a transfer", "the other two sign", "a and c go on", "a smaller one"]
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

    def is_ours(self, pid):
        """Whether it runs, and was started by this run."""
        return processes.is_of_session(pid, self.process.pid)

    def end(self):
        output, self.errors = self.process.communicate(timeout=400)
        self.text += output
        left = os.listdir(self.directory.name)
        self.directory.cleanup()
        assert left == [], f"left behind: {left}"
        for pid in map(int, re.findall(r"(?:supervisor|process) (\d+)", self.text)):
            assert not self.is_ours(pid), f"process {pid} runs on"
        return self.process.returncode

    def numbers(self, steps=tuple(STEPS)):
        """The number of each step, by the step's title."""
        return {title: found.group(1) for title in steps
                if (found := re.search(rf"^ +{re.escape(title)} +[a-z ]+? {{1,18}}(\S.*?)  ", self.text, re.MULTILINE))}


def run(*all_arguments):
    """One demo for each, side by side: whatever they need they have for themselves."""
    demos = [Demo(*arguments) for arguments in all_arguments]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        codes = list(pool.map(Demo.end, demos))
    for demo, code in zip(demos, codes):
        assert code == 0, f"exit code {code}:\n{demo.text}{demo.errors}"
    return demos


def test_every_step_is_told_with_a_number_and_other_amounts_give_other_numbers():
    one, other, again = run(("--amounts", "one"), ("--amounts", "other"), ("--amounts", "one"))
    for demo in (one, other):
        missing = [title for title in STEPS if title not in demo.numbers()]
        assert missing == [], f"not told: {missing}:\n{demo.text}"
        assert "different 0, erased 0" in demo.text and "0 signed" in demo.text, demo.text
        # Who touches what a gateway asks for, whatever it showed: counted, and never independent.
        assert re.search(r"it shows another transfer held .* touch their\s+passkeys; missing: 1 independent", demo.text), demo.text
        # Both orders were decoded: what was shown is a view of its own, and not the one that was signed.
        views = re.search(r"the view on the page is\s+([0-9a-f]{16}), the one that they\s+signed\s+([0-9a-f]{16})", demo.text)
        assert views is not None and views[1] != views[2], demo.text
        assert re.search(r"shortens this wait.*at least 1 s, not 86,400 s", demo.text, re.DOTALL), demo.text
        assert "\x1b" not in demo.text, "colours, and nobody's terminal"
        assert demo.errors == "", demo.errors
    for title in AMOUNTS:
        assert re.fullmatch(r"[0-9,]+\.[0-9]{2} USD", one.numbers()[title]), one.numbers()[title]
        assert one.numbers()[title] != other.numbers()[title], f"{title}: {one.numbers()[title]} in both"
        assert one.numbers()[title] == again.numbers()[title], f"{title}: the same text gives other amounts"


def test_three_keepers_share_a_key_and_one_dies_one_goes_back_one_says_no():
    one, other = run(("--keepers", "--amounts", "one"), ("--keepers", "--amounts", "other"))
    for demo in (one, other):
        missing = [title for title in KEEPERS_STEPS if title not in demo.numbers(KEEPERS_STEPS)]
        assert missing == [], f"not told: {missing}:\n{demo.text}"
        for words in ("b may have signed; a says: Intended; whether it was done or signed is not known here yet", "peers.behind: a and c have seen", "forbidden by local:no-large (keeper c)", "different 0", "joint.admission"):
            assert words in re.sub(r"\s+", " ", demo.text), f"{words}:\n{demo.text}"
        assert demo.errors == "", demo.errors
        seen = re.search(r"b is copied and put back +refused +(\d+) entries .* have seen (\d+) of it", demo.text)
        assert int(seen.group(1)) < int(seen.group(2)), demo.text
    for title in KEEPERS_AMOUNTS:
        numbers = [demo.numbers(KEEPERS_STEPS)[title] for demo in (one, other)]
        assert all(re.fullmatch(r"[0-9,]+\.[0-9]{2} USD", number) for number in numbers), numbers
    assert [one.numbers(KEEPERS_STEPS)[title] for title in KEEPERS_AMOUNTS] != [other.numbers(KEEPERS_STEPS)[title] for title in KEEPERS_AMOUNTS]


def test_of_three_keepers_too_a_step_that_fails_ends_it_and_a_signal_does():
    demo = Demo("--keepers")
    demo.read_until("their processes start")
    demo.read_until("each with gateway")
    # The machine of c goes before anything is made: the key needs all three.
    os.kill(int(re.findall(r"supervisor (\d+)", demo.text)[2]), signal.SIGKILL)
    assert demo.end() in (1, 3), demo.text
    assert "did not give what it must" in demo.errors and "a key is made" not in demo.text, demo.errors
    demo = Demo("--keepers")
    demo.read_until("they enrol each other")
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == 3, demo.text
    assert "interrupted" in demo.errors, demo.errors
    refused = subprocess.run([GATEHOUSE, "demo", "--keepers", "--keep"], capture_output=True, text=True, check=False, timeout=400)
    assert refused.returncode == 2 and "usage.keep" in refused.stderr, refused


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


def users_of(pid):
    """Real, effective, saved and of its files, which are all one user where a process cannot become another."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        users = set(re.search(r"^Uid:\t(.*)$", file.read(), re.MULTILINE).group(1).split())
    assert len(users) == 1, users
    return users


def test_the_witness_runs_under_the_user_that_is_told_which_is_none_of_the_gates_own():
    demo = Demo()
    demo.read_until("a witness starts")
    demo.read_until("passkeys are enrolled")
    supervisor = int(re.search(r"supervisor (\d+)", demo.text).group(1))
    told = re.sub(r"\s+", " ", demo.text)
    witness, told_user = re.search(r"process (\d+), its own key and directory, under (?:its own|the same) user (\d+)", told).groups()
    roles = {role: users_of(processes.of_role(supervisor, role)) for role in ("keeper", "gateway")}
    user = users_of(witness)
    demo.process.send_signal(signal.SIGINT)
    demo.end()
    assert user == {told_user}, (user, told)
    if os.geteuid() == 0:
        assert "under its own user" in told and not any(user & others for others in (*roles.values(), {"0"})), (user, roles)
    else:
        assert "under the same user" in told and ": not root" in told, told


def post(url, document, **fields):
    """Status, document and cookie."""
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json", **fields}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=400) as answer:
            return answer.status, json.loads(answer.read()), answer.headers.get("Set-Cookie", "").split(";")[0]
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read()), ""


def check_console(demo):
    """On localhost without a certificate, and by no other name; the printed link enrols a passkey, once, which signs in."""
    console = re.search(r"The console is at (http://localhost:\d+)", demo.text).group(1)
    token = re.search(rf"\n  {console}/#/enrol/([0-9a-f]+)\n", demo.text).group(1)
    with urllib.request.urlopen(console, timeout=400) as page:
        assert page.status == 200 and "<title>Gatehouse</title>" in page.read().decode(), demo.text
    other, _, _ = post(console.replace("localhost", "127.0.0.1") + "/v1/session/challenge", {})
    assert other == 421, other
    status, options, _ = post(f"{console}/v1/enrolment/options", {"token": token})
    assert status == 200 and options["rp_id"] == "localhost" and options["person"] == "person:p-0000000000000001", options
    with tempfile.TemporaryDirectory() as folder:
        passkey = Passkey(folder, "yours", console, "localhost")
        made = passkey.register(bytes.fromhex(options["challenge"])) | {"rp_id": "localhost", "token": token}
        status, enrolled, _ = post(f"{console}/v1/enrolment", made)
        assert status == 201 and enrolled["key"] == "person:p-0000000000000001/yours", enrolled
        assert post(f"{console}/v1/enrolment/options", {"token": token})[0] == 401, "the link works twice"
        while time.time() * 1000 <= enrolled["usable_from"]:
            time.sleep(0.05)
        status, challenge, _ = post(f"{console}/v1/session/challenge", {})
        status, session, cookie = post(f"{console}/v1/session", passkey.sign(bytes.fromhex(challenge["challenge"])))
    assert status == 201 and session["groups"] == ["treasury"] and cookie.startswith("__Host-gatehouse="), session
    with urllib.request.urlopen(urllib.request.Request(f"{console}/v1/inbox", headers={"Cookie": cookie}), timeout=400) as inbox:
        waiting = [item["missing"] for item in json.loads(inbox.read())["items"]]
    assert waiting == [{"group.treasury": 1}], waiting


def test_it_can_stay_and_be_talked_to():
    demo = Demo("--keep")
    demo.read_until("Receipts verify in")
    commands = [line.split() for line in demo.text.splitlines() if line.startswith("  gatehouse ")]
    assert len(commands) == 4, demo.text
    check_console(demo)
    demo.process.send_signal(signal.SIGTERM)
    assert demo.end() == 0, demo.errors


def test_it_stops_with_whoever_is_killed():
    demo = Demo()
    demo.read_until("1 small EIP-1559 transfer")
    pids = [int(pid) for pid in re.findall(r"(?:supervisor|process) (\d+)", demo.text)]
    assert pids and all(demo.is_ours(pid) for pid in pids), pids
    demo.process.kill()
    demo.process.communicate(timeout=400)
    until = time.monotonic() + PATIENCE_S
    while any(demo.is_ours(pid) for pid in pids):
        assert time.monotonic() < until, f"one of {pids} runs on"
        time.sleep(0.02)
    demo.directory.cleanup()


if __name__ == "__main__":
    tap.main(dict(globals()))
