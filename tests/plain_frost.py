"""The two groups of RFC 9591 as they are written down: for tests that compute again what the product computes, without any code of it. Slow, and
not in constant time."""

import functools
import hashlib

from plain_threshold import byte, sha


class Ed25519:
    name, size, scheme = "FROST(Ed25519, SHA-512)", 32, 1
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

    def decode(self, data):
        y = int.from_bytes(data, "little") & 2**255 - 1
        square = (y * y - 1) * pow(self.d * y * y + 1, -1, self.field) % self.field
        x = pow(square, (self.field + 3) // 8, self.field)
        if x * x % self.field != square:
            x = x * pow(2, (self.field - 1) // 4, self.field) % self.field
        assert x * x % self.field == square, "no point"
        return (x if x & 1 == data[31] >> 7 else self.field - x), y

    def scalar(self, number):
        return number.to_bytes(32, "little")

    def number(self, data):
        return int.from_bytes(data, "little")

    def hashed(self, name, *parts):
        name = b"FROST-ED25519-SHA512-v1" + name if name else b""
        return int.from_bytes(hashlib.sha512(name + b"".join(parts)).digest(), "little") % self.order

    def digest(self, name, *parts):
        return hashlib.sha512(b"FROST-ED25519-SHA512-v1" + name + b"".join(parts)).digest()


class Secp256k1:
    name, size, scheme = "FROST(secp256k1, SHA-256)", 33, 2
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

    def number(self, data):
        return int.from_bytes(data, "big")

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


@functools.cache
def doubles_of_base(kind):
    doubles = [kind.base]
    for _ in range(255):
        doubles.append(kind().add(doubles[-1], doubles[-1]))
    return doubles


def times_base(group, number):
    result = group.zero
    for i, double in enumerate(doubles_of_base(type(group))):
        if number % group.order >> i & 1:
            result = group.add(result, double)
    return result


def lagrange(group, indices, i):
    result = 1
    for j in indices:
        if j != i:
            result = result * j * pow(j - i, -1, group.order) % group.order
    return result
