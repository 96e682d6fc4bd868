#!/usr/bin/env python3
"""FROST's keys a second time, from docs/PROTOCOL.threshold, RFC 9591 and BIP-445 alone, in the standard library alone: every frame of the
transcripts in tests/vectors/threshold-frost.json is computed again from the parties' seeds and compared by its hash, the signatures are those of
RFC 8032 and of BIP-340, and so are shares at rest. With it run the vectors of escrow, imports, pledges, messages and what is kept of a dealing."""

import json
import os

import tap
from plain_frost_key import Key
from plain_threshold import sha
from threshold_escrow_vectors import test_shares_in_escrow_are_those_of_their_seeds_hold_without_a_key_and_come_out_of_each_pair
from threshold_import_vectors import test_sealed_parts_of_a_key_open_for_their_keepers_and_nobody_else
from threshold_journal_vectors import test_what_is_kept_of_a_dealing_is_what_its_seeds_and_frames_give
from threshold_message_vectors import (test_bodies_of_messages_are_those_of_their_fields,
                                       test_what_is_counted_and_that_one_has_left_is_signed_by_its_teller)
from threshold_pledge_vectors import test_pledges_and_what_is_stored_of_them_are_those_of_their_keys

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "threshold-frost.json")

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


def expect_stored(key, case):
    for row in case["stored"]:
        assert key.stored(row["holder"], bytes.fromhex(case["root_key"])).hex() == row["blob"], row
    print(f"# {len(case['stored'])} shares at rest")
    assert len(case["stored"]) == 4, len(case["stored"])


def test_an_ed25519_key_is_dealt_dealt_anew_signs_and_is_stored():
    key, case, compared = deal_twice("ed25519")
    signing = case["signing"]
    frames, signature = key.sign(signing["signers"], case["reshare"]["threshold"], bytes.fromhex(signing["message"]))
    expect(frames, signing["frames"])
    assert signature.hex() == signing["signature"], signature.hex()
    compared += len(frames)
    print(f"# {compared} frames")
    assert compared == 66, compared
    expect_stored(key, case)


def test_a_bip340_key_is_dealt_dealt_anew_signs_with_and_without_tweaks_and_is_stored():
    key, case, compared = deal_twice("bip340")
    for signing in case["signings"]:
        frames, signature = key.sign_bip340(signing["signers"], case["reshare"]["threshold"], signing)
        expect(frames, signing["frames"])
        assert signature.hex() == signing["signature"], signature.hex()
        compared += len(frames)
    print(f"# {compared} frames, {len(case['signings'])} signatures")
    assert compared == 90 and len(case["signings"]) == 3, compared
    assert all({-1, 1} == set(column) for column in zip(*key.signs)), f"not every sign was needed: {key.signs}"
    expect_stored(key, case)


if __name__ == "__main__":
    tap.main(globals())
