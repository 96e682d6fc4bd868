#!/usr/bin/env python3
"""What the network does to keepers that share a key while they deal it, sign with it, deal it anew: it is cut after so many bytes of the
protocol, in one direction or both, and mended again; it is slow. No dealing is left without outcome, keepers agree on what came of
it; no signature that one has is another's unknown or failed; and the key signs on. The cuts are the kernel's, in a namespace of this test's (tests/cables.py). And what is dealt is dealt to the end
by keepers whose processes are killed in the middle of it."""

import json
import os
import signal
import sqlite3
import threading
import time

import processes
import tap
from cables import HEADERS, INSIDE, Cables, hindrance, sh
from keepers import Keepers
from northwind import PATIENCE_S, run

PARTIES = ("a", "b", "c")


def ask_for(keeper, *arguments):
    """An operation that one more approval decides: the call that gives it."""
    asked = keeper.must(keeper.ask("person4", *arguments, "--reason", "faults", "--json")).json()
    held = keeper.must(keeper.ask("person3", "op", "approve", asked["operation"], "--yes", "--json")).json()
    assert held["state"] == "held", held
    return asked["operation"], lambda: keeper.ask("person5", "op", "approve", asked["operation"], "--yes", "--json")


def dealing(keeper, key):
    options = [word for party in PARTIES for word in ("--party", party)]
    return ask_for(keeper, "key", "create", key, "--account", "options-hot", "--threshold", "2-of-3", *options)


def unknown(keeper):
    return keeper.must(keeper.ask("person1", "op", "list", "--state", "unknown", "--json")).json()["operations"]


def state_at(keeper, operation):
    """As the keeper that is asked has it, also where it has not heard of it."""
    shown = keeper.ask("person1", "op", "show", operation, "--json")
    return shown.json()["state"] if shown.code in (0, 1) and shown.out.startswith("{") and "state" in shown.json() else "not there"


def epochs(keepers, key):
    """Of the key at each keeper: 0 where there is none."""
    shown = [keeper.ask("person1", "key", "show", key, "--json") for keeper in keepers.all]
    return [one.json()["sharing"]["epoch"] if one.code == 0 else 0 for one in shown]


class Measured:
    """What a and b say to each other while something is done, as the kernel counts it on its way out of a."""

    def __init__(self, cables):
        self.cables = cables

    def __enter__(self):
        self.cables.drop(1, "ip daddr 10.77.0.2 counter")
        return self

    def __exit__(self, *_):
        bytes_out, self.packets = self.cables.counted(1)
        self.bytes = bytes_out - self.packets * HEADERS
        self.cables.mend(1)


def cut_after(cables, size, both_ways):
    cables.drop(1, f"ip daddr 10.77.0.2 quota over {size} bytes drop")
    if both_ways:
        cables.drop(2, f"ip daddr 10.77.0.1 quota over {size} bytes drop")


def is_settled(keepers, keeper):
    """What it does not know is a signature alone, which nobody can show."""
    return all(
        one["kind"] == "sign" and all(state_at(other, one["operation"]) in ("unknown", "failed") for other in keepers.all)
        for one in unknown(keeper))


def settle(keepers, cables):
    """The network is whole again: everybody finds everybody, and every intent has its outcome, but where a share has left in vain."""
    cables.mend(1)
    cables.mend(2)
    keepers.wait_all_up()
    for keeper in keepers.all:
        keeper.wait_for(lambda keeper=keeper: is_settled(keepers, keeper))


def check_sign(keeper, key, nonce):
    signed = keeper.must(keeper.sign(key, nonce)).json()
    assert signed["state"] == "done", signed
    return run("tx", "decode", "-", "--json", given=signed["result"]["transaction"]).json()["from"]


def test_a_cut_in_the_middle_leaves_no_dealing_without_outcome_and_keepers_agree():
    if INSIDE not in os.environ:
        raise tap.Skip(hindrance())
    with Cables(3) as cables:
        keepers = Keepers(3)
        for i, keeper in enumerate(keepers.all, 1):
            keeper.host = keeper.peer_host = f"10.77.0.{i}"
            keeper.prefix = ["ip", "netns", "exec", cables.names[i - 1]]
            with open(keeper.founding, encoding="utf-8") as file:
                text = file.read()
            with open(keeper.founding, "w", encoding="utf-8") as file:  # where the requests of this test come from
                file.write(text.replace("127.1.0.0/16", "127.1.0.0/16, 10.77.0.254/32"))
        with keepers:
            a, b, _ = keepers.all
            keepers.wait_all_up()
            sizes, nonce = {}, 0
            _, approve = dealing(a, "vault")
            with Measured(cables) as measured:
                assert a.must(approve()).json()["state"] == "done"
            sizes["dealing"] = measured.bytes
            with Measured(cables) as measured:
                address = check_sign(a, "vault", nonce)
            sizes["signing"] = measured.bytes
            _, approve = ask_for(a, "key", "refresh", "vault")
            with Measured(cables) as measured:
                assert a.must(approve()).json()["state"] == "done"
            sizes["refresh"] = measured.bytes
            print(f"# bytes from a to b at the sockets: {sizes}")
            assert all(size > 0 for size in sizes.values()), sizes
            outcomes = {}
            # What is prepared for later signatures may be counted with each: of what they take themselves it is the greater part.
            sizes["dealing"] = sizes["refresh"] = min(sizes["dealing"], sizes["refresh"])
            cases = [(kind, part, both_ways) for kind in sizes
                     for part, both_ways in (((0.01, True), (0.04, False)) if kind == "signing" else ((0.1, True), (0.4, False)))]
            for number, (kind, part, both_ways) in enumerate(cases):
                key, operation, nonce = "vault", None, nonce + 1
                if kind == "dealing":
                    key = f"vault-{number}"
                    operation, act = dealing(a, key)
                elif kind == "refresh":
                    operation, act = ask_for(a, "key", "refresh", "vault")
                else:
                    def act(nonce=nonce):
                        return a.sign("vault", nonce)
                keepers.wait_all_up()
                cut_after(cables, max(1, int(sizes[kind] * part)), both_ways)
                answer = act()
                settle(keepers, cables)
                if operation:
                    states = [state_at(keeper, operation) for keeper in keepers.all]
                    assert len(set(states)) == 1 and states[0] in ("done", "failed"), (kind, part, both_ways, states)
                    agreed = epochs(keepers, key)
                    assert len(set(agreed)) == 1, (kind, part, both_ways, agreed)
                outcome = answer.json()["state"] if answer.code == 0 else answer.err.strip().splitlines()[-1]
                outcomes[f"{kind}, cut after {part:.0%}, {'both ways' if both_ways else 'one way'}"] = outcome
                # Whatever came of it, all of them sign on, with the key's address, whoever is asked.
                for asked in keepers.all:
                    nonce += 1
                    assert check_sign(asked, "vault", nonce) == address
            for case, outcome in outcomes.items():
                print(f"# {case}: {outcome}")
            assert any(outcome != "done" for outcome in outcomes.values()), "no cut was felt"
            for keeper in keepers.all:
                assert keeper.metric("gatehouse_peers_refused ") == 0
                assert keeper.stop() == 0
                assert keeper.must(run("ledger", "replay", keeper.data, "--json")).json()["different"] == 0


def test_a_slow_network_delays_and_ends_nothing():
    def slowly(_, data, __):
        time.sleep(0.1)
        return [data]

    if INSIDE in os.environ:
        sh("ip", "link", "set", "lo", "up")
    with Keepers(3, {("a", "b"): slowly, ("a", "c"): slowly, ("b", "c"): slowly}) as keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        _, approve = dealing(a, "vault")
        assert a.must(approve()).json()["state"] == "done"
        address = check_sign(a, "vault", 0)
        _, approve = ask_for(b, "key", "refresh", "vault")
        assert b.must(approve()).json()["state"] == "done"
        assert check_sign(c, "vault", 1) == address and epochs(keepers, "vault") == [2, 2, 2]
        for keeper in keepers.all:
            keeper.wait_for(lambda keeper=keeper: not unknown(keeper))  # who was not asked hears of the end later
            for reason in ("protocol", "refused", "silent"):
                assert keeper.metric(f'gatehouse_peers_dropped_total{{reason="{reason}"}}') == 0, (keeper.name, reason)
        print(f"# {json.dumps({near + far: relay.bytes for (near, far), relay in keepers.relays.items()})} bytes each way, 100 ms late")


class Held:
    """What b and c say to each other, once it is held: so a dealing stays where it is."""

    def __init__(self):
        self.passes = threading.Event()
        self.passes.set()

    def __call__(self, _, data, __):
        self.passes.wait(PATIENCE_S)
        return [data]


def has_begun(keeper):
    """It keeps what a dealing goes on from."""
    path = os.path.join(keeper.data, "dealings.db")
    if not os.path.exists(path):
        return False
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as database:
        try:
            return database.execute("SELECT count(*) FROM secrets WHERE length(value) > 1000").fetchone()[0] > 0
        except sqlite3.DatabaseError:  # it is being written
            return False


def kill_keeper(installation):
    old = processes.of_role(installation.process.pid, "keeper")
    os.kill(old, signal.SIGKILL)
    installation.wait_for(lambda: processes.of_role(installation.process.pid, "keeper") not in (None, old))


def test_a_dealing_goes_on_after_keepers_are_killed():
    held = Held()
    if INSIDE in os.environ:
        sh("ip", "link", "set", "lo", "up")
    with Keepers(3, {("b", "c"): held}) as keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        for number, killed in enumerate(([b], [a, b, c])):
            operation, approve = dealing(a, "vault") if number == 0 else ask_for(a, "key", "refresh", "vault")
            held.passes.clear()
            asking = threading.Thread(target=approve, daemon=True)
            asking.start()
            for keeper in keepers.all:
                keeper.wait_for(lambda keeper=keeper: has_begun(keeper))
            for keeper in killed:
                kill_keeper(keeper)
            held.passes.set()
            for keeper in keepers.all:
                keeper.wait_for(lambda keeper=keeper, operation=operation: state_at(keeper, operation) in ("done", "failed"))
                assert state_at(keeper, operation) == "done", (number, keeper.name, keeper.log()[-3000:])
            asking.join()
            for keeper in killed:
                assert "the dealing of key vault goes on" in keeper.log(), keeper.log()[-3000:]
            keepers.wait_all_up()
            assert epochs(keepers, "vault") == [number + 1] * 3
            check_sign(c, "vault", number)


if __name__ == "__main__":
    tap.main(globals())
