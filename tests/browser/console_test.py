#!/usr/bin/env python3
"""The console in Debian's Chromium, on a firm that is founded and served here: tests/browser/console.mjs. What the browser was
answered is what docs/openapi.yaml says."""

import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import openapi  # noqa: E402
import processes  # noqa: E402
from northwind import PROGRAM, ROOT, Exchange, Northwind, transfer  # noqa: E402


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class House(Northwind):
    """At https://localhost with a certificate of the test's own authority, which the browser's store trusts. Policies are the shipped
    ones but for the time that new passkeys wait."""

    def __init__(self, limits=None):
        super().__init__(host="localhost", tls="{certificate: FOLDER/server.crt, key: FOLDER/server.key}")
        if limits is not None:
            with open(self.config, "a", encoding="utf-8") as file:
                file.write(f"limits: {limits}\n")
        self.let_nothing_wait()
        self.make_certificates()

    def let_nothing_wait(self):
        """What gives an approver a voice; and the invariant and the tests that say how long."""
        path = self.at("policy", "invariants.cedar")
        with open(path, encoding="utf-8") as file:
            text, count = re.subn(r'@id\("approvers_wait_an_hour"\)\n.*?;\n', "", file.read(), flags=re.DOTALL)
        assert count == 1, text
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        path = self.at("policy", "policies.cedar")
        with open(path, encoding="utf-8") as file:
            text, count = re.subn(r"(context\.change\.waiting_ms (?:<|>=)) \d+", r"\1 0", file.read())
        assert count >= 2, text
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.remove(self.at("policy", "tests", "administration.yaml"))

    def make_certificates(self):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=Authority of a test", "-keyout", self.at("ca.key"), "-out", self.at("ca.crt"))
        openssl("req", *key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.at("server.key"), "-out",
                self.at("server.csr"))
        openssl("x509", "-req", "-in", self.at("server.csr"), "-CA", self.at("ca.crt"), "-CAkey", self.at("ca.key"), "-days", "2", "-copy_extensions",
                "copy", "-out", self.at("server.crt"))
        store = self.at("home", ".pki", "nssdb")
        os.makedirs(store)
        for arguments in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "test", "-i", self.at("ca.crt")]):
            subprocess.run(["certutil", "-d", f"sql:{store}", *arguments], check=True, capture_output=True)

    def make_key(self):
        asked = self.must(self.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        self.approve(asked["operation"], "person3", "person5")


def transfer_file(house, number, hundredths):
    path = house.at(f"transfer-{number}.hex")
    with open(path, "w", encoding="ascii") as file:
        file.write(transfer(number, hundredths))
    return path


def check_answers(path):
    """Every answer that the browser got, against the document."""
    document = openapi.Document()
    with open(path, encoding="utf-8") as file:
        recorded = json.load(file)
    targets = set()
    for one in recorded:
        exchange = Exchange(one["method"], one["target"], one["fields"], one["body"].encode())
        exchange.status, exchange.answer_fields, exchange.answer = one["status"], one["answer_fields"], one["answer"].encode()
        targets.add(document.check_exchange(exchange))
    return len(recorded), targets


class Acts:
    """What a script asks for that no person does in a browser, by name: {"cut": function of no arguments}, which may give JSON."""

    def __init__(self, acts):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                try:
                    status, answer = 200, acts[self.path.removeprefix("/")]()
                except Exception:  # whatever it is, the script is told
                    status, answer = 500, traceback.format_exc()
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.url

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def cutting(house):
    """The gateway is gone, and comes back when it is let."""
    def cut():
        gateway = processes.of_role(house.process.pid, "gateway")
        house.process.send_signal(signal.SIGSTOP)  # the supervisor, which would start another
        os.kill(gateway, signal.SIGKILL)

    return {"cut": cut, "mend": lambda: house.process.send_signal(signal.SIGCONT)}


def run(house, script, **more):
    environment = {
        "HOUSE": json.dumps({
            "url": f"https://{house.authority}", "folder": house.folder, "home": house.at("home"), "instance": "northwind.example", "program": PROGRAM,
            "profiles": {who: house.profile(who) for who in ["person1", "person2", "person3", "person4", "person5", "settlement"]},
            "transfers": [transfer_file(house, number, 400 + number) for number in range(40)],
            "exchanges": house.at("exchanges.json"), "ca": house.at("ca.crt"), "server": [house.at("server.crt"), house.at("server.key")],
            "bundle": house.at("policy"), **more,
        }),
        "SCREENS": os.environ.get("SCREENS") or os.path.join(ROOT, "build", "screens"),
    }
    return subprocess.run(["node", os.path.join(HERE, script)], env=os.environ | environment, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, text=True)


def judge(house, script, acts, **more):
    """The cases of the script, and one more: its exit code."""
    with Acts(acts) as url:
        done = run(house, script, acts=url, **more)
    lines = done.stdout.splitlines()
    planned = next(int(match.group(1)) for line in lines if (match := re.match(r"1\.\.(\d+)", line)))
    print("\n".join(line if not line.startswith("1..") else f"1..{planned + 1}" for line in lines))
    try:
        count, targets = check_answers(house.at("exchanges.json"))
        print(f"# {count} answers at {len(targets)} paths\nok {planned + 1} - every_answer_is_as_the_document_says")
    except Exception as error:  # whatever it is, the case failed
        print(f"not ok {planned + 1} - every_answer_is_as_the_document_says\n# {error!r}"[:4000])
        done.returncode = 1
    if done.returncode != 0 and os.environ.get("KEEP_LOG"):
        print(house.log()[-4000:], file=sys.stderr)
    return done.returncode


def main(script="console.mjs", limits=None):
    if shutil.which("chromium") is None:
        print("TAP version 13\n1..1\nok 1 # SKIP the console in a browser: there is no chromium")
        return 0
    house = House(limits)
    try:
        house.found()
        house.start()
        house.make_key()
        return judge(house, script, cutting(house))
    finally:
        house.stop()
        house.remove()


if __name__ == "__main__":
    sys.exit(main())
