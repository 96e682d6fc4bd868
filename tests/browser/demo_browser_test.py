#!/usr/bin/env python3
"""The demo that stays, in Debian's Chromium without any certificate: tests/browser/demo.mjs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from demo_test import Demo  # noqa: E402
from northwind import ROOT  # noqa: E402

BUILD = os.environ.get("GATEHOUSE_BUILD") or os.path.join(ROOT, "build", "release")


def main():
    if shutil.which("chromium") is None:
        print("TAP version 13\n1..1\nok 1 # SKIP the demo in a browser: there is no chromium")
        return 0
    demo, folder = Demo("--keep"), tempfile.mkdtemp(prefix="gatehouse-test-")
    try:
        demo.read_until("Receipts verify in")
        find = lambda pattern: re.search(pattern, demo.text, re.DOTALL).group(1)  # noqa: E731
        house = {"url": find(r"The console is at (\S+),"), "link": find(r"\n  (http://localhost:\d+/#/enrol/\S+)\n"),
                 "policy": find(r"opened from disk, with (\S+)\n"),
                 "verifier": os.path.join(BUILD, "console", "gatehouse-verify.html"), "folder": folder, "home": folder}
        environment = {"HOUSE": json.dumps(house), "SCREENS": os.environ.get("SCREENS") or os.path.join(ROOT, "build", "screens")}
        return subprocess.run(["node", os.path.join(HERE, "demo.mjs")], env=os.environ | environment, stdin=subprocess.DEVNULL,
                              check=False).returncode
    finally:
        demo.process.send_signal(signal.SIGTERM)
        demo.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
