#!/usr/bin/env python3
"""What stands between keepers of one installation, and who comes to their peer port: nothing is opened, nobody is blamed."""

import concurrent.futures
import os
import random
import socket
import time

import tap
from keepers import Keepers, frame

KINDS = ("corrupt", "drop", "repeat", "truncate", "insert", "reorder")


def reset(sock):
    try:
        sock.settimeout(60)
        return sock.recv(65536)
    except OSError:
        return b""


def test_strangers_at_the_peer_port_cost_little_and_change_nothing():
    with Keepers(2) as keepers:
        a, b = keepers.all
        keepers.wait_all_up()
        refused = b.metric("gatehouse_peers_frames_refused_total")
        bad = {
            "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "a newer version": frame(1, 2, 7, b"x", version=2),
            "nobody's party": frame(0, 2, 7, b"x"),
            "another keeper's": frame(1, 3, 7, b"x"),
            "nothing": frame(1, 2, 7, b""),
            "too long": frame(1, 2, 7, b"")[:-4] + b"\x00\x01\x00\x01",
            "another stream than before": frame(1, 2, 7, b"\x16\x03\x01") + frame(1, 2, 8, b"x"),
        }
        for name, data in bad.items():
            with socket.create_connection(("127.0.0.1", b.peer_port)) as sock:
                sock.sendall(data)
                assert reset(sock) == b"", name
        b.wait_for(lambda: b.metric("gatehouse_peers_frames_refused_total") == refused + len(bad))
        # What is no handshake is dropped by the keeper, which says nothing to whoever sent it but TLS's own alert.
        dropped = b.metric('gatehouse_peers_dropped_total{reason="handshake"}')
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", b.peer_port)) as sock:
                sock.sendall(frame(1, 2, random.randrange(2**64), os.urandom(600)))
                reset(sock)
        b.wait_for(lambda: b.metric('gatehouse_peers_dropped_total{reason="handshake"}') == dropped + 3)
        # A crowd: the rest is turned away, requests are answered, the peers stay.
        crowd = []
        for _ in range(60):
            sock = socket.create_connection(("127.0.0.1", b.peer_port))
            crowd.append(sock)
        b.submit("group", "add", "auditors")
        b.wait_for(lambda: b.metric("gatehouse_peers_turned_away_total") > 0)
        assert b.metric("gatehouse_peers_connections ") <= 32 + 15
        for sock in crowd:
            sock.close()
        for keeper, other in ((a, "b"), (b, "a")):
            keeper.wait_for(lambda keeper=keeper, other=other: keeper.is_up_with(other))


class Disturber:
    """Between a and b: when armed, it does the next of KINDS to one piece, after as many as it is to spare."""

    def __init__(self, spares):
        self.spares, self.left, self.is_armed, self.acts = spares, 0, False, []
        self.random = random.Random(spares)

    def arm(self):
        self.left, self.is_armed = self.spares, True

    def act(self, _, data, to_server):
        if not self.is_armed or len(data) < 200:  # a beat is less
            return [data]
        if self.left > 0:
            self.left -= 1
            return [data]
        kind = KINDS[len(self.acts) % len(KINDS)]
        self.is_armed = False
        self.acts.append((kind, to_server))
        at = self.random.randrange(len(data))
        if kind == "drop":
            return []
        if kind == "repeat":
            return [data, data]
        if kind == "truncate":
            return [data[:at]]
        if kind == "insert":
            return [data[:at], os.urandom(9), data[at:]]
        if kind == "reorder":
            return [data[at:], data[:at]]
        return [data[:at], bytes([data[at] ^ 1 << self.random.randrange(8)]), data[at + 1:]]


def check_counts(a, b, relay):
    """Every byte between the two is seen here: what the gateways count at their sockets is what was carried."""
    def counted():
        """Between two beats: what was there twice."""
        before = None
        while (now := [a.metric('gatehouse_peers_wire_bytes_total{direction="out"}'),
                       b.metric('gatehouse_peers_wire_bytes_total{direction="in"}'), relay.bytes[0]]) != before:
            before = now
            time.sleep(0.1)  # for what one has written to come to the other
        return now

    base = counted()
    time.sleep(3)
    grown = [now - then for now, then in zip(counted(), base)]
    print(f"# bytes from a to b in 3 s, counted by a's gateway, b's gateway and between them: {grown}")
    assert grown[0] == grown[1] == grown[2] > 0, grown


def sign_disturbed(a, disturber, relay, nonce):
    """What comes of a signature while one piece is disturbed."""
    said = -1000
    while sum(relay.bytes) - said > 400:  # what is prepared for later signatures is on its way
        said = sum(relay.bytes)
        time.sleep(0.5)
    disturber.arm()
    signed = a.sign("vault", nonce)
    a.wait_for(lambda: not disturber.is_armed)
    outcome = "done" if signed.code == 0 else signed.err.split(":")[2].strip()
    assert outcome == "done" or outcome.startswith("joint."), signed
    return outcome


def say_again(relay, b):
    """A whole recorded conversation: no handshake comes of it."""
    before = b.metric("gatehouse_peers_established_total")
    first = relay.recorded[0][0]
    with socket.create_connection(("127.0.0.1", b.peer_port)) as sock:
        for connection, data in relay.recorded:
            if connection == first:
                try:
                    sock.sendall(data)
                except OSError:
                    break
        reset(sock)
    time.sleep(1)
    b.wait_for(lambda: b.is_up_with("a"))
    assert b.metric("gatehouse_peers_established_total") == before


def check_relay(spares):
    disturber = Disturber(spares)
    with Keepers(2, {("a", "b"): disturber.act}) as keepers:
        a, b = keepers.all
        relay = keepers.relays["a", "b"]
        keepers.wait_all_up()
        check_counts(a, b, relay)
        a.make_shared_key("vault", "2-of-2", "a", "b")
        outcomes = {}
        for nonce in range(len(KINDS)):
            keepers.wait_all_up()
            outcome = sign_disturbed(a, disturber, relay, nonce)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        print(f"# {spares} pieces spared, signing meanwhile: {outcomes}")
        assert {kind for kind, _ in disturber.acts} == set(KINDS) and relay.connections > 3, (disturber.acts, relay.connections)
        keepers.wait_all_up()
        print(f"# {len(disturber.acts)} pieces disturbed, {relay.connections} connections")
        for keeper in (a, b):
            assert keeper.metric("gatehouse_peers_refused ") == 0
            assert keeper.metric('gatehouse_peers_dropped_total{reason="protocol"}') == 0
            assert keeper.metric('gatehouse_peers_dropped_total{reason="refused"}') == 0
        # Nor is the key any the worse for it.
        assert a.must(a.sign("vault", 1000)).json()["state"] == "done"
        drops = sum(keeper.metric("gatehouse_peers_dropped_total") + keeper.metric("gatehouse_peers_frames_refused_total") for keeper in (a, b))
        assert drops > 3, drops
        say_again(relay, b)


def test_a_hostile_relay_opens_nothing_and_blames_nobody():
    """The request on its way from keeper to keeper, and at another pair what comes behind it."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(check_relay, spares) for spares in (0, 1)]:
            done.result()


tap.main(globals())
