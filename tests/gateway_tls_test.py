#!/usr/bin/env python3
"""What OpenSSL's own client finds when it connects: version, groups, tickets. It shares the library with the gateway, not the
gateway's code."""

import re
import subprocess

import tap
from installation import Installation


def connect(gate, *options, data=b""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-servername", "gate.example", *options],
                          input=data, capture_output=True, timeout=400, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def group(output):
    found = re.search(r"Negotiated TLS1.3 group: (\S+)", output)
    return found.group(1) if found else None


def test_the_hybrid_group_is_agreed_on_by_default():
    with Installation() as gate:
        status, output = connect(gate)
        assert status == 0 and group(output) == "X25519MLKEM768", output
        assert "TLSv1.3" in output


def test_a_client_without_the_hybrid_group_is_refused_unless_it_is_configured():
    with Installation() as gate:
        for classical in ("X25519", "P-256"):
            status, output = connect(gate, "-groups", classical)
            assert status != 0 and "handshake failure" in output, output
    with Installation(tls="{groups: [X25519MLKEM768, X25519]}") as gate:
        status, output = connect(gate, "-groups", "X25519")
        assert status == 0 and "X25519" in output, output
        status, output = connect(gate, "-groups", "P-256")
        assert status != 0, output
        # A client that has guessed at the weaker one and knows both is led to the hybrid.
        status, output = connect(gate, "-groups", "X25519:X25519MLKEM768")
        assert status == 0 and group(output) == "X25519MLKEM768", output


def test_only_tls_1_3_is_spoken():
    with Installation() as gate:
        for old in ("-tls1_2", "-tls1_1", "-tls1"):
            status, output = connect(gate, old)
            assert status != 0, output


def test_there_is_one_ticket_and_no_early_data():
    with Installation() as gate:
        request = f"GET /readyz HTTP/1.1\r\nHost: {gate.authority}\r\nConnection: close\r\n\r\n".encode()
        status, output = connect(gate, "-ign_eof", data=request)
        assert status == 0 and "HTTP/1.1 200 OK" in output, output
        assert output.count("Post-Handshake New Session Ticket arrived") == 1, output
        assert "Max Early Data: 0" in output, output


if __name__ == "__main__":
    tap.main(globals())
