#!/usr/bin/env python3
"""docs/first-transfer.md: its commands, as they stand there, one after the other in one shell; another folder and port are all that differs."""

import os
import re
import signal
import subprocess
import tempfile

import tap
from installation import PATIENCE_S, free_port

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("GATEHOUSE") or os.path.join(ROOT, "build", "release", "src", "cli", "gatehouse")
PAGE = os.path.join(ROOT, "docs", "first-transfer.md")


def commands():
    """{heading: commands} of the page, in its order."""
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"^## (.*)$", file.read(), flags=re.MULTILINE)
    return {heading: "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
            for heading, text in zip(parts[1::2], parts[2::2])}


def put(text, what, instead):
    assert what in text, f"{what} does not stand in {PAGE}"
    return text.replace(what, instead)


def test_the_commands_of_the_page_do_what_it_says():
    with tempfile.TemporaryDirectory(prefix="gatehouse-test-") as folder:
        script = "set -euo pipefail\n" + "".join(f"echo '## {heading}'\n{text}" for heading, text in commands().items())
        script = put(script, "$PWD/build", os.path.dirname(PROGRAM))
        script = put(script, "/tmp/northwind", os.path.join(folder, "northwind"))
        script = put(script, "8443", str(free_port()))
        os.chmod(folder, 0o711)
        with open(os.path.join(folder, "output"), "w+", encoding="utf-8") as file:
            shell = subprocess.Popen(["bash", "-c", script], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
            try:
                shell.wait(timeout=PATIENCE_S)
            finally:
                try:
                    os.killpg(shell.pid, signal.SIGKILL)  # the server, where a command before its end failed
                except ProcessLookupError:
                    pass
            file.seek(0)
            output = file.read()
        assert shell.returncode == 0, output
        said = dict(zip(*[iter(re.split(r"^## (.*)\n", output, flags=re.MULTILINE)[1:])] * 2))
        for heading, text in {
            "Found the firm": "signed_by:",
            "Make a key": "id: eth-hot",
            "Sign": "sends         0.5 ETH to 0x3535353535353535353535353535353535353535",
            "Check it, trusting nobody": "different: 0",
        }.items():
            assert text in said[heading], (text, said[heading])
        assert re.search(r"decision: permit\n.*- small_transfer\n.*state: done", said["Sign"], re.DOTALL), said["Sign"]
        assert said["Check it, trusting nobody"].count("unwitnessed: no quorum") == 2, said["Check it, trusting nobody"]
        assert re.search(r"large_transfer.*satisfied", said["Sign"], re.DOTALL), said["Sign"]


def test_a_source_that_is_no_address_here_is_refused():
    with tempfile.TemporaryDirectory(prefix="gatehouse-test-") as folder:
        key = os.path.join(folder, "key")
        subprocess.run([PROGRAM, "person", "keygen", key, "--id", "p-0000000000000001"], check=True, capture_output=True)
        for source, name in (("nowhere", "connection.source"), ("::1", "connection.source"), ("192.0.2.1", "connection.source"),
                             ("127.1.0.1", "connection.connect")):
            done = subprocess.run([PROGRAM, "instance", "show", "--url", f"https://127.0.0.1:{free_port()}", "--key", key, "--insecure-demo",
                                   "--source", source], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            assert done.returncode in (2, 3) and name in done.stderr, (source, done)


if __name__ == "__main__":
    tap.main(globals())
