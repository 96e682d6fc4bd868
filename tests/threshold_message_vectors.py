"""Bodies of messages a second time, from docs/PROTOCOL.threshold §16, docs/PROTOCOL.peer §2 and §8 and RFC 8032 alone: each of
tests/vectors/threshold-messages.json is written again, of hashes whose bytes are all alike, and what one keeper tells another in
tests/vectors/threshold-counted.json is signed again. Part of tests/threshold_frost_vectors_test.py."""

import json
import os

from plain_threshold import byte, lp, sha
from threshold_pledge_vectors import Signer, identity

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors")
OPERATION, DIGEST, BUNDLE, HOLDERS = (bytes([n]) * 32 for n in (1, 5, 6, 10))
KEY, EPOCH = lp(b"vault"), (7).to_bytes(4, "big")


def counted(*parts):
    return byte(len(parts)) + b"".join(parts)


def pledge(holder, word):
    return byte(holder) + byte(word) + bytes(32 + 32 + 64)


def spend(operation, identified, age_ms, *parts):
    """Of (dimension, subject, US cents) each; operation and identity by the one byte that all theirs are."""
    written = b"".join(byte(dimension) + lp(subject) + cents.to_bytes(8, "big") for dimension, subject, cents in parts)
    return 32 * byte(operation) + 32 * byte(identified) + age_ms.to_bytes(4, "big") + len(parts).to_bytes(4, "big") + written


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
SPENDS = 2 * spend(1, 2, 600, (0, b"vault", 1000), (6, b"eth", 2**53 - 1))


def read_vectors(name):
    with open(os.path.join(VECTORS, name), encoding="ascii") as file:
        return json.load(file)


def test_bodies_of_messages_are_those_of_their_fields():
    recorded = read_vectors("threshold-messages.json")
    made = [body.hex() for body in (*PROPOSALS, *ANSWERS, SPENDS)]
    assert made == recorded, [at for at, (a, b) in enumerate(zip(made, recorded)) if a != b]
    print(f"# {len(made)} bodies")
    assert len(made) == 16, len(made)


def numbered_spend(n):
    return spend(n, 0x80 + n, 1000 * (10 - n), (0, b"vault", 1000 + 10 * n), (6, b"eth", 1000 + 10 * n))


class Teller:
    """Of one connection, to one hearer."""

    def __init__(self, case):
        self.instance, parties = case["instance"].encode(), zip(("one", "two"), (1, 3), case["parties"], strict=True)
        self.sharing = json.dumps(case["sharing"], separators=(",", ":"), sort_keys=True).encode()
        signers = [Signer(bytes.fromhex(party["peer_key_seed"])) for party in case["parties"]]
        self.signer, self.certificate = signers[0], bytes.fromhex(case["parties"][0]["certificate"])
        self.identities = [identity(self.instance, name, index, bytes.fromhex(party["certificate"]), signer.key)
                           for (name, index, party), signer in zip(parties, signers, strict=True)]
        self.head = bytes(32)

    def seal(self, label, *parts):
        statement = label + b"\0" + lp(self.instance) + b"".join(self.identities) + b"".join(parts) + self.head
        return self.certificate + self.signer.key + self.signer.sign(statement)

    def counted(self, *numbers):
        spends = b"".join(map(numbered_spend, numbers))
        self.head = sha(self.head, spends)
        return self.seal(b"gatehouse/threshold/counted/v1") + spends

    def left(self, is_stopped):
        named = sha(self.sharing)
        return byte(7) + named + KEY + byte(is_stopped) + self.seal(b"gatehouse/threshold/left/v1", named, byte(is_stopped))


def test_what_is_counted_and_that_one_has_left_is_signed_by_its_teller():
    case = read_vectors("threshold-counted.json")
    teller = Teller(case)
    assert [party["identity"] for party in case["sharing"]["parties"]] == [i.hex() for i in teller.identities], teller.identities
    made = [teller.counted(1, 2), teller.counted(3), teller.counted(4), teller.left(False), teller.left(True)]
    told = [bytes.fromhex(message["body"]) for message in case["told"]]
    assert [message["kind"] for message in case["told"]] == 3 * ["counted"] + 2 * ["answer"], case["told"]
    assert made == told, [at for at, (a, b) in enumerate(zip(made, told)) if a != b]
    print(f"# {len(made)} seals")
