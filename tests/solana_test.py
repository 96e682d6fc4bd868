#!/usr/bin/env python3
"""An Ed25519 key of a firm signs a transfer on Solana, through the whole gate: small, held and approved, and refused."""

import json
import os
import subprocess

import tap
from northwind import ROOT, Northwind, run

OWNER = bytes([8]) * 32
SYSTEM = bytes(32)
DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
SHARED = {}


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = DIGITS[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def house():
    if "firm" not in SHARED:
        SHARED["firm"] = firm = Northwind()
        firm.found()
        firm.start()
        key = ("key", "create", "sol-hot", "--account", "options-hot", "--algorithm", "ed25519")
        development = ("key", "create", "sol-dev", *key[3:], "--chain", "solana:dev")
        changes = [(key, ("person3", "person5")), (development, ("person3", "person5")),
                   (("list", "create", "solana", "--kind", "allowed"), ("person1", "person3"))]
        for chain in ("solana:main", "solana:dev"):
            asset = ("asset", "add", "--chain", chain, "--symbol", "SOL", "--decimals", "9")
            changes += [(asset, ("person3", "person5")),
                        (("list", "add", "solana", f"{chain}:{base58(OWNER)}", "--probation", "100000"), ("person1", "person3")),
                        (("price", "set", f"{chain}/native", "--usd", "200"), ("person1", "person2", "person3"))]
        for arguments, people in changes:
            firm.approve(firm.must(firm.ask("person4", *arguments, "--json")).json()["operation"], *people)
        for name in ("sol-hot", "sol-dev"):
            SHARED[name] = bytes.fromhex(firm.must(firm.ask("person1", "key", "show", name, "--json")).json()["public_key"])
        SHARED["blockhash"] = 0
        for name, chain in (("sol-hot", "solana:main"), ("sol-dev", "solana:dev")):
            tried = firm.ask("settlement", "op", "sign", name, "--transaction", "-", "--json", given=transfer(10**7, key=name))
            assert firm.must(tried).json()["reasons"] == ["test_transfer"], tried
            arrived = firm.ask("person4", "list", "confirm", "solana", f"{chain}:{base58(OWNER)}", "--json")
            firm.approve(firm.must(arrived).json()["operation"], "person1", "person3")
    return SHARED["firm"]


def transfer(lamports, to=OWNER, program=SYSTEM, key="sol-hot"):
    """An unsigned transaction with one System transfer, as wallets hand it over."""
    SHARED["blockhash"] += 1
    message = bytes([1, 0, 1, 3]) + SHARED[key] + to + program + SHARED["blockhash"].to_bytes(32, "big")
    message += bytes([1, 2, 2, 0, 1, 12]) + (2).to_bytes(4, "little") + lamports.to_bytes(8, "little")
    return (b"\1" + bytes(64) + message).hex()


def sign(text, who="settlement"):
    return house().ask(who, "op", "sign", "sol-hot", "--transaction", "-", "--json", given=text)


def submit(key, chain):
    """A payload that states the chain, which a Solana transaction itself does not."""
    firm = house()
    path = firm.at(f"payload-{SHARED['blockhash']}")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"chain": chain, "format": "solana", "transaction": transfer(10**9, key=key)}, file)
    return firm.ask("settlement", "op", "submit", "sign", f"key:{key}", "--payload", path, "--json")


def verified(transaction):
    done = subprocess.run(["node", os.path.join(ROOT, "tests", "independent", "solana.mjs"), "verify", transaction],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def test_a_small_transfer_is_signed_and_verifies_elsewhere():
    firm = house()
    answer = firm.must(sign(transfer(10**9))).json()
    assert answer["state"] == "done" and answer["reasons"] == ["small_transfer"], answer
    if not os.path.exists(os.path.join(ROOT, "tests", "independent", "node_modules", "@solana", "web3.js")):
        raise tap.Skip("@solana/web3.js is not installed (npm ci in tests/independent)")
    found = verified(answer["result"]["transaction"])
    assert found["payer"] == base58(SHARED["sol-hot"]), found
    assert base58(bytes.fromhex(found["signature"])) == answer["result"]["transaction_id"], (found, answer)


def test_a_large_transfer_is_decoded_and_approved_by_two():
    firm = house()
    answer = firm.must(sign(transfer(100 * 10**9))).json()
    assert answer["state"] == "held" and answer["missing"]["group.treasury"] == 2, answer
    shown = firm.must(firm.ask("person1", "op", "approve", answer["operation"], "--yes"))
    assert "100 SOL" in shown.err and base58(OWNER) in shown.err, shown
    done = firm.approve(answer["operation"], "person2")
    assert done["reasons"] == ["large_transfer"], done


def test_what_is_not_understood_or_goes_elsewhere_is_denied():
    firm = house()
    for text, reason in [(transfer(10**9, program=b"\7" * 32), "unrecognised_call")]:
        answer = firm.must(sign(text), 1).json()
        assert answer["state"] == "denied" and reason in answer["reasons"], answer
    assert firm.must(sign(transfer(10**9, to=b"\6" * 32)), 1).json()["state"] == "denied"
    held_by_another = bytearray.fromhex(transfer(10**9))
    held_by_another[70] ^= 1
    refused = sign(held_by_another.hex())
    assert refused.code == 1 and "solana.signer" in refused.err, refused


def test_a_key_signs_only_on_chains_of_its_curve():
    firm = house()
    refused = firm.ask("settlement", "op", "sign", "sol-hot", "--transaction", "-", given="0x02e80180843b9aca008504a817c8008252089435353535353535353535353535353535353535350580c0")
    assert refused.code == 1 and "wallet.key" in refused.err, refused


def test_a_key_signs_for_its_own_chain_and_for_no_other():
    firm = house()
    assert firm.must(firm.ask("person1", "key", "show", "sol-dev", "--json")).json()["chain"] == "solana:dev"
    unstated = firm.ask("settlement", "op", "sign", "sol-dev", "--transaction", "-", "--json", given=transfer(10**9, key="sol-dev"))
    for key, answered in (("sol-dev", unstated), ("sol-dev", submit("sol-dev", "solana:dev")), ("sol-hot", submit("sol-hot", "solana:main"))):
        answer = firm.must(answered).json()
        assert answer["state"] == "done", answer
        explained = firm.must(firm.ask("person1", "policy", "explain", answer["operation"], "--json")).json()
        assert explained["facts"]["transfer.chain"]["value"] == {"sol-dev": "solana:dev", "sol-hot": "solana:main"}[key], explained["facts"]
    for key, chain in (("sol-dev", "solana:main"), ("sol-dev", "solana:test"), ("sol-hot", "solana:dev"), ("sol-dev", "eip155:1")):
        refused = submit(key, chain)
        assert refused.code == 1 and "payload.chain" in refused.err, (key, chain, refused)


def test_the_log_replays():
    firm = house()
    assert firm.stop() == 0
    replayed = firm.must(run("ledger", "replay", firm.data, "--json")).json()
    assert replayed["different"] == 0 and replayed["same"] > 5, replayed
    firm.remove()


if __name__ == "__main__":
    tap.main(globals())
