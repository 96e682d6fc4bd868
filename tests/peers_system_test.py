#!/usr/bin/env python3
"""Keepers of one installation and their gateways, end to end over the loopback: they find each other, lose each other, come back."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import processes
import tap
from installation import free_port
from keepers import Keeper, Keepers, Relay
from northwind import run

MNEMONIC = "abandon " * 11 + "about"


def test_three_keepers_find_each_other_and_a_death_is_seen():
    keepers = Keepers()
    generation = keepers["c"].at("generation")
    keepers["c"].settings = f"vm_generation: {generation}\n"
    with open(generation, "w", encoding="utf-8") as file:
        file.write("1b9cf0d2-0001")
    with keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        rows = a.keepers()
        assert {row["state"] for row in rows.values()} == {"up"} and set(rows) == {"b", "c"}, rows
        assert rows["b"]["bundle"] == rows["c"]["bundle"] and rows["b"]["boot_epoch"] != rows["c"]["boot_epoch"], rows
        assert rows["b"]["enrolment"]["party"] == 2 and c.keepers()["b"]["enrolment"] == rows["b"]["enrolment"], rows
        assert a.metric("gatehouse_peers_up ") == 2 and a.metric("gatehouse_peers_missing ") == 0
        # One gate each: what is asked of one is decided there, and the others go on.
        a.submit("group", "add", "auditors")
        # Killed, not stopped: nobody says goodbye.
        b.process.kill()
        b.process.wait()
        started = time.monotonic()
        for keeper in (a, c):
            keeper.wait_for(lambda keeper=keeper: keeper.health().get("missing") == ["b"])
        print(f"# the loss of a keeper was seen after {time.monotonic() - started:.1f} s")
        assert a.read("/readyz")[0] == 200, "a keeper decides without its peers"
        epoch = rows["b"]["boot_epoch"]
        b.process = None
        for proxy in b.proxies.values():
            proxy.close()
        b.start()
        keepers.wait_all_up()
        assert a.keepers()["b"]["boot_epoch"] != epoch
        # The machine of c is put back to a snapshot, or copied: what c had in memory is of another epoch.
        assert c.health()["vm_generation"] and not a.health()["vm_generation"]
        epoch = a.keepers()["c"]["boot_epoch"]
        with open(generation, "w", encoding="utf-8") as file:
            file.write("1b9cf0d2-0002")
        a.wait_for(lambda: a.keepers()["c"]["boot_epoch"] != epoch)
        keepers.wait_all_up()
        # An orderly stop is seen at once.
        assert c.stop() == 0
        a.wait_for(lambda: a.health().get("missing") == ["c"])
        assert a.metric('gatehouse_peers_established_total') >= 3


def test_keepers_make_a_key_and_sign_with_it_over_these_channels():
    with Keepers() as keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        before = a.metric("gatehouse_peers_wire_bytes_total")
        a.make_shared_key("vault", "2-of-3", "a", "b", "c")
        print(f"# making it took {a.metric('gatehouse_peers_wire_bytes_total') - before:.0f} bytes at the sockets of one gateway")
        shown = [keeper.must(keeper.ask("person1", "key", "show", "vault", "--json")).json() for keeper in keepers.all]
        assert len({row["public_key"] for row in shown}) == 1 and shown[0]["sharing"]["threshold"] == 2, shown

        def sender(signed):
            assert signed["state"] == "done", signed
            return run("tx", "decode", "-", "--json", given=signed["result"]["transaction"]).json()["from"]

        senders = [sender(a.must(a.sign("vault", 0)).json()), sender(b.must(b.sign("vault", 1)).json())]
        # One of the three dies: the others go on. Two: nothing is signed, and the reason is said.
        for gone, missing in ((c, ["c"]), (b, ["b", "c"])):
            gone.process.kill()
            gone.process.wait()
            gone.process = None
            for proxy in gone.proxies.values():
                proxy.close()
            a.wait_for(lambda missing=missing: a.health().get("missing") == missing)
            if gone is c:
                senders.append(sender(a.must(a.sign("vault", 2)).json()))
        assert len(set(senders)) == 1, senders
        assert "joint.too_few" in a.must(a.sign("vault", 3), 1).err


def test_a_whole_key_comes_in_as_parts_that_were_sealed_to_each_keeper():
    with Keepers() as keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        sealed_for, secret, parts = [], a.at("whole.hex"), a.at("parts.json")
        for keeper in keepers.all:
            out = a.at(f"{keeper.name}.import")
            refused = keeper.ask("person1", "key", "import-key", "--hash", "0" * 64, "--out", out)
            assert refused.code != 0 and "import_key.hash" in refused.err and not os.path.exists(out), refused
            told = re.search(r"import key of this process: SHA-256 ([0-9a-f]{64})", keeper.log())
            keeper.must(keeper.ask("person1", "key", "import-key", "--hash", told.group(1), "--out", out))
            sealed_for += ["--for", out]
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write("00" * 31 + "01\n")
        command = ["key", "split", "brought", *sealed_for, "--secret-kind"]

        def split(*options, given=None):
            a.must(run(*command, *options, "--out", parts, given=given))
            with open(parts, encoding="utf-8") as file:
                made = json.load(file)
            os.unlink(parts)
            return made

        made = split("private_key", "--secret-file", secret)
        assert made["public_key"] == "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" and "chain_code" not in made, made
        refused = run(*command, "private_key", "--secret-file", secret, "--path", "m/0", "--out", parts)
        assert refused.code == 2 and "usage.path" in refused.err, refused
        # Words that no file keeps: the master key as an extended one, which has passphrases of its own, or the single key at a path.
        made = split("mnemonic", "--secret-file", "-", given=MNEMONIC + "\n")
        assert made["public_key"] == "03d902f35f560e0470c63313c7369168d9d7df2d49bf295fd9fb7cb109ccee0494", made
        assert made["chain_code"] == "7923408dadd3c7b56eed15567707ae5e5dca089de972e07f3b860450e2a3b70e", made
        with open(os.open(a.at("passphrase"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write("TREZOR\n")
        other = split("mnemonic", "--secret-file", "-", "--passphrase-file", a.at("passphrase"), given=MNEMONIC + "\n")
        assert other["public_key"] != made["public_key"] and other["chain_code"] != made["chain_code"], other
        refused = run(*command, "mnemonic", "--secret-file", "-", "--out", parts, given=MNEMONIC + " about\n")
        assert refused.code == 2 and "mnemonic.count" in refused.err and not os.path.exists(parts), refused
        a.must(run(*command, "mnemonic", "--path", "m/44'/60'/0'/0/0", "--secret-file", "-", "--out", parts, given=MNEMONIC + "\n"))
        command = ["key", "import", "brought", "--account", "options-hot", "--parts", parts, "--threshold", "2-of-3", "--json"]
        held = a.ask("person4", *command).json()
        assert held["state"] == "held", held
        for who in ("person3", "person5"):
            a.must(a.ask(who, "op", "approve", held["operation"], "--yes", "--json"))
        done = a.must(a.ask("person4", *command)).json()
        assert done["state"] == "done", done
        assert done["result"]["key"]["public_key"] == "0237b0bb7a8288d38ed49a524b5dc98cff3eb5ca824c9f9dc0dfdb3d9cd600f299", done
        signed = b.must(b.sign("brought", 0)).json()
        sender = run("tx", "decode", "-", "--json", given=signed["result"]["transaction"]).json()["from"]
        assert sender == "0x9858EfFD232B4033E47d90003D41EC34EcaEda94", sender
        assert c.must(c.ask("person1", "key", "audit", "brought", "--json")).json()["epoch"] == 1


def test_the_restored_data_directory_of_one_keeper_is_refused_by_its_peers_until_people_re_admit_it():
    with Keepers() as keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        assert b.stop() == 0
        subprocess.run(["cp", "-a", "-T", b.data, b.at("old")], check=True)
        b.start()
        keepers.wait_all_up()
        before = max(keeper.keepers()["b"]["shown"]["size"] for keeper in (a, c))
        for number in range(4):
            b.submit("group", "add", f"auditors_{number}")
        # The others hear of it with the next beat. It is more than what a start writes, so that the old log is behind and no fork.
        for keeper in (a, c):
            keeper.wait_for(lambda keeper=keeper: keeper.keepers()["b"]["shown"]["size"] >= before + 12)
        grown = a.keepers()["b"]["shown"]["size"]
        assert b.stop() == 0
        shutil.rmtree(b.data)
        subprocess.run(["cp", "-a", "-T", b.at("old"), b.data], check=True)
        b.start()
        for keeper in (a, c):
            keeper.wait_for(lambda keeper=keeper: keeper.health().get("refused") == ["b"])
        row = a.keepers()["b"]
        assert row["reason"] == "peers.behind" and row["refused_at"]["size"] < grown, row
        b.wait_for(lambda: b.health().get("own_log_is_behind"))
        assert "peers.behind" in a.log() and b.states() == {"a": "missing", "c": "missing"}
        # It does not help to start the others anew, nor to grow past what they have seen: the history is another.
        for number in range(6):
            b.submit("group", "add", f"group_{number}")
        assert a.stop() == 0
        a.start()
        a.wait_for(lambda: a.health().get("refused") == ["b"] and a.health().get("up") == ["c"])
        # People say that this log counts from now on.
        head = a.keepers()["b"]["refused_at"]
        a.submit("keeper", "readmit", "b", "--size", str(head["size"]), "--root", head["root"])  # c is up, and gets it from a
        keepers.wait_all_up()
        for keeper in (a, c):
            row = keeper.keepers()["b"]
            assert row["admission"] == 2 and row["state"] == "up" and "reason" not in row, row
        # What the logs say of peers is read again like everything else.
        for keeper in keepers.all:
            assert keeper.stop() == 0
            assert keeper.must(run("ledger", "replay", keeper.data, "--json")).json()["different"] == 0


def test_a_keeper_that_is_removed_is_heard_no_more_and_one_that_is_not_enrolled_never():
    with Keepers(2) as keepers:
        a, b = keepers.all
        keepers.wait_all_up()
        a.submit("keeper", "remove", "b")
        a.wait_for(lambda: a.states() == {"b": "removed"})
        b.wait_for(lambda: b.health().get("missing") == ["a"])
        a.enrol(b, 2)
        b.wait_for(lambda: "party" not in b.must(b.ask("person1", "keeper", "show", "--json")).json())  # it got the removal from a
        b.enrol(b, 2)
        keepers.wait_all_up()
        assert a.keepers()["b"]["admission"] == 2
        # A stranger of the same instance, who enrols whom he likes at his own: he dials as party 1, and is nobody's peer.
        stranger = Keeper("d", a)
        try:
            stranger.configure({"b": ("127.0.0.1", b.peer_port)})
            stranger.found()
            stranger.start()
            stranger.wait_for(lambda: stranger.read("/readyz")[0] == 200)
            stranger.must(stranger.ask("person1", "keeper", "show", "--out", stranger.at("enrolment.json")))
            before = b.metric('gatehouse_peers_dropped_total{reason="handshake"}')
            stranger.enrol(stranger, 1)
            stranger.enrol(b, 2)
            b.wait_for(lambda: b.metric('gatehouse_peers_dropped_total{reason="handshake"}') >= before + 2)
            nobody = {"missing": ["b"], "own_log_is_behind": False, "refused": [], "up": [], "vm_generation": False}
            stranger.wait_for(lambda: stranger.health() == nobody)  # what health says is up to a second old
            assert b.is_up_with("a")
        finally:
            stranger.stop()
            stranger.remove()


def test_peers_change_by_a_reload_and_the_keeper_goes_on():
    with Keepers(2, {("a", "b"): None}) as keepers:
        a, b = keepers.all
        keepers.wait_all_up()
        epoch, moved = b.keepers()["a"]["boot_epoch"], Relay(("127.0.0.1", b.peer_port))
        try:
            before = {role: processes.of_role(a.process.pid, role) for role in ("gateway", "keeper")}
            a.configure({"b": ("127.0.0.1", moved.port)}, [b.authority])
            a.process.send_signal(signal.SIGHUP)
            a.wait_for(lambda: moved.connections > 0 and moved.bytes[1] > 0)
            keepers.relays["a", "b"].close()
            keepers.wait_all_up()
            after = {role: processes.of_role(a.process.pid, role) for role in before}
            assert after["keeper"] == before["keeper"] and after["gateway"] not in (None, before["gateway"]), (before, after)
            assert b.keepers()["a"]["boot_epoch"] == epoch
            assert "starts again in" not in a.log(), "it was no failure"
            a.submit("group", "add", "auditors")
            # Where this one's gateway listens is settled at a start.
            a.peer_port = free_port()
            a.configure({"b": ("127.0.0.1", moved.port)}, [b.authority])
            a.process.send_signal(signal.SIGHUP)
            a.wait_for(lambda: "config.reload: peer_listen changes with a restart only" in a.log())
            assert a.is_up_with("b")
        finally:
            moved.close()


def test_the_settings_of_peers_are_checked_when_read():
    keeper = Keeper("a")
    try:
        for text, error in (("peers: []", "yaml.range"), ("peers: [{name: B, address: 127.0.0.1, port: 1}]", "config.peers"),
                            ("peers: [{name: b, address: localhost, port: 1}]", "config.peers"),
                            ("peers: [{name: b, address: 127.0.0.1, port: 0}]", "config."),
                            ("peers: [{name: b, address: 127.0.0.1, port: 1}, {name: b, address: 127.0.0.1, port: 2}]", "config.peers"),
                            ("peer_listen: {address: localhost, port: 1}", "config.peer_listen"),
                            ("vm_generation: relative", "config.vm_generation")):
            with open(keeper.at("bad.yaml"), "w", encoding="utf-8") as file, open(keeper.config, encoding="utf-8") as good:
                file.write(good.read() + text + "\n")
            refused = run("serve", "--config", keeper.at("bad.yaml"))
            assert refused.code != 0 and error in refused.err, (text, refused)
    finally:
        keeper.remove()


tap.main(globals())
