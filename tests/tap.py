"""TAP for the tests that are written in Python: functions named test_..., whose names say what holds."""

import sys
import time
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


def main(namespace):
    tests = [(name, value) for name, value in namespace.items() if name.startswith("test_") and callable(value)]
    print(f"TAP version 13\n1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        started = time.monotonic()
        try:
            test()
        except Skip as reason:
            print(f"ok {number} # SKIP {name.removeprefix('test_')}: {reason}")
        except Exception:  # whatever it is, this test failed and the others are still to be run
            failed += 1
            print(f"not ok {number} - {name.removeprefix('test_')}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
        else:
            print(f"ok {number} - {name.removeprefix('test_')}")
        print(f"# {time.monotonic() - started:.1f} s", flush=True)
    sys.exit(1 if failed else 0)
