#!/usr/bin/env python3
"""Threshold ECDSA a second time, from docs/PROTOCOL.threshold alone, in the standard library alone: every frame of the transcripts
in tests/vectors/threshold-ecdsa*.json is computed again from the parties' seeds and compared by its hash.

What one party computes from what another sent is taken from the other's own numbers where both must be equal (keys of base
transfers, rows of an extension): the checks of the protocol, which say so, are tested elsewhere.
"""

import hashlib
import hmac
import json
import os

import tap
from plain_aes import aes_stream, encrypt_block, expand_key, gcm_seal
from plain_secp256k1 import N, decode, decode_uniform, encode, minus, plus, times, times_g

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors")

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


def hkdf(secret, info):
    """RFC 5869 without a salt, one block."""
    return hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\1", "sha256")


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


def base_keys(context, secrets, offer, answer, choices, known):
    """The sender's side: both keys of each transfer. Of the one that the receiver chose, whose point is a·G, K is a·b·G: half the time."""
    keys = []
    for i in range(KAPPA):
        pair, sent = offer[66 * i:66 * i + 66], answer[33 * i:33 * i + 33]
        both = []
        for slot in range(2):
            own, other = pair[33 * slot:33 * slot + 33], pair[33 - 33 * slot:66 - 33 * slot]
            if slot == bit(choices, i):
                product = times_g(known[i] * secrets[i] % N)
            if slot != bit(choices, i) or i == 0:
                multiplied = times(secrets[i], plus(decode(own), base_point(context, i, other)))
                assert slot != bit(choices, i) or multiplied == product
                product = multiplied
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


# --- Dealing ---
GENERATE, IMPORT, RESHARE = range(3)


def lagrange(indices, i):
    result = 1
    for j in indices:
        if j != i:
            result = result * j * pow(j - i, -1, N) % N
    return result


def pairs(indices):
    return [(i, j) for i in indices for j in indices if i != j]


class Dealing:
    """One dealing of a key: the first round of every party, and what they say then."""

    def __init__(self, keepers, kind, dealers, holders, threshold, nonce):
        self.keepers, self.dealers, self.holders, self.threshold = keepers, dealers, holders, threshold
        self.parties = sorted({*dealers, *holders})
        known = [b"", b""] if kind == GENERATE else [keepers.public_key, keepers.chain_code]
        request = NONE.hash(ECDSA + "dealing-request/v1", byte(kind), keepers.purpose, bytes(dealers), bytes(holders),
                            (keepers.epoch if kind == RESHARE else 0).to_bytes(4, "big"), *known)
        self.session = open_session("dealing/v1", keepers.vectors, keepers.epoch + 1, threshold, self.parties, nonce, request)
        self.polynomials, self.opened, self.commitments = {}, {}, {}
        self.deltas, self.offers, self.known, self.answers, self.secrets, self.contributions = {}, {}, {}, {}, {}, {}
        for i in self.parties:
            self.open(i, kind)
            for j in (j for j in self.holders if j != i and i in self.holders):
                self.set_up(i, j)

    def number_of(self, i, kind):
        if kind == GENERATE:
            return self.keepers.streams[i].scalar()
        if kind == IMPORT:
            return self.keepers.parts[self.holders.index(i)]
        return lagrange(self.dealers, i) * self.keepers.shares[i] % N

    def open(self, i, kind):
        """What party i commits to."""
        stream, said = self.keepers.streams[i], [b"", b"", b""]
        if i in self.dealers:
            self.polynomials[i] = [self.number_of(i, kind), *(stream.scalar() for _ in range(self.threshold - 1))]
            coefficients = [encode(times_g(c)) for c in self.polynomials[i]]
            nonce = stream.scalar()
            point = encode(times_g(nonce))
            challenge = number(self.session.hash("gatehouse/threshold/knowledge/v1", byte(i), coefficients[0], point))
            said = [b"".join(coefficients), point + scalar(challenge * self.polynomials[i][0] + nonce), stream.draw(32)]
        self.opened[i] = [stream.draw(32), *said]
        self.commitments[i] = self.session.hash(ECDSA + "deal-commitment/v1", byte(i), *self.opened[i])

    def set_up(self, i, j):
        """What holder i begins with holder j."""
        stream = self.keepers.streams[i]
        self.deltas[i, j] = stream.draw(16)
        context = self.session.hash(ECDSA + "base-ot/v1", byte(j), byte(i))
        self.offers[i, j], self.known[i, j] = base_offer(context, xor(self.deltas[i, j], b"\xff" * 16), stream)
        self.secrets[i, j] = [stream.scalar() for _ in range(KAPPA)]
        self.answers[i, j] = b"".join(encode(times_g(b)) for b in self.secrets[i, j])
        self.contributions[i, j] = stream.draw(32)

    def first(self, i, j):
        return self.session.hash(ECDSA + "setup-offer/v1", byte(i), byte(j), self.offers[i, j], self.answers[i, j])

    def trees(self, i, j):
        keys = base_keys(self.session.hash(ECDSA + "base-ot/v1", byte(i), byte(j)), self.secrets[i, j], self.offers[j, i],
                         self.answers[i, j], xor(self.deltas[j, i], b"\xff" * 16), self.known[j, i])
        return make_trees(self.session.hash(ECDSA + "trees/v1", byte(i), byte(j), self.first(i, j), self.first(j, i)), keys)

    def share(self, i, j):
        """What dealer i deals to holder j."""
        return sum(c * j**k for k, c in enumerate(self.polynomials[i])) % N

    def echo(self):
        return self.session.hash(ECDSA + "deal-echo/v1", *(part for i in self.parties for part in (byte(i), self.commitments[i])))

    def chain_code(self):
        return self.session.hash(ECDSA + "chain-code/v1", *(self.opened[i][3] for i in self.dealers))

    def setup(self, i, j, trees):
        """(seed, hash) of what i and j have set up."""
        low, high = min(i, j), max(i, j)
        seed = self.session.hash(ECDSA + "zero-seed/v1", byte(low), byte(high), self.contributions[low, high],
                                 self.contributions[high, low])
        return seed, self.session.hash(ECDSA + "setup/v1", self.first(low, high), self.first(high, low), trees[low, high], trees[high, low],
                                       self.session.hash(ECDSA + "zero-seed-check/v1", seed))


class Keepers:
    def __init__(self, vectors):
        self.vectors, self.frames, self.compared = vectors, [], 0
        self.streams = {i: Stream(vectors["seed"], i) for i in range(1, 6)}
        self.parts = [int(part, 16) for part in vectors.get("parts", [])]  # of a key that comes in
        self.purpose = byte(1 if self.parts else 0)  # of opaque digests here
        self.epoch, self.shares = 0, {}
        self.public_key, self.chain_code = (bytes.fromhex(vectors[name]) if self.parts else b"" for name in ("public_key", "chain_code"))

    def say(self, kind, sender, receiver, session, *fields):
        self.frames.append((kind, sender, receiver, frame(kind, sender, receiver, session, *fields)))

    def generate(self):
        self.deal(IMPORT if self.parts else GENERATE, {**self.vectors, "dealers": self.vectors["holders"]})

    def deal(self, kind, terms):
        dealing = Dealing(self, kind, terms["dealers"], terms["holders"], terms["threshold"], bytes.fromhex(terms["nonce"]))
        session, parties, trees = dealing.session, dealing.parties, {}
        self.leaves, self.seeds, self.setups, self.deltas = {}, {}, {}, dealing.deltas
        for i, j in pairs(parties):
            self.say(1, i, j, session, dealing.commitments[i], dealing.offers.get((i, j), b""), dealing.answers.get((i, j), b""))
        for i, j in pairs(dealing.holders):
            trees[i, j], self.leaves[i, j] = dealing.trees(i, j)
        for i, j in pairs(parties):
            share = scalar(dealing.share(i, j)) if i in dealing.dealers and j in dealing.holders else b""
            self.say(2, i, j, session, dealing.echo(), *dealing.opened[i], share, trees.get((i, j), b""),
                     dealing.contributions.get((i, j), b""))
        for i, j in pairs(dealing.holders):
            self.seeds[i, j], self.setups[i, j] = dealing.setup(i, j, trees)
        self.shares = {j: sum(dealing.share(i, j) for i in dealing.dealers) % N for j in dealing.holders}
        self.public_key = encode(times_g(sum(p[0] for p in dealing.polynomials.values()) % N))
        self.chain_code = dealing.chain_code() if kind == GENERATE else self.chain_code
        self.epoch, self.threshold = self.epoch + 1, dealing.threshold
        public_shares = b"".join(encode(times_g(self.shares[i])) for i in dealing.holders)
        transcript = session.hash(ECDSA + "deal-transcript/v1", dealing.echo(), self.public_key, self.chain_code, public_shares)
        for i, j in pairs(parties):
            self.say(3, i, j, session, transcript, self.setups.get((i, j), b""))

    # --- At rest ---
    def pair_at_rest(self, i, j):
        trees, delta = self.leaves[j, i], self.deltas[i, j]
        missing = [delta[block // 2] >> 4 * (block % 2) & 15 for block in range(BLOCKS)]
        peers = b"".join(trees[block][z ^ missing[block]] if z else bytes(16) for block in range(BLOCKS) for z in range(LEAVES))
        own = b"".join(leaf for block in self.leaves[i, j] for leaf in block)
        return byte(1) + self.setups[i, j] + own + delta + peers + self.seeds[i, j]

    def stored(self, i, lost, root_key):
        """The blob of §10."""
        header = b"GHTS" + b"\0\1" + self.epoch.to_bytes(4, "big") + bytes([self.threshold, len(self.shares), i]) + self.purpose
        plain = scalar(self.shares[i])
        for j in (j for j in self.shares if j != i):
            pair = self.pair_at_rest(i, j)
            plain += bytes(len(pair)) if j in lost else pair
        associated = [b"gatehouse/threshold/share-blob/v1", header, self.vectors["instance"].encode(), self.vectors["key_id"].encode(),
                      self.public_key, self.chain_code]
        for j, share in self.shares.items():
            associated += [byte(j), identity(j), encode(times_g(share))]
        nonce = self.streams[i].draw(12)
        return header + nonce + gcm_seal(hkdf(root_key, b"gatehouse/threshold-shares/v1"), nonce, b"".join(map(lp, associated)), plain)

    # --- Signing ---
    def derive(self, path):
        point, chain, tweak = decode(self.public_key), self.chain_code, 0
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
            zero = 0
            for j in (j for j in signers if j != i):
                part = wide(lambda half, j=j: session.hash(ECDSA + "zero-share/v1", self.seeds[i, j], half))
                zero += part if i < j else -part
            keys[i] = (lagrange(signers, i) * self.shares[i] + zero) % N
            points[i] = (encode(times_g(nonces[i])), encode(times_g(keys[i])))
            commitments[i] = session.hash(ECDSA + "sign-commitment/v1", byte(i), salts[i], *points[i])
            for j in (j for j in signers if j != i):
                choices[i, j] = stream.draw(64)
                chis[i, j] = multiply_input(choices[i, j])
                context = session.hash(ECDSA + "extension/v1", byte(j), byte(i), self.setups[i, j], commitments[i])
                messages[i, j], rows[i, j] = extend(context, self.leaves[i, j], choices[i, j], stream)
        for i, j in pairs(signers):
            self.say(5, i, j, session, commitments[i], messages[i, j])
        echo = session.hash(ECDSA + "sign-echo/v1", *(part for i in signers for part in (byte(i), commitments[i])))
        u, v = dict.fromkeys(signers, 0), dict.fromkeys(signers, 0)
        for i, j in pairs(signers):  # i is Alice, j is Bob
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
        everything = NONE.hash(ECDSA + "signing-request/v1", byte(request is None), self.purpose, self.public_key,
                               self.chain_code, inner)
        return open_session("signing/v1", self.vectors, self.epoch, self.threshold, signers, nonce, everything)

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
        for i, j in pairs(signers):
            self.say(7, i, j, session, encode(point), scalar(w[i]), scalar(u[i]))
        return self.assemble(request, point, derived, w, u)

    def sign_prepared(self, case):
        request, signers = case["request"], case["signers"]
        session = self.signing_session(signers, bytes.fromhex(case["nonce"]), None)
        point, phis, u, v, echo = self.multiply_rounds(session, signers)
        presignature = session.hash(ECDSA + "presignature/v1", echo, encode(point))
        tweak, derived = self.derive(request["path"])
        online = open_session("online/v1", self.vectors, self.epoch, self.threshold, signers, presignature, self.request_hash(request))
        delta = wide(lambda half: online.hash(ECDSA + "rerandomise/v1", presignature, encode(point), self.public_key,
                                              encode(derived), bytes.fromhex(request["digest"]),
                                              bytes.fromhex(request["bundle_hash"]), half))
        shifted = plus(point, times_g(delta))
        u = {i: (u[i] + delta * phis[i]) % N for i in signers}
        w = {i: (int(request["digest"], 16) * phis[i] + shifted[0] * (v[i] + tweak * phis[i])) % N for i in signers}
        for i, j in pairs(signers):
            self.say(8, i, j, online, presignature, encode(shifted), scalar(w[i]), scalar(u[i]))
        return self.assemble(request, shifted, derived, w, u)

    def expect(self, frames):
        """All that was said since, in any order."""
        said = {(kind, i, j): hashlib.sha256(data).hexdigest() for kind, i, j, data in self.frames}
        expected = {(f["type"], f["from"], f["to"]): f["sha256"] for f in frames}
        sizes = {(kind, i, j): len(data) for kind, i, j, data in self.frames}
        assert sizes == {(f["type"], f["from"], f["to"]): f["bytes"] for f in frames}, sizes
        self.compared += len(expected)
        self.frames = []
        wrong = [key for key in expected.keys() | said.keys() if expected.get(key) != said.get(key)]
        assert not wrong, f"frames (type, from, to) that differ: {sorted(wrong)}"

    def expect_compared(self, count):
        print(f"# {self.compared} frames")
        assert self.compared == count, (self.compared, count)


def read_vectors(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
        return json.load(file)


def test_block_cipher_gives_the_example_of_fips_197():
    words = expand_key(bytes(range(16)))
    assert encrypt_block(words, 0x00112233445566778899AABBCCDDEEFF) == 0x69C4E0D86A7B0430D8CDB78070B4C55A
    words = expand_key(bytes(range(32)))
    assert encrypt_block(words, 0x00112233445566778899AABBCCDDEEFF) == 0x8EA2B7CA516745BFEAFC49904B496089


def test_a_key_is_dealt_and_signs_with_a_presignature_and_in_full_rounds():
    cases = read_vectors("threshold-ecdsa.json")
    keepers = Keepers(cases)
    keepers.generate()
    assert keepers.public_key.hex() == cases["public_key"] and keepers.chain_code.hex() == cases["chain_code"]
    keepers.expect(cases["dealing"])
    assert keepers.sign_prepared(cases["prepared"]) == cases["prepared"]["signature"]
    keepers.expect(cases["prepared"]["frames"])
    assert keepers.sign(cases["signing"]) == cases["signing"]["signature"]
    keepers.expect(cases["signing"]["frames"])
    keepers.expect_compared(42)


def test_a_key_that_comes_in_as_parts_signs_an_opaque_digest_in_full_rounds():
    cases = read_vectors("threshold-ecdsa-imported.json")
    keepers = Keepers(cases)
    keepers.generate()
    assert encode(times_g(sum(keepers.parts) % N)) == keepers.public_key == bytes.fromhex(cases["public_key"])
    keepers.expect(cases["dealing"])
    assert keepers.sign(cases["signing"]) == cases["signing"]["signature"]
    keepers.expect(cases["signing"]["frames"])
    keepers.expect_compared(24)


def test_a_key_that_is_dealt_to_others_by_a_higher_threshold_and_refreshed_stays_signs_and_is_stored():
    cases = read_vectors("threshold-ecdsa-reshared.json")
    keepers = Keepers(cases)
    keepers.generate()
    keepers.expect(cases["dealing"])
    for terms in cases["resharings"]:
        keepers.deal(RESHARE, terms)
        assert keepers.public_key.hex() == cases["public_key"] and keepers.chain_code.hex() == cases["chain_code"]
        keepers.expect(terms["frames"])
    assert keepers.sign(cases["signing"]) == cases["signing"]["signature"]
    keepers.expect(cases["signing"]["frames"])
    keepers.expect_compared(90)
    for row in cases["stored"]:
        blob = keepers.stored(row["holder"], row["lost"], bytes.fromhex(cases["root_key"]))
        assert (len(blob), sha(blob).hex()) == (row["bytes"], row["sha256"]), row
    print(f"# {len(cases['stored'])} shares at rest")
    assert len(cases["stored"]) == 4, len(cases["stored"])


tap.main(globals())
