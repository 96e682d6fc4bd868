"""What all protocols of docs/PROTOCOL.threshold are written with, from that text alone: hashes, sessions and frames (§1 to §3), and the
randomness of its test vectors (§12)."""

import hashlib
import hmac


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, *parts):
    """Of BIP-340."""
    return sha(sha(tag.encode()) * 2, *parts)


def hkdf(secret, info):
    """RFC 5869 with SHA-256 and without a salt, one block."""
    return hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\1", "sha256")


def lp(part):
    return len(part).to_bytes(4, "big") + part


def byte(number):
    return bytes([number])


def labelled(session, label, *parts):
    return sha(lp(label.encode()), lp(session), *map(lp, parts))


def frost(session, name, *parts):
    return labelled(session, f"gatehouse/threshold/frost/{name}/v1", *parts)


def identity(index):
    return sha(b"party", byte(index))


def open_session(protocol, case, epoch, threshold, indices, nonce, request):
    parties = sha(lp(b"gatehouse/threshold/parties/v1"), lp(byte(len(indices))), *(lp(byte(i)) + lp(identity(i)) for i in indices))
    return sha(lp(b"gatehouse/threshold/session/v1"), lp(f"gatehouse/threshold/frost/{protocol}/v1".encode()), lp(case["instance"].encode()),
               lp(case["key_id"].encode()), lp(epoch.to_bytes(4, "big")), lp(byte(threshold)), lp(parties), lp(nonce),
               lp(request))


def frame(kind, sender, receiver, session, *fields):
    return b"GHTM" + b"\0\1" + byte(kind) + byte(sender) + byte(receiver) + session + b"".join(fields)


class Stream:
    """A party's randomness, of §12."""

    def __init__(self, seed, party):
        self.seed, self.party, self.counter, self.rest = sha(seed.encode()), byte(party), 0, b""

    def draw(self, size):
        while len(self.rest) < size:
            self.rest += sha(self.seed, self.party, self.counter.to_bytes(8, "big"))
            self.counter += 1
        drawn, self.rest = self.rest[:size], self.rest[size:]
        return drawn
