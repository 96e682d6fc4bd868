#!/usr/bin/env python3
"""The receipt verifier that runs in a browser, on receipts of a running installation with a witness: it says what gatehouse-verify
says, of every entry, and shows it in Chromium from disk."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

import tap
import verifiers
from northwind import ROOT, VERIFIER
from witness_guard_test import House

BUILD = os.environ.get("GATEHOUSE_BUILD") or os.path.join(ROOT, "build", "release")
PAGE = os.path.join(BUILD, "console", "gatehouse-verify.html")


# --- RFC 6962 §2.1.2, in a few lines of its own. ---


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def consistency(leaves, old, whole=True):
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= half:
        return consistency(leaves[:half], old, whole) + [root_of(leaves[half:])]
    return consistency(leaves[half:], old - half, False) + [root_of(leaves[:half])]


# --- What auditors hold. ---


def entry_in(text):
    return base64.b64decode(re.search(r"^extra (.*)$", text, re.MULTILINE).group(1))


class Audit:
    """Receipts of every entry under a witnessed head, an older one and the proof from it, policies; in a folder."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-test-")
        with House() as house:
            house.start_witness()
            house.start()
            house.wait_ready()
            self.save(house, "older.tlog-proof", "ledger", "receipt", "0", "--cosigned")
            house.make_key()
            signed = house.firm.must(house.sign()).json()
            house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])
            self.save(house, "signed.tlog-proof", "op", "receipt", signed["operation"], "--cosigned")
            self.save(house, "plain.tlog-proof", "op", "receipt", signed["operation"])
            self.size = int(self.read("signed.tlog-proof").split("\n\n")[1].split("\n")[1])
            for index in range(self.size):
                self.save(house, f"{index}.tlog-proof", "ledger", "receipt", str(index), "--cosigned")
            shutil.copy(house.firm.at("witness.policy"), self.at("witness.policy"))
            shutil.copy(os.path.join(house.firm.data, "public", "log.policy"), self.at("log.policy"))
        self.entries = [json.loads(entry_in(self.read(f"{index}.tlog-proof"))) for index in range(self.size)]
        self.name_entries()
        self.write_proof()

    def at(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.at(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.at(name), "w", encoding="utf-8") as file:
            file.write(text)

    def save(self, house, name, *command):
        house.firm.must(house.firm.ask("person1", *command, "--out", self.at(name)))

    def name_entries(self):
        """The decision that two voted for, their votes, and a receipt whose entry was changed."""
        voted = next(index for index, entry in enumerate(self.entries) if entry["body"].get("votes"))
        shutil.copy(self.at(f"{voted}.tlog-proof"), self.at("decision.tlog-proof"))
        votes = [index for index, entry in enumerate(self.entries) if entry["type"] == "vote"]
        for number, index in enumerate(votes):
            shutil.copy(self.at(f"{index}.tlog-proof"), self.at(f"vote-{number}.tlog-proof"))
        whole = self.read("signed.tlog-proof")
        changed = entry_in(whole).replace(b'"decision":"permit"', b'"decision":"denied"')
        self.write("forged.tlog-proof", re.sub(r"(?m)^extra .*$", "extra " + base64.b64encode(changed).decode(), whole))
        self.write("late.tlog-proof", self.receipt_of_one(self.entries[0] | {"at": 2**53 - 1}))

    def receipt_of_one(self, entry):
        """The only entry of a log that anybody could have made: sound, and of nobody who is pinned."""
        leaf = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
        origin, signature = self.read("plain.tlog-proof").split("\n\n")[1].split("\n")[0], "A" * 96
        root = base64.b64encode(hashlib.sha256(b"\0" + leaf).digest()).decode()
        return (f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(leaf).decode()}\nindex 0\n\n"
                f"{origin}\n1\n{root}\n\n\u2014 {origin} {signature}\n")

    def write_proof(self):
        leaves = [hashlib.sha256(b"\0" + entry_in(self.read(f"{index}.tlog-proof"))).digest() for index in range(self.size)]
        old = int(self.read("older.tlog-proof").split("\n\n")[1].split("\n")[1])
        self.write("consistency", "".join(base64.b64encode(part).decode() + "\n" for part in consistency(leaves, old)))

    def ask(self, questions):
        """What both say to each: the object of gatehouse-verify --json, and the page's with the evidence that it found."""
        batch = verifiers.bundle("console/verifier/batch.mjs", self.at("batch.mjs"))
        lines = "".join(json.dumps({name: value if name == "kind" else self.at(value) for name, value in question.items()}) + "\n"
                        for question in questions)
        here = subprocess.run(["node", batch], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
        return [(self.ask_program(question), json.loads(line)) for question, line in zip(questions, here, strict=True)]

    def ask_program(self, question):
        options = [word for name, value in question.items() if name not in ("kind", "subject") for word in (f"--{name}", self.at(value))]
        done = subprocess.run([VERIFIER, question["kind"], self.at(question["subject"]), *options, "--json"], capture_output=True, text=True, check=False)
        document = json.loads(done.stdout)
        assert done.returncode == (0 if document["result"] == "verified" else 1), done
        for name in ("index", "size"):
            if name in document.get("report", {}):
                document["report"][name] = str(document["report"][name])
        document.pop("detail", None)
        return document


AUDIT = None


def audit():
    global AUDIT
    AUDIT = AUDIT or Audit()
    return AUDIT


def compare(questions):
    """They say the same; what they said, and what the page makes of the evidence."""
    said = []
    for question, (there, here) in zip(questions, audit().ask(questions), strict=True):
        assessed = here.pop("assessed")
        here.pop("detail", None)
        assert there == here, f"{question}:\n{there}\n{here}"
        said.append((here, assessed))
    return said


def test_every_entry_of_a_witnessed_installation_verifies_and_its_evidence_holds():
    questions = [{"kind": "receipt", "subject": f"{index}.tlog-proof", "policy": "witness.policy"} for index in range(audit().size)]
    for entry, (said, assessed) in zip(audit().entries, compare(questions), strict=True):
        assert said["result"] == "verified" and said["report"]["cosignatures"] == 2, said
        assert assessed["result"] == "verified", (entry["type"], assessed)
        held = {check["name"] for check in assessed["checks"] if check["state"] == "holds"}
        expected = {"decision": {"evidence.instance", "evidence.document", "evidence.payload", "evidence.requester"},
                    "vote": {"evidence.instance", "evidence.vote"}, "genesis": {"evidence.founders"}}.get(entry["type"], set())
        assert held == expected, (entry["type"], assessed)
    kinds = {entry["type"] for entry in audit().entries}
    assert {"genesis", "start", "decision", "vote", "cosignature", "counts"} <= kinds, kinds


def test_with_and_without_witness_older_head_and_keys_both_say_the_same():
    signed = {"kind": "receipt", "subject": "signed.tlog-proof"}
    plain = {"kind": "receipt", "subject": "plain.tlog-proof"}
    older = {"older": "older.tlog-proof"}
    cases = [
        (signed | {"policy": "witness.policy"} | older | {"consistency": "consistency"}, "verified", []),
        (signed | {"policy": "witness.policy"} | older, "weaker", ["older-not-compared"]),
        (signed | {"policy": "log.policy"}, "weaker", ["unwitnessed", "no-older-head"]),
        (signed | {"policy": "log.policy"} | older | {"consistency": "consistency"}, "weaker", ["unwitnessed"]),
        (signed, "weaker", ["unpinned"]),
        (plain | {"policy": "witness.policy"}, "weaker", ["unwitnessed", "no-older-head"]),
        (plain | {"policy": "log.policy"}, "weaker", ["unwitnessed", "no-older-head"]),
        ({"kind": "checkpoint", "subject": "signed.tlog-proof", "policy": "witness.policy"}, "verified", []),
        ({"kind": "receipt", "subject": "older.tlog-proof", "policy": "witness.policy", "older": "signed.tlog-proof"}, "refused", []),
        ({"kind": "receipt", "subject": "forged.tlog-proof", "policy": "witness.policy"}, "refused", []),
        ({"kind": "receipt", "subject": "late.tlog-proof"}, "weaker", ["unpinned"]),
    ]
    for (_, result, weaknesses), (said, _) in zip(cases, compare([case[0] for case in cases]), strict=True):
        assert (said["result"], said["weaknesses"]) == (result, weaknesses), said


def test_what_no_witness_saw_yet_has_no_cosigned_receipt_and_the_gateway_gives_the_page_to_be_saved():
    with House() as house:
        house.start_witness()
        house.start()
        house.wait_ready()
        house.make_key()
        house.stop_witness()
        signed = house.firm.must(house.sign()).json()
        ask = ["op", "receipt", signed["operation"]]
        house.firm.must(house.firm.ask("person1", *ask))
        refused = house.firm.ask("person1", *ask, "--cosigned")
        assert refused.code == 1 and "receipt.not_cosigned" in refused.err, refused
        status, text = house.ask("/assets/gatehouse-verify.html")
        with open(PAGE, encoding="utf-8") as file:
            assert status == 200 and text == file.read()


def test_in_chromium_from_disk_a_receipt_passes_a_forged_one_is_refused_and_nothing_is_asked_for():
    if not any(os.path.exists(f"/usr/bin/{name}") for name in ("chromium", "chromium-headless-shell")):
        raise tap.Skip("there is no Chromium")
    script = os.path.join(BUILD, "console", "verifier-page.mjs")
    shutil.copy(os.path.join(ROOT, "tests", "verifier", "page.mjs"), script)
    modules = os.path.join(BUILD, "console", "node_modules") # where Node looks for the script's packages
    if not os.path.islink(modules):
        os.symlink(os.path.join(ROOT, "console", "node_modules"), modules)
    done = subprocess.run(["node", script, PAGE, audit().folder, os.path.join(ROOT, "build", "screens")], capture_output=True, text=True,
                          timeout=400, check=False, env=os.environ | {"GATEHOUSE_ROOT": ROOT})
    assert done.returncode == 0 and done.stdout.count("\n") == 6, done.stdout + done.stderr


if __name__ == "__main__":
    try:
        tap.main(dict(globals()))
    finally:
        if AUDIT is not None:
            shutil.rmtree(AUDIT.folder)
