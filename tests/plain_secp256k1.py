"""secp256k1 as it is written down: for tests that compute again what the product computes, without any code of it. Slow, and not in
constant time."""

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


def decode(data):
    x = int.from_bytes(data[1:33], "big")
    y = pow(x**3 + 7, (P + 1) // 4, P)
    return x, y if y & 1 == data[0] & 1 else P - y


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
