"""AES (FIPS 197), in counter mode and in GCM (NIST SP 800-38D), as it is written down: for tests that compute again what the product computes, without any code of it. Slow, and not in
constant time."""


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


def substitute(word):
    return sum(SBOX[word >> s & 255] << s for s in (24, 16, 8, 0))


def expand_key(key):
    count = len(key) // 4
    words = [int.from_bytes(key[4 * i:4 * i + 4], "big") for i in range(count)]
    constant = 1
    for i in range(count, 4 * (count + 7)):
        word = words[-1]
        if i % count == 0:
            word = substitute(rotate(word, 3)) ^ constant << 24
            constant = DOUBLE[constant] & 0xFF
        elif count > 6 and i % count == 4:
            word = substitute(word)
        words.append(words[i - count] ^ word)
    return words


def encrypt_block(words, block):
    state = [(block >> s & 0xFFFFFFFF) ^ k for s, k in zip((96, 64, 32, 0), words)]
    m0, m1, m2, m3 = MIXES
    for r in range(4, len(words) - 4, 4):
        state = [m0[state[i] >> 24] ^ m1[state[(i + 1) % 4] >> 16 & 255] ^ m2[state[(i + 2) % 4] >> 8 & 255]
                 ^ m3[state[(i + 3) % 4] & 255] ^ words[r + i] for i in range(4)]
    result = 0
    for i in range(4):
        word = (SBOX[state[i] >> 24] << 24 | SBOX[state[(i + 1) % 4] >> 16 & 255] << 16
                | SBOX[state[(i + 2) % 4] >> 8 & 255] << 8 | SBOX[state[(i + 3) % 4] & 255])
        result = result << 32 | word ^ words[len(words) - 4 + i]
    return result


def aes_stream(seed, size):
    words, counter = expand_key(seed[:16]), int.from_bytes(seed[16:], "big")
    blocks = b"".join(encrypt_block(words, (counter + i) % 2**128).to_bytes(16, "big") for i in range((size + 15) // 16))
    return blocks[:size]


def gcm_multiply(a, b):
    """In GCM's field, whose first bit is the coefficient of x^0."""
    product = 0
    for i in reversed(range(128)):
        if a >> i & 1:
            product ^= b
        b = b >> 1 ^ (0xE1 << 120 if b & 1 else 0)
    return product


def gcm_blocks(data):
    return [int.from_bytes(data[i:i + 16].ljust(16, b"\0"), "big") for i in range(0, len(data), 16)]


def gcm_seal(key, nonce, associated, plain):
    """ciphertext ‖ tag, under a nonce of 12 bytes."""
    words, counter = expand_key(key), int.from_bytes(nonce + bytes(4), "big")
    stream = b"".join(encrypt_block(words, counter + 2 + i).to_bytes(16, "big") for i in range((len(plain) + 15) // 16))
    ciphertext = bytes(a ^ b for a, b in zip(plain, stream))
    power, total = encrypt_block(words, 0), 0
    for block in [*gcm_blocks(associated), *gcm_blocks(ciphertext), 8 * len(associated) << 64 | 8 * len(ciphertext)]:
        total = gcm_multiply(total ^ block, power)
    return ciphertext + (total ^ encrypt_block(words, counter + 1)).to_bytes(16, "big")
