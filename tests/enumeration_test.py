#!/usr/bin/env python3
"""Nobody learns whether a person's key exists, of what algorithm it is, for which host, or whether it is revoked: whatever the form of
a wrong signature, it gets the same answer for the same number of instructions within 5 percent (counted by callgrind).

    enumeration_test.py PROGRAM     tests/person_signature_cost.c
"""

import glob
import re
import shutil
import subprocess
import sys
import tempfile

import tap

PROGRAM = sys.argv[1]
FOUND = []


def measured():
    """{(way, form): {whose: (what the requester is told, instructions)}}"""
    if shutil.which("valgrind") is None:
        raise tap.Skip("needs valgrind")
    if FOUND:
        return FOUND[0]
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no",
                               f"--callgrind-out-file={directory}/out", PROGRAM],
                              capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        counts = {}
        for path in glob.glob(f"{directory}/out.*"):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
            if name:
                counts[name[1]] = int(re.search(r"^(?:totals|summary): (\d+)$", text, re.MULTILINE)[1])
    found = {}
    for line in done.stdout.splitlines():
        name, answer = line.split("\t")
        way, form, whose = name.split(" ")
        found.setdefault((way, form), {})[whose] = (answer, counts[name])
    FOUND.append(found)
    return found


def assert_alike(way):
    worst = 0
    tried = 0
    for (of, form), cells in measured().items():
        if of != way:
            continue
        answer, count = cells["nobody"]
        assert answer.startswith(("unauthorized ", "invalid ")) and count > 1_000, (form, answer, count)
        for whose, (told, instructions) in cells.items():
            assert told == answer, (way, form, whose, told, answer)
            worst = max(worst, abs(instructions - count) / max(instructions, count))
            assert abs(instructions - count) <= 0.05 * max(instructions, count), (way, form, whose, instructions, count)
            tried += 1
    print(f"# {way}: {tried} signatures, at most {100 * worst:.2f} percent apart")
    return tried


def test_a_key_that_does_not_exist_is_answered_as_a_wrong_signature():
    assert assert_alike("key") == 11


def test_a_program_s_key_that_does_not_exist_is_answered_as_a_wrong_signature():
    assert assert_alike("request") == 11


def test_a_passkey_that_does_not_exist_is_answered_as_a_wrong_assertion_of_whatever_algorithm():
    assert assert_alike("passkey") == 13 * 9


def test_a_sign_in_by_nobody_s_passkey_is_answered_as_one_with_a_wrong_assertion_of_whatever_algorithm():
    assert assert_alike("sign-in") == 13 * 9


def test_what_is_worked_through_follows_the_form_of_the_signature():
    """So that it is the verification itself that is alike, and not that none took place."""
    cells = {form: whose["nobody"][1] for (way, form), whose in measured().items() if way == "passkey"}
    idle = cells["1"]
    for form in ("der-32", "der-48", "64", "256", "384", "512"):
        assert cells[form] > idle + 50_000, (form, cells[form], idle)


tap.main(globals())
