#!/usr/bin/env python3
"""What whole keys sign through the running gate is what the world accepts: Ethereum's by npm ethers, Bitcoin's by bitcoinjs-lib, which make
the PSBTs as well. Each signature with a bit flipped is refused by the same programs."""

import json
import os
import re
import subprocess

import tap
from northwind import ROOT, Northwind, rlp, run

INDEPENDENT = os.path.join(ROOT, "tests", "independent")
PAYEE = bytes.fromhex("35" * 20)
USDC = bytes.fromhex("A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
TOKENS = bytes.fromhex("a9059cbb") + bytes(12) + PAYEE + (5_000_000).to_bytes(32, "big")  # transfer(payee, 5 USDC)
WEI, GAS_PRICE = 10**15, 20 * 10**9
KINDS = ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr")
SHARED = {"ethereum": 0, "bitcoin": 0, "inputs": 0, "flipped": 0}


def legacy(nonce):
    return rlp([nonce, GAS_PRICE, 21000, PAYEE, WEI, b"", 1, 0, 0])  # EIP-155: chain id, and two of nothing


def with_access_list(nonce):
    return b"\1" + rlp([1, nonce, GAS_PRICE, 30000, PAYEE, WEI, b"", [[USDC, [bytes(32)]]]])


def with_fees(nonce):
    return b"\2" + rlp([1, nonce, 10**9, GAS_PRICE, 21000, PAYEE, WEI, b"", []])


def of_tokens(nonce):
    return b"\2" + rlp([1, nonce, 10**9, GAS_PRICE, 80000, USDC, 0, TOKENS, []])


# Each with its type, whom it calls, and the value and data that it brings.
ETHEREUM = ((legacy, "0", PAYEE, WEI, b""), (with_access_list, "1", PAYEE, WEI, b""), (with_fees, "2", PAYEE, WEI, b""),
            (of_tokens, "2", USDC, 0, TOKENS))
BITCOIN = (*((kind,) for kind in KINDS), KINDS)


def house():
    if not os.path.isdir(os.path.join(INDEPENDENT, "node_modules")):
        raise tap.Skip("the npm packages are not installed")
    if "firm" not in SHARED:
        SHARED["firm"] = firm = Northwind()
        firm.found()
        firm.start()
        for name in ("eth-hot", "btc-hot"):
            asked = firm.must(firm.ask("person4", "key", "create", name, "--account", "options-hot", "--json")).json()
            firm.approve(asked["operation"], "person3", "person5")
            SHARED[name] = firm.must(firm.ask("person1", "key", "show", name, "--json")).json()
    return SHARED["firm"]


def sign(key, text):
    firm = house()
    answer = firm.must(firm.ask("settlement", "op", "sign", key, "--transaction", "-", "--json", given=text)).json()
    assert answer["state"] == "done" and answer["reasons"] == ["small_transfer"], answer
    return answer["result"]


def node(*arguments, code=0):
    done = subprocess.run(["node", *arguments], cwd=INDEPENDENT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done
    return done.stdout.strip()


def refused(*arguments):
    assert node(*arguments, code=1).startswith("fail: ")
    SHARED["flipped"] += 1


def flip(text, at):
    """The lowest bit of one digit of hexadecimal text."""
    return text[:at] + f"{int(text[at], 16) ^ 1:x}" + text[at + 1:]


def written(name, text):
    path = house().at(name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def places_in_signatures(transaction):
    """A place in each ECDSA signature, which begin in DER as nothing else here does, and in the Taproot one, which is last before the lock time."""
    found = [match.start() + 20 for match in re.finditer("30(?:43|44|45)02(?:1f|20|21)", transaction)]
    return found + ([len(transaction) - 100] if transaction[-140:-136] == "0140" else [])


def test_ethers_accepts_what_a_key_signs_of_each_type_as_its_own():
    house()
    for nonce, (make, kind, to, value, data) in enumerate(ETHEREUM):
        made = sign("eth-hot", "0x" + make(nonce).hex())
        ours = ("verify-eth.mjs", "--sender", SHARED["eth-hot"]["address"])
        found = json.loads(node(*ours, made["transaction"]))
        assert found["hash"] == made["transaction_id"], (found, made)
        assert (found["type"], found["chain_id"], found["nonce"]) == (kind, "1", str(nonce)), found
        assert (found["to"].lower(), found["value"], found["data"]) == ("0x" + to.hex(), str(value), "0x" + data.hex()), found
        SHARED["ethereum"] += 1
        # One bit of the signature's r and s, and of what it signs: as the key's own none is any more.
        text = made["transaction"]
        for at in (len(text) - 100, len(text) - 30, text.index((to + rlp(value)).hex()) + 3):
            refused(*ours, flip(text, at))


def test_bitcoinjs_lib_accepts_what_a_key_signs_of_each_kind_of_input():
    house()
    for number, kinds in enumerate(BITCOIN):
        made = sign("btc-hot", node("spending.mjs", SHARED["btc-hot"]["public_key"], str(number), *kinds))
        psbt, transaction = written("signed.psbt", made["psbt"]), written("signed.tx", made["transaction"])
        told = json.loads(node("verify-psbt.mjs", psbt, transaction))
        assert told["inputs"] == list(kinds) and told["txid"] == made["transaction_id"], (told, made)
        assert told["fee"] == str(10_000 * len(kinds)), told
        assert json.loads(node("verify-psbt.mjs", psbt)) == told  # the PSBT by itself: it is finished, and gives this transaction
        SHARED["bitcoin"] += 1
        SHARED["inputs"] += len(told["inputs"])
        places = places_in_signatures(made["transaction"])
        assert len(places) == len(kinds), (places, made)
        for at in (*places, made["transaction"].index((20_000 * len(kinds)).to_bytes(8, "little").hex())):
            refused("verify-psbt.mjs", psbt, written("changed.tx", flip(made["transaction"], at)))


def test_each_was_signed_once_and_the_log_replays():
    firm = house()
    assert firm.stop() == 0
    replayed = firm.must(run("ledger", "replay", firm.data, "--json")).json()
    assert replayed["different"] == 0 and replayed["same"] >= SHARED["ethereum"] + SHARED["bitcoin"], replayed
    firm.remove()
    counts = {name: SHARED[name] for name in ("ethereum", "bitcoin", "inputs", "flipped")}
    assert counts == {"ethereum": 4, "bitcoin": 5, "inputs": 8, "flipped": 25}, counts
    print("#", ", ".join(f"{count} {name}" for name, count in counts.items()))


if __name__ == "__main__":
    tap.main(globals())
