#!/usr/bin/env python3
"""Threshold ECDSA a second time, from docs/PROTOCOL.threshold alone, in the standard library alone: every frame of the transcripts
in tests/vectors/threshold-ecdsa.json is computed again from the parties' seeds and compared by its hash.

What one party computes from what another sent is taken from the other's own numbers where both must be equal (keys of base
transfers, rows of an extension): the checks of the protocol, which say so, are tested elsewhere.
"""

import hashlib
import hmac
import json
import os

import tap

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-ecdsa.json")

# --- The curve ---
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def double(a):
    x, y, z = a
    s, m = 4 * x * y * y % P, 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * y**4) % P, 2 * y * z % P


def add_jacobian(a, b):
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    za, zb = a[2] * a[2] % P, b[2] * b[2] % P
    u1, u2, s1, s2 = a[0] * zb % P, b[0] * za % P, a[1] * zb * b[2] % P, b[1] * za * a[2] % P
    if u1 == u2:
        return double(a) if s1 == s2 else (1, 1, 0)
    h, r = (u2 - u1) % P, (s2 - s1) % P
    h2 = h * h % P
    h3, v = h2 * h % P, u1 * h2 % P
    x = (r * r - h3 - 2 * v) % P
    return x, (r * (v - x) - s1 * h3) % P, h * a[2] * b[2] % P


def affine(a):
    inverse = pow(a[2], -1, P)
    return a[0] * inverse**2 % P, a[1] * inverse**3 % P


def table_of(point):
    """multiples[i][d] = d · 16^i · point, for multiplication by many numbers."""
    multiples, base = [], (*point, 1)
    for _ in range(64):
        row = [(1, 1, 0)]
        for _ in range(15):
            row.append(add_jacobian(row[-1], base))
        multiples.append(row)
        base = add_jacobian(row[-1], base)
    return multiples


G_TABLE = table_of(G)


def times_g(k):
    total = (1, 1, 0)
    for i in range(64):
        total = add_jacobian(total, G_TABLE[i][k >> 4 * i & 15])
    return affine(total)


def times(k, point):
    row = [(1, 1, 0)]
    for _ in range(15):
        row.append(add_jacobian(row[-1], (*point, 1)))
    total = (1, 1, 0)
    for i in reversed(range(64)):
        total = double(double(double(double(total))))
        total = add_jacobian(total, row[k >> 4 * i & 15])
    return affine(total)


def plus(*points):
    total = (1, 1, 0)
    for point in points:
        total = add_jacobian(total, (*point, 1))
    return affine(total)


def minus(a, b):
    return plus(a, (b[0], P - b[1]))


def encode(point):
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


ROOT_MINUS_3 = pow(-3, (P + 1) // 4, P)


def decode_uniform(data):
    """ElligatorSwift (BIP-324), with the parity of y from t."""
    u, t = (int.from_bytes(data[i:i + 32], "big") % P for i in (0, 32))
    odd = t & 1
    u, t = u or 1, t or 1
    if (u**3 + t * t + 7) % P == 0:
        t = 2 * t % P
    x_ = (u**3 + 7 - t * t) * pow(2 * t, -1, P) % P
    y_ = (x_ + t) * pow(ROOT_MINUS_3 * u, -1, P) % P
    quotient = x_ * pow(y_, -1, P) % P
    half = pow(2, -1, P)
    for x in ((u + 4 * y_ * y_) % P, (-quotient - u) * half % P, (quotient - u) * half % P):
        square = (x**3 + 7) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return x, y if y & 1 == odd else P - y
    raise AssertionError("one of the three is on the curve")


# --- Bytes, hashes, numbers ---
def lp(part):
    return len(part).to_bytes(4, "big") + part


def byte(number):
    return bytes([number])


def scalar(number):
    return (number % N).to_bytes(32, "big")


def number(data):
    return int.from_bytes(data, "big") % N


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Session:
    def __init__(self, identity=bytes(32)):
        self.id = identity

    def hash(self, label, *parts):
        return sha(lp(label.encode()), lp(self.id), *map(lp, parts))


NONE = Session()
ECDSA = "gatehouse/threshold/ecdsa/"


def wide(make):
    return number(make(byte(0)) + make(byte(1)))


class Stream:
    """A party's randomness."""

    def __init__(self, seed, party):
        self.seed, self.party, self.counter, self.left = sha(seed.encode()), byte(party), 0, b""

    def draw(self, size):
        while len(self.left) < size:
            self.left += sha(self.seed, self.party, self.counter.to_bytes(8, "big"))
            self.counter += 1
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def scalar(self):
        return number(self.draw(64))


def identity(index):
    return sha(b"party", byte(index))


def open_session(protocol, vectors, epoch, threshold, indices, nonce, request):
    parties = sha(lp(b"gatehouse/threshold/parties/v1"), lp(byte(len(indices))),
                  *(lp(byte(i)) + lp(identity(i)) for i in indices))
    return Session(sha(lp(b"gatehouse/threshold/session/v1"), lp((ECDSA + protocol).encode()),
                       *map(lp, (vectors["instance"].encode(), vectors["key_id"].encode(), epoch.to_bytes(4, "big"),
                                 byte(threshold), parties, nonce, request))))


def frame(kind, sender, receiver, session, *fields):
    return b"GHTM" + b"\0\1" + bytes([kind, sender, receiver]) + session.id + b"".join(fields)


def bit(bits, at):
    return bits[at // 8] >> at % 8 & 1


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


# --- AES-128, counter mode (FIPS 197) ---
def make_sbox():
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= (p << 1 ^ (0x11B if p & 0x80 else 0)) & 0x1FF
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        rotated = [q << n & 0xFF | q >> (8 - n) for n in range(5)]
        box[p] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if p == 1:
            box[0] = 0x63
            return box


SBOX = make_sbox()
DOUBLE = [x << 1 ^ (0x11B if x & 0x80 else 0) for x in range(256)]
ROUND = [SBOX[x] for x in range(256)]
MIX = [(DOUBLE[s] << 24 | s << 16 | s << 8 | (DOUBLE[s] ^ s)) for s in SBOX]


def rotate(word, places):
    return (word >> 8 * places | word << (32 - 8 * places)) & 0xFFFFFFFF


MIXES = [[rotate(word, i) for word in MIX] for i in range(4)]


def expand_key(key):
    words = [int.from_bytes(key[i:i + 4], "big") for i in (0, 4, 8, 12)]
    constant = 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = rotate(word, 3)
            word = sum(SBOX[word >> s & 255] << s for s in (24, 16, 8, 0)) ^ constant << 24
            constant = DOUBLE[constant] & 0xFF
        words.append(words[i - 4] ^ word)
    return words


def encrypt_block(words, block):
    state = [(block >> s & 0xFFFFFFFF) ^ k for s, k in zip((96, 64, 32, 0), words)]
    m0, m1, m2, m3 = MIXES
    for r in range(4, 40, 4):
        state = [m0[state[i] >> 24] ^ m1[state[(i + 1) % 4] >> 16 & 255] ^ m2[state[(i + 2) % 4] >> 8 & 255]
                 ^ m3[state[(i + 3) % 4] & 255] ^ words[r + i] for i in range(4)]
    result = 0
    for i in range(4):
        word = (SBOX[state[i] >> 24] << 24 | SBOX[state[(i + 1) % 4] >> 16 & 255] << 16
                | SBOX[state[(i + 2) % 4] >> 8 & 255] << 8 | SBOX[state[(i + 3) % 4] & 255])
        result = result << 32 | word ^ words[40 + i]
    return result


def aes_stream(seed, size):
    words, counter = expand_key(seed[:16]), int.from_bytes(seed[16:], "big")
    blocks = b"".join(encrypt_block(words, (counter + i) % 2**128).to_bytes(16, "big") for i in range((size + 15) // 16))
    return blocks[:size]


# --- Set-up of a pair ---
K, KAPPA, BLOCKS, LEAVES = 4, 128, 32, 16


def base_point(context, index, point):
    return decode_uniform(sha(context, byte(1), byte(index), byte(0), point) + sha(context, byte(1), byte(index), byte(1), point))


def base_offer(context, choices, stream):
    """The receiver's side: (offer, a)."""
    offer, secrets = b"", []
    for i in range(KAPPA):
        random = decode_uniform(stream.draw(64))
        secrets.append(stream.scalar())
        made = minus(times_g(secrets[-1]), base_point(context, i, encode(random)))
        pair = [encode(made), encode(random)]
        offer += b"".join(reversed(pair) if bit(choices, i) else pair)
    return offer, secrets


def read_point(data):
    x = int.from_bytes(data[1:33], "big")
    y = pow(x**3 + 7, (P + 1) // 4, P)
    return x, y if y & 1 == data[0] & 1 else P - y


def base_keys(context, secrets, offer, answer):
    """The sender's side: both keys of each transfer."""
    keys = []
    for i in range(KAPPA):
        pair, sent = offer[66 * i:66 * i + 66], answer[33 * i:33 * i + 33]
        both = []
        for slot in range(2):
            own, other = pair[33 * slot:33 * slot + 33], pair[33 - 33 * slot:66 - 33 * slot]
            product = times(secrets[i], plus(read_point(own), base_point(context, i, other)))
            both.append(sha(context, byte(2), byte(i), byte(slot), pair, sent, encode(product))[:16])
        keys.append(both)
    return keys


def make_trees(context, keys):
    """(message, leaves)"""
    def node(tag, block, place, value):
        return sha(context, byte(tag), byte(block), byte(place), value)
    corrections, sums, hashes, leaves = b"", b"", b"", []
    for block in range(BLOCKS):
        nodes = list(keys[K * block + K - 1])
        for level in range(2, K + 1):
            children = [node(3, block, level, parent) for parent in nodes]
            nodes = [half for child in children for half in (child[:16], child[16:])]
            for side in range(2):
                correction = keys[K * block + K - level][side]
                for x in nodes[side::2]:
                    correction = xor(correction, x)
                corrections += correction
        checks = [node(5, block, y, leaf) for y, leaf in enumerate(nodes)]
        total = bytes(32)
        for check in checks:
            total = xor(total, check)
        sums += total
        hashes += sha(context, byte(6), byte(block), *checks)
        leaves.append([node(4, block, y, leaf)[:16] for y, leaf in enumerate(nodes)])
    return corrections + sums + hashes, leaves


# --- The extension and the multiplication ---
def gf_read(data):
    return int.from_bytes(data, "little")


def gf_multiply(a, b):
    total = 0
    for i in range(128):
        if b >> i & 1:
            total ^= a << i
    for i in reversed(range(128, 256)):
        if total >> i & 1:
            total ^= (1 << 128 | 0x87) << (i - 128)
    return total


def extend(context, leaves, choices, stream):
    """The receiver's side: (message, rows)."""
    chosen = choices + stream.draw(16)
    corrections, columns = [], [0] * KAPPA
    for block in range(BLOCKS):
        total = int.from_bytes(chosen, "little")
        for x in range(LEAVES):
            part = int.from_bytes(aes_stream(sha(context, byte(7), byte(block), leaves[block][x]), 80), "little")
            total ^= part
            for b in range(K):
                if x >> b & 1:
                    columns[K * block + b] ^= part
        corrections.append(total.to_bytes(80, "little"))
    everything = sha(context, byte(8), *corrections)
    challenge = [gf_read(sha(context, byte(9), everything, byte(i))[:16]) for i in range(4)]

    def checked(value):
        parts = [value >> 128 * i & 2**128 - 1 for i in range(5)]
        total = parts[4]
        for c, part in zip(challenge, parts):
            total ^= gf_multiply(c, part)
        return total.to_bytes(16, "little")
    choice_sum = checked(int.from_bytes(chosen, "little"))
    column_hash = sha(context, byte(10), choice_sum, *map(checked, columns))
    rows = [sum((columns[c] >> j & 1) << c for c in range(KAPPA)).to_bytes(16, "little") for j in range(512)]
    return b"".join(corrections) + choice_sum + column_hash, rows


GADGET = [number(sha(b"gatehouse/threshold/gadget/v1", j.to_bytes(2, "big"))) for j in range(512)]


def multiply_input(choices):
    return sum(g for j, g in enumerate(GADGET) if bit(choices, j)) % N


def pad(context, j, i, row):
    return number(sha(context, byte(11), j.to_bytes(2, "big"), byte(i), row))


def multiply(context, rows, choices, delta, inputs, stream):
    """Both sides: (Alice's message, her shares, Bob's shares). rows and choices are Bob's; Alice's rows follow from them."""
    inputs = [*inputs, stream.scalar()]
    zeros, masked, chosen = [], b"", []
    for j in range(512):
        sent = xor(rows[j], delta) if bit(choices, j) else rows[j]
        zero = [pad(context, j, i, sent) for i in range(3)]
        one = [pad(context, j, i, xor(sent, delta)) for i in range(3)]
        differences = [(z - o + a) % N for z, o, a in zip(zero, one, inputs)]
        zeros.append(zero)
        masked += b"".join(map(scalar, differences))
        chosen.append([(o + d) % N for o, d in zip(one, differences)] if bit(choices, j) else zero)
    everything = sha(context, byte(12), masked)
    theta = [number(sha(context, byte(13), everything, byte(i))) for i in range(2)]

    def combine(values):
        return (values[2] + theta[0] * values[0] + theta[1] * values[1]) % N
    mu = sha(context, byte(14), *(scalar(combine(z)) for z in zeros))
    alice = [-sum(g * z[i] for g, z in zip(GADGET, zeros)) % N for i in range(2)]
    bob = [sum(g * c[i] for g, c in zip(GADGET, chosen)) % N for i in range(2)]
    return masked + scalar(combine(inputs)) + mu, alice, bob


# --- Dealing (generate) ---
class Keepers:
    def __init__(self, vectors):
        self.vectors, self.frames = vectors, []
        self.holders, self.threshold = vectors["holders"], vectors["threshold"]
        self.streams = {i: Stream(vectors["seed"], i) for i in self.holders}
        self.parts = [int(part, 16) for part in vectors.get("parts", [])]  # of a key that comes in
        self.purpose = byte(1 if self.parts else 0)  # of opaque digests here
        self.shares, self.leaves, self.deltas, self.seeds, self.setups = {}, {}, {}, {}, {}

    def say(self, kind, sender, receiver, session, *fields):
        self.frames.append((kind, sender, receiver, frame(kind, sender, receiver, session, *fields)))

    def pairs(self, indices):
        return [(i, j) for i in indices for j in indices if i != j]

    def deal(self):
        holders = self.holders
        known = [bytes.fromhex(self.vectors[name]) if self.parts else b"" for name in ("public_key", "chain_code")]
        request = NONE.hash(ECDSA + "dealing-request/v1", byte(1 if self.parts else 0), self.purpose, bytes(holders), bytes(holders),
                            bytes(4), *known)
        session = open_session("dealing/v1", self.vectors, 1, self.threshold, holders, bytes.fromhex(self.vectors["nonce"]), request)
        coefficients, opened, commitments, offers, answers, secrets = {}, {}, {}, {}, {}, {}
        contributions, polynomials = {}, {}
        for i in holders:
            stream = self.streams[i]
            numbers = [self.parts[holders.index(i)]] if self.parts else [stream.scalar()]
            polynomials[i] = numbers + [stream.scalar() for _ in range(self.threshold - 1)]
            coefficients[i] = [times_g(c) for c in polynomials[i]]
            nonce = stream.scalar()
            point = encode(times_g(nonce))
            challenge = number(session.hash("gatehouse/threshold/knowledge/v1", byte(i), encode(coefficients[i][0]), point))
            proof = point + scalar(challenge * polynomials[i][0] + nonce)
            chain = stream.draw(32)
            salt = stream.draw(32)
            opened[i] = (salt, b"".join(map(encode, coefficients[i])), proof, chain)
            commitments[i] = session.hash(ECDSA + "deal-commitment/v1", byte(i), *opened[i])
            for j in (j for j in holders if j != i):
                self.deltas[i, j] = stream.draw(16)
                context = session.hash(ECDSA + "base-ot/v1", byte(j), byte(i))
                offers[i, j], _ = base_offer(context, xor(self.deltas[i, j], b"\xff" * 16), stream)
                secrets[i, j] = [stream.scalar() for _ in range(KAPPA)]
                answers[i, j] = b"".join(encode(times_g(b)) for b in secrets[i, j])
                contributions[i, j] = stream.draw(32)
        for i, j in self.pairs(holders):
            self.say(1, i, j, session, commitments[i], offers[i, j], answers[i, j])
        echo = session.hash(ECDSA + "deal-echo/v1", *(part for i in holders for part in (byte(i), commitments[i])))
        first = {(i, j): session.hash(ECDSA + "setup-offer/v1", byte(i), byte(j), offers[i, j], answers[i, j])
                 for i, j in self.pairs(holders)}
        trees = {}
        for i, j in self.pairs(holders):
            keys = base_keys(session.hash(ECDSA + "base-ot/v1", byte(i), byte(j)), secrets[i, j], offers[j, i], answers[i, j])
            context = session.hash(ECDSA + "trees/v1", byte(i), byte(j), first[i, j], first[j, i])
            trees[i, j], self.leaves[i, j] = make_trees(context, keys)
            share = sum(c * j**k for k, c in enumerate(polynomials[i])) % N
            self.say(2, i, j, session, echo, *opened[i], scalar(share), trees[i, j], contributions[i, j])
        for j in holders:
            self.shares[j] = sum(c * j**k for i in holders for k, c in enumerate(polynomials[i])) % N
        self.public_key = plus(*(coefficients[i][0] for i in holders))
        self.chain_code = known[1] or session.hash(ECDSA + "chain-code/v1", *(opened[i][3] for i in holders))
        public_shares = b"".join(encode(times_g(self.shares[i])) for i in holders)
        transcript = session.hash(ECDSA + "deal-transcript/v1", echo, encode(self.public_key), self.chain_code, public_shares)
        for i, j in self.pairs(holders):
            low, high = min(i, j), max(i, j)
            self.seeds[i, j] = session.hash(ECDSA + "zero-seed/v1", byte(low), byte(high), contributions[low, high],
                                            contributions[high, low])
            check = session.hash(ECDSA + "zero-seed-check/v1", self.seeds[i, j])
            self.setups[i, j] = session.hash(ECDSA + "setup/v1", first[low, high], first[high, low], trees[low, high],
                                             trees[high, low], check)
            self.say(3, i, j, session, transcript, self.setups[i, j])

    # --- Signing ---
    def derive(self, path):
        point, chain, tweak = self.public_key, self.chain_code, 0
        for step in path:
            mac = hmac.new(chain, encode(point) + step.to_bytes(4, "big"), hashlib.sha512).digest()
            point, chain, tweak = plus(point, times_g(number(mac[:32]))), mac[32:], tweak + number(mac[:32])
        return tweak % N, point

    def request_hash(self, request):
        steps = b"".join(step.to_bytes(4, "big") for step in request["path"])
        return NONE.hash(ECDSA + "request/v1", bytes.fromhex(request["digest"]), steps, bytes.fromhex(request["bundle_hash"]), self.purpose)

    def multiply_rounds(self, session, signers):
        """The first two rounds: (R, φ, u, v, echo) by signer."""
        nonces, phis, salts, keys, points, commitments = {}, {}, {}, {}, {}, {}
        choices, chis, messages, rows = {}, {}, {}, {}
        for i in signers:
            stream = self.streams[i]
            nonces[i], phis[i], salts[i] = stream.scalar(), stream.scalar(), stream.draw(32)
            lagrange = 1
            for j in (j for j in signers if j != i):
                lagrange = lagrange * j * pow(j - i, -1, N) % N
            zero = 0
            for j in (j for j in signers if j != i):
                part = wide(lambda half, j=j: session.hash(ECDSA + "zero-share/v1", self.seeds[i, j], half))
                zero += part if i < j else -part
            keys[i] = (lagrange * self.shares[i] + zero) % N
            points[i] = (encode(times_g(nonces[i])), encode(times_g(keys[i])))
            commitments[i] = session.hash(ECDSA + "sign-commitment/v1", byte(i), salts[i], *points[i])
            for j in (j for j in signers if j != i):
                choices[i, j] = stream.draw(64)
                chis[i, j] = multiply_input(choices[i, j])
                context = session.hash(ECDSA + "extension/v1", byte(j), byte(i), self.setups[i, j], commitments[i])
                messages[i, j], rows[i, j] = extend(context, self.leaves[i, j], choices[i, j], stream)
        for i, j in self.pairs(signers):
            self.say(5, i, j, session, commitments[i], messages[i, j])
        echo = session.hash(ECDSA + "sign-echo/v1", *(part for i in signers for part in (byte(i), commitments[i])))
        u, v = dict.fromkeys(signers, 0), dict.fromkeys(signers, 0)
        for i, j in self.pairs(signers):  # i is Alice, j is Bob
            context = session.hash(ECDSA + "multiply/v1", byte(i), byte(j), self.setups[i, j], echo)
            message, alice, bob = multiply(context, rows[j, i], choices[j, i], self.deltas[i, j], (nonces[i], keys[i]),
                                           self.streams[i])
            for index, shares in ((i, alice), (j, bob)):
                u[index], v[index] = u[index] + shares[0], v[index] + shares[1]
            self.say(6, i, j, session, echo, salts[i], *points[i], message, *(encode(times_g(share)) for share in alice),
                     scalar(phis[i] - chis[i, j]))
        for i in signers:
            phi = phis[i] + sum(phis[j] - chis[j, i] for j in signers if j != i)
            u[i], v[i] = (u[i] + nonces[i] * phi) % N, (v[i] + keys[i] * phi) % N
        return plus(*(times_g(nonces[i]) for i in signers)), phis, u, v, echo

    def signing_session(self, signers, nonce, request):
        inner = bytes(32) if request is None else self.request_hash(request)
        everything = NONE.hash(ECDSA + "signing-request/v1", byte(request is None), self.purpose, encode(self.public_key),
                               self.chain_code, inner)
        return open_session("signing/v1", self.vectors, 1, self.threshold, signers, nonce, everything)

    def assemble(self, request, point, derived, w, u):
        s = sum(w.values()) * pow(sum(u.values()), -1, N) % N
        s = min(s, N - s)
        r, digest = point[0] % N, int(request["digest"], 16)
        inverse = pow(s, -1, N)
        back = plus(times_g(digest * inverse % N), times(r * inverse % N, derived))
        assert back[0] % N == r, "the signature does not verify"
        return (scalar(r) + scalar(s)).hex()

    def sign(self, case):
        request, signers = case["request"], case["signers"]
        session = self.signing_session(signers, bytes.fromhex(case["nonce"]), request)
        point, phis, u, v, _ = self.multiply_rounds(session, signers)
        tweak, derived = self.derive(request["path"])
        w = {i: (int(request["digest"], 16) * phis[i] + point[0] * (v[i] + tweak * phis[i])) % N for i in signers}
        for i, j in self.pairs(signers):
            self.say(7, i, j, session, encode(point), scalar(w[i]), scalar(u[i]))
        return self.assemble(request, point, derived, w, u)

    def sign_prepared(self, case):
        request, signers = case["request"], case["signers"]
        session = self.signing_session(signers, bytes.fromhex(case["nonce"]), None)
        point, phis, u, v, echo = self.multiply_rounds(session, signers)
        presignature = session.hash(ECDSA + "presignature/v1", echo, encode(point))
        tweak, derived = self.derive(request["path"])
        online = open_session("online/v1", self.vectors, 1, self.threshold, signers, presignature, self.request_hash(request))
        delta = wide(lambda half: online.hash(ECDSA + "rerandomise/v1", presignature, encode(point), encode(self.public_key),
                                              encode(derived), bytes.fromhex(request["digest"]),
                                              bytes.fromhex(request["bundle_hash"]), half))
        shifted = plus(point, times_g(delta))
        u = {i: (u[i] + delta * phis[i]) % N for i in signers}
        w = {i: (int(request["digest"], 16) * phis[i] + shifted[0] * (v[i] + tweak * phis[i])) % N for i in signers}
        for i, j in self.pairs(signers):
            self.say(8, i, j, online, presignature, encode(shifted), scalar(w[i]), scalar(u[i]))
        return self.assemble(request, shifted, derived, w, u)

    def expect(self, frames):
        """All that was said since, in any order."""
        said = {(kind, i, j): hashlib.sha256(data).hexdigest() for kind, i, j, data in self.frames}
        expected = {(f["type"], f["from"], f["to"]): f["sha256"] for f in frames}
        self.frames = []
        wrong = [key for key in expected.keys() | said.keys() if expected.get(key) != said.get(key)]
        assert not wrong, f"frames (type, from, to) that differ: {sorted(wrong)}"


with open(VECTORS, encoding="utf-8") as file:
    CASES = json.load(file)
KEEPERS = Keepers(CASES)
with open(VECTORS.replace(".json", "-imported.json"), encoding="utf-8") as file:
    IMPORTED = json.load(file)


def test_block_cipher_gives_the_example_of_fips_197():
    words = expand_key(bytes(range(16)))
    assert encrypt_block(words, 0x00112233445566778899AABBCCDDEEFF) == 0x69C4E0D86A7B0430D8CDB78070B4C55A


def test_dealing_a_key():
    KEEPERS.deal()
    assert encode(KEEPERS.public_key).hex() == CASES["public_key"]
    assert KEEPERS.chain_code.hex() == CASES["chain_code"]
    KEEPERS.expect(CASES["dealing"])


def test_signing_with_a_presignature():
    case = CASES["prepared"]
    assert KEEPERS.sign_prepared(case) == case["signature"]
    KEEPERS.expect(case["frames"])


def test_a_key_that_comes_in_as_parts_signs_an_opaque_digest_in_full_rounds():
    keepers = Keepers(IMPORTED)
    keepers.deal()
    assert encode(times_g(sum(keepers.parts) % N)) == encode(keepers.public_key) == bytes.fromhex(IMPORTED["public_key"])
    keepers.expect(IMPORTED["dealing"])
    case = IMPORTED["signing"]
    assert keepers.sign(case) == case["signature"]
    keepers.expect(case["frames"])


def test_signing_in_full_rounds():
    case = CASES["signing"]
    assert KEEPERS.sign(case) == case["signature"]
    KEEPERS.expect(case["frames"])


tap.main(globals())
