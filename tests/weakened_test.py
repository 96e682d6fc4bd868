#!/usr/bin/env python3
"""The guard on the guard: a suite whose program lacks one check must fail, and in the case that is there for that check.

    weakened_test.py NAME PROGRAM CASE [NAME PROGRAM CASE ...]

Each program is a suite of this repository, built with one check left out (src/base/fault.h). TAP on standard output.
"""

import os
import subprocess
import sys
import tempfile

TIMEOUT_S = 300


def verdict(program, case):
    """None if the suite failed in the case, else what it did instead."""
    # A case that fails leaves its files behind.
    with tempfile.TemporaryDirectory() as directory:
        environment = os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP", "TMPDIR": directory}
        try:
            done = subprocess.run([program], env=environment, capture_output=True, text=True, errors="replace",
                                  stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return "it hung"
    failed = [line for line in done.stdout.splitlines() if line.startswith("not ok")]
    if done.returncode == 0:
        return "the suite passed"
    if not any(case in line for line in failed):
        return f"the suite ended with {done.returncode}, and {case} did not fail: {failed}"
    return None


def main():
    rows = list(zip(*[iter(sys.argv[1:])] * 3, strict=True))
    print(f"1..{len(rows)}")
    for number, (name, program, case) in enumerate(rows, 1):
        instead = verdict(program, case)
        print(f"{'ok' if instead is None else 'not ok'} {number} - {name} is noticed")
        if instead is not None:
            print(f"# {instead}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
