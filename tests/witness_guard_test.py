#!/usr/bin/env python3
"""`rollback_guard: witness`, end to end: a witness of its own process, the helper that alone reaches it, a start that waits for it,
and an older data directory that it gives away."""

import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading

import processes
import tap
from northwind import PROGRAM, VERIFIER, Northwind, Served, free_port, make_certificate, run, transfer

AS_ROOT = os.geteuid() == 0
FETCH_USER = 70405


class House(Served):
    """Northwind under a witness; certificates: of a TLS proxy in front of it, or None for plain HTTP on the loopback."""

    def __init__(self, with_tls=False):
        self.port = free_port()
        scheme = "https" if with_tls else "http"
        more = ", certificates: FOLDER/front.crt" if with_tls else ""
        self.firm = Northwind(f'{{kind: witness, witnesses: ["{scheme}://127.0.0.1:{self.port}"], policy: FOLDER/witness.policy{more}}}')
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
            assert self.witness.wait(timeout=400) == 0
            self.witness.stdout.close()
            self.witness = None

    def start(self):
        for name in os.listdir(self.firm.folder):
            if name.startswith("profile-"):
                os.unlink(self.firm.at(name)) # the proxies' ports are new
        self.firm.start()

    def witnessing(self):
        """What /healthz says of it; None as long as the keeper has not reported."""
        return self.keeper_health().get("witness")

    def make_key(self):
        firm = self.firm
        key = firm.must(firm.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        firm.approve(key["operation"], "person3", "person5")

    def sign(self):
        text = transfer(self.nonce, 10)
        self.nonce += 1
        return self.firm.ask("settlement", "op", "sign", "eth-hot", "--transaction", "-", "--json", given=text)

    def pid(self, role):
        return processes.of_role(self.firm.process.pid, role)

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
        assert firm.process.wait(timeout=400) == 4, firm.log()
        last = firm.log().splitlines()[-10:]
        assert re.search(r"the keeper cannot go on: high_water\.(behind|fork): the witness holds", "\n".join(last)), last
        assert firm.log().count("high_water.not_cosigned") == 0 # nobody asked, and nothing was decided


def test_a_backup_is_restored_under_the_guard_only_where_it_holds_all_that_was_cosigned():
    with House() as house:
        firm = house.firm
        recovery, early, late = firm.at("recovery.key"), firm.at("early"), firm.at("late")
        firm.must(run("recovery", "keygen", recovery))
        house.start_witness()
        house.start()
        house.wait_ready()
        firm.must(run("backup", "--config", firm.config, "--for", recovery + ".pub", "--out", early, "--json"))
        house.make_key()
        signed = firm.must(house.sign()).json()
        house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])
        assert firm.stop() == 0
        firm.must(run("backup", "--config", firm.config, "--for", recovery + ".pub", "--out", late, "--json"))
        # The early one: it is restored, since no mark on this machine says otherwise, and the witness does not let it start.
        shutil.rmtree(firm.data)
        restored = firm.must(run("restore", early, "--config", firm.config, "--recovery-key", recovery, "--json")).json()
        assert restored["lost"] == 0 and restored["size"] < signed["entry"], restored
        house.start()
        assert firm.process.wait(timeout=400) == 4, firm.log()
        assert re.search(r"the keeper cannot go on: high_water\.(behind|fork): the witness holds", firm.log()), firm.log()[-2000:]
        assert "high_water.not_cosigned" not in firm.log() # nothing was decided, and nobody was let ask
        # The late one holds what was cosigned: it goes on, under a cosigned head that has its restore entry, and repeats nothing.
        shutil.rmtree(firm.data)
        restored = firm.must(run("restore", late, "--config", firm.config, "--recovery-key", recovery, "--json")).json()
        assert restored["lost"] == 0 and restored["size"] > signed["entry"], restored
        house.start()
        house.wait_ready()
        again = firm.must(house.sign()).json()
        assert again["state"] == "done" and again["entry"] > restored["size"], again
        house.wait_until(lambda: house.witnessing()["cosigned"] > again["entry"])
        assert firm.stop() == 0
        entry = firm.must(run("ledger", "show", firm.data, str(restored["size"]), "--json")).json()
        assert entry["type"] == "restore" and entry["body"]["lost"] == 0, entry
        verified = subprocess.run([VERIFIER, "log", "--policy", firm.at("witness.policy"), "--accept-tail", firm.data],
                                  capture_output=True, text=True, check=False)
        assert verified.returncode == 0, verified
        firm.must(run("ledger", "replay", firm.data))


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


class Liar:
    """Answers like a witness, and truth is not in it: what it says changes with each question."""

    def __init__(self, port):
        self.said = 0
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def answer(self, request):
        asked = request.split(b" ", 2)[1]
        self.said += 1
        if asked == b"/add-checkpoint":
            line = "\u2014 witness.example/w1 " + "A" * 99 + "=\n"
            return [(200, "text/plain", line.encode()), (409, "text/x.tlog.size", b"1000000\n"), (422, "text/plain", b""),
                    (200, "text/plain", b"")][self.said % 4]
        return [(200, "text/plain", b"northwind.example/k1\n1000000\n" + b"A" * 43 + b"=\n\n" + "\u2014 x AAAAAAAA\n".encode()),
                (404, "text/plain", b"")][self.said % 2]

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with near, contextlib.suppress(OSError):  # who asks does not wait for ever
                self.serve(near)

    def serve(self, near):
        request = b""
        while b"\r\n\r\n" not in request and (part := near.recv(65536)):
            request += part
        length = re.search(rb"(?i)content-length: *(\d+)", request)
        while length and len(request.split(b"\r\n\r\n", 1)[1]) < int(length.group(1)) and (part := near.recv(65536)):
            request += part
        if not request:
            return
        status, kind, body = self.answer(request)
        near.sendall(b"HTTP/1.1 %d Said\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (status, kind.encode(), len(body), body))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Quorum(House):
    """Three witnesses of which two must agree."""

    def __init__(self):
        self.ports = [free_port() for _ in range(3)]
        addresses = ", ".join(f'"http://127.0.0.1:{port}"' for port in self.ports)
        self.firm = Northwind(f"{{kind: witness, witnesses: [{addresses}], policy: FOLDER/witness.policy}}")
        self.witness, self.witnesses, self.nonce = None, {}, 0
        firm = self.firm
        firm.found()
        with open(firm.at("data", "public", "log.policy"), encoding="utf-8") as file:
            logs = "".join(line for line in file if line.startswith("log "))
        text = logs
        for number in range(3):
            lines = firm.must(run("witness", "init", firm.at(f"w{number}"), f"witness.example/w{number}")).out
            names = [line.split()[1] for line in lines.splitlines()]
            text += lines + f"group both{number} all {' '.join(names)}\n"
        text += "group two 2 both0 both1 both2\nquorum two\n"
        for name, policy in (("logs", logs + "quorum none\n"), ("witness.policy", text)):
            with open(firm.at(name), "w", encoding="utf-8") as file:
                file.write(policy)

    def start_one(self, number):
        witness = subprocess.Popen([PROGRAM, "witness", "serve", self.firm.at(f"w{number}"), "--logs", self.firm.at("logs"), "--listen",
                                    f"127.0.0.1:{self.ports[number]}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.witnesses[number] = witness
        assert "listens on" in witness.stdout.readline()

    def stop_one(self, number):
        witness = self.witnesses.pop(number)
        witness.terminate()
        assert witness.wait(timeout=400) == 0
        witness.stdout.close()

    def close(self):
        for number in list(self.witnesses):
            self.stop_one(number)
        super().close()

    def signers(self):
        """Of the newest cosigned head, as it is published."""
        status, note = self.ask("/v1/ledger/checkpoint?cosigned=1")
        return sorted({line.split()[1][-2:] for line in note.splitlines() if line.startswith("\u2014 witness.")}) if status == 200 else []


def test_two_of_three_witnesses_are_enough_and_one_is_not():
    with Quorum() as house:
        firm = house.firm
        house.start_one(0)
        house.start()
        house.wait_until(lambda: (house.witnessing() or {"witnesses": [{"cosigned": 0}]})["witnesses"][0]["cosigned"] > 0)
        house.wait_until(lambda: all(house.witnessing()["witnesses"][number]["failures"] > 0 for number in (1, 2)))
        assert house.ask("/readyz")[0] == 503 and house.witnessing()["cosigned"] == 0
        counted = dict(re.findall(r"^(gatehouse_(?:ready|witness_failures)) (\d+)$", house.ask("/metrics")[1], re.MULTILINE))
        assert counted["gatehouse_ready"] == "0" and int(counted["gatehouse_witness_failures"]) > 0, counted
        assert "high_water.not_cosigned" in house.sign().err
        house.start_one(2) # the third stays dead
        house.wait_ready()
        house.make_key()
        signed = firm.must(house.sign()).json()
        assert signed["state"] == "done", signed
        house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])
        assert house.signers() == ["w0", "w2"]
        house.start_one(1) # who comes late cosigns as well
        before = house.witnessing()["witnesses"][1]["cosigned"]
        house.wait_until(lambda: house.witnessing()["witnesses"][1]["cosigned"] > before)
        house.stop_one(0) # and stands in for one that goes
        signed = firm.must(house.sign()).json()
        house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])
        assert house.signers() == ["w1", "w2"]
        assert firm.stop() == 0
        verified = subprocess.run([VERIFIER, "log", "--policy", firm.at("witness.policy"), "--accept-tail", firm.data],
                                  capture_output=True, text=True, check=False)
        assert verified.returncode == 0, verified


def test_a_witness_that_lies_holds_nobody_up_and_counts_for_nothing():
    with Quorum() as house:
        firm = house.firm
        liar = Liar(house.ports[1])
        house.start_one(0)
        house.start()
        house.wait_until(lambda: (house.witnessing() or {"witnesses": [{}, {"failures": 0}]})["witnesses"][1]["failures"] > 2)
        assert house.ask("/readyz")[0] == 503 and house.witnessing()["cosigned"] == 0 # one honest, one liar: no quorum
        house.start_one(2)
        house.wait_ready()
        house.make_key()
        signed = firm.must(house.sign()).json()
        house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])
        assert house.signers() == ["w0", "w2"]
        assert liar.said > 2 and firm.process.poll() is None
        liar.close()


def test_an_older_directory_is_told_by_any_one_of_the_witnesses():
    with Quorum() as house:
        firm = house.firm
        house.start_one(0)
        house.start_one(1)
        house.start()
        house.wait_ready()
        assert firm.stop() == 0
        subprocess.run(["cp", "-a", "-T", firm.data, firm.at("old")], check=True)
        house.start()
        house.wait_ready()
        house.make_key()
        entries = json.loads(house.ask("/healthz")[1])["keeper"]["entries"]
        house.wait_until(lambda: house.witnessing()["witnesses"][1]["cosigned"] >= entries)
        assert firm.stop() == 0
        shutil.rmtree(firm.data)
        subprocess.run(["cp", "-a", "-T", firm.at("old"), firm.data], check=True)
        house.stop_one(0)
        house.start_one(2) # knows nothing, and would cosign
        house.start()
        assert firm.process.wait(timeout=400) == 4, firm.log()
        assert re.search(r"high_water\.(behind|fork): the witness holds", firm.log()), firm.log()[-2000:]


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
            links = processes.descriptors(pid)
            assert links and all(link.startswith(("socket:", "/dev/null", house.firm.log_path)) for link in links), links
        os.kill(pid, 9)
        house.wait_until(lambda: house.pid("fetch") not in (pid, None))
        house.make_key()
        signed = house.firm.must(house.sign()).json()
        house.wait_until(lambda: house.witnessing()["cosigned"] > signed["entry"])


def test_the_witness_is_confined_as_well():
    with House() as house:
        house.start_witness()
        with open(f"/proc/{house.witness.pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        house.start()
        house.wait_ready() # and cosigns


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
            assert firm.process.wait(timeout=400) == 4 and name in firm.log(), firm.log()


def test_without_a_witness_nothing_is_fetched():
    firm = Northwind()
    try:
        firm.found()
        firm.start()
        assert len(processes.children(firm.process.pid)) == 3  # gateway, keeper, worker
        assert firm.stop() == 0
    finally:
        firm.stop()
        firm.remove()


if __name__ == "__main__":
    tap.main(globals())
