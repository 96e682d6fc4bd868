#!/usr/bin/env python3
"""The algebra of docs/PROTOCOL.threshold §4, §7 and §9 over groups so small that everything can be tried: numbers modulo a small
prime, the element of a number being the number itself. What a hash would draw is tried in every value. Each test prints how many
cases it went through."""

import itertools

import tap


def lagrange(indices, i, q):
    result = 1
    for j in indices:
        if j != i:
            result = result * j * pow(j - i, -1, q) % q
    return result


def value(polynomial, x, q):
    return sum(c * x**k for k, c in enumerate(polynomial)) % q


def test_every_quorum_gives_the_secret_and_one_less_says_nothing():
    cases = 0
    for q in (5, 7):
        for holders in range(2, 5):
            for threshold in range(2, holders + 1):
                seen = {}
                for polynomial in itertools.product(range(q), repeat=threshold):
                    shares = {i: value(polynomial, i, q) for i in range(1, holders + 1)}
                    for size in range(threshold, holders + 1):
                        for quorum in itertools.combinations(shares, size):
                            assert sum(lagrange(quorum, i, q) * shares[i] for i in quorum) % q == polynomial[0]
                            cases += 1
                    for fewer in itertools.combinations(shares, threshold - 1):
                        key = (fewer, tuple(shares[i] for i in fewer))
                        seen.setdefault(key, []).append(polynomial[0])
                # Whatever fewer know, every secret is left, and each as often as any other.
                assert all(sorted(secrets) == list(range(q)) for secrets in seen.values())
    print(f"# {cases} quorums")


def test_dealing_anew_keeps_the_key_whatever_the_dealers_draw():
    """As many of the old holders as sign deal their Lagrange parts to others, under another threshold (§8, kind 2)."""
    cases, q = 0, 5
    for polynomial in itertools.product(range(q), repeat=2):
        for dealers in itertools.combinations((1, 2, 3), 2):
            for drawn in itertools.product(range(q), repeat=2):
                dealt = [[lagrange(dealers, i, q) * value(polynomial, i, q) % q, c] for i, c in zip(dealers, drawn)]
                for new in itertools.combinations((1, 2, 4), 2):
                    shares = {j: sum(value(one, j, q) for one in dealt) % q for j in new}
                    assert sum(lagrange(new, j, q) * shares[j] for j in new) % q == polynomial[0]
                    cases += 1
    print(f"# {cases} dealings")


def test_shares_of_zero_add_up_to_zero_over_every_set_of_signers():
    cases = 0
    for q, signers in ((7, (1, 2)), (5, (1, 2, 4)), (3, (1, 2, 3, 4))):
        pairs = list(itertools.combinations(signers, 2))
        for drawn in itertools.product(range(q), repeat=len(pairs)):
            seeds = dict(zip(pairs, drawn))
            shares = [sum(seeds[min(i, j), max(i, j)] * (1 if i < j else -1) for j in signers if j != i) % q for i in signers]
            assert sum(shares) % q == 0
            cases += 1
    print(f"# {cases} sums")


def multiply(q, gadget, choices, inputs, zeros, ones, theta, wrong=()):
    """Alice's and Bob's sides of §7 with all randomness given; wrong is added to what Alice sends. (c, d, whether mu holds)."""
    masked = [[(z - o + a) % q for z, o, a in zip(zero, one, inputs)] for zero, one in zip(zeros, ones)]
    for (j, i), by in wrong:
        masked[j][i] = (masked[j][i] + by) % q
    eta = (inputs[1] + theta * inputs[0]) % q
    mu = [(zero[1] + theta * zero[0]) % q for zero in zeros]
    chosen = [[(p + beta * m) % q for p, m in zip(one if beta else zero, row)]
              for beta, zero, one, row in zip(choices, zeros, ones, masked)]
    holds = mu == [(row[1] + theta * row[0] - beta * eta) % q for beta, row in zip(choices, chosen)]
    c = -sum(g * zero[0] for g, zero in zip(gadget, zeros)) % q
    d = sum(g * row[0] for g, row in zip(gadget, chosen)) % q
    return c, d, holds


def test_a_product_is_shared_whatever_is_chosen_drawn_and_hashed():
    """One input and the one that checks it, two choices."""
    cases, q, gadget = 0, 3, (1, 2)
    pads = list(itertools.product(itertools.product(range(q), repeat=2), repeat=2))
    for choices in itertools.product((0, 1), repeat=2):
        b = sum(beta * g for beta, g in zip(choices, gadget)) % q
        for inputs in itertools.product(range(q), repeat=2):
            for zeros in pads:
                for ones in pads:
                    for theta in range(q):
                        c, d, holds = multiply(q, gadget, choices, inputs, zeros, ones, theta)
                        assert holds and (c + d) % q == inputs[0] * b % q
                        cases += 1
    print(f"# {cases} products")


def test_what_alice_sends_wrongly_is_found_where_bob_chose_it_for_all_but_one_of_the_hashes():
    """And where he did not choose it, it changes nothing: that is the bit that a failure tells, and why it ends the pair (§9)."""
    cases, q, gadget = 0, 5, (1, 2)
    zeros, ones = ((1, 3), (0, 2)), ((4, 4), (2, 1))
    for choices in itertools.product((0, 1), repeat=2):
        for inputs in itertools.product(range(q), repeat=2):
            for place in range(2):
                for by in range(1, q):
                    held = 0
                    for theta in range(q):
                        c, d, holds = multiply(q, gadget, choices, inputs, zeros, ones, theta, [((place, 0), by)])
                        right = (c + d - inputs[0] * sum(x * g for x, g in zip(choices, gadget))) % q == 0
                        assert right == (choices[place] == 0)
                        held += holds
                        cases += 1
                    assert held == (1 if choices[place] else q)
    print(f"# {cases} wrong messages")


def test_two_signers_give_the_one_signature_of_the_key_for_every_number_that_they_draw():
    """r, φ, key and every share of a product in all values: s = Σw / Σu is (digest + x·key) / r (§9)."""
    cases, q, x, tweak = 0, 5, 3, 2
    for r in itertools.product(range(q), repeat=2):
        for phi in itertools.product(range(q), repeat=2):
            for key in itertools.product(range(q), repeat=2):
                # Each product of one's r or key by the other's φ is two numbers that add up to it: c in all values.
                for c in itertools.product(range(q), repeat=2):
                    u = [r[0] * phi[0] + c[0] + (r[1] * phi[0] - c[1]), r[1] * phi[1] + c[1] + (r[0] * phi[1] - c[0])]
                    v = [key[0] * phi[0] + c[1] + (key[1] * phi[0] - c[0]), key[1] * phi[1] + c[0] + (key[0] * phi[1] - c[1])]
                    nonce, whole, blind = sum(r) % q, (sum(key) + tweak) % q, sum(phi) % q
                    assert sum(u) % q == nonce * blind % q
                    for digest in range(q):
                        w = sum(digest * f + x * (share + tweak * f) for f, share in zip(phi, v)) % q
                        if nonce and blind:
                            assert w * pow(sum(u), -1, q) % q == (digest + x * whole) * pow(nonce, -1, q) % q
                        cases += 1
    print(f"# {cases} signatures")


def last_round(q, x, digest, tweak, delta, r, key, phi, wrong):
    """Two honest signers and a liar that sends each a psi, those in wrong: s, and the sums of u and w that both show, by §7 and §9."""
    liar_r, liar_key, liar_chi, c_liar, d_liar = 2, 3, 2, 1, 4
    told, shared = (1, 3), 2  # the psi that they send the liar, and the share of their products of each other
    chi = [(f - psi) % q for f, psi in zip(phi, told)]  # towards the liar
    sums = [0, 0]
    for k in range(2):
        other, sign = 1 - k, 1 if k == 0 else -1
        full = phi[k] + phi[other] + wrong[k]  # psi of the other honest one has its chi in it, which the product takes off again
        u = r[k] * full + sign * shared + (r[k] * liar_chi - d_liar) + (liar_r * chi[k] - c_liar)
        v = key[k] * full + sign * shared + (key[k] * liar_chi - d_liar) + (liar_key * chi[k] - c_liar)
        sums[0] += u + delta * phi[k]
        sums[1] += digest * phi[k] + x * (v + tweak * phi[k])
    nonce, whole = (r[0] + r[1] + liar_r + delta) % q, (key[0] + key[1] + liar_key + tweak) % q
    return None if nonce == 0 else (digest + x * whole) * pow(nonce, -1, q) % q, (sums[0] % q, sums[1] % q)


def test_what_the_last_round_shows_a_liar_follows_from_the_signature():
    """Whatever it sends as psi, to each another: for the r and key of one honest signer, those of the other are told by s alone (§9)."""
    cases, q, x, digest, tweak = 0, 5, 3, 2, 1
    for delta in (0, 3):
        for wrong in itertools.product(range(q), repeat=2):
            for first in itertools.product(range(q), repeat=2):
                seen = {}
                for second in itertools.product(range(q), repeat=2):
                    r, key = (first[0], second[0]), (first[1], second[1])
                    views = set()
                    for phi in itertools.product(range(q), repeat=2):
                        s, view = last_round(q, x, digest, tweak, delta, r, key, phi, wrong)
                        views.add(view)
                        cases += 1
                    if s is not None:
                        assert len(views) == q  # as many as sums of φ
                        assert seen.setdefault(s, views) == views
                assert len(seen) > 1
    print(f"# {cases} views")


def test_who_knows_r_before_the_digest_turns_one_signature_into_any_other():
    """Why an opaque digest never uses a presignature: from the signature of d·x/x' under R, that of d under c·R."""
    cases, q = 0, 11
    for nonce, key, c, wanted in itertools.product(range(1, q), range(1, q), range(1, q), range(q)):
        first, other = nonce * 3 % q or 1, nonce * c * 3 % q or 1  # a first coordinate, as some function of the point
        asked = wanted * first * pow(other, -1, q) % q
        s = (asked + first * key) * pow(nonce, -1, q) % q
        forged = s * other * pow(first * c, -1, q) % q
        assert forged == (wanted + other * key) * pow(nonce * c, -1, q) % q
        cases += 1
    print(f"# {cases} forgeries")


tap.main(globals())
