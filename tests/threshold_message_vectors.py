"""Bodies of messages a second time, from docs/PROTOCOL.threshold §16 and docs/PROTOCOL.peer §8 alone: each of tests/vectors/threshold-messages.json is
written again, of hashes whose bytes are all alike. Part of tests/threshold_frost_vectors_test.py."""

import json
import os

from plain_threshold import byte, lp

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-messages.json")
OPERATION, DIGEST, BUNDLE, HOLDERS = (bytes([n]) * 32 for n in (1, 5, 6, 10))
KEY, EPOCH = lp(b"vault"), (7).to_bytes(4, "big")


def counted(*parts):
    return byte(len(parts)) + b"".join(parts)


def pledge(holder, word):
    return byte(holder) + byte(word) + bytes(32 + 32 + 64)


def spend(age_ms, *parts):
    """Of (dimension, subject, US cents) each."""
    written = b"".join(byte(dimension) + lp(subject) + cents.to_bytes(8, "big") for dimension, subject, cents in parts)
    return OPERATION + b"\2" * 32 + age_ms.to_bytes(4, "big") + len(parts).to_bytes(4, "big") + written


PROPOSALS = [
    byte(1) + OPERATION + counted(byte(1), byte(3)) + counted(b"\2" * 32),
    byte(2) + KEY + EPOCH + (2**60).to_bytes(8, "big") + counted(byte(2), byte(3)),
    byte(3) + OPERATION + b"\4" * 32,
    byte(4) + KEY + EPOCH,
    byte(5) + OPERATION + b"\4" * 32 + counted(b"\5" * 32, b"\6" * 32),
    byte(6) + OPERATION,
]
SEAL = bytes(32) + b"\x08" + bytes(31) + b"\x09" + bytes(63)
ANSWERS = [
    byte(1) + OPERATION + DIGEST + BUNDLE + EPOCH + HOLDERS,
    byte(2) + OPERATION + byte(1) + lp(b"operation.denied: no"),
    byte(3) + OPERATION + DIGEST,
    byte(4) + OPERATION + counted(bytes(64) + byte(1)),
    byte(5) + OPERATION + counted(pledge(1, 1), pledge(1, 2)),
    byte(6) + OPERATION + byte(3) + lp(b"operation.denied: no"),
    byte(7) + DIGEST + KEY + byte(1) + SEAL,
    byte(8) + DIGEST + KEY + counted(byte(1), byte(3)),
    byte(9) + OPERATION + lp(b'{"transaction":"02"}'),
]
SPENDS = 2 * spend(600, (0, b"vault", 1000), (6, b"eth", 2**53 - 1))


def test_bodies_of_messages_are_those_of_their_fields():
    with open(VECTORS, encoding="ascii") as file:
        recorded = json.load(file)
    made = [body.hex() for body in (*PROPOSALS, *ANSWERS, SPENDS)]
    assert made == recorded, [at for at, (a, b) in enumerate(zip(made, recorded)) if a != b]
    print(f"# {len(made)} bodies")
    assert len(made) == 16, len(made)
