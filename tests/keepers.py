"""Several keepers of one Northwind, each an installation of its own as tests/northwind.py founds it: one founding document, the same
people, and each keeper enrolled at each. What a test puts between two of them carries their gateways' bytes, and may do more."""

import json
import os
import shutil
import socket
import struct
import threading
import time

from northwind import PATIENCE_S, Northwind, Served, free_port, run, transfer

NAMES = ("a", "b", "c")
HEADER = struct.Struct(">4sHBBQI")  # of docs/PROTOCOL.peer


class Keeper(Northwind, Served):
    def __init__(self, name, first=None):
        super().__init__("none")  # that an older directory is found out is the peers' part here
        self.name, self.firm, self.first = name, self, first
        self.peer_port = free_port()
        self.peer_host, self.settings = "127.0.0.1", ""

    def configure(self, peers, authorities=()):
        """peers: {name: (host, port)} as this one is to dial them; authorities: what else clients call the installation."""
        lines = "".join(f"  - {{name: {name}, address: {host}, port: {port}}}\n" for name, (host, port) in peers.items())
        with open(self.config, encoding="utf-8") as file:
            text = file.read().split("peer_listen:")[0]
        if self.host != "127.0.0.1":
            text = text.replace("address: 127.0.0.1", f"address: {self.host}", 1)
        names = [self.authority, f"{self.host}:{self.port}", *authorities]
        text = text.replace(f'["{self.authority}"]', json.dumps(list(dict.fromkeys(names))))
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"{text}peer_listen: {{address: {self.peer_host}, port: {self.peer_port}}}\npeers:\n{lines}{self.settings}")

    def found(self):
        if self.first is None:
            self.make_keys()
        else:
            shutil.rmtree(self.at("keys"))
            shutil.copytree(self.first.at("keys"), self.at("keys"))
        return self.must(run("init", "--config", self.config, "--founding", self.founding, "--keeper", self.name, "--json",
                             "--sign-with", self.at("keys", "1"), "--sign-with", self.at("keys", "3"))).json()

    def start(self):
        for name in os.listdir(self.folder):
            if name.startswith("profile-"):
                os.unlink(self.at(name))  # the proxies' ports are new
        super().start()

    def submit(self, *arguments):
        """An operation of person 4 that two of security approve."""
        asked = self.must(self.ask("person4", *arguments, "--reason", "keepers", "--json")).json()
        return self.approve(asked["operation"], "person3", "person5")

    def read(self, target):
        """Unsigned, past the proxies."""
        return Served.ask(self, target)

    def enrol(self, other, party, *options):
        self.submit("keeper", "add", other.at("enrolment.json"), "--party", str(party), *options)

    def make_shared_key(self, name, threshold, *parties):
        options = [word for party in parties for word in ("--party", party)]
        return self.submit("key", "create", name, "--account", "options-hot", "--threshold", threshold, *options)

    def sign(self, key, nonce, ether_hundredths=10):
        """A small transfer that a workload asks for; what the command line says."""
        return self.ask("settlement", "op", "sign", key, "--transaction", "-", "--json", given=transfer(nonce, ether_hundredths))

    def keepers(self):
        return {row["name"]: row for row in self.must(self.ask("person1", "keeper", "list", "--json")).json()}

    def states(self):
        return {name: row["state"] for name, row in self.keepers().items()}

    def health(self):
        return ((json.loads(self.read("/readyz")[1]) or {}).get("keeper") or {}).get("peers") or {}

    def metric(self, name):
        """The sum over its labels, or of the one that is named whole."""
        total = 0
        for line in self.read("/metrics")[1].splitlines():
            if line.startswith(name) and not line.startswith("#"):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def wait_for(self, what, seconds=PATIENCE_S):
        until = time.monotonic() + seconds
        while not what():
            assert self.process is None or self.process.poll() is None, self.log()
            assert time.monotonic() < until, f"{self.name}: {self.health()}\n{self.log()}"
            time.sleep(0.05)

    def is_up_with(self, *names):
        health = self.health()
        return set(health.get("up", ())) == set(names) and not health["missing"]


class Relay:
    """Between two gateways, for one direction of dialling. act(relay, bytes, to_server) gives what is passed on, in pieces."""

    def __init__(self, upstream, act=None):
        self.upstream, self.act, self.bytes, self.recorded = upstream, act, [0, 0], []
        self.connections, self.open = 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.upstream)
            except OSError:
                if self.listener.fileno() < 0:
                    return
                near.close()
                continue
            self.connections += 1
            self.open = [near, far]
            for source, target, to_server in ((near, far, True), (far, near, False)):
                threading.Thread(target=self.carry, args=(source, target, to_server), daemon=True).start()

    def carry(self, source, target, to_server):
        try:
            while (data := source.recv(65536)):
                self.bytes[not to_server] += len(data)
                if to_server and len(self.recorded) < 64:
                    self.recorded.append((self.connections, data))
                for piece in [data] if self.act is None else self.act(self, data, to_server):
                    target.sendall(piece)
        except OSError:
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        for sock in self.open:
            sock.close()


class Keepers:
    """Founded, started and enrolled when entered. between: {("a", "b"): act}: a relay where a dials b."""

    def __init__(self, count=3, between=None):
        self.all, self.relays = [], {}
        for name in NAMES[:count]:
            self.all.append(Keeper(name, self.all[0] if self.all else None))
        for (near, far), act in (between or {}).items():
            self.relays[near, far] = Relay(("127.0.0.1", self[far].peer_port), act)

    def __getitem__(self, name):
        return next(keeper for keeper in self.all if keeper.name == name)

    def address(self, near, far):
        relay = self.relays.get((near.name, far.name))
        return ("127.0.0.1", relay.port) if relay else (far.peer_host, far.peer_port)

    def found_and_start(self):
        for keeper in self.all:
            others = [other for other in self.all if other is not keeper]
            # What a workload signed for one of them holds at all: they are one installation.
            keeper.configure({other.name: self.address(keeper, other) for other in others}, [other.authority for other in others])
            keeper.found()
            keeper.start()
            keeper.wait_for(lambda keeper=keeper: keeper.read("/readyz")[0] == 200)
            keeper.must(keeper.ask("person1", "keeper", "show", "--out", keeper.at("enrolment.json")))

    def enrol_all(self):
        for keeper in self.all:
            for party, other in enumerate(self.all, 1):
                keeper.enrol(other, party)

    def wait_all_up(self, seconds=PATIENCE_S):
        for keeper in self.all:
            others = [other.name for other in self.all if other is not keeper]
            keeper.wait_for(lambda keeper=keeper, others=others: keeper.is_up_with(*others), seconds)
            # What health says is up to a second old.
            keeper.wait_for(lambda keeper=keeper, others=others: all(keeper.states().get(name) == "up" for name in others), seconds)

    def __enter__(self):
        try:
            self.found_and_start()
            self.enrol_all()
        except BaseException as failure:
            self.__exit__(type(failure))
            raise
        return self

    def __exit__(self, kind, *_):
        for keeper in self.all:
            if kind is not None:
                print("\n".join(f"# {keeper.name}: {line}" for line in keeper.log().splitlines()[-25:]) if os.path.exists(keeper.log_path) else "")
            try:
                keeper.stop()
            finally:
                keeper.remove()
        for relay in self.relays.values():
            relay.close()


def frame(source, target, stream, data, magic=b"GHPR", version=1):
    """A frame between gateways."""
    return HEADER.pack(magic, version, source, target, stream, len(data)) + data
