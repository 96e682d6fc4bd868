#!/usr/bin/env python3
"""The gateway before a keeper that echoes: what it takes, what it refuses and how, and what it says when the keeper is busy, lost
or gone."""

import base64
import gzip
import hashlib
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time

import tap
from installation import Client, Installation, free_port

# What a strict server must answer, by status and problem; {host} is the authority. Where the same bytes are refused by the reader
# alone, http_request_test has the table in full: here it is shown that each is answered over TLS, and then closed properly.
STRICT = [
    ("content-length beside transfer-encoding",
     "POST /v1/operations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "request.transfer_encoding"),
    ("two content-lengths",
     "POST /v1/operations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400,
     "request.content_length"),
    ("content-length +21", "POST /v1/operations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: +5\r\n\r\nhello", 400,
     "request.content_length"),
    ("space before the colon", "POST /v1/operations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length : 5\r\n\r\nhello", 400,
     "request.syntax"),
    ("NUL in a field", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX: a\0b\r\n\r\n", 400, "request.syntax"),
    ("folded field", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX: a\r\n b\r\n\r\n", 400, "request.syntax"),
    ("bare line feeds", "GET /healthz HTTP/1.1\nHost: {host}\n\n", 400, "request.syntax"),
    ("no host", "GET /healthz HTTP/1.1\r\n\r\n", 400, "request.host_missing"),
    ("two hosts", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n", 400, "request.duplicate_field"),
    ("another host", "GET /healthz HTTP/1.1\r\nHost: other.example\r\n\r\n", 421, "request.host"),
    ("absolute target", "GET https://{host}/healthz HTTP/1.1\r\nHost: {host}\r\n\r\n", 400, "request.target_form"),
    ("dot segments", "GET /v1/../healthz HTTP/1.1\r\nHost: {host}\r\n\r\n", 400, "request.target_dots"),
    ("escaped NUL", "GET /healthz%00 HTTP/1.1\r\nHost: {host}\r\n\r\n", 400, "request.target_escape"),
    ("bad expect", "POST /v1/operations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nExpect: more\r\nContent-Length: 1\r\n\r\na", 400,
     "request.expect"),
    ("HTTP/1.0", "GET /healthz HTTP/1.0\r\nHost: {host}\r\n\r\n", 505, "request.version"),
    ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "request.version"),
    ("100 kB of fields", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX: " + "x" * 100_000 + "\r\n\r\n", 431, "request.header_size"),
    ("101 fields", "GET /healthz HTTP/1.1\r\nHost: {host}\r\n" + "a: b\r\n" * 100 + "\r\n", 431, "request.header_count"),
    ("target over 8 KiB", "GET /healthz?" + "q" * 9000 + " HTTP/1.1\r\nHost: {host}\r\n\r\n", 414, "request.target_size"),
    ("body over the path's limit", "POST /v1/protective HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 16385\r\n\r\n" + "b" * 16385, 413,
     "request.body_size"),
    ("chunked body over the path's limit", "POST /v1/protective HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
     + ("1000\r\n" + "b" * 4096 + "\r\n") * 5 + "0\r\n\r\n", 413, "request.body_size"),
    ("body where none is taken", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\na", 413, "request.body_size"),
    ("trailers", "POST /v1/operations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSignature: x\r\n\r\n", 400,
     "request.trailers"),
    ("upgrade", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 400, "request.upgrade"),
    ("no HTTP at all", "\x16\x03\x01\x02\x00", 400, "request.method"),
]


def test_what_is_not_strict_http_is_answered_by_name_and_then_closed():
    with Installation() as gate:
        for what, text, status, name in STRICT:
            with Client(gate) as client:
                client.send(text.format(host=gate.authority))
                answer = client.read()
                assert answer is not None, f"{what}: no answer"
                assert (answer.status, answer.problem()) == (status, name), f"{what}: {answer.status} {answer.body}"
                assert answer.fields["connection"] == "close", what
                assert client.is_closed(), what
        assert gate.metric('gatehouse_gateway_refusals_total{reason="request.content_length"}') == 2
        assert gate.metric('gatehouse_gateway_refusals_total{reason="request.host"}') == 1


def test_a_request_reaches_the_keeper_as_it_was_received():
    with Installation() as gate, Client(gate) as client:
        body = bytes(range(256))
        answer = client.ask("POST", "/v1/operations?a=%2F&b", body, Content_Type="application/json", Content_Digest="sha-256=:x:",
                            Idempotency_Key="k 1", Signature_Input='s=("@method");keyid="workload:w/1"', Signature="s=:AAAA:")
        assert answer.status == 200 and answer.fields["cache-control"] == "no-store", answer.fields
        got = answer.json()
        assert base64.b64decode(got.pop("body")) == body
        assert got == {
            "client_certificate": "", "content_digest": "sha-256=:x:", "content_type": "application/json", "host": gate.authority,
            "idempotency_key": "k 1", "method": "POST", "peer_address": "7f000001", "signature": "s=:AAAA:",
            "signature_input": 's=("@method");keyid="workload:w/1"', "target": "/v1/operations?a=%2F&b",
            "tls_group": "X25519MLKEM768", "urgent": False,
        }, got


def test_a_page_of_another_site_posts_nothing():
    """What a form can send, with whatever cookies the browser has, never reaches the keeper."""
    with Installation() as gate:
        for fields, status, name in (
            ({"Content_Type": "text/plain"}, 415, "request.content_type"),
            ({"Content_Type": "application/x-www-form-urlencoded"}, 415, "request.content_type"),
            ({"Sec_Fetch_Site": "cross-site"}, 403, "request.cross_site"),
            ({"Sec_Fetch_Site": "same-site"}, 403, "request.cross_site"),
        ):
            for target in ("/v1/session", "/v1/session/activity", "/v1/enrolment", "/v1/operations", "/v1/protective"):
                with Client(gate) as client:
                    answer = client.ask("POST", target, b"", Cookie="__Host-gatehouse=x", **fields)
                    assert (answer.status, answer.problem()) == (status, name), (target, answer.status, answer.body)
        with Client(gate) as client:
            assert client.ask("POST", "/v1/session", b"{}", Sec_Fetch_Site="same-origin").status == 200


def test_the_console_is_served_and_keeps_the_browser_to_itself():
    with Installation() as gate, Client(gate) as client:
        page = client.ask("GET", "/")
        assert page.status == 200 and page.fields["content-type"] == "text/html; charset=utf-8", page.fields
        assert page.fields["cache-control"] == "no-cache" and "content-encoding" not in page.fields, page.fields
        assert page.fields["content-security-policy"].startswith("default-src 'none'; script-src 'self'; "), page.fields
        assert client.ask("GET", "/", If_None_Match=page.fields["etag"]).status == 304
        names = re.findall(rb'"(/assets/[^"]+)"', page.body)
        assert len(names) >= 3, page.body
        for name in names:
            plain, compressed = client.ask("GET", name.decode()), client.ask("GET", name.decode(), Accept_Encoding="br, gzip")
            assert compressed.fields["content-encoding"] == "gzip" and gzip.decompress(compressed.body) == plain.body, name
            assert plain.fields["content-security-policy"] == page.fields["content-security-policy"], name
        assert client.ask("GET", "/assets/nothing.js").problem() == "request.not_found"
        assert client.ask("GET", "/assets/icon.svg/x").problem() == "request.not_found"
        assert client.ask("POST", "/", b"").problem() == "request.method_not_allowed"
        assert gate.metric('gatehouse_gateway_refusals_total{reason="request.not_found"}') == 2


def test_pipelined_requests_are_answered_in_order():
    with Installation() as gate, Client(gate) as client:
        for key in ("wait:150", "a", "wait:50", "b"):
            client.request("POST", "/v1/operations", key.encode(), Idempotency_Key=key)
        client.request("GET", "/healthz")
        client.request("GET", "/v1/nothing")
        bodies = [client.read() for _ in range(6)]
        assert bodies[0].body == b'"late"' and bodies[2].body == b'"late"', [b.body for b in bodies]
        assert bodies[1].json()["idempotency_key"] == "a" and bodies[3].json()["idempotency_key"] == "b"
        assert bodies[4].json()["gateway"]["keeper"] == "connected"
        assert bodies[5].problem() == "request.not_found"


def test_no_body_follows_where_the_client_asks_for_the_head_alone():
    with Installation() as gate, Client(gate) as client:
        client.request("HEAD", "/healthz")
        client.request("HEAD", "/v1/nothing")
        client.request("GET", "/healthz")
        heads = [client.read_head() for _ in range(2)]
        assert [status for status, _ in heads] == [405, 404] and int(heads[0][1]["content-length"]) > 0, heads
        assert client.read().json()["gateway"]["keeper"] == "connected"


def test_many_pipelined_answers_do_not_pile_up():
    with Installation() as gate, Client(gate) as client:
        count = 2000
        reader = threading.Thread(target=lambda: client.send(f"GET /metrics HTTP/1.1\r\nHost: {gate.authority}\r\n\r\n" * count))
        reader.start()
        for _ in range(count):
            assert client.read().status == 200
        reader.join()


def test_bodies_and_answers_of_every_size_pass():
    with Installation() as gate, Client(gate) as client:
        for size in (0, 1, 16_383, 16_384, 100_000, 700_000):
            body = os.urandom(size)
            assert base64.b64decode(client.post("k", body).json()["body"]) == body, size
        for size in (1, 16_384, 1_000_000):
            assert len(client.post(f"big:{size}").body) == size
        answer = client.post("status:204", b"x" * 896 * 1024)
        assert answer.status == 204 and "content-length" not in answer.fields, answer.fields


def test_a_client_that_reads_slowly_gets_everything():
    with Installation() as gate, Client(gate) as client:
        count = 20
        for _ in range(count):
            client.request("POST", "/v1/operations", b"", Idempotency_Key="big:1000000")
        time.sleep(1)
        for _ in range(count):
            assert len(client.read().body) == 1_000_000
            time.sleep(0.05)
        assert client.ask("GET", "/readyz").status == 200


def test_a_body_is_asked_for_where_the_client_waits_for_that():
    with Installation() as gate, Client(gate) as client:
        client.send(f"POST /v1/operations HTTP/1.1\r\nHost: {gate.authority}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.read().status == 100
        client.send("ok")
        assert base64.b64decode(client.read().json()["body"]) == b"ok"


def drip(client, words):
    """Says something every two seconds; where this takes longer than the gateway waits, it has answered already."""
    for _ in range(4):
        time.sleep(2)
        try:
            client.send(words)
        except OSError:
            return


def test_slow_clients_are_answered_408_or_closed():
    results = {}

    def slow_head(gate):
        with Client(gate) as client:
            started = time.monotonic()
            client.send("GET /healthz HTTP/1.1\r\n")
            drip(client, "X: y\r\n")
            answer = client.read()
            results["head"] = (answer.status, answer.problem(), client.is_closed(), time.monotonic() - started, json.loads(answer.body)["detail"])

    def slow_body(gate):
        with Client(gate) as client:
            started = time.monotonic()
            client.send(f"POST /v1/operations HTTP/1.1\r\nHost: {gate.authority}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
            drip(client, "b")
            answer = client.read()
            results["body"] = (answer.status, answer.problem(), client.is_closed(), time.monotonic() - started, json.loads(answer.body)["detail"])

    def no_handshake(gate):
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", gate.port), timeout=400) as raw:
            results["handshake"] = (raw.recv(1), time.monotonic() - started)

    with Installation() as gate:
        threads = [threading.Thread(target=f, args=(gate,)) for f in (slow_head, slow_body, no_handshake)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results["head"][:3] == (408, "request.timeout", True), results
        assert results["body"][:3] == (408, "request.timeout", True), results
        assert results["head"][4] == "Request line and fields were not whole after 10 seconds.", results
        assert results["body"][4] == "The body was not whole after 10 seconds and one more for each 4000 bytes of it that had come.", results
        assert results["handshake"][0] == b"", results
        # Not before their time; how long after is the machine's affair.
        assert results["head"][3] > 9 and results["body"][3] > 9 and results["handshake"][1] > 4, results
        assert gate.metric("gatehouse_gateway_timeouts_total") == 2


def wait_waiting(gate, client, count):
    """So many requests have come to the keeper, and none of them has been answered."""
    gate.wait_until(lambda: client.post("waiting", target="/v1/protective").body == str(count).encode(), f"{count} that wait")


def test_without_credit_a_request_is_refused_before_the_keeper_hears_of_it():
    with Installation("limits: {outstanding: 2, outstanding_urgent: 1}") as gate:
        held = [Client(gate), Client(gate)]
        for client in held:
            client.request("POST", "/v1/operations", b"", Idempotency_Key="keep")
        with Client(gate) as client:
            wait_waiting(gate, client, 2)
            answer = client.post("k")
            assert (answer.status, answer.problem(), answer.fields["retry-after"]) == (503, "overloaded", "1"), answer.body
            # Protective operations have credit of their own.
            urgent = client.post("freeze", target="/v1/protective")
            assert urgent.status == 200 and urgent.json()["urgent"] is True, urgent.body
            client.post("release", target="/v1/protective")
            assert [c.read().status for c in held] == [200, 200]
            assert client.post("k").status == 200
        for client in held:
            client.close()
        assert gate.metric('gatehouse_gateway_unavailable_total{reason="no_credit"}') == 1


def operation_id(instance, principal, key):
    text = json.dumps({"idempotency_key": key, "instance": instance, "principal": principal, "type": "gatehouse/operation-id/v1"},
                      separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_keeper_lost_in_flight_leaves_an_unknown_outcome_and_is_started_anew():
    with Installation() as gate, Client(gate) as waiting, Client(gate) as client:
        # The keeper has reported its instance, with its health.
        gate.wait_until(lambda: client.ask("GET", "/readyz").json()["keeper"] == {"echo": True}, "a report")
        waiting.request("POST", "/v1/operations", b"", Idempotency_Key="hold",
                        Signature_Input='s=("@method");nonce="n";keyid="workload:settlement-1/main";tag="gatehouse"')
        gateway, keeper = gate.pid("gateway"), gate.pid("keeper")
        client.request("POST", "/v1/operations", b"", Idempotency_Key="die")
        for lost, expected in ((waiting, operation_id("echo.example", "workload:settlement-1", "hold")), (client, None)):
            answer = lost.read()
            assert (answer.status, answer.problem()) == (503, "outcome-unknown"), answer.body
            assert answer.json().get("operation") == expected, answer.body
            assert answer.fields.get("gatehouse-operation") == expected
            assert "retry-after" in answer.fields
        answer = client.post("k")
        if answer.status != 200:  # the new keeper may be as quick
            assert (answer.status, answer.problem()) == (503, "unavailable"), answer.body
        gate.wait_ready()
        assert client.post("k").status == 200
        assert gate.pid("gateway") == gateway and gate.pid("keeper") != keeper


def test_a_gateway_that_is_killed_is_started_anew_and_the_keeper_stays():
    with Installation() as gate:
        gateway, keeper = gate.pid("gateway"), gate.pid("keeper")
        for _ in range(3):
            gate.kill("gateway")
            gate.wait_ready()
        with Client(gate) as client:
            assert client.post("k").status == 200
        assert gate.pid("keeper") == keeper and gate.pid("gateway") != gateway


def test_a_keeper_that_breaks_the_protocol_costs_a_restart_and_no_answer_is_made_up():
    for key in ("garble", "wrong"):
        with Installation() as gate:
            with Client(gate) as client:
                answer = client.post(key)
                assert (answer.status, answer.problem()) == (503, "outcome-unknown"), answer.body
            gate.wait_log("the channel to the keeper")
            gate.wait_ready()
            with Client(gate) as client:
                assert client.post("k").status == 200


def test_a_channel_that_closes_between_two_that_live_on_is_made_anew():
    with Installation() as gate:
        keeper = gate.pid("keeper")
        with Client(gate) as client:
            answer = client.post("hangup")
            assert (answer.status, answer.problem()) == (503, "outcome-unknown"), answer.body
        gate.wait_log("gateway and keeper have lost each other")
        gate.wait_ready()
        with Client(gate) as client:
            assert client.post("k").status == 200
        assert gate.pid("keeper") == keeper


def test_an_answer_for_a_client_that_is_gone_is_dropped():
    with Installation() as gate:
        control = Client(gate)
        for number in range(5):
            with Client(gate) as client:
                client.request("POST", "/v1/operations", b"", Idempotency_Key="keep")
                wait_waiting(gate, control, number + 1)
        # Only this one and the one that asks.
        gate.wait_until(lambda: gate.metric("gatehouse_gateway_connections") == 2, "five slots that are free")
        # These take the slots that became free, and must get their own answers, also when the late ones come.
        others = [Client(gate) for _ in range(5)]
        for said in ("k", "again"):
            for number, client in enumerate(others):
                client.request("POST", "/v1/operations", b"", Idempotency_Key=f"{said}{number}")
            for number, client in enumerate(others):
                assert client.read().json()["idempotency_key"] == f"{said}{number}"
            control.post("release", target="/v1/protective")
        for client in others:
            client.close()
        control.close()
        gate.wait_until(lambda: gate.metric("gatehouse_gateway_late_answers_total") == 5, "five late answers")


def test_draining_answers_what_is_under_way_and_then_ends():
    gate = Installation()
    with gate:
        client, begun, idle = Client(gate), Client(gate), Client(gate)
        assert idle.ask("GET", "/healthz").status == 200
        client.request("POST", "/v1/operations", b"", Idempotency_Key="keep")
        begun.send(f"POST /v1/protective HTTP/1.1\r\nHost: {gate.authority}\r\nContent-Type: application/json\r\n")
        wait_waiting(gate, idle, 1)  # asked after both
        gate.signal(signal.SIGTERM)
        assert idle.is_closed()
        gate.wait_log("draining")
        try:
            socket.create_connection(("127.0.0.1", gate.port), timeout=2).close()
            # The backlog may still take it; nobody answers.
        except OSError:
            pass
        begun.send("Idempotency-Key: release\r\nContent-Length: 0\r\n\r\n")  # which has the keeper answer the other one
        released, answer = begun.read(), client.read()
        assert released.status == 200 and released.fields["connection"] == "close", released.fields
        assert answer.status == 200 and answer.body == b'"late"' and answer.fields["connection"] == "close", answer.fields
        assert client.is_closed() and begun.is_closed()
        assert gate.process.wait(timeout=400) == 0
        for one in (client, begun, idle):
            one.close()


def read_event(client):
    while b"\n\n" not in client.buffered:
        assert client.fill(), "the feed ended"
    text, client.buffered = client.buffered.split(b"\n\n", 1)
    return dict(line.split(": ", 1) for line in text.decode().split("\n") if not line.startswith(":"))


def open_feed(gate, last=None):
    client = Client(gate)
    client.request("GET", "/v1/events", **({} if last is None else {"Last_Event_ID": last}))
    status, fields = client.read_head()
    assert status == 200 and fields["content-type"] == "text/event-stream", fields
    return client


def test_live_updates_arrive_and_resume_where_the_client_stopped():
    with Installation("limits: {feed_clients: 2}") as gate, Client(gate) as client:
        feed = open_feed(gate)
        for index in (5, 6, 9):
            client.post(f"feed:{index}")
        for index in (5, 6, 9):
            assert read_event(feed) == {"id": str(index), "event": "entry", "data": json.dumps({"index": index},
                                                                                             separators=(",", ":"))}
        feed.close()
        client.post("feed:10")
        feed = open_feed(gate, last="6")
        assert [read_event(feed)["id"] for _ in range(2)] == ["9", "10"]
        lost = open_feed(gate, last="4")
        assert read_event(lost) == {"id": "10", "event": "resync", "data": "{}"}
        refused = client.ask("GET", "/v1/events")
        assert (refused.status, refused.problem()) == (503, "overloaded")
        client.post("feed:11")
        assert read_event(feed)["id"] == "11" and read_event(lost)["id"] == "11"
        gate.signal(signal.SIGTERM)
        assert feed.is_closed() and lost.is_closed()
        feed.close()
        lost.close()


def test_health_readiness_and_metrics_say_what_is():
    with Installation(tls="{groups: [X25519MLKEM768, X25519]}") as gate, Client(gate) as client:
        health = client.ask("GET", "/healthz")
        document = health.json()
        assert health.status == 200 and document["keeper"] == {"echo": True} and document["ready"] is True
        assert document["gateway"]["self_signed"] is True
        if "sanitizers" not in document["confinement"]["gateway"]["lacks"]:
            assert document["confinement"]["gateway"]["degraded"] is False, document
        client.post("k")
        metrics = client.ask("GET", "/metrics")
        assert metrics.fields["content-type"].startswith("application/openmetrics-text")
        lines = metrics.body.decode().splitlines()
        assert lines[-1] == "# EOF" and "echo 1" in lines
        families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
        assert len(families) == len(set(families)), families
        counts = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}
        assert counts["gatehouse_gateway_answer_seconds_count"] == 1 and counts["gatehouse_ready"] == 1
        assert counts['gatehouse_gateway_answer_seconds_bucket{le="+Inf"}'] == 1
        assert counts['gatehouse_gateway_handshakes_total{group="hybrid"}'] >= 1
        os.kill(gate.pid("keeper"), signal.SIGSTOP)  # not lost, not answering: still ready by its last word
        assert client.ask("GET", "/healthz").status == 200
        os.kill(gate.pid("keeper"), signal.SIGCONT)


def test_one_address_has_so_many_connections_and_no_more():
    with Installation("limits: {connections: 20, connections_per_address: 5}") as gate:
        clients = [Client(gate) for _ in range(5)]
        assert all(c.ask("GET", "/readyz").status == 200 for c in clients)
        try:
            with Client(gate) as sixth:
                assert sixth.read() is None
        except OSError:
            pass
        clients[0].close()
        gate.wait_until(lambda: b"gatehouse_gateway_connections 4\n" in clients[1].ask("GET", "/metrics").body, "four connections")
        with Client(gate) as again:
            assert again.ask("GET", "/readyz").status == 200
            assert again.ask("GET", "/metrics").body.count(b"gatehouse_gateway_over_limit_total 1\n") == 1
        for client in clients:
            client.close()


def test_when_every_slot_is_taken_new_clients_wait_their_turn():
    with Installation("limits: {connections: 3}") as gate:
        clients = [Client(gate) for _ in range(3)]
        waiting = socket.create_connection(("127.0.0.1", gate.port), timeout=400)
        time.sleep(0.2)
        clients[0].close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(waiting) as tls:
            assert tls.version() == "TLSv1.3"
        for client in clients:
            client.close()


def with_descriptors(count, act):
    """What it starts may have so many of them open at a time."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        act()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_without_a_descriptor_to_spare_nothing_is_taken_nothing_spins_and_then_it_goes_on():
    peer_port = free_port()
    settings = f"peer_listen: {{address: 127.0.0.1, port: {peer_port}}}\npeers: [{{name: b, address: 127.0.0.2, port: 9}}]"
    gate = Installation(settings)
    gate.launch = lambda launch=gate.launch: with_descriptors(64, launch)
    with gate, Client(gate) as client:
        def pauses():
            text = client.ask("GET", "/metrics").body.decode()
            return int(re.search(r"^gatehouse_gateway_accept_pauses_total (\d+)$", text, re.MULTILINE)[1])

        started = time.monotonic()
        waiting = [socket.create_connection(("127.0.0.1", gate.port), timeout=400) for _ in range(64)]
        gate.wait_until(lambda: pauses() >= 2, "pauses")
        with socket.create_connection(("127.0.0.1", peer_port), timeout=400) as peer:
            first = pauses()
            gate.wait_until(lambda: pauses() >= first + 6, "pauses of both listeners")
            made, elapsed = pauses(), time.monotonic() - started
            assert made <= 2 * (elapsed / 0.25 + 1), f"{made} pauses of a quarter of a second in {elapsed:.1f} s"
            for connection in waiting:
                connection.close()
            assert peer.recv(1) == b""  # taken at last, and closed, for there are no peers yet
        with Client(gate) as again:
            assert again.ask("GET", "/readyz").status == 200


def test_older_tls_is_refused_and_the_certificate_names_the_authority():
    with Installation() as gate:
        try:
            Client(gate, maximum_version=ssl.TLSVersion.TLSv1_2)
        except ssl.SSLError as error:
            assert "PROTOCOL_VERSION" in str(error) or "ALERT" in str(error).upper(), error
        else:
            raise AssertionError("TLS 1.2 was accepted")
        pem = ssl.get_server_certificate(("127.0.0.1", gate.port))
        text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True).stdout
        assert "DNS:gate.example" in text and "prime256v1" in text and "CA:FALSE" in text, text


def make_certificate(gate, name):
    paths = [os.path.join(gate.directory, f"{name}.{kind}") for kind in ("crt", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:gate.example", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def test_a_client_certificate_is_reported_by_its_hash():
    with Installation(tls="{client_certificates: request}") as gate:
        certificate = make_certificate(gate, "client")
        with open(certificate[0], encoding="ascii") as file:
            expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()
        with Client(gate, certificate=certificate) as client:
            assert client.post("k").json()["client_certificate"] == expected
        with Client(gate) as client:
            assert client.post("k").json()["client_certificate"] == ""


if __name__ == "__main__":
    tap.main(globals())
