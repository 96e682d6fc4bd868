"""A key of FROST's that is dealt, dealt anew, signs and is stored, from docs/PROTOCOL.threshold §2, §3, §12, §13, §17, §19 and §20, RFC 9591 and
BIP-445 alone: what threshold_frost_vectors_test.py and others compare with the vectors."""

from plain_aes import gcm_seal
from plain_frost import Ed25519, Secp256k1, lagrange, times
from plain_threshold import Stream, byte, frame, frost, hkdf, identity, lp, open_session, tagged


class Key:
    def __init__(self, case):
        self.case = case
        self.group = {"ed25519": Ed25519, "bip340": Secp256k1}[case["scheme"]]()
        self.streams = {i: Stream(case["seed"], i) for i in range(1, 6)}
        self.shares, self.public_key, self.chain_code, self.epoch = {}, b"", b"", 0
        self.threshold = 0
        self.signs = []  # of BIP-340: of nonce, key and shares, by signature

    def random(self, party):
        return self.group.hashed(b"nonce", self.streams[party].draw(64))

    def deal(self, dealers, holders, threshold):
        """Every frame, by type, sender and receiver."""
        group, old = self.group, self.shares
        kind = 1 if old else 0
        request = frost(bytes(32), "dealing-request", byte(kind), byte(group.scheme), byte(0), bytes(dealers), bytes(holders),
                        self.epoch.to_bytes(4, "big"), self.public_key if kind else b"", self.chain_code if kind else b"")
        self.epoch, self.threshold = self.epoch + 1, threshold
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

    def stored(self, i, root_key):
        """The blob of §19."""
        group = self.group
        header = b"GHTF" + b"\0\1" + byte(group.scheme) + self.epoch.to_bytes(4, "big") + bytes([self.threshold, len(self.shares), i, 0])
        associated = [b"gatehouse/threshold/frost-share-blob/v1", header, self.case["instance"].encode(), self.case["key_id"].encode(),
                      self.public_key, self.chain_code]
        for j, share in self.shares.items():
            associated += [byte(j), identity(j), group.encode(times(group, share, group.base))]
        nonce, key = self.streams[i].draw(12), hkdf(root_key, b"gatehouse/threshold-frost-shares/v1")
        return header + nonce + gcm_seal(key, nonce, b"".join(map(lp, associated)), group.scalar(self.shares[i]))

    def verifies(self, key, challenge, r, s):
        """BIP-340."""
        group = self.group
        even = group.decode(byte(2) + key[0].to_bytes(32, "big"))
        point = group.add(times(group, s, group.base), times(group, -challenge, even))
        return point[1] & 1 == 0 and point[0].to_bytes(32, "big") == r
