#!/usr/bin/env python3
"""Three keepers in three network namespaces: cables, drops and partitions of the kernel's own. All of it stands in a namespace of
this test's, so that nothing of the machine's network is touched."""

import json
import os
import shutil
import subprocess
import sys
import time

import tap

INSIDE = "GATEHOUSE_PEERS_NETWORK"
NEEDS = ("ip", "nft", "unshare")
HEADERS = 20 + 32  # IPv4, and TCP with its time stamps


def can_isolate():
    return os.geteuid() == 0 and all(shutil.which(name) for name in NEEDS) and \
        subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0


if INSIDE not in os.environ and can_isolate():
    os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], os.environ | {INSIDE: "1"})

from keepers import Keepers  # pylint: disable=wrong-import-position


def sh(*words):
    subprocess.run(words, check=True, capture_output=True)


class Cables:
    """A bridge, and behind it one namespace a keeper: 10.77.0.1, .2, .3."""

    def __init__(self, count):
        self.names = [f"gatehouse-{os.getpid()}-{i}" for i in range(1, count + 1)]

    def __enter__(self):
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "link", "add", "hub", "type", "bridge")
        sh("ip", "addr", "add", "10.77.0.254/24", "dev", "hub")
        sh("ip", "link", "set", "hub", "up")
        for i, name in enumerate(self.names, 1):
            sh("ip", "netns", "add", name)
            sh("ip", "link", "add", f"port{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
            sh("ip", "link", "set", f"port{i}", "master", "hub", "up")
            self.inside(i, "ip", "addr", "add", f"10.77.0.{i}/24", "dev", "eth0")
            self.inside(i, "ip", "link", "set", "eth0", "up")
            self.inside(i, "ip", "link", "set", "lo", "up")
            self.inside(i, "nft", "add", "table", "inet", "test")
            self.inside(i, "nft", "add", "chain", "inet", "test", "out", "{ type filter hook output priority 0; }")
        return self

    def inside(self, i, *words):
        sh("ip", "netns", "exec", self.names[i - 1], *words)

    def drop(self, i, rule):
        self.inside(i, "nft", "add", "rule", "inet", "test", "out", *rule.split())

    def counted(self, i):
        """Bytes and packets of the one rule that counts."""
        rules = json.loads(subprocess.run(["ip", "netns", "exec", self.names[i - 1], "nft", "-j", "list", "chain", "inet", "test", "out"],
                                          check=True, capture_output=True).stdout)["nftables"]
        counter = next(part["counter"] for rule in rules for part in rule.get("rule", {}).get("expr", ()) if "counter" in part)
        return counter["bytes"], counter["packets"]

    def mend(self, i):
        self.inside(i, "nft", "flush", "chain", "inet", "test", "out")

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", "hub"], capture_output=True, check=False)


def between_two_beats(keeper, cables):
    """(bytes at the gateway's sockets, bytes and packets of the kernel), nothing being under way."""
    before = None
    while (now := (keeper.metric('gatehouse_peers_wire_bytes_total{direction="out"}'), *cables.counted(1))) != before:
        before = now
    return now


def test_drops_and_partitions_of_the_network_are_seen_and_healed():
    if INSIDE not in os.environ:
        raise tap.Skip(f"needs root, network namespaces and {', '.join(NEEDS)}")
    with Cables(3) as cables:
        keepers = Keepers(3)
        for i, keeper in enumerate(keepers.all, 1):
            keeper.host = keeper.peer_host = f"10.77.0.{i}"
            keeper.prefix = ["ip", "netns", "exec", cables.names[i - 1]]
        with keepers:
            a, b, c = keepers.all
            keepers.wait_all_up()
            epoch = a.keepers()["b"]["boot_epoch"]
            # b's packets to a are lost, and nobody is told: silence is all that shows.
            cables.drop(2, "ip daddr 10.77.0.1 drop")
            started = time.monotonic()
            a.wait_for(lambda: a.health().get("missing") == ["b"], 30)
            b.wait_for(lambda: b.health().get("missing") == ["a"], 30)
            print(f"# a cut in one direction was seen after {time.monotonic() - started:.1f} s")
            assert c.is_up_with("a", "b")
            cables.mend(2)
            keepers.wait_all_up()
            assert a.keepers()["b"]["boot_epoch"] == epoch, "the same process"
            # c alone on its side.
            for other in (1, 2):
                cables.drop(3, f"ip daddr 10.77.0.{other} drop")
            a.wait_for(lambda: a.health().get("missing") == ["c"], 30)
            b.wait_for(lambda: b.health().get("missing") == ["c"], 30)
            assert a.health()["up"] == ["b"]
            cables.mend(3)
            keepers.wait_all_up()
            # A quarter of all packets of one machine: TCP mends it, nobody is refused, and they stay or come back.
            cables.drop(1, "numgen random mod 4 0 drop")
            time.sleep(8)
            cables.mend(1)
            keepers.wait_all_up()
            for keeper in keepers.all:
                assert keeper.metric("gatehouse_peers_refused ") == 0
            # What a's gateway counts at its sockets is what the kernel sends, less the headers of IP and TCP.
            cables.drop(1, "ip daddr { 10.77.0.2, 10.77.0.3 } counter")
            then = between_two_beats(a, cables)
            time.sleep(5)
            gateway, kernel, packets = (now - before for now, before in zip(between_two_beats(a, cables), then))
            print(f"# in 5 s {gateway:.0f} bytes to peers at the gateway's sockets, {kernel} in {packets} packets of the kernel")
            assert 0 < gateway == kernel - packets * HEADERS, (gateway, kernel, packets)


tap.main(globals())
