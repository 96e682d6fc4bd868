#!/usr/bin/env python3
"""SIGHUP, end to end with the keeper itself: certificate, listener and log level change, the log has an entry that names the file that
was read, and a file that is not right changes nothing."""

import hashlib
import os
import signal
import ssl

import processes
import tap
from northwind import Northwind, Served, make_certificate, run, transfer


class House(Served):
    def __init__(self):
        self.firm = Northwind()
        self.firm.found()
        self.certificates = {name: make_certificate(self.firm.folder, name) for name in ("first", "second")}
        with open(self.firm.config, encoding="utf-8") as file:
            self.text = file.read()
        self.write("first", "info")
        self.firm.start()
        self.wait_ready()

    def write(self, certificate, level, more=""):
        """The configuration; its hash."""
        cert, key = self.certificates[certificate]
        text = self.text.replace("tls: {}", f"tls: {{certificate: {cert}, key: {key}}}").replace("log_level: info", f"log_level: {level}") + more
        with open(self.firm.config, "w", encoding="utf-8") as file:
            file.write(text)
        return hashlib.sha256(text.encode()).hexdigest()

    def reload(self):
        self.firm.process.send_signal(signal.SIGHUP)

    def entries(self):
        return self.keeper_health().get("entries", 0)

    def served(self):
        try:
            return ssl.get_server_certificate(("127.0.0.1", self.firm.port)).replace("\n", "")
        except OSError:
            return None

    def serves(self, certificate):
        with open(self.certificates[certificate][0], encoding="ascii") as file:
            return self.served() == file.read().replace("\n", "")

    def gateway(self):
        return processes.of_role(self.firm.process.pid, "gateway")

    def kill_gateway(self):
        old = self.gateway()
        os.kill(old, signal.SIGKILL)
        self.wait_until(lambda: self.gateway() not in (old, None))
        self.wait_ready()

    def keeper_said(self):
        """How often the keeper has said, at level info, that the configuration was read anew."""
        return sum("was read anew" in line and '"role":"keeper"' in line for line in self.firm.log().splitlines())

    def reload_to(self, certificate, level, comment):
        """Returns once the log has grown by its entry; the hash that must stand there."""
        before = self.entries()
        written = self.write(certificate, level, f"# {comment}\n")
        self.reload()
        self.wait_until(lambda: self.entries() > before)
        return written

    def configuration_entries(self):
        """Of the log of an installation that stands still."""
        found, index = [], 0
        while (shown := run("ledger", "show", self.firm.data, str(index), "--json")).code == 0:
            entry = shown.json()
            if entry["type"] == "configuration":
                found.append(entry["body"]["configuration"])
            index += 1
        assert index > 1, shown
        return found

    def close(self):
        self.firm.stop()
        self.firm.remove()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("\n".join("# " + line for line in self.firm.log().splitlines()[-40:]))
        self.close()


def test_a_reload_reaches_gateway_and_keeper_and_is_an_entry():
    with House() as house:
        assert house.serves("first")
        # Each level twice: whichever of the two messages comes first, the second reload is heard under the level of the first.
        read = [house.reload_to("second", "error", 1)]
        house.wait_until(lambda: house.serves("second"))
        said = house.keeper_said()
        read.append(house.reload_to("second", "error", 2))
        assert house.keeper_said() == said
        read.append(house.reload_to("second", "info", 3))
        said = house.keeper_said()
        read.append(house.reload_to("second", "info", 4))
        house.wait_until(lambda: house.keeper_said() == said + 1)
        house.kill_gateway()
        assert house.serves("second") # the next gateway as well
        # The same keeper goes on with what it had: its state, its keys, its guard.
        key = house.firm.must(house.firm.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        house.firm.approve(key["operation"], "person3", "person5")
        signed = house.firm.must(house.firm.ask("settlement", "op", "sign", "eth-hot", "--transaction", "-", "--json", given=transfer(0, 10)))
        assert signed.json()["state"] == "done", signed
        assert house.firm.stop() == 0
        assert house.configuration_entries() == read


def test_a_file_that_is_not_right_is_refused_whole():
    with House() as house:
        for more, name in (("nonsense: 1\n", "yaml.unknown_key"), ("limits: {connections: 0}\n", "yaml.range"), ("users: {gateway: 70402}\n", "config.users")):
            house.write("second", "error", more)
            seen = house.firm.log().count("the reload is refused")
            house.reload()
            house.wait_until(lambda: house.firm.log().count("the reload is refused") > seen)
            last = [line for line in house.firm.log().splitlines() if "the reload is refused" in line][-1]
            assert name in last and "gatehouse.yaml:" in last, last
        # Right by itself, and not what a running installation can become.
        house.write("second", "error", "limits: {outstanding: 7}\n")
        house.reload()
        house.wait_until(lambda: "config.reload: limits" in house.firm.log())
        assert house.keeper_said() == 0
        house.kill_gateway()
        assert house.serves("first") # and the supervisor speaks at its level as before
        house.wait_until(lambda: house.firm.log().count("the gateway is ready") == 2)
        assert house.firm.stop() == 0
        assert house.configuration_entries() == []


if __name__ == "__main__":
    tap.main(globals())
