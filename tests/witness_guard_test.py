#!/usr/bin/env python3
"""`rollback_guard: witness`, end to end: a witness of its own process, the helper that alone reaches it, a start that waits for it,
and an older data directory that it gives away."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import tap
from northwind import PROGRAM, VERIFIER, Northwind, free_port, make_certificate, run, transfer

AS_ROOT = os.geteuid() == 0
FETCH_USER = 70405


class House:
    """Northwind under a witness; certificates: of a TLS proxy in front of it, or None for plain HTTP on the loopback."""

    def __init__(self, with_tls=False):
        self.port = free_port()
        scheme = "https" if with_tls else "http"
        more = ", certificates: FOLDER/front.crt" if with_tls else ""
        self.firm = Northwind(f'{{kind: witness, witness: "{scheme}://127.0.0.1:{self.port}", policy: FOLDER/witness.policy{more}}}')
        self.witness = None
        self.nonce = 0
        firm = self.firm
        firm.found()
        lines = firm.must(run("witness", "init", firm.at("w"), "witness.example/w1")).out
        with open(firm.at("data", "public", "log.policy"), encoding="utf-8") as file:
            logs = "".join(line for line in file if line.startswith("log "))
        assert logs.count("\n") == 2, logs
        names = [line.split()[1] for line in lines.splitlines()]
        for name, text in (("logs", logs + "quorum none\n"),
                           ("witness.policy", logs + lines + f"group both all {' '.join(names)}\nquorum both\n")):
            with open(firm.at(name), "w", encoding="utf-8") as file:
                file.write(text)

    def start_witness(self, port=None):
        self.witness = subprocess.Popen([PROGRAM, "witness", "serve", self.firm.at("w"), "--logs", self.firm.at("logs"), "--listen",
                                         f"127.0.0.1:{port or self.port}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert "listens on" in self.witness.stdout.readline()

    def stop_witness(self):
        if self.witness is not None:
            self.witness.terminate()
            assert self.witness.wait(timeout=10) == 0
            self.witness.stdout.close()
            self.witness = None

    def start(self):
        for name in os.listdir(self.firm.folder):
            if name.startswith("profile-"):
                os.unlink(self.firm.at(name)) # the proxies' ports are new
        self.firm.start()

    def ask(self, target):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.firm.port}{target}", context=context, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def witnessing(self):
        """What /healthz says of it; None as long as the keeper has not reported."""
        return (json.loads(self.ask("/healthz")[1])["keeper"] or {}).get("witness")

    def wait_until(self, what, deadline_s=45):
        until = time.monotonic() + deadline_s
        while not what():
            assert self.firm.process.poll() is None, self.firm.log()
            assert time.monotonic() < until, f"{self.ask('/healthz')}\n{self.firm.log()}"
            time.sleep(0.05)

    def wait_ready(self):
        self.wait_until(lambda: self.ask("/readyz")[0] == 200)

    def make_key(self):
        firm = self.firm
        key = firm.must(firm.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        firm.approve(key["operation"], "person3", "person5")

    def sign(self):
        text = transfer(self.nonce, 10)
        self.nonce += 1
        return self.firm.ask("settlement", "op", "sign", "eth-hot", "--transaction", "-", "--json", given=text)

    def pid(self, role):
        with open(f"/proc/{self.firm.process.pid}/task/{self.firm.process.pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                with open(f"/proc/{child}/cmdline", "rb") as arguments:
                    if arguments.read().rstrip(b"\0").split(b"\0")[-1] == role.encode():
                        return int(child)
        return None

    def close(self):
        self.stop_witness()
        self.firm.stop()
        self.firm.remove()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("\n".join("# " + line for line in self.firm.log().splitlines()[-40:]))
        self.close()


def test_a_transfer_is_signed_under_a_cosigned_head_and_an_older_directory_ends_the_installation():
    with House() as house:
        firm = house.firm
        house.start_witness()
        house.start()
        house.wait_ready()
        assert firm.stop() == 0
        subprocess.run(["cp", "-a", "-T", firm.data, firm.at("old")], check=True)
        house.start()
        house.wait_ready()
        house.make_key()
        signed = firm.must(house.sign()).json()
        assert signed["state"] == "done", signed
        house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])
        status, note = house.ask("/v1/ledger/checkpoint?cosigned=1")
        assert status == 200 and note.count("\n— witness.example/w1 ") == 2, note
        assert firm.stop() == 0
        # Everything verifies offline under the witnesses' quorum; what follows the newest cosigned head is named as such.
        verified = subprocess.run([VERIFIER, "log", "--policy", firm.at("witness.policy"), "--accept-tail", firm.data],
                                  capture_output=True, text=True, check=False)
        assert verified.returncode == 0, verified
        firm.must(run("ledger", "replay", firm.data)) # exit code 0: no decision comes out differently
        shutil.rmtree(firm.data)
        subprocess.run(["cp", "-a", "-T", firm.at("old"), firm.data], check=True)
        house.start()
        assert firm.process.wait(timeout=30) == 4, firm.log()
        last = firm.log().splitlines()[-10:]
        assert re.search(r"the keeper cannot go on: high_water\.(behind|fork): the witness holds", "\n".join(last)), last
        assert firm.log().count("high_water.not_cosigned") == 0 # nobody asked, and nothing was decided


def test_without_its_witness_a_start_waits_and_later_it_goes_on_alone():
    with House() as house:
        firm = house.firm
        house.start_witness()
        house.start()
        house.wait_ready()
        house.make_key()
        assert firm.stop() == 0
        house.stop_witness()
        house.start()
        house.wait_until(lambda: (house.witnessing() or {}).get("failures", 0) > 0)
        assert house.ask("/readyz")[0] == 503
        assert "endpoint.connect" in house.witnessing()["error"]
        refused = house.sign()
        assert refused.code != 0 and "high_water.not_cosigned" in refused.err + refused.out, refused
        house.start_witness()
        house.wait_ready()
        assert firm.must(house.sign()).json()["state"] == "done"
        house.stop_witness()
        assert firm.must(house.sign()).json()["state"] == "done"
        house.wait_until(lambda: house.witnessing()["failures"] > 0)
        assert house.ask("/readyz")[0] == 200


class Front:
    """Ends TLS before a plain service, as a proxy in front of a witness does."""

    def __init__(self, certificate, port, upstream):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.upstream = upstream
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        try:
            with self.context.wrap_socket(raw, server_side=True) as near, socket.create_connection(("127.0.0.1", self.upstream)) as far:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += near.recv(65536)
                length = re.search(rb"(?i)content-length: *(\d+)", request)
                while length and len(request.split(b"\r\n\r\n", 1)[1]) < int(length.group(1)):
                    request += near.recv(65536)
                far.sendall(request)
                while part := far.recv(65536):
                    near.sendall(part)
        except (OSError, ssl.SSLError):
            pass # the other side has seen it

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_a_witness_behind_tls_is_known_by_its_certificate():
    with House(with_tls=True) as house:
        firm = house.firm
        behind = free_port()
        good, other = make_certificate(firm.folder, "front"), make_certificate(firm.folder, "other")
        house.start_witness(behind)
        front = Front(other, house.port, behind)
        house.start()
        house.wait_until(lambda: (house.witnessing() or {}).get("failures", 0) > 0)
        assert "http_tls.certificate" in house.witnessing()["error"], house.witnessing()
        assert house.ask("/readyz")[0] == 503
        front.close()
        front = Front(good, house.port, behind)
        house.wait_ready()
        front.close()


def test_fetch_is_a_process_of_its_own_that_is_confined_and_is_started_again():
    with House() as house:
        house.start_witness()
        house.start()
        house.wait_ready()
        pid = house.pid("fetch")
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        if AS_ROOT:
            assert set(status["Uid"].split("\t")) == {str(FETCH_USER)} and int(status["CapEff"], 16) == 0, status
            folder = f"/proc/{pid}/fd"
            links = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
            assert all(link.startswith(("socket:", "/dev/null", house.firm.log_path)) for link in links), links
        os.kill(pid, 9)
        house.wait_until(lambda: house.pid("fetch") not in (pid, None))
        house.make_key()
        before = house.witnessing()["cosigned"]
        house.wait_until(lambda: house.witnessing()["cosigned"] > before)


def test_a_policy_that_does_not_fit_ends_the_start_with_its_reason():
    for text, name in (("", "policy."), (None, "witnessing.policy_quorum")):
        with House() as house:
            firm = house.firm
            with open(firm.at("logs"), encoding="utf-8") as logs, open(firm.at("witness.policy"), "w", encoding="utf-8") as policy:
                policy.write(logs.read() if text is None else text)
            try:
                house.start()
            except AssertionError:
                pass
            assert firm.process.wait(timeout=20) == 4 and name in firm.log(), firm.log()


def test_without_a_witness_nothing_is_fetched():
    firm = Northwind()
    try:
        firm.found()
        firm.start()
        with open(f"/proc/{firm.process.pid}/task/{firm.process.pid}/children", encoding="ascii") as file:
            assert len(file.read().split()) == 2
        assert firm.stop() == 0
    finally:
        firm.stop()
        firm.remove()


if __name__ == "__main__":
    tap.main(globals())
