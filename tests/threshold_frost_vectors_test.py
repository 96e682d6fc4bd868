#!/usr/bin/env python3
"""FROST's keys a second time, from docs/PROTOCOL.threshold §2, §3, §12, §13, §17 and §20, RFC 9591 and BIP-445 alone, in the standard library
alone: every frame of the transcripts in tests/vectors/threshold-frost.json is computed again from the parties' seeds and compared by its hash,
and the signatures are those of RFC 8032 and of BIP-340."""

import hashlib
import json
import os

import tap

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-frost.json")

# --- Hashes and sessions ---


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, *parts):
    """Of BIP-340."""
    return sha(sha(tag.encode()) * 2, *parts)


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


# --- The two groups of RFC 9591 ---


class Ed25519:
    size, scheme = 32, 1
    field = 2**255 - 19
    order = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, 2**255 - 19) % (2**255 - 19)
    zero = (0, 1)
    base = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
            46316835694926478169428394003475163141307993866256225615783033603165251855960)

    def add(self, a, b):
        product = self.d * a[0] * b[0] * a[1] * b[1] % self.field
        return ((a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, self.field) % self.field,
                (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, self.field) % self.field)

    def encode(self, point):
        return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")

    def scalar(self, number):
        return number.to_bytes(32, "little")

    def hashed(self, name, *parts):
        name = b"FROST-ED25519-SHA512-v1" + name if name else b""
        return int.from_bytes(hashlib.sha512(name + b"".join(parts)).digest(), "little") % self.order

    def digest(self, name, *parts):
        return hashlib.sha512(b"FROST-ED25519-SHA512-v1" + name + b"".join(parts)).digest()


class Secp256k1:
    size, scheme = 33, 2
    field = 2**256 - 2**32 - 977
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    zero = None
    base = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
            0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0]:
            if (a[1] + b[1]) % self.field == 0:
                return None
            slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, self.field)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, self.field)
        x = (slope * slope - a[0] - b[0]) % self.field
        return x, (slope * (a[0] - x) - a[1]) % self.field

    def encode(self, point):
        return byte(2 + (point[1] & 1)) + point[0].to_bytes(32, "big")

    def decode(self, data):
        x = int.from_bytes(data[1:], "big")
        y = pow(x**3 + 7, (self.field + 1) // 4, self.field)
        return x, y if y & 1 == data[0] & 1 else self.field - y

    def scalar(self, number):
        return number.to_bytes(32, "big")

    def hashed(self, name, *parts):
        """hash_to_field of RFC 9380 with expand_message_xmd, SHA-256 and 48 bytes."""
        domain = b"FROST-secp256k1-SHA256-v1" + name
        domain += byte(len(domain))
        first = sha(bytes(64), *parts, (48).to_bytes(2, "big"), b"\0", domain)
        one = sha(first, b"\1", domain)
        two = sha(bytes(x ^ y for x, y in zip(first, one)), b"\2", domain)
        return int.from_bytes((one + two)[:48], "big") % self.order


def times(group, number, point):
    result = group.zero
    for bit in bin(number % group.order)[2:]:
        result = group.add(result, result)
        if bit == "1":
            result = group.add(result, point)
    return result


def lagrange(group, indices, i):
    result = 1
    for j in indices:
        if j != i:
            result = result * j * pow(j - i, -1, group.order) % group.order
    return result


# --- The protocols ---


class Key:
    def __init__(self, case):
        self.case = case
        self.group = {"ed25519": Ed25519, "bip340": Secp256k1}[case["scheme"]]()
        self.streams = {i: Stream(case["seed"], i) for i in range(1, 6)}
        self.shares, self.public_key, self.chain_code, self.epoch = {}, b"", b"", 0
        self.signs = []  # of BIP-340: of nonce, key and shares, by signature

    def random(self, party):
        return self.group.hashed(b"nonce", self.streams[party].draw(64))

    def deal(self, dealers, holders, threshold):
        """Every frame, by type, sender and receiver."""
        group, old = self.group, self.shares
        kind = 1 if old else 0
        request = frost(bytes(32), "dealing-request", byte(kind), byte(group.scheme), byte(0), bytes(dealers), bytes(holders),
                        self.epoch.to_bytes(4, "big"), self.public_key if kind else b"", self.chain_code if kind else b"")
        self.epoch += 1
        parties = sorted({*dealers, *holders})
        session = open_session("dealing", self.case, self.epoch, threshold, parties, bytes.fromhex(self.case["nonce"]), request)
        polynomials, openings, commitments = {}, {}, {}
        for i in parties:
            salt_and = []
            if i in dealers:
                polynomial = [self.random(i) for _ in range(threshold)]
                if kind:
                    polynomial[0] = lagrange(group, dealers, i) * old[i] % group.order
                coefficients = [group.encode(times(group, c, group.base)) for c in polynomial]
                k = self.random(i)
                nonce = group.encode(times(group, k, group.base))
                challenge = group.hashed(b"rho", frost(session, "knowledge", byte(i), coefficients[0], nonce))
                proof = nonce + group.scalar((k + challenge * polynomial[0]) % group.order)
                polynomials[i] = polynomial
                salt_and = [b"".join(coefficients), proof, self.streams[i].draw(32)]
            openings[i] = [self.streams[i].draw(32), *(salt_and or [b"", b"", b""])]
            commitments[i] = frost(session, "deal-commitment", byte(i), *openings[i])
        echo = frost(session, "deal-echo", *(part for i in parties for part in (byte(i), commitments[i])))

        def value(i, at):
            return sum(c * pow(at, n, group.order) for n, c in enumerate(polynomials[i])) % group.order

        self.shares = {j: sum(value(i, j) for i in dealers) % group.order for j in holders}
        secret = sum(polynomials[i][0] for i in dealers) % group.order
        self.public_key = group.encode(times(group, secret, group.base))
        if not kind:
            self.chain_code = frost(session, "chain-code", *(openings[i][3] for i in dealers))
        public = [group.encode(times(group, self.shares[j], group.base)) for j in holders]
        transcript = frost(session, "deal-transcript", echo, self.public_key, self.chain_code, *public)
        frames = {}
        for i in parties:
            for j in parties:
                if i == j:
                    continue
                frames[9, i, j] = frame(9, i, j, session, commitments[i])
                share = group.scalar(value(i, j)) if i in dealers and j in holders else b""
                frames[10, i, j] = frame(10, i, j, session, echo, *openings[i], share)
                frames[11, i, j] = frame(11, i, j, session, transcript)
        return frames

    def sign(self, signers, threshold, message):
        """RFC 9591 §5.2, of Ed25519."""
        group = self.group
        request = frost(bytes(32), "signing-request", byte(group.scheme), byte(0), self.public_key, message, b"")
        session = open_session("signing", self.case, self.epoch, threshold, signers, bytes.fromhex(self.case["nonce"]), request)
        nonces, commitments = {}, {}
        for i in signers:
            nonces[i] = [group.hashed(b"nonce", self.streams[i].draw(32), group.scalar(self.shares[i])) for _ in range(2)]
            commitments[i] = [times(group, n, group.base) for n in nonces[i]]
        echo = frost(session, "sign-echo", *(part for i in signers for part in (byte(i), b"".join(map(group.encode, commitments[i])))))
        listed = b"".join(group.scalar(i) + b"".join(map(group.encode, commitments[i])) for i in signers)
        prefix = self.public_key + group.digest(b"msg", message) + group.digest(b"com", listed)
        factors = {i: group.hashed(b"rho", prefix, group.scalar(i)) for i in signers}
        total = group.zero
        for i in signers:
            total = group.add(total, group.add(commitments[i][0], times(group, factors[i], commitments[i][1])))
        challenge = group.hashed(b"", group.encode(total), self.public_key, message)
        shares = {i: (nonces[i][0] + nonces[i][1] * factors[i] + lagrange(group, signers, i) * self.shares[i] * challenge) % group.order
                  for i in signers}
        frames = self.say(signers, session, commitments, echo, shares)
        return frames, group.encode(total) + group.scalar(sum(shares.values()) % group.order)

    def say(self, signers, session, commitments, echo, shares):
        """Both rounds of a signing."""
        group, frames = self.group, {}
        for i in signers:
            for j in signers:
                if i != j:
                    frames[16, i, j] = frame(16, i, j, session, *map(group.encode, commitments[i]))
                    frames[17, i, j] = frame(17, i, j, session, echo, group.scalar(shares[i]))
        return frames

    def tweak(self, tweaks):
        """(key, sign of the shares, sum of the tweaks) of BIP-445."""
        group = self.group
        key, sign, total = group.decode(self.public_key), 1, 0
        for number, x_only in tweaks:
            turn = -1 if x_only and key[1] & 1 else 1
            key = group.add(times(group, turn, key), times(group, int.from_bytes(number, "big"), group.base))
            sign, total = turn * sign, int.from_bytes(number, "big") + turn * total
        return key, sign, total

    def nonces_of(self, i, key, message):
        """BIP-445's nonce generation, with share, key and message."""
        group = self.group
        random = bytes(a ^ b for a, b in zip(group.scalar(self.shares[i]), tagged("BIP0445/aux", self.streams[i].draw(32))))
        given = random + byte(0) + byte(32) + key + byte(1) + len(message).to_bytes(8, "big") + message + bytes(4)
        return [int.from_bytes(tagged("BIP0445/nonce", given, byte(n)), "big") % group.order for n in range(2)]

    def sign_bip340(self, signers, threshold, signing):
        """BIP-445 as §13 says."""
        group, message = self.group, bytes.fromhex(signing["message"])
        tweaks = [(bytes.fromhex(t["number"]), t["x_only"]) for t in signing["tweaks"]]
        request = frost(bytes(32), "signing-request", byte(group.scheme), byte(0), self.public_key, message,
                        b"".join(byte(x_only) + number for number, x_only in tweaks))
        session = open_session("signing", self.case, self.epoch, threshold, signers, bytes.fromhex(signing["nonce"]), request)
        key, sign, tweak = self.tweak(tweaks)
        x = key[0].to_bytes(32, "big")
        nonces = {i: self.nonces_of(i, x, message) for i in signers}
        commitments = {i: [times(group, n, group.base) for n in nonces[i]] for i in signers}
        echo = frost(session, "sign-echo", *(part for i in signers for part in (byte(i), b"".join(map(group.encode, commitments[i])))))
        sums = [times(group, sum(nonces[i][n] for i in signers), group.base) for n in range(2)]
        ids = b"".join((i - 1).to_bytes(4, "big") for i in signers)
        bound = tagged("BIP0445/noncecoef", len(ids).to_bytes(4, "big"), ids, *map(group.encode, sums), x, message)
        bound = int.from_bytes(bound, "big") % group.order
        total = group.add(sums[0], times(group, bound, sums[1]))
        r = total[0].to_bytes(32, "big")
        challenge = int.from_bytes(tagged("BIP0340/challenge", r, x, message), "big")
        even_nonce, even_key = (-1 if point[1] & 1 else 1 for point in (total, key))
        self.signs.append((even_nonce, even_key, sign))
        shares = {i: (even_nonce * (nonces[i][0] + bound * nonces[i][1])
                      + even_key * sign * challenge * lagrange(group, signers, i) * self.shares[i]) % group.order for i in signers}
        s = (sum(shares.values()) + even_key * challenge * tweak) % group.order
        assert self.verifies(key, challenge, r, s), "the signature does not verify"
        return self.say(signers, session, commitments, echo, shares), r + group.scalar(s)

    def verifies(self, key, challenge, r, s):
        """BIP-340."""
        group = self.group
        even = group.decode(byte(2) + key[0].to_bytes(32, "big"))
        point = group.add(times(group, s, group.base), times(group, -challenge, even))
        return point[1] & 1 == 0 and point[0].to_bytes(32, "big") == r


def expect(frames, recorded):
    assert len(frames) == len(recorded), (len(frames), len(recorded))
    for row in recorded:
        made = frames[row["type"], row["from"], row["to"]]
        assert len(made) == row["bytes"] and sha(made).hex() == row["sha256"], row


def deal_twice(scheme):
    """(key, case, frames compared)"""
    with open(VECTORS, encoding="ascii") as file:
        case = next(case for case in json.load(file) if case["scheme"] == scheme)
    key, again = Key(case), case["reshare"]
    expect(key.deal(case["holders"], case["holders"], case["threshold"]), case["dealing"])
    assert key.public_key.hex() == case["public_key"] and key.chain_code.hex() == case["chain_code"], case["public_key"]
    expect(key.deal(again["dealers"], again["holders"], again["threshold"]), again["frames"])
    assert key.public_key.hex() == case["public_key"], "the key is another"
    return key, case, len(case["dealing"]) + len(again["frames"])


def test_an_ed25519_key_is_dealt_dealt_anew_and_signs():
    key, case, compared = deal_twice("ed25519")
    signing = case["signing"]
    frames, signature = key.sign(signing["signers"], case["reshare"]["threshold"], bytes.fromhex(signing["message"]))
    expect(frames, signing["frames"])
    assert signature.hex() == signing["signature"], signature.hex()
    compared += len(frames)
    print(f"# {compared} frames")
    assert compared == 66, compared


def test_a_bip340_key_is_dealt_dealt_anew_and_signs_with_and_without_tweaks():
    key, case, compared = deal_twice("bip340")
    for signing in case["signings"]:
        frames, signature = key.sign_bip340(signing["signers"], case["reshare"]["threshold"], signing)
        expect(frames, signing["frames"])
        assert signature.hex() == signing["signature"], signature.hex()
        compared += len(frames)
    print(f"# {compared} frames, {len(case['signings'])} signatures")
    assert compared == 90 and len(case["signings"]) == 3, compared
    assert all({-1, 1} == set(column) for column in zip(*key.signs)), f"not every sign was needed: {key.signs}"


if __name__ == "__main__":
    tap.main(globals())
