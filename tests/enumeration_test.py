#!/usr/bin/env python3
"""Nobody learns whether a person's key exists: a wrong signature by it and by one that does not exist get the same answer, for
the same number of instructions within 5 percent; so do sign-ins (counted by callgrind).

    enumeration_test.py PROGRAM     tests/person_signature_cost.c
"""

import re
import shutil
import subprocess
import sys
import tempfile

import tap

PROGRAM = sys.argv[1]


def check(kind):
    """(what the requester is told, instructions)"""
    if shutil.which("valgrind") is None:
        raise tap.Skip("needs valgrind")
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no",
                               f"--callgrind-out-file={directory}/out", PROGRAM, kind],
                              capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, int(re.search(r"Collected : (\d+)", done.stderr)[1])


def assert_alike(known, unknown):
    (answer, count), (other_answer, other_count) = check(known), check(unknown)
    print(f"# {known} {count}, {unknown} {other_count} instructions")
    assert answer == other_answer and answer.startswith("unauthorized "), (answer, other_answer)
    assert count > 10_000, "nothing was counted"
    assert abs(count - other_count) <= 0.05 * max(count, other_count), (count, other_count)


def test_a_key_that_does_not_exist_is_answered_as_a_wrong_signature():
    assert_alike("known-key", "unknown-key")


def test_a_passkey_that_does_not_exist_is_answered_as_a_wrong_assertion():
    assert_alike("known-passkey", "unknown-passkey")



def test_a_sign_in_by_nobody_s_passkey_is_answered_as_one_with_a_wrong_assertion():
    assert_alike("known-sign-in", "unknown-sign-in")


def test_a_sign_in_by_a_stranger_does_not_tell_that_a_passkey_is_revoked():
    assert_alike("known-sign-in", "revoked-sign-in")


tap.main(globals())
