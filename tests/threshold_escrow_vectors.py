"""Shares in escrow a second time, from docs/PROTOCOL.threshold §15, docs/PROTOCOL.backup §2, FIPS 203 and RFC 7748 alone: the escrows of
tests/vectors/threshold-escrow.json are made again from their seeds, checked as whoever has no key checks them, and opened, each pair for itself.
Part of tests/threshold_frost_vectors_test.py."""

import functools
import json
import os

import plain_mlkem
from plain_frost import Ed25519, Secp256k1, times_base
from plain_threshold import Stream, byte, hkdf, lp, sha

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-escrow.json")
LABEL = b"gatehouse/threshold/escrow/v1"
PAIRS, PAIR_SIZE = 128, 32 + 32 + 1120 + 32


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


class RecoveryKey:
    """Both halves, from 64 bytes for ML-KEM and 32 for X25519."""

    def __init__(self, stream):
        mlkem, self.mlkem = plain_mlkem.generate(stream.draw(32), stream.draw(32))
        self.x25519 = stream.draw(32)
        self.public = mlkem + plain_mlkem.x25519(self.x25519)

    def decapsulate(self, label, ciphertext):
        secrets = plain_mlkem.decapsulate(self.mlkem, ciphertext[:1088]), plain_mlkem.x25519(self.x25519, ciphertext[1088:])
        return hkdf(b"".join(secrets), lp(label) + lp(self.public) + lp(ciphertext))


class Terms:
    """All that whoever checks knows."""

    def __init__(self, case, recovery_key):
        self.group = {"ed25519": Ed25519, "ecdsa": Secp256k1}[case["scheme"]]()
        self.recovery_key, self.mlkem = recovery_key, plain_mlkem.Encapsulation(recovery_key[:1184])
        self.public_share = bytes.fromhex(case["public_share"])
        context = b"gatehouse/share-escrow/v1" + lp(case["instance"].encode()) + lp(case["key_id"].encode())
        context += case["epoch"].to_bytes(4, "big") + byte(case["holder"])
        self.bound = sha(lp(LABEL), lp(self.group.name.encode()), lp(context), lp(self.public_share), lp(recovery_key))

    def part_of(self, seed):
        return self.group.hashed(b"nonce", LABEL, b"part", seed)

    @functools.cache  # whoever checks makes again half of what the maker made
    def seal(self, seed, part):
        """ciphertext ‖ masked"""
        coins = [sha(LABEL, b"coins", seed, byte(n)) for n in range(2)]
        ciphertext, secret = self.mlkem.encapsulate(coins[0])
        ciphertext += plain_mlkem.x25519(coins[1])
        secret += plain_mlkem.x25519(coins[1], self.recovery_key[1184:])
        key = hkdf(secret, lp(self.bound) + lp(self.recovery_key) + lp(ciphertext))
        return ciphertext + xor(self.group.scalar(part), key)

    def choices(self, pairs):
        """Of (commitment, sealed 0, sealed 1) each."""
        return sha(lp(LABEL), self.bound, *(part for pair in pairs for part in pair))


def chosen(choices, i):
    return choices[i // 8] >> i % 8 & 1


def make(terms, share, stream):
    pairs, openings = [], []
    for _ in range(PAIRS):
        seeds = [stream.draw(32), stream.draw(32)]
        first = terms.part_of(seeds[0])
        parts = [first, (share - first) % terms.group.order]
        pairs.append((terms.group.encode(times_base(terms.group, first)), *(terms.seal(s, p) for s, p in zip(seeds, parts, strict=True))))
        openings.append((seeds[0] + bytes(32), seeds[1] + terms.group.scalar(parts[1])))
    choices = terms.choices(pairs)
    picked = [chosen(choices, i) for i in range(PAIRS)]
    return b"GHTE\0\1" + choices + b"".join(o[c] + pair[2 - c] for c, o, pair in zip(picked, openings, pairs, strict=True))


def read(escrow):
    """(choices, seed, part, other of each pair)"""
    assert escrow[:6] == b"GHTE\0\1" and len(escrow) == 38 + PAIRS * PAIR_SIZE, len(escrow)
    rows = [escrow[38 + PAIR_SIZE * i:38 + PAIR_SIZE * (i + 1)] for i in range(PAIRS)]
    return escrow[6:38], [(row[:32], row[32:64], row[64:]) for row in rows]


def check(terms, escrow):
    """Without any key: true if its recovery key gives the share of the public share."""
    group, (choices, rows), pairs = terms.group, read(escrow), []
    for i, (seed, part, other) in enumerate(rows):
        if chosen(choices, i):
            number = group.number(part)
            minus = times_base(group, -number % group.order)
            pairs.append((group.encode(group.add(group.decode(terms.public_share), minus)), other, terms.seal(seed, number)))
        else:
            assert part == bytes(32)
            number = terms.part_of(seed)
            pairs.append((group.encode(times_base(group, number)), terms.seal(seed, number), other))
    return terms.choices(pairs) == choices


def recover(terms, escrow, recovery_key):
    """The share as each pair gives it."""
    group, (choices, rows) = terms.group, read(escrow)
    for i, (seed, part, other) in enumerate(rows):
        known = group.number(part) if chosen(choices, i) else terms.part_of(seed)
        hidden = xor(other[1120:], recovery_key.decapsulate(terms.bound, other[:1120]))
        yield (known + group.number(hidden)) % group.order


def test_shares_in_escrow_are_those_of_their_seeds_hold_without_a_key_and_come_out_of_each_pair():
    with open(VECTORS, encoding="ascii") as file:
        cases = json.load(file)
    compared = 0
    for case in cases:
        stream = Stream(case["seed"], case["holder"])
        recovery_key = RecoveryKey(stream)
        terms = Terms(case, recovery_key.public)
        share = terms.group.hashed(b"nonce", stream.draw(64))
        assert sha(recovery_key.public).hex() == case["recovery_key_sha256"], case["scheme"]
        assert terms.group.scalar(share).hex() == case["share"], case["scheme"]
        assert terms.group.encode(times_base(terms.group, share)) == terms.public_share, case["scheme"]
        escrow = make(terms, share, stream)
        assert escrow[38:38 + PAIR_SIZE].hex() == case["first_pair"], case["scheme"]
        assert escrow[6:38].hex() == case["choices"] and len(escrow) == case["bytes"], case["scheme"]
        assert sha(escrow).hex() == case["sha256"], case["scheme"]
        assert check(terms, escrow) and not check(terms, escrow[:-1] + byte(escrow[-1] ^ 1)), case["scheme"]
        given = list(recover(terms, escrow, recovery_key))
        assert given == [share] * PAIRS, case["scheme"]
        compared += len(given)
    print(f"# {len(cases)} escrows, {compared} pairs")
    assert (len(cases), compared) == (2, 256), (len(cases), compared)
