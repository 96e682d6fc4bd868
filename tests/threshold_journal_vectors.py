"""What a keeper keeps of a dealing a second time, from docs/PROTOCOL.threshold §2, §16, §17 and §22 alone: a key is dealt from the seeds that keepers
keep, and every row of tests/vectors/threshold-journal.json is sealed again. Part of tests/threshold_frost_vectors_test.py."""

import hmac
import json
import os

from plain_aes import gcm_seal
from plain_frost_key import Key
from plain_threshold import Stream, byte, hkdf, identity, lp, sha

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-journal.json")
HOLDERS, THRESHOLD, SELF, EPOCH = [1, 2, 3], 2, 2, 1
LABEL = b"gatehouse/threshold-dealings/v1"


class Seeded:
    """All that a party draws in a dealing."""

    def __init__(self, seed, digest):
        self.seed, self.digest, self.counter, self.rest = seed, digest, 0, b""

    def draw(self, size):
        while len(self.rest) < size:
            purpose = b"gatehouse/threshold/dealing-randomness/v1\0" + self.digest
            self.rest += hmac.digest(self.seed, purpose + self.counter.to_bytes(8, "big"), "sha256")
            self.counter += 1
        drawn, self.rest = self.rest[:size], self.rest[size:]
        return drawn


class Dealing:
    def __init__(self, case):
        self.case, self.digest = case, bytes.fromhex(case["digest"])
        self.streams = {i: Stream(case["seed"], i) for i in HOLDERS}
        self.seeds = {i: stream.draw(32) for i, stream in self.streams.items()}
        nonce = sha(b"gatehouse/joint/dealing/v1", self.digest)
        self.key = Key({**case, "scheme": "ed25519", "nonce": nonce.hex()})
        self.key.streams = {i: Seeded(seed, self.digest) for i, seed in self.seeds.items()}
        self.frames = self.key.deal(HOLDERS, HOLDERS, THRESHOLD)

    def holders(self):
        """How often each was admitted is its index."""
        total = bytes(32)
        for i in HOLDERS:
            total = sha(total, byte(i), identity(i), i.to_bytes(8, "big"))
        return total

    def plain(self, row):
        rounds, stored, part = row["rounds"], row["stored"], bytes.fromhex(row["part"])
        generation = b"" if stored or part else self.case["generation"].encode()
        text = self.case["begun_ms"].to_bytes(8, "big") + bytes.fromhex(self.case["bundle"]) + byte(bool(generation)) + lp(generation)
        text += lp(b"" if stored else self.seeds[SELF]) + lp(part) + byte(rounds)
        if rounds == 0:
            return text
        text += (bytes(32) if stored else self.frames[9, SELF, 1][9:41]) + self.holders() + byte(len(HOLDERS))
        for n in range(rounds - 1 if stored else 0, rounds):
            text += b"".join(lp(self.frames.get((9 + n, SELF, i), b"")) for i in HOLDERS)
            if n + 1 < rounds:
                text += b"".join(lp(self.frames.get((9 + n, i, SELF), b"")) for i in HOLDERS)
        return text

    def row(self, row):
        header, case = b"GHTJ\0\1", self.case
        associated = (LABEL + b"\0" + header + lp(case["origin"].encode()) + bytes.fromhex(case["operation"]) + self.digest
                      + lp(case["key_id"].encode()) + EPOCH.to_bytes(4, "big"))
        nonce = self.streams[SELF].draw(12)
        return header + nonce + gcm_seal(hkdf(bytes.fromhex(case["root_key"]), LABEL), nonce, associated, self.plain(row))


def test_what_is_kept_of_a_dealing_is_what_its_seeds_and_frames_give():
    with open(VECTORS, encoding="ascii") as file:
        case = json.load(file)
    dealing = Dealing(case)
    assert dealing.key.public_key.hex() == case["public_key"]
    for row in case["rows"]:
        made = dealing.row(row)
        assert (len(made), sha(made).hex()) == (row["bytes"], row["sha256"]), row
    print(f"# {len(case['rows'])} rows")
    assert len(case["rows"]) == 6, len(case["rows"])
