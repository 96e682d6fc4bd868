"""Parts of a key that comes in a second time, from docs/PROTOCOL.threshold §11, docs/PROTOCOL.backup §2, FIPS 203 and RFC 7748 alone: who brings the
key makes its parts again, and each keeper opens what tests/vectors/threshold-import.json has for it. Part of tests/threshold_frost_vectors_test.py."""

import base64
import json
import os

from plain_aes import gcm_seal
from plain_frost import Secp256k1, times_base
from plain_threshold import Stream, lp, sha
from threshold_escrow_vectors import RecoveryKey

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-import.json")
LABEL, KEEPERS, SEALED_SIZE = b"gatehouse/import-part/v1", ["one", "two", "three"], 1120 + 12 + 32 + 16


def gcm_open(key, nonce, associated, sealed):
    """The plaintext; None where the tag is another."""
    stream = gcm_seal(key, nonce, b"", bytes(len(sealed) - 16))[:-16]
    plain = bytes(a ^ b for a, b in zip(sealed[:-16], stream, strict=True))
    return plain if gcm_seal(key, nonce, associated, plain) == sealed else None


class Bringer:
    """Who has the key whole."""

    def __init__(self, case, is_extended):
        self.group, stream = Secp256k1(), Stream(case["seed"], 0)

        def number():
            return int.from_bytes(stream.draw(64), "big") % self.group.order
        self.key = number()
        self.chain_code = stream.draw(32) if is_extended else bytes(32)
        first = [number() for _ in KEEPERS[1:]]
        self.parts = [part.to_bytes(32, "big") for part in (*first, (self.key - sum(first)) % self.group.order)]
        self.salt = stream.draw(32)
        self.public_key = self.group.encode(times_base(self.group, self.key))


def open_part(case, bringer, keeper, import_key, sealed):
    ciphertext, nonce, rest = sealed[:1120], sealed[1120:1132], sealed[1132:]
    associated = b"".join(map(lp, (LABEL, case["instance"].encode(), case["key_id"].encode(), bringer.public_key, bringer.chain_code,
                                   keeper.encode())))
    return gcm_open(import_key.decapsulate(LABEL, ciphertext), nonce, associated, rest)


def test_sealed_parts_of_a_key_open_for_their_keepers_and_nobody_else():
    with open(VECTORS, encoding="ascii") as file:
        cases = json.load(file)
    opened = 0
    for kind, case in cases.items():
        bringer, value = Bringer(case, kind == "extended"), base64.b64decode(case["value"], validate=True)
        import_keys = [RecoveryKey(Stream(case["seed"], at + 1)) for at in range(len(KEEPERS))]
        assert bringer.public_key.hex() == case["public_key"] and bringer.chain_code.hex() == case["chain_code"], kind
        assert [sha(key.public).hex() for key in import_keys] == case["import_keys_sha256"], kind
        assert bringer.salt.hex() == case["salt"] and sha(bringer.salt, case["value"].encode()).hex() == case["commitment"], kind
        assert len(value) == len(KEEPERS) * SEALED_SIZE, (kind, len(value))
        for at, keeper in enumerate(KEEPERS):
            sealed = value[at * SEALED_SIZE:(at + 1) * SEALED_SIZE]
            assert open_part(case, bringer, keeper, import_keys[at], sealed) == bringer.parts[at], (kind, keeper)
            assert open_part(case, bringer, KEEPERS[at - 1], import_keys[at], sealed) is None, (kind, keeper)
            opened += 1
    print(f"# {opened} sealed parts")
    assert (len(cases), opened) == (2, 6), (len(cases), opened)
