#!/usr/bin/env python3
"""Three keepers, each a process of its own, share a key of each scheme, and what every two of them sign is accepted by ethers,
@solana/web3.js and bitcoinjs-lib, at the addresses that the keepers show. By the command line alone: a keeper comes in that had no
share; each key is given to a recovery key, comes back whole, is imported and signs; one keeper loses its disk, and gets a share of each
key again; another is put back to an older backup than the last dealing, signs nothing, says why, and comes in again."""

import base64
import json
import os
import shutil
import subprocess

import tap
from keepers import Keepers
from northwind import ROOT, run
from northwind import transfer as ether
from solana_test import OWNER, base58

INDEPENDENT = os.path.join(ROOT, "tests", "independent")
INSTANCE = "northwind.example"
SHARED = {"number": 0, "nonce": 0, "signed": 0}
SCHEMES = {"eth-vault": "ecdsa", "sol-vault": "ed25519", "btc-vault": "bip340"}


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


def accepted_by_solana(keeper, name, parties, key, lamports=10**9):
    made = sign(keeper, name, transfer(key, lamports))
    found = node("solana.mjs", "verify", made["transaction"])
    assert found["payer"] == parties["address"] == base58(key), (found, parties)
    assert base58(bytes.fromhex(found["signature"])) == made["transaction_id"], (found, made)


def accepted_by_bitcoin(keeper, name, parties, key):
    SHARED["number"] += 1
    asked = node("taproot.mjs", key.hex(), str(SHARED["number"]))
    assert asked["address"] == parties["address"], (asked, parties)
    made = sign(keeper, name, asked["psbt"])
    psbt, transaction = keeper.at("signed.psbt"), keeper.at("signed.tx")
    for path, text in ((psbt, made["psbt"]), (transaction, made["transaction"])):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    told = node("verify-psbt.mjs", psbt, transaction)
    assert told["inputs"] == ["p2tr"] and told["txid"] == made["transaction_id"], (told, made)


def accepted_by_ethers(keeper, name, parties, _):
    made = sign(keeper, name, ether(SHARED["nonce"], 1))
    SHARED["nonce"] += 1
    found = node("verify-eth.mjs", made["transaction"])
    assert found["sender"] == parties["address"], (found, parties)


CHECKS = {"ecdsa": accepted_by_ethers, "ed25519": accepted_by_solana, "bip340": accepted_by_bitcoin}


def all_sign(keeper, parties, suffix="-vault"):
    """With a key of each scheme, or with what came of it."""
    for name, scheme in SCHEMES.items():
        CHECKS[scheme](keeper, name.replace("-vault", suffix), parties[name], bytes.fromhex(parties[name]["sharing"]["public_key"]))
        SHARED["signed"] += 1


def each_two_sign(keepers, parties):
    for gone in keepers.all:
        assert gone.stop() == 0
        asked = next(keeper for keeper in keepers.all if keeper is not gone)
        asked.wait_for(lambda asked=asked, gone=gone: asked.health().get("missing") == [gone.name])
        all_sign(asked, parties)
        gone.start()
        keepers.wait_all_up()


def prepare(keeper):
    """Who may be paid, in what, and the first payment that people wait for."""
    change(keeper, ("person3", "person5"), "asset", "add", "--chain", "solana:main", "--symbol", "SOL", "--decimals", "9")
    change(keeper, ("person1", "person3"), "list", "create", "solana", "--kind", "allowed")
    change(keeper, ("person1", "person3"), "list", "add", "solana", f"solana:main:{base58(OWNER)}", "--probation", "1000000")
    for asset, usd in (("solana:main/native", "200"), ("bitcoin:main/native", "60000")):
        change(keeper, ("person1", "person2", "person3"), "price", "set", asset, "--usd", usd)


def shown_by_all(keepers, epoch, threshold=2):
    """What all of them say alike of each key, with a proof that each knows its share."""
    parties = {}
    for name, scheme in SCHEMES.items():
        shown = [keeper.must(keeper.ask("person1", "key", "parties", name, "--json")).json() for keeper in keepers.all]
        assert [row["holder"] for row in shown] == [1, 2, 3] and len({row["address"] for row in shown}) == 1, shown
        assert all(row["sharing"] == shown[0]["sharing"] and row["sharing"]["scheme"] == scheme for row in shown), shown
        assert shown[0]["sharing"]["threshold"] == threshold and shown[0]["sharing"]["epoch"] == epoch[name], shown[0]
        check_audits(keepers, name, shown[0]["sharing"])
        parties[name] = shown[0]
    return parties


def check_audits(keepers, name, sharing):
    """Each knows its share of the sharing that the first has; what is of another key or sharing is refused."""
    ask, known = ["key", "audit", name, "--json"], []
    for keeper in keepers.all:
        proved = keeper.must(keeper.ask("person1", *ask, *known)).json()
        assert proved["holds"] == keeper.name and proved["scheme"] == sharing["scheme"], proved
        assert proved["compared"] == ["instance", "key"] + ["public_key", "sharing_hash"][:len(known) // 2], proved
        known = ["--public-key", sharing["public_key"], "--sharing-hash", proved["sharing_hash"]]
    first = keepers.all[0]
    for option, error in (("--public-key", "audit.public_key"), ("--sharing-hash", "audit.sharing_hash")):
        refused = first.ask("person1", *ask, option, sharing["parties"][0]["public_share"] if option == "--public-key" else "00" * 32)
        assert refused.code == 1 and error in refused.err and refused.out == "", refused
    elsewhere = first.ask("person1", *ask, "--instance", "southwind.example")
    assert elsewhere.code == 1 and "audit.instance" in elsewhere.err and elsewhere.out == "", elsewhere


def make_keys(keepers):
    """Two of them among all; one of ECDSA and one of FROST's are shared by two keepers first, and dealt on to the third."""
    first = keepers.all[0]
    for name, scheme in SCHEMES.items():
        options = ["--account", "options-hot", "--scheme", scheme]
        if name == "btc-vault":
            first.submit("key", "create", name, *options, "--threshold", "2-of-3", "--party", "a", "--party", "b", "--party", "c")
            continue
        first.submit("key", "create", name, *options, "--threshold", "2-of-2", "--party", "a", "--party", "b")
        before = first.must(first.ask("person1", "key", "parties", name, "--json")).json()
        third = keepers.all[2]
        assert third.ask("person1", "key", "parties", name, "--json").code != 0
        first.submit("key", "reshare", name, "--threshold", "2-of-3", "--party", "a", "--party", "b", "--party", "c")
        third.wait_for(lambda name=name: third.ask("person1", "key", "parties", name, "--json").code == 0)
        after = third.must(third.ask("person1", "key", "parties", name, "--json")).json()
        assert after["address"] == before["address"] and after["holder"] == 3, (before, after)


def recover(keepers, name, recovery):
    """The file that key recover makes of what the last two of three keepers gave."""
    first = keepers.all[0]
    given = change(first, ("person1", "person3", "person5"), "key", "backup", name, "--for", f"{recovery}.pub")["operation"]
    files, whole = [], first.at(f"{name}.whole")
    for keeper in keepers.all[1:]:
        keeper.wait_for(lambda keeper=keeper: "escrow" in keeper.ask("person4", "op", "show", given, "--json").out)
        path = first.at(f"{name}-{keeper.name}.escrow")
        with open(path, "w", encoding="utf-8") as file:
            file.write(keeper.must(keeper.ask("person4", "op", "show", given, "--json")).out)
        files += ["--escrow", path]
    command = ["key", "recover", whole, "--instance", INSTANCE, "--recovery-key", recovery]
    refused = run(*command, *files[:2])
    assert refused.code != 0 and "recovery.escrows" in refused.err and not os.path.exists(whole), refused
    check_escrows(first, name, f"{recovery}.pub", files, command)
    return whole, first.must(run(*command, *files)).err


def check_escrows(keeper, name, public, files, recover_command):
    """Anyone can say whose escrow is sound: of true ones, of one in which a byte was changed, of another recovery key."""
    command = ["key", "escrow-check", name, "--for", public, "--instance", INSTANCE, "--json"]
    sound = keeper.must(run(*command, *files)).json()
    assert sound["recoverable"] and [given["sound"] for given in sound["escrows"]] == [True, True], sound
    assert sound["public_key"] == keeper.must(keeper.ask("person1", "key", "parties", name, "--json")).json()["sharing"]["public_key"]
    with open(files[1], encoding="utf-8") as file:
        changed = json.load(file)
    escrow = bytearray(base64.b64decode(changed["result"]["escrow"]))
    escrow[len(escrow) // 2] ^= 1
    changed["result"]["escrow"] = base64.b64encode(escrow).decode()
    bad = keeper.at(f"{name}-bad.escrow")
    with open(bad, "w", encoding="utf-8") as file:
        json.dump(changed, file)
    with_bad = ["--escrow", bad, *files[2:]]
    refused = run(*command, *with_bad)
    assert refused.code != 0 and "escrow.proof" in refused.err and bad in refused.err, refused
    assert [given["sound"] for given in refused.json()["escrows"]] == [False, True] and not refused.json()["recoverable"], refused
    joined = run(*recover_command, *with_bad)
    assert joined.code != 0 and "recovery.escrows: 1 are sound" in joined.err and "of keeper b" in joined.err, joined
    if name == "eth-vault":
        check_liars_first(keeper, name, files, command, bad, changed)
    assert "escrow.key" in run("key", "escrow-check", "another", *command[3:], *files).err
    other = keeper.at(f"{name}-other.key")
    keeper.must(run("recovery", "keygen", other))
    assert run("key", "escrow-check", name, "--for", f"{other}.pub", "--instance", INSTANCE, *files).code != 0
    assert "escrow.holder" in run(*command, *files[:2], *files[:2]).err


def check_liars_first(keeper, name, files, command, bad, changed):
    """A lie that stands first says nothing about the files after it; of one word against one, nobody says which is true."""
    lies = {"unreadable": "no JSON", "unsound": json.dumps(changed), "renamed": None}
    with open(files[1], encoding="utf-8") as file:
        renamed = json.load(file)
    renamed["result"]["sharing"]["parties"][0]["name"] = "mallory"
    lies["renamed"] = json.dumps(renamed)
    for lie, text in lies.items():
        with open(bad, "w", encoding="utf-8") as file:
            file.write(text)
        told = run(*command, "--escrow", bad, *files)
        assert told.code == 1 and f"{bad}" in told.err and "escrow.proof: 1 of 3" in told.err, (lie, told)
        assert told.json()["recoverable"] and [given["sound"] for given in told.json()["escrows"]] == [False, True, True], (lie, told)
        whole = keeper.at(f"{name}-{lie}.whole")
        joined = keeper.must(run("key", "recover", whole, "--instance", INSTANCE, "--recovery-key", keeper.at("recovery.key"), "--escrow", bad, *files))
        assert bad in joined.err and os.path.exists(whole), (lie, joined)
        os.unlink(whole)
    even = run(*command, "--escrow", bad, *files[2:])
    assert even.code == 1 and "escrow.groups" in even.err and even.out == "", even


def import_whole(keeper, name, path, kind, *options):
    command = ["key", "import", name, "--account", "options-hot", "--secret-kind", kind, "--secret-file", path, "--json", *options]
    held = keeper.must(keeper.ask("person4", *command)).json()
    assert held["state"] == "held", held
    for who in ("person3", "person5"):
        keeper.must(keeper.ask(who, "op", "approve", held["operation"], "--yes", "--json"))
    done = keeper.must(keeper.ask("person4", *command)).json()
    assert done["state"] == "done", done
    return done["result"]["key"]


def drill(keepers, parties):
    """All shares are given to a recovery key; the whole keys are imported, and sign for the same addresses."""
    first = keepers.all[0]
    recovery = first.at("recovery.key")
    first.must(run("recovery", "keygen", recovery))
    for name, scheme in SCHEMES.items():
        whole, said = recover(keepers, name, recovery)
        kind = "scalar" if scheme == "ed25519" else "private_key"
        assert f"--secret-kind {kind}" in said, said
        algorithm = ["--algorithm", "ed25519"] if scheme == "ed25519" else []
        made = import_whole(first, name.replace("-vault", "-back"), whole, kind, *algorithm)
        assert made["public_key"] == parties[name]["sharing"]["public_key"], (made, parties[name])
    all_sign(first, parties, "-back")


def drill_of_an_extended_key(keepers):
    """The xprv gives what keepers derived of their shares, to another library and to the import."""
    first = keepers.all[0]
    first.submit("key", "create", "hd-vault", "--account", "options-hot", "--material", "extended", "--branch", "m/0", "--threshold", "2-of-3",
                 "--party", "a", "--party", "b", "--party", "c")
    derived = first.must(first.ask("person1", "key", "derive", "hd-vault", "m/0/7", "--json")).json()
    whole, said = recover(keepers, "hd-vault", first.at("recovery.key"))
    assert "--secret-kind xprv" in said, said
    with open(whole, encoding="ascii") as file:
        xprv = file.read().strip()
    assert node("derive.mjs", xprv, "m/0/7")["public_key"] == derived["public_key"], derived
    made = import_whole(first, "hd-back", whole, "xprv", "--material", "extended", "--branch", "m/0")
    again = first.must(first.ask("person1", "key", "derive", made["id"], "m/0/7", "--json")).json()
    assert again["public_key"] == derived["public_key"], (again, derived)
    first.submit("key", "refresh", "hd-vault")
    check_extended(keepers, derived, 2)
    return derived


def check_extended(keepers, derived, epoch):
    """Dealt anew it derives what it derived, and each keeper knows its share."""
    for keeper in keepers.all:
        proved = keeper.must(keeper.ask("person1", "key", "audit", "hd-vault", "--json")).json()
        assert proved["holds"] == keeper.name and proved["epoch"] == epoch, proved
        again = keeper.must(keeper.ask("person1", "key", "derive", "hd-vault", "m/0/7", "--json")).json()
        assert again["public_key"] == derived["public_key"], (again, derived)
        shown = keeper.must(keeper.ask("person1", "key", "parties", "hd-vault", "--json")).json()
        assert shown["age_days"] == 0 and not shown["refresh_is_overdue"] and shown["refresh_due_at"] == shown["dealt_at"] + 90 * 86_400_000, shown


def lose(keepers, lost):
    """Its machine goes with all that was on it; another one is founded in its place, and enrolled by people at each keeper."""
    first = keepers.all[0]
    party = keepers.all.index(lost) + 1
    lost.process.kill()
    lost.process.wait()
    lost.process = None
    for proxy in lost.proxies.values():
        proxy.close()
    shutil.rmtree(lost.data)
    for path in ("root-key", "enrolment.json"):
        os.unlink(lost.at(path))
    first.wait_for(lambda: first.health().get("missing") == [lost.name])
    first.submit("keeper", "remove", lost.name)
    lost.found()
    lost.start()
    lost.wait_for(lambda: lost.read("/readyz")[0] == 200)
    prepare(lost)
    lost.must(lost.ask("person1", "keeper", "show", "--out", lost.at("enrolment.json")))
    first.enrol(lost, party)
    # It counts admissions as the others do: shares are dealt to them.
    admission = first.keepers()[lost.name]["admission"]
    assert admission == 2
    for number, other in enumerate(keepers.all, 1):
        lost.enrol(other, number, *(["--admission", str(admission)] if other is lost else []))
    keepers.wait_all_up()


def put_back(keepers, old):
    """To what it was before each key was dealt anew: refused by the others, taken back by people, and of no use before it is dealt in."""
    first = keepers.all[0]
    assert old.stop() == 0
    subprocess.run(["cp", "-a", old.data, old.at("old")], check=True)
    old.start()
    keepers.wait_all_up()
    for name in SCHEMES:
        first.submit("key", "refresh", name)
    for keeper in keepers.all:
        keeper.wait_for(lambda keeper=keeper: all(epoch_of(keeper, name) == epoch_of(first, name) for name in SCHEMES))
    assert old.stop() == 0
    shutil.rmtree(old.data)
    subprocess.run(["cp", "-a", "-T", old.at("old"), old.data], check=True)
    old.start()
    for keeper in keepers.all:
        if keeper is not old:
            keeper.wait_for(lambda keeper=keeper: keeper.health().get("refused") == [old.name])
    head = first.keepers()[old.name]["refused_at"]
    readmitted = ["keeper", "readmit", old.name, "--size", str(head["size"]), "--root", head["root"]]
    first.submit(*readmitted)
    keepers.wait_all_up()
    held = old.ask("settlement", "op", "sign", "eth-vault", "--transaction", "-", "--json", given=ether(SHARED["nonce"], 1))
    assert "joint.too_few" in held.out and "gatehouse key repair eth-vault --keeper c" in held.out, held
    ask = ["key", "repair", "eth-vault", "--keeper", old.name, "--reason", "a backup", "--json"]
    asked = first.must(first.ask("person4", *ask)).json()
    for who in ("person3", "person5"):
        refused = first.ask(who, "op", "approve", asked["operation"], "--yes", "--json")
    assert "key.behind" in refused.out and "keeper readmit c" in refused.out, refused
    old.submit(*readmitted)
    for name in SCHEMES:
        first.submit("key", "repair", name, "--keeper", old.name)
        old.wait_for(lambda name=name: epoch_of(old, name) == epoch_of(first, name))


def epoch_of(keeper, name):
    return keeper.must(keeper.ask("person1", "key", "parties", name, "--json")).json()["sharing"]["epoch"]


def test_every_two_of_three_processes_sign_what_other_libraries_accept():
    if not os.path.exists(os.path.join(INDEPENDENT, "node_modules", "@solana", "web3.js")):
        raise tap.Skip("@solana/web3.js is not installed (npm ci in tests/independent)")
    with Keepers() as keepers:
        keepers.wait_all_up()
        first, second, third = keepers.all
        prepare(first)
        make_keys(keepers)
        parties = shown_by_all(keepers, {"eth-vault": 2, "sol-vault": 2, "btc-vault": 1})
        sign(first, "sol-vault", transfer(bytes.fromhex(parties["sol-vault"]["sharing"]["public_key"]), 10**7))
        change(first, ("person1", "person3"), "list", "confirm", "solana", f"solana:main:{base58(OWNER)}")
        each_two_sign(keepers, parties)
        drill(keepers, parties)
        derived = drill_of_an_extended_key(keepers)
        # The shares are renewed, and the key signs on: with all three there.
        for name in SCHEMES:
            first.submit("key", "refresh", name)
        all_sign(third, shown_by_all(keepers, {"eth-vault": 3, "sol-vault": 3, "btc-vault": 2}))
        lose(keepers, second)
        for name in SCHEMES:
            refused = third.must(third.ask("person4", "key", "repair", name, "--keeper", "d", "--reason", "a disk", "--json"), 2)
            assert "usage.keeper" in refused.err, refused
            third.submit("key", "repair", name, "--keeper", "b")
            second.wait_for(lambda name=name: second.ask("person1", "key", "parties", name, "--json").code == 0)
        third.submit("key", "repair", "hd-vault", "--keeper", "b")
        second.wait_for(lambda: second.ask("person1", "key", "parties", "hd-vault", "--json").code == 0)
        check_extended(keepers, derived, 3)
        repaired = shown_by_all(keepers, {"eth-vault": 4, "sol-vault": 4, "btc-vault": 3})
        assert {name: row["address"] for name, row in repaired.items()} == {name: row["address"] for name, row in parties.items()}
        # With the one that came back, and without each other.
        for gone in (first, third):
            assert gone.stop() == 0
            second.wait_for(lambda gone=gone: second.health().get("missing") == [gone.name])
            all_sign(second, repaired)
            gone.start()
            keepers.wait_all_up()
        put_back(keepers, third)
        assert first.stop() == 0
        third.wait_for(lambda: third.health().get("missing") == ["a"])
        all_sign(third, repaired)
        first.start()
        print(f"# {SHARED['signed']} transactions accepted")
        # By each two, by what was recovered, after the refresh, without each of two in turn, and with the one that was put back.
        assert SHARED["signed"] == (3 + 1 + 1 + 2 + 1) * len(SCHEMES), SHARED


if __name__ == "__main__":
    tap.main(globals())
