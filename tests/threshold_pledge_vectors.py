"""Pledges a second time, from docs/PROTOCOL.threshold §16, docs/PROTOCOL.peer §2 and RFC 8032 alone: sharing, identities, signatures and the stored
row of tests/vectors/threshold-pledges.json. Part of tests/threshold_frost_vectors_test.py."""

import hashlib
import json
import os

from plain_frost import Ed25519, Secp256k1, times_base
from plain_threshold import byte, lp, sha

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-pledges.json")
NAMES, INDICES, KEY, THRESHOLD, EPOCH = ["one", "two", "three"], [1, 3, 5], "vault", 2, 7
KEEPS, NEVER = 1, 2


class Signer:
    """Ed25519 (RFC 8032)."""

    def __init__(self, seed):
        self.group, digest = Ed25519(), hashlib.sha512(seed).digest()
        self.number = int.from_bytes(digest[:32], "little") & ~7 & 2**254 - 1 | 2**254
        self.prefix = digest[32:]
        self.key = self.group.encode(times_base(self.group, self.number))

    def hashed(self, *parts):
        return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % self.group.order

    def sign(self, message):
        nonce = self.hashed(self.prefix, message)
        point = self.group.encode(times_base(self.group, nonce))
        return point + self.group.scalar((nonce + self.hashed(point, self.key, message) * self.number) % self.group.order)


def identity(instance, name, index, certificate, key):
    return sha(b"gatehouse/peer-identity/v1\0", lp(instance), lp(name.encode()), byte(index), certificate, key)


def times_g(number):
    group = Secp256k1()
    return group.encode(times_base(group, number)).hex()


class Dealing:
    def __init__(self, case):
        self.instance, self.operation = case["instance"].encode(), bytes.fromhex(case["operation"])
        self.digest = bytes.fromhex(case["digest"])
        self.certificates = [bytes.fromhex(party["certificate"]) for party in case["parties"]]
        self.signers = [Signer(bytes.fromhex(party["peer_key_seed"])) for party in case["parties"]]
        self.identities = [identity(self.instance, name, index, certificate, signer.key) for name, index, certificate, signer
                           in zip(NAMES, INDICES, self.certificates, self.signers, strict=True)]

    def sharing(self):
        """Canonical JSON."""
        parties = [{"admission": at + 1, "identity": self.identities[at].hex(), "index": index, "name": name, "public_share": times_g(9 + index)}
                   for at, (name, index) in enumerate(zip(NAMES, INDICES, strict=True))]
        return json.dumps({"chain_code": "07" * 32, "epoch": EPOCH, "key": KEY, "parties": parties, "public_key": times_g(9), "purpose": "transfer",
                           "scheme": "ecdsa", "threshold": THRESHOLD}, separators=(",", ":"), sort_keys=True).encode()

    def pledge(self, at, word):
        named = lp(KEY.encode()) + EPOCH.to_bytes(4, "big") + sha(self.sharing()) if word == KEEPS else lp(b"") + bytes(4) + bytes(32)
        signed = (b"gatehouse/threshold/pledge/v1\0" + lp(self.instance) + self.operation + self.digest + byte(word) + byte(INDICES[at])
                  + self.identities[at] + named)
        return byte(INDICES[at]) + byte(word) + self.certificates[at] + self.signers[at].key + self.signers[at].sign(signed)

    def row(self, pledges):
        return b"GHPL\0\1" + self.operation + self.digest + sha(self.sharing()) + byte(len(pledges)) + b"".join(pledges)


def test_pledges_and_what_is_stored_of_them_are_those_of_their_keys():
    with open(VECTORS, encoding="ascii") as file:
        case = json.load(file)
    dealing = Dealing(case)
    assert json.loads(dealing.sharing()) == case["sharing"], case["sharing"]
    assert sha(dealing.sharing()).hex() == case["sharing_sha256"]
    pledges = [dealing.pledge(at, word) for at, word in ((0, KEEPS), (1, KEEPS), (2, KEEPS), (0, NEVER))]
    assert all(len(pledge) == 130 for pledge in pledges)
    assert dealing.row(pledges).hex() == case["row"], case["row"]
    print(f"# {len(pledges)} pledges")
