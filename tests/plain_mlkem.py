"""ML-KEM-768 (FIPS 203) and X25519 (RFC 7748) as they are written down: for tests that compute again what the product computes, without any
code of it. Slow, and not in constant time."""

import functools
import hashlib

Q, K, ETA, DU, DV = 3329, 3, 2, 10, 4  # both etas are 2


def reversed_bits(i):
    return int(f"{i:07b}"[::-1], 2)


ZETAS = [pow(17, reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * reversed_bits(i) + 1, Q) for i in range(128)]


def ntt(f):
    f, i, size = list(f), 1, 128
    while size >= 2:
        for start in range(0, 256, 2 * size):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + size):
                t = zeta * f[j + size] % Q
                f[j], f[j + size] = (f[j] + t) % Q, (f[j] - t) % Q
        size //= 2
    return f


def ntt_inverse(f):
    f, i, size = list(f), 127, 2
    while size <= 128:
        for start in range(0, 256, 2 * size):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + size):
                t = f[j]
                f[j], f[j + size] = (t + f[j + size]) % Q, zeta * (f[j + size] - t) % Q
        size *= 2
    return [x * 3303 % Q for x in f]


def multiply(f, g):
    h = []
    for i, gamma in enumerate(GAMMAS):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h += [(a0 * b0 + a1 * b1 * gamma) % Q, (a0 * b1 + a1 * b0) % Q]
    return h


def add(*polynomials):
    return [sum(column) % Q for column in zip(*polynomials)]


def inner(left, right):
    return add(*(multiply(a, b) for a, b in zip(left, right)))


def encode(values, bits):
    return sum(value << bits * i for i, value in enumerate(values)).to_bytes(32 * bits, "little")


def decode(data, bits):
    number = int.from_bytes(data, "little")
    return [number >> bits * i & (1 << bits) - 1 for i in range(256)]


def compress(values, bits):
    return [((x << bits) + Q // 2) // Q % (1 << bits) for x in values]


def decompress(values, bits):
    return [(x * Q + (1 << bits - 1)) >> bits for x in values]


def sample_uniform(seed):
    stream, values = hashlib.shake_128(seed).digest(1344), []
    for i in range(0, len(stream), 3):
        a, b, c = stream[i:i + 3]
        values += [x for x in (a + 256 * (b % 16), b // 16 + 16 * c) if x < Q]
    assert len(values) >= 256, "one seed in more than 2^64 needs more of the stream"
    return values[:256]


def sample_binomial(seed, number):
    """Eta 2."""
    bits = int.from_bytes(hashlib.shake_256(seed + bytes([number])).digest(128), "little")
    pairs = [(bits >> 2 * i & 1) + (bits >> 2 * i + 1 & 1) for i in range(512)]
    return [(pairs[2 * i] - pairs[2 * i + 1]) % Q for i in range(256)]


def matrix(rho):
    """a[i][j] of row i and column j."""
    return [[sample_uniform(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def parts(data, size):
    return [data[size * i:size * i + size] for i in range(K)]


def g(data):
    digest = hashlib.sha3_512(data).digest()
    return digest[:32], digest[32:]


@functools.cache
def encapsulation(key):
    return Encapsulation(key)


class Encapsulation:
    """A public key, read."""

    def __init__(self, key):
        assert len(key) == 384 * K + 32, len(key)
        self.key, self.t = key, [decode(part, 12) for part in parts(key, 384)]
        assert all(x < Q for row in self.t for x in row)
        self.columns = list(zip(*matrix(key[384 * K:])))

    def encrypt(self, message, seed):
        y = [ntt(sample_binomial(seed, i)) for i in range(K)]
        u = [add(ntt_inverse(inner(column, y)), sample_binomial(seed, K + i)) for i, column in enumerate(self.columns)]
        v = add(ntt_inverse(inner(self.t, y)), sample_binomial(seed, 2 * K), decompress(decode(message, 1), 1))
        return b"".join(encode(compress(row, DU), DU) for row in u) + encode(compress(v, DV), DV)

    def encapsulate(self, message):
        """(ciphertext, key) of 32 random bytes."""
        key, seed = g(message + hashlib.sha3_256(self.key).digest())
        return self.encrypt(message, seed), key


def generate(d, z):
    """(public key, private key)"""
    rho, sigma = g(d + bytes([K]))
    s = [ntt(sample_binomial(sigma, i)) for i in range(K)]
    t = [add(inner(row, s), ntt(sample_binomial(sigma, K + i))) for i, row in enumerate(matrix(rho))]
    public = b"".join(encode(row, 12) for row in t) + rho
    return public, b"".join(encode(row, 12) for row in s) + public + hashlib.sha3_256(public).digest() + z


def decapsulate(private, ciphertext):
    s, public = [decode(part, 12) for part in parts(private, 384)], private[384 * K:768 * K + 32]
    u = [ntt(decompress(decode(part, DU), DU)) for part in parts(ciphertext, 32 * DU)]
    v = decompress(decode(ciphertext[32 * DU * K:], DV), DV)
    message = encode(compress(add(v, [-x for x in ntt_inverse(inner(s, u))]), 1), 1)
    key, seed = g(message + private[768 * K + 32:768 * K + 64])
    if encapsulation(public).encrypt(message, seed) != ciphertext:
        return hashlib.shake_256(private[768 * K + 64:] + ciphertext).digest(32)
    return key


def x25519(number, point=(9).to_bytes(32, "little")):
    field = 2**255 - 19
    k = int.from_bytes(number, "little") & ~7 & 2**254 - 1 | 2**254
    u = int.from_bytes(point, "little") % 2**255 % field
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for i in reversed(range(255)):
        bit = k >> i & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a % field, b * b % field
        x3, z3 = (da + cb) ** 2 % field, u * (da - cb) ** 2 % field
        e = aa - bb
        x2, z2 = aa * bb % field, e * (aa + 121665 * e) % field
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, -1, field) % field).to_bytes(32, "little")
