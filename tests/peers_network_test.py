#!/usr/bin/env python3
"""Three keepers in three network namespaces: cables, drops and partitions of the kernel's own. All of it stands in a namespace of
this test's, so that nothing of the machine's network is touched."""

import os
import time

import tap
from cables import HEADERS, INSIDE, Cables, hindrance
from keepers import PATIENCE_S, Keepers


def between_two_beats(keeper, cables):
    """(bytes at the gateway's sockets, bytes and packets of the kernel), nothing being under way: what the kernel holds back is the gateway's
    already, and not yet the kernel's."""
    before = None
    while True:
        written, held = keeper.metric('gatehouse_peers_wire_bytes_total{direction="out"}'), cables.held(1)
        now = (written, *cables.counted(1))
        if held == 0 and now == before:
            return now
        before = now if held == 0 else None


def test_drops_and_partitions_of_the_network_are_seen_and_healed():
    if INSIDE not in os.environ:
        raise tap.Skip(hindrance())
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
            a.wait_for(lambda: a.health().get("missing") == ["b"])
            b.wait_for(lambda: b.health().get("missing") == ["a"])
            print(f"# a cut in one direction was seen after {time.monotonic() - started:.1f} s")
            c.wait_for(lambda: c.is_up_with("a", "b"))
            cables.mend(2)
            keepers.wait_all_up()
            assert a.keepers()["b"]["boot_epoch"] == epoch, "the same process"
            # c alone on its side.
            for other in (1, 2):
                cables.drop(3, f"ip daddr 10.77.0.{other} drop")
            for keeper, up in ((a, "b"), (b, "a")):
                keeper.wait_for(lambda keeper=keeper, up=up: (keeper.health().get("missing"), keeper.health().get("up")) == (["c"], [up]))
            cables.mend(3)
            keepers.wait_all_up()
            # A quarter of all packets of one machine: TCP mends it, nobody is refused, and they stay or come back.
            cables.drop(1, "numgen random mod 4 0 drop")
            time.sleep(8)
            cables.mend(1)
            keepers.wait_all_up()
            for keeper in keepers.all:
                assert keeper.metric("gatehouse_peers_refused ") == 0
            # What a's gateway counts at its sockets is what the kernel sends, less the headers of IP and TCP; also after a beat that was written
            # and not sent.
            cables.drop(1, "ip daddr 10.77.0.2 drop")
            a.wait_for(lambda: cables.held(1) > 0)
            cables.mend(1)
            cables.drop(1, "ip daddr { 10.77.0.2, 10.77.0.3 } counter")
            until, again = time.monotonic() + PATIENCE_S, None
            while again != 0:  # what TCP sent twice, as it may where an answer is late, says nothing of the gateway
                assert time.monotonic() < until, "no 3 seconds in which nothing was sent again"
                again = -cables.sent_again()
                then = between_two_beats(a, cables)
                time.sleep(3)
                gateway, kernel, packets = (now - before for now, before in zip(between_two_beats(a, cables), then))
                again += cables.sent_again()
            print(f"# in 3 s {gateway:.0f} bytes to peers at the gateway's sockets, {kernel} in {packets} packets of the kernel")
            assert 0 < gateway == kernel - packets * HEADERS, (gateway, kernel, packets)


tap.main(globals())
