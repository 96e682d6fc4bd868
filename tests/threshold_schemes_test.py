#!/usr/bin/env python3
"""Three keepers, each a process of its own, share keys of FROST's schemes: what every two of them sign for Solana and as Taproot spends is
accepted by @solana/web3.js and bitcoinjs-lib, at the addresses that the keepers show."""

import json
import os
import subprocess

import tap
from keepers import Keepers
from northwind import ROOT
from solana_test import OWNER, base58

INDEPENDENT = os.path.join(ROOT, "tests", "independent")
SHARED = {"number": 0}


def node(*arguments):
    done = subprocess.run(["node", *arguments], cwd=INDEPENDENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def transfer(owner, lamports):
    """An unsigned transaction with one System transfer, as wallets hand it over."""
    SHARED["number"] += 1
    message = bytes([1, 0, 1, 3]) + owner + OWNER + bytes(32) + SHARED["number"].to_bytes(32, "big")
    message += bytes([1, 2, 2, 0, 1, 12]) + (2).to_bytes(4, "little") + lamports.to_bytes(8, "little")
    return (b"\1" + bytes(64) + message).hex()


def change(keeper, people, *arguments):
    asked = keeper.must(keeper.ask("person4", *arguments, "--reason", "keepers", "--json")).json()
    return asked if asked["state"] == "done" else keeper.approve(asked["operation"], *people)


def sign(keeper, key, given):
    answer = keeper.must(keeper.ask("settlement", "op", "sign", key, "--transaction", "-", "--json", given=given)).json()
    assert answer["state"] == "done", answer
    return answer["result"]


def accepted_by_solana(keeper, parties, key):
    made = sign(keeper, "sol-vault", transfer(key, 10**9))
    found = node("solana.mjs", "verify", made["transaction"])
    assert found["payer"] == parties["address"] == base58(key), (found, parties)
    assert base58(bytes.fromhex(found["signature"])) == made["transaction_id"], (found, made)


def accepted_by_bitcoin(keeper, parties, key):
    SHARED["number"] += 1
    asked = node("taproot.mjs", key.hex(), str(SHARED["number"]))
    assert asked["address"] == parties["address"], (asked, parties)
    made = sign(keeper, "btc-vault", asked["psbt"])
    psbt, transaction = keeper.at("signed.psbt"), keeper.at("signed.tx")
    for path, text in ((psbt, made["psbt"]), (transaction, made["transaction"])):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    told = node("verify-psbt.mjs", psbt, transaction)
    assert told["inputs"] == ["p2tr"] and told["txid"] == made["transaction_id"], (told, made)


def prepare(keeper):
    """Who may be paid, in what, and the first payment that people wait for."""
    change(keeper, ("person3", "person5"), "asset", "add", "--chain", "solana:main", "--symbol", "SOL", "--decimals", "9")
    change(keeper, ("person1", "person3"), "list", "create", "solana", "--kind", "allowed")
    change(keeper, ("person1", "person3"), "list", "add", "solana", f"solana:main:{base58(OWNER)}", "--probation", "100000")
    for asset, usd in (("solana:main/native", "200"), ("bitcoin:main/native", "60000")):
        change(keeper, ("person1",), "price", "set", asset, "--usd", usd)


def test_every_two_of_three_processes_sign_what_other_libraries_accept():
    if not os.path.exists(os.path.join(INDEPENDENT, "node_modules", "@solana", "web3.js")):
        raise tap.Skip("@solana/web3.js is not installed (npm ci in tests/independent)")
    with Keepers() as keepers:
        keepers.wait_all_up()
        first = keepers.all[0]
        prepare(first)
        parties, keys = {}, {}
        for name, scheme in (("sol-vault", "ed25519"), ("btc-vault", "bip340")):
            first.submit("key", "create", name, "--account", "options-hot", "--threshold", "2-of-3", "--scheme", scheme,
                         "--party", "a", "--party", "b", "--party", "c")
            shown = [keeper.must(keeper.ask("person1", "key", "parties", name, "--json")).json() for keeper in keepers.all]
            assert [row["holder"] for row in shown] == [1, 2, 3] and len({row["address"] for row in shown}) == 1, shown
            assert all(row["sharing"] == shown[0]["sharing"] and row["sharing"]["scheme"] == scheme for row in shown), shown
            for keeper in keepers.all:
                proved = keeper.must(keeper.ask("person1", "key", "audit", name, "--json")).json()
                assert proved["holds"] == keeper.name and proved["scheme"] == scheme, proved
            parties[name], keys[name] = shown[0], bytes.fromhex(shown[0]["sharing"]["public_key"])
        sign(first, "sol-vault", transfer(keys["sol-vault"], 10**6))
        change(first, ("person1", "person3"), "list", "confirm", "solana", f"solana:main:{base58(OWNER)}")
        signed = 0
        for gone in keepers.all:
            assert gone.stop() == 0
            there = [keeper for keeper in keepers.all if keeper is not gone]
            for keeper in there:
                keeper.wait_for(lambda keeper=keeper, gone=gone: keeper.health().get("missing") == [gone.name])
                accepted_by_solana(keeper, parties["sol-vault"], keys["sol-vault"])
                accepted_by_bitcoin(keeper, parties["btc-vault"], keys["btc-vault"])
                signed += 2
            gone.start()
            keepers.wait_all_up()
        print(f"# {signed} transactions by 3 sets of 2 of 3 keepers")
        # The shares are renewed, and the key signs on: with all three there.
        for name in keys:
            first.submit("key", "refresh", name)
        accepted_by_solana(first, parties["sol-vault"], keys["sol-vault"])
        accepted_by_bitcoin(first, parties["btc-vault"], keys["btc-vault"])


if __name__ == "__main__":
    tap.main(globals())
