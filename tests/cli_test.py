#!/usr/bin/env python3
"""A firm is founded, served and used through the program alone: keys, transfers, approvals, offline votes, refusals, receipts, replay.
Every request and answer of it is as docs/openapi.yaml says."""

import base64
import glob
import hashlib
import hmac
import http.client
import json
import os
import pty
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

import openapi
import processes
import tap
from installation import PATIENCE_S, free_port
from passkey import Passkey
from northwind import PEOPLE, PROGRAM, ROOT, SERVER, VERIFIER, Exchange, Northwind, rlp, run, transfer

SHARED = {}
# Entries that are about the installation, the keeper or the log; all others name the legal entity of whoever or whatever they are about.
OF_NOBODY = {"backup", "clock", "configuration", "cosignature", "counts", "genesis", "recovered", "start", "stop"}


def house():
    """One installation for all tests that only use it."""
    if "house" not in SHARED:
        SHARED["house"] = made = Northwind()
        SHARED["founded"] = made.found()
        made.start()
        key = made.must(made.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        assert key["state"] == "held" and key["missing"] == {"group.security": 2, "independent": 1}, key
        made.approve(key["operation"], "person3", "person5")
        SHARED["nonce"] = 0
    return SHARED["house"]


def sign(who="settlement", hundredths=10, *options, to="3535353535353535353535353535353535353535", data=b""):
    firm = house()
    text = transfer(SHARED["nonce"], hundredths, to, data)
    SHARED["nonce"] += 1
    return firm.ask(who, "op", "sign", "eth-hot", "--transaction", "-", "--json", *options, given=text)


def held():
    """A transfer above the small limit, waiting."""
    answer = house().must(sign("settlement", 400)).json()
    assert answer["state"] == "held", answer
    return answer


# --- Without an installation. ---


def names_of_commands():
    return re.findall(r"^  ([a-z]+(?: [a-z][a-z-]*){0,2}?)(?: [\[A-Z].*?)?  ", run("--help").out, re.MULTILINE)


def test_help_completion_and_manual_name_every_command():
    names = names_of_commands()
    assert len(names) > 60 and {"witness serve", "ledger verify log", "init", "init sign"} <= set(names), names
    manual, completion = run("manual"), run("completion", "bash")
    assert manual.code == 0 and completion.code == 0
    for name in names:
        assert name.replace("-", "\\-") in manual.out, name
        assert all(word in completion.out for word in name.split()), name
        shown = run(*name.split(), "--help")
        assert shown.code == 0 and shown.err == "" and shown.out.startswith(f"usage: gatehouse {name}"), (name, shown)
        assert "\n  --help " in shown.out and "\nexit codes:\n  0 " in shown.out, (name, shown)


def test_help_on_what_begins_several_commands_lists_them():
    for words, listed in ((("ledger",), ["ledger show", "ledger verify log"]), (("ledger", "verify"), ["ledger verify receipt", "ledger verify checkpoint"]),
                          (("witness",), ["witness init", "witness serve"])):
        shown, alone = run(*words, "--help"), run(*words)
        assert shown.code == 0 and shown.err == "" and alone.code == 2 and alone.out == shown.out, (shown, alone)
        assert all(f"  {name} " in shown.out for name in listed) and "usage:" not in shown.out, shown


def test_what_verifies_and_what_witnesses_name_themselves_as_they_were_called():
    for words, said in ((("ledger", "verify", "record"), 'there is no command "ledger verify record"'), (("ledger", "verify", "log"), "usage: gatehouse ledger verify log DIRECTORY "),
                        (("ledger", "verify", "log", "x", "--entry", "y"), "usage.option: --entry"), (("witness", "add", "w"), "usage: gatehouse witness add DIRECTORY --logs POLICY "),
                        (("witness", "init", "w"), "usage: gatehouse witness init DIRECTORY NAME "), (("witness", "sign", "w"), 'there is no command "witness sign"'),
                        (("ledger", "verify", "receipt", "x", "--policy", "p", "--key", "k"), "gatehouse ledger verify: usage.pins"),
                        (("ledger", "verify", "receipt", "/nonexistent"), "gatehouse ledger verify: io.open"),
                        (("witness", "serve", "w", "--logs", "l", "--listen", "nowhere"), "gatehouse witness: endpoint.form")):
        wrong = run(*words)
        assert wrong.code == 2 and wrong.out == "" and said in wrong.err, wrong
    for words, code, said in ((("--help",), 0, "usage: gatehouse-verify receipt FILE"), (("log", "--help"), 0, "usage: gatehouse-verify receipt FILE"),
                              (("record", "x"), 2, "gatehouse-verify: usage.verb"), (("log", "/nonexistent"), 2, "gatehouse-verify: ")):
        done = subprocess.run([VERIFIER, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code and (done.stdout if code == 0 else done.stderr).startswith(said), done


def test_who_creates_a_shared_key_hears_first_what_limits_are_worth_where_keepers_lie():
    for threshold, said in (("2-of-3", "limits hold against 0 lying keepers; with 1, a limit can be spent 2 times; 2 sign what they like"),
                            ("3-of-4", "limits hold against 1 lying keepers; with 2, a limit can be spent 2 times; 3 sign what they like"),
                            ("3-of-5", "limits hold against 0 lying keepers; with 1, a limit can be spent 2 times, with 2, 3 times; 3 sign what they like"),
                            ("4-of-7", "limits hold against 0 lying keepers; with 1, a limit can be spent 2 times, with 2, 2 times, with 3, 4 times; "
                                       "4 sign what they like"),
                            ("3-of-3", "limits hold against 2 lying keepers; 3 sign what they like"), ("2-of-4", "two sets of signers need not meet; no limit holds")):
        asked = run("key", "create", "vault", "--account", "options-hot", "--threshold", threshold, "--party", "a", "--party", "b")
        assert asked.code != 0 and f"{threshold}: {said}\n" in asked.err, asked


def options_of_commands():
    """Of each command, by its name."""
    return {name: set(re.findall(r"^  --([a-z-]+)", run(*name.split(), "--help").out, re.MULTILINE)) for name in names_of_commands()}


def test_commands_that_documents_show_take_the_options_that_they_show():
    options, shown = options_of_commands(), 0
    verifier = subprocess.run([VERIFIER, "--help"], capture_output=True, text=True, check=True).stdout
    options["gatehouse-verify"] = set(re.findall(r"^  --([a-z-]+)", verifier, re.MULTILINE))
    for path in [os.path.join(ROOT, "README.md"), *glob.glob(os.path.join(ROOT, "docs", "*"))]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for line in re.findall(r"^    (.*)$", text, re.MULTILINE) + re.findall(r"`([^`\n]+)`", text):
            words = re.match(r"(?:.*?\bgatehouse )?(gatehouse-verify|[a-z]+)(?: ([a-z][a-z-]*))?(?: ([a-z][a-z-]*))?\b([^#]*)", line)
            names = [] if words is None else [name for name in (f"{words[1]} {words[2]} {words[3]}", f"{words[1]} {words[2]}", words[1]) if name in options]
            if not names:
                assert not re.match(r"gatehouse [a-z]+ [a-z-]+ .*--", line), f"{path}: {line}"
                continue
            for option in re.findall(r"(?<!\S)--([a-z][a-z-]*)", words[4]):
                assert option in options[names[0]], f"{path}: {names[0]} takes no --{option}: {line}"
                shown += 1
    assert shown > 40, shown


def check_metrics(page):
    """Each family is of the kind that the document states, with the labels that it names."""
    with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
        rows = {name: (kind, set(re.findall(r"`([a-z_]+)`", labels)))
                for name, kind, labels in re.findall(r"^\| `(gatehouse_[a-z_]+)` \| (\w+) \| ([^|]*) \|", file.read(), re.MULTILINE)}
    families = re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE)
    assert len(families) > 40, families
    for name, kind in families:
        assert rows[name][0] == kind, f"{name} is a {kind}"
        samples = re.findall(rf"^{name}(?:_total|_bucket|_sum|_count)?(?:{{(.*)}})? \S+$", page, re.MULTILINE)
        labels = {label for sample in samples for label in re.findall(r'([a-z_]+)="', sample)} - {"le"}
        assert labels == rows[name][1] or (not samples and labels <= rows[name][1]), f"{name} has the labels {labels}"


def test_the_completion_is_bash_and_completes():
    script = run("completion", "bash").out + """
COMP_WORDS=(gatehouse op a); COMP_CWORD=2; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse op approve --off); COMP_CWORD=3; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse ledger v); COMP_CWORD=2; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse ledger verify ""); COMP_CWORD=3; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse ledger verify log --ti); COMP_CWORD=4; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse init s); COMP_CWORD=2; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse init --fou); COMP_CWORD=2; _gatehouse; echo "${COMPREPLY[@]}"
COMP_WORDS=(gatehouse --ver); COMP_CWORD=1; _gatehouse; echo "${COMPREPLY[@]}"
"""
    done = subprocess.run(["bash", "-u", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["approve", "--offline", "verify", "receipt checkpoint log", "--tiles", "sign", "--founding", "--version"], done


def described_members(text):
    """Of the lines below "payload of KIND:", by depth: [(name, what is expected, whether it may be left out, members below it)]."""
    found, stack = [], []
    for line in text.splitlines():
        depth, name, expected = len(line) - len(line.lstrip()), *line.split(None, 1)
        while stack and stack[-1][0] >= depth:
            stack.pop()
        row = (name, expected.removesuffix("; may be left out"), expected.endswith("; may be left out"), [])
        (stack[-1][1] if stack else found).append(row)
        stack.append((depth, row[3]))
    return found


def test_the_help_of_every_kind_says_of_its_payload_what_the_document_says():
    document, kinds = openapi.Document(), 0

    def compare(where, rows, schema):
        schema = document.resolve(schema)
        assert [name for name, *_ in rows] == sorted(schema.get("properties", {})), where
        assert {name for name, _, optional, _ in rows if not optional} == set(schema.get("required", [])), where
        for name, expected, _, below in rows:
            member = document.resolve(schema["properties"][name])
            element = document.resolve(member["items"]) if "items" in member else member
            for choice in element.get("enum", [element["const"]] if "const" in element else []):
                assert isinstance(choice, int) or f'"{choice}"' in expected, (where, name, expected)
            if below:
                compare(f"{where}.{name}", below, element)
        return len(rows)

    members = 0
    for row in document.root["components"]["schemas"]["OperationRequest"]["oneOf"]:
        rule = row["properties"]["operation"]["properties"]["kind"]
        for kind in [rule["const"]] if "const" in rule else rule["enum"]:
            shown = run("op", "submit", kind, "--help")
            text = shown.out.partition(f"payload of {kind}:\n")[2]
            assert shown.code == 0 and text != "", shown
            members += compare(kind, [] if text == "  none\n" else described_members(text), row["properties"]["payload"])
            kinds += 1
    assert kinds > 40 and members > 90, (kinds, members)
    listed = run("op", "submit", "--help").out
    assert all(f"  {kind}\n" in listed for kind in document.root["components"]["schemas"]["OperationKind"]["enum"]), listed
    unknown = run("op", "submit", "sing", "--help")
    assert unknown.code == 2 and "usage.kind" in unknown.err and unknown.out == "", unknown


def test_a_usage_error_exits_2_and_says_what_was_expected():
    for arguments, name in [
        ([], "usage.command"), (["nothing"], "usage.command"), (["op", "nothing"], "usage.command"),
        (["op", "reject", "00" * 32, "--yes"], "usage.reason"), (["op", "show"], "usage.words"), (["op", "show", "a", "b"], "usage.words"), (["op", "show", "xyz"], "usage.id"),
        (["op", "list", "--nothing", "1"], "usage.option"), (["op", "list", "-x"], "usage.option"),
        (["op", "list", "--limit"], "usage.value"), (["op", "list", "--limit", "1", "--limit=2"], "usage.repeated"),
        (["op", "list", "--json=1"], "usage.flag"), (["key", "create", "k"], "usage.missing"),
        (["init"], "usage.init"), (["completion", "fish"], "usage.shell"), (["process", "clerk"], "usage.role"),
        (["workload", "keygen", "/tmp/none"], "usage.id"), (["list", "add", "x"], "usage.entries"),
        (["list", "add", "x", "a:b", "--wait", "25h", "--effective-from", "2099-01-01T00:00:00Z"], "usage.wait"),
        (["list", "add", "x", "a:b", "--wait", "soon"], "usage.duration"),
        (["list", "add", "x", "a:b", "--probation", "0"], "usage.probation"),
    ]:
        result = run(*arguments, GATEHOUSE_PROFILE="/dev/null")
        assert result.code == 2 and result.out == "" and name in result.err, (arguments, result)


# A PSBT with one input whose previous transaction is there, to two addresses that are nobody's here.
PSBT = ("cHNidP8BAHECAAAAAbLPmkP+nQ+chb6xYW+jEyygrDaXy8oFQDNNZRc/aQuuAAAAAAD9////AqCGAQAAAAAAFgAUMzMzMzMzMzMzMzMzMzMzMzMzMzNAnAAAAAAAABYA"
        "FEREREREREREREREREREREREREREAAAAAAABAFICAAAAARERERERERERERERERERERERERERERERERERERERERERAAAAAAD/////AfBJAgAAAAAAFgAUIiIiIiIiIiIi"
        "IiIiIiIiIiIiIiIAAAAAAQEf8EkCAAAAAAAWABQiIiIiIiIiIiIiIiIiIiIiIiIiIgAAAA==")


def test_a_psbt_is_explained_for_the_network_that_is_named():
    for network, symbol, address in [("main", "BTC", "bc1qxvenx"), ("test", "tBTC", "tb1qxvenx"), ("testnet4", "tBTC", "tb1qxvenx"),
                                     ("signet", "sBTC", "tb1qxvenx"), ("regtest", "rBTC", "bcrt1qxvenx")]:
        shown = run("tx", "decode", "-", "--network", network, given=PSBT)
        assert shown.code == 0 and f"chain         bitcoin:{network}\n" in shown.out, shown
        assert f"0.001 {symbol} to {address}" in shown.out and f":0  0.0015 {symbol}  p2wpkh\n" in shown.out, shown
        view = run("tx", "decode", "-", "--json", "--network", network, given=PSBT).json()
        assert view["chain"] == f"bitcoin:{network}", view
    for given, network, name in [(PSBT, "mainnet", "bitcoin.chain"), (transfer(7, 123), "test", "usage.network")]:
        refused = run("tx", "decode", "-", "--network", network, given=given)
        assert refused.code == 2 and refused.out == "" and name in refused.err, refused


def test_two_psbts_of_one_transaction_are_combined():
    whole = base64.b64decode(PSBT)
    end = 5 + 2 + 1 + whole[7]  # of the global map's one record

    def with_record(key, value):
        return base64.b64encode(whole[:end] + bytes([2, 0xEF, key, 1, value]) + whole[end:]).decode()

    with tempfile.TemporaryDirectory() as at:
        def combined(*given, json=()):
            names = [os.path.join(at, str(number)) for number in range(len(given))]
            for name, text in zip(names, given):
                with open(name, "w", encoding="utf-8") as file:
                    file.write(text)
            return run("tx", "combine", *names, *json)

        both = base64.b64encode(whole[:end] + bytes([2, 0xEF, 1, 1, 65, 2, 0xEF, 2, 1, 66]) + whole[end:]).decode()
        done = combined(with_record(1, 65), with_record(2, 66))
        assert done.code == 0 and done.out == both + "\n", done
        assert combined(with_record(1, 65), with_record(2, 66), json=["--json"]).json() == {"psbt": both}
        other = bytearray(whole)
        other[end - 1] ^= 1  # its lock time
        for given, name, code in [((with_record(1, 65), with_record(1, 66)), "psbt.combine_conflict", 1),
                                  ((PSBT, base64.b64encode(other).decode()), "psbt.combine_transaction", 1),
                                  ((PSBT, "0x02"), "psbt.magic", 2)]:
            refused = combined(*given)
            assert refused.code == code and refused.out == "" and name in refused.err, refused


def test_a_transaction_is_explained_without_an_installation():
    for given, text in [
        (transfer(7, 123), """\
kind          native
chain         eip155:1
sends         1.23 ETH to 0x3535353535353535353535353535353535353535  (no price)
fee at most   0.00063 ETH  (no price)
transaction   dynamic fee (EIP-1559), unsigned
nonce         7
gas           21000 at 30 gwei at most
priority fee  1 gwei
"""),
        (transfer(0, 0, "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", bytes.fromhex("095ea7b3") + bytes(12) + b"5" * 20 + b"\xff" * 32), """\
kind          unrecognised_call
chain         eip155:1
sends         0 ETH to 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48
fee at most   0.0024 ETH  (no price)
transaction   dynamic fee (EIP-1559), unsigned
calls         0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48, 68 bytes of data
nonce         0
gas           80000 at 30 gwei at most
priority fee  1 gwei
warning       what this call does is not known: it may move more than is shown
"""),
        (PSBT, """\
kind          native
chain         bitcoin:main
sends         0.001 BTC to bc1qxvenxvenxvenxvenxvenxvenxvenxven2ymjt8  (no price)
sends         0.0004 BTC to bc1qg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zy4tnddf  (no price)
fee at most   0.0001 BTC  (no price)
spends        ae0b693f17654d334005cacb9736aca02c13a36f61b1be859c0f9dfe439acfb2:0  0.0015 BTC  p2wpkh
replaceable   yes (BIP-125)
"""),
    ]:
        result = run("tx", "decode", "-", given=given)
        assert result.code == 0 and result.out == text, result
        assert run("tx", "decode", "-", "--json", given=given).json()["type"] == "gatehouse/view/v1"


def test_token_calls_are_explained_with_the_assets_of_a_file():
    usdc, to, owner = "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", bytes(12) + b"5" * 20, bytes(12) + b"\x77" * 20
    assets = os.path.join(ROOT, "examples", "assets.yaml")
    amount, unlimited = (12_500_000).to_bytes(32, "big"), b"\xff" * 32
    for data, kind, lines in [
        ("a9059cbb", "token_transfer", ["sends         12.5 USDC to 0x3535"]),
        ("23b872dd", "token_transfer_from", ["sends         12.5 USDC to 0x3535", "tokens of     0x7777"]),
        ("095ea7b3", "token_approve", ["allows        12.5 USDC to 0x3535"]),
        ("095ea7b3 all", "token_approve", ["allows        ", "warning       the allowance is unlimited"]),
    ]:
        selector, _, all_of_it = data.partition(" ")
        call = bytes.fromhex(selector) + (owner if kind == "token_transfer_from" else b"") + to + (unlimited if all_of_it else amount)
        given = transfer(3, 0, usdc, call)
        told, view = run("tx", "decode", "-", "--assets", assets, given=given), run("tx", "decode", "-", "--assets", assets, "--json", given=given)
        assert told.code == 0 and told.out.startswith(f"kind          {kind}\n") and all(f"\n{line}" in told.out for line in lines), told
        assert ("unlimited" in told.out) == (all_of_it != "") and "not known" not in told.out, told
        seen = view.json()
        assert view.code == 0 and seen["kind"] == kind and seen["approve_unlimited"] == (all_of_it != "") and not seen["call_unrecognised"], view
        assert seen["movements"][0]["asset"] == f"eip155:1/0x{usdc}" and seen["movements"][0]["text"].endswith(" USDC"), view
        assert run("tx", "decode", "-", "--json", given=given).json()["kind"] == "unrecognised_call"
        other = run("tx", "decode", "-", "--assets", assets, "--json", given=transfer(3, 0, "35" * 20, call)).json()
        assert other["kind"] == "unrecognised_call", other
    priced = 'assets: [{chain: "eip155:1", symbol: ETH, decimals: 18, price_usd: "2000"}]'
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        for text, code, said in [(priced, 0, "1.23 ETH to 0x3535353535353535353535353535353535353535  ($2460.00)"),
                                 ('assets:\n  - {chain: "eip155:1", symbol: ETH}\n', 2, f"yaml.missing_key: {file.name}:2:"),
                                 ('assets:\n  - {chain: "eip155:1", symbol: E T, decimals: 1}\n', 2, f"asset.symbol: {file.name}:2:5: "),
                                 (priced[:-1] + ', {chain: "eip155:1", symbol: ETH, decimals: 8}]', 2, f"asset.conflict: {file.name}:1:")]:
            file.seek(0)
            file.truncate()
            file.write(text)
            file.flush()
            told = run("tx", "decode", "-", "--assets", file.name, given=transfer(7, 123))
            assert told.code == code and said in (told.err if code else told.out) and (code == 0 or told.out == ""), told
    assert "usage.assets" in run("tx", "decode", "-", "--assets", "-").err


def test_what_is_read_and_the_gate_would_not_sign_exits_with_1_and_says_why():
    to = bytes.fromhex("35" * 20)
    legacy = [5, 10**9, 21000, to, 10**15, b""]
    signature = [1, 1]
    for given, name, shown in [
        ("0x" + rlp(legacy).hex(), "evm.chain_id.missing: ", "sends         1000000000000000 smallest units of whatever the chain's own asset is to 0x3535"),
        ("0x" + rlp([*legacy, 37, *signature]).hex(), "evm.signed: ", "sends         0.001 ETH to 0x3535"),
        (PSBT.replace("AQEf8EkC", "AQEf8EkD"), "psbt.", "spends        ae0b693f17654d334005cacb9736aca02c13a36f61b1be859c0f9dfe439acfb2:0  "),
    ]:
        told, view = run("tx", "decode", "-", given=given), run("tx", "decode", "-", "--json", given=given)
        assert told.code == 1 and told.err == "" and f"\n{shown}" in told.out, told
        warnings = [line for line in told.out.splitlines() if line.startswith("warning       the gate does not sign this: ")]
        assert len(warnings) == 1 and view.code == 1 and view.json()["refusal"].startswith(name) and warnings[0].endswith(view.json()["refusal"]), (told, view)


def test_a_network_transaction_of_bitcoin_is_told_with_what_it_does_not_say():
    spent, script = b"\x11" * 32 + (3).to_bytes(4, "little"), bytes.fromhex("0014") + b"\x33" * 20
    front, outputs = b"\2\0\0\0", b"\1" + spent + b"\0" + b"\xff" * 4 + b"\1" + (70_000).to_bytes(8, "little") + bytes([len(script)]) + script
    witness, lock_time = b"\2\1\x30\1\2", bytes(4)
    signed, stripped = front + b"\0\1" + outputs + witness + lock_time, front + outputs + lock_time

    def twice(data):
        return hashlib.sha256(hashlib.sha256(data).digest()).digest()[::-1].hex()

    given = signed.hex()
    told = run("tx", "decode", "-", given=given)
    assert told.code == 1 and told.err == "" and told.out == f"""\
kind          native
chain         bitcoin:main
sends         0.0007 BTC to bc1qxvenxvenxvenxvenxvenxvenxvenxven2ymjt8  (no price)
spends        {"11" * 32}:3  amount not known, sequence 4294967295, signed
fee           not known: a network transaction does not say what its inputs are worth
change        not known: any output may go back to whoever pays
transaction   version 2, 1 of 1 inputs signed, by whom and whether it holds not known
txid          {twice(stripped)}
wtxid         {twice(signed)}
size          {len(signed)} bytes, {(3 * len(stripped) + len(signed) + 3) // 4} vB, weight {3 * len(stripped) + len(signed)}
replaceable   no
warning       the gate does not sign this: bitcoin.network_transaction: a network transaction; the gate signs PSBTs (BIP-174)
""", told
    for options, chain in ((["--network", "signet"], "bitcoin:signet"), (["--format", "bitcoin"], "bitcoin:main")):
        view = run("tx", "decode", "-", "--json", *options, given=given)
        assert view.code == 1 and view.json()["format"] == "bitcoin" and view.json()["chain"] == chain and view.json()["details"]["signed"] is True, view
    for options, code, name in ((["--format", "evm"], 1, "evm."), (["--format", "psbt"], 1, "psbt.magic"), (["--format", "doge"], 2, "wallet.format"),
                                (["--format", "bitcoin", "--network", "mainnet"], 2, "bitcoin.chain")):
        refused = run("tx", "decode", "-", *options, given=given)
        assert refused.code == code and refused.out == "" and name in refused.err, (options, refused)
    assert run("tx", "decode", "-", "--format", "psbt", given=PSBT).code == 0
    asked = house().ask("settlement", "op", "sign", "eth-hot", "--transaction", "-", given=given)
    assert asked.code == 2 and "payload.format: a network transaction of Bitcoin" in asked.err, asked


def test_what_is_no_transaction_is_refused_by_name():
    for given, name in [("0x02c0", "evm.transaction.items"), ("hello", "wallet.text"), ("", "wallet.text"), ("cHNidP8=", "psbt.missing_map"),
                        ("0x05" + "00" * 10, "evm.type"), (transfer(1, 1)[:-2], "evm.transaction.truncated"), (PSBT[:-8], "psbt.")]:
        result = run("tx", "decode", "-", given=given)
        assert result.code == 1 and result.out == "" and f"gatehouse: {name}" in result.err, (given, result)
    missing = run("tx", "decode", "/nowhere")
    assert missing.code == 2 and "input.open" in missing.err, missing


def test_policies_are_checked_with_line_and_column():
    good = run("policy", "check", os.path.join(ROOT, "examples", "firm", "policy", "policies.cedar"), "--json")
    assert good.code == 0 and good.json()["policies"] > 10 and good.json()["findings"] == [], good
    bad = run("policy", "check", "-", given="permit(principal when")
    assert bad.code == 1 and "-:1:18" in bad.out and "^" in bad.out, bad


def test_policies_are_validated_and_entities_and_requests_judged_by_a_schema():
    with tempfile.TemporaryDirectory() as folder:
        def write(name, text):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return path
        schema = write("s.cedarschema", "entity User {age: Long}; entity Doc; action view appliesTo {principal: User, resource: Doc};")
        policies = write("p.cedar", "permit(principal, action, resource) when { principal.age > 17 };\n"
                                    "permit(principal, action, resource) when { principal.name == 1 };\n"
                                    "permit(principal is Doc, action, resource);\n")
        entities = write("e.json", '[{"uid":{"type":"User","id":"a"},"attrs":{"age":"x"},"parents":[]}]')
        request = write("r.json", '{"principal":{"type":"Doc","id":"d"},"action":{"type":"Action","id":"view"},'
                                  '"resource":{"type":"Doc","id":"d"},"context":{}}')
        checked = run("policy", "check", policies, "--schema", schema, "--entities", entities, "--request", request, "--json")
        found = checked.json()
        assert checked.code == 1, checked
        assert [finding["name"] for finding in found["findings"]] == ["fit.type", "fit.applies_to", "validate.attribute"], found
        assert [warning["name"] for warning in found["warnings"]] == ["validate.inapplicable"], found
        assert run("policy", "check", "--schema", schema, "-", given="permit(principal, action, resource);").code == 0


def test_published_cases_are_run_and_what_differs_is_named():
    with tempfile.TemporaryDirectory() as folder:
        def write(name, text):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)

        def conform(decision, *options):
            request = {"principal": {"type": "User", "id": "a"}, "action": {"type": "Action", "id": "view"}, "resource": {"type": "Doc", "id": "d"},
                       "context": {}, "decision": decision, "reason": ["policy0"], "errors": []}
            write("case.json", json.dumps({"policies": "p.cedar", "entities": "e.json", "requests": [request]}))
            return run("policy", "conform", folder, *options)
        nothing = run("policy", "conform", folder)
        assert nothing.code == 2 and nothing.out == "" and "conform.none" in nothing.err, nothing
        write("p.cedar", "permit(principal, action, resource);")
        write("e.json", "[]")
        counts = {"cases": 1, "requests": 1, "validations": 0, "validations_agree": 0}
        good, bad = conform("allow", "--json"), conform("deny", "--json")
        difference = f"{folder}/case.json: request 0: expected deny, found allow"
        assert good.code == 0 and good.json() == {**counts, "agree": 1, "differences": []}, good
        assert bad.code == 1 and bad.json() == {**counts, "agree": 0, "differences": [difference]}, bad
        for_people = conform("deny")
        assert for_people.code == 1 and for_people.out.endswith(f"\ndifference: {difference}\n"), for_people


def test_policies_and_schemas_are_laid_out_and_converted_there_and_back():
    text = "permit(principal,action,resource) when{1<2 /* no */};".replace("/* no */", "")
    formatted = run("policy", "format", "-", given=text)
    assert formatted.code == 0 and formatted.out == "permit (principal, action, resource)\nwhen { 1 < 2 };\n", formatted
    assert run("policy", "format", "--check", "-", given=formatted.out).code == 0
    checked = run("policy", "format", "--check", "-", given=text)
    assert checked.code == 1 and checked.out == "" and "laid out" in checked.err, checked
    assert run("policy", "format", "-", given="permit(").code == 1
    as_json = run("policy", "convert", "-", given=text)
    assert as_json.code == 0 and json.loads(as_json.out)["staticPolicies"]["policy0"]["effect"] == "permit", as_json
    assert run("policy", "convert", "-", given=as_json.out).out == formatted.out
    with tempfile.TemporaryDirectory() as folder:
        schema, other, again = (os.path.join(folder, name) for name in ("a.cedarschema", "b.cedarschema.json", "c.cedarschema"))
        with open(schema, "w", encoding="utf-8") as file:
            file.write("entity User in [Group] {\n  age?: Long\n};\nentity Group;\n")
        assert run("policy", "convert", schema, "--out", other).code == 0
        assert run("policy", "convert", other, "--out", again).code == 0
        with open(schema, encoding="utf-8") as before, open(again, encoding="utf-8") as after:
            assert before.read() == after.read()


def test_a_key_file_is_made_once_and_refused_where_others_can_read_it():
    firm = Northwind()
    path = firm.at("keys", "one")
    made = firm.must(run("person", "keygen", path, "--json")).json()
    assert re.fullmatch(r"person:p-[0-9a-f]{16}/terminal", made["key_id"]), made
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path + ".pub", encoding="utf-8") as file:
        assert "seed" not in file.read()
    assert "output.open" in firm.must(run("person", "keygen", path), 1).err
    os.chmod(path, 0o640)
    arguments = ["--key", path, "--url", "https://127.0.0.1:1", "--insecure-demo"]
    assert "key_file.mode" in firm.must(run("key", "list", *arguments), 1).err
    os.chmod(path, 0o600)
    assert "connection.connect" in firm.must(run("key", "list", *arguments), 3).err
    firm.remove()


def test_a_founding_that_would_not_hold_leaves_nothing_behind():
    firm = Northwind()
    firm.make_keys()
    with open(firm.founding, encoding="utf-8") as file:
        good = file.read()
    signers = ["--sign-with", firm.at("keys", "1"), "--sign-with", firm.at("keys", "3")]
    for old, new, name, who in [
        ("keeper: keeper-1", "keeper: keeper-1\nfounder: me", "yaml.unknown_key", signers),
        ("kind: allowed", "kind: wanted", "yaml.choice", signers),
        ("price_usd: \"3000\"", "price_usd: \"3,000\"", "price.form", signers),
        ("groups: [treasury, security]\n", "groups: [treasury]\n", "directory.unknown", signers),
        ("keys/2.pub", "keys/1.pub", "founding.key", signers),
        ("bundle: policy", "bundle: nowhere", "io.open", signers),
        ("networks: [127.1.0.0/16]", "networks: [127.1.0.0/33]", "payload.networks[0]", signers),
        ("", "", "genesis.signatures", signers[:2]),
        ("", "", "genesis.signer", ["--sign-with", firm.at("keys", "1"), "--sign-with", firm.at("keys", "settlement")]),
        ("", "", "genesis.signer", signers[:2] * 2),
    ]:
        with open(firm.founding, "w", encoding="utf-8") as file:
            file.write(good.replace(old, new, 1))
        result = run("init", "--config", firm.config, "--founding", firm.founding, *who)
        assert result.code in (1, 2) and name in result.err, (old, name, result)
        assert not os.path.exists(firm.data), (old, os.listdir(firm.data))
    firm.remove()


def test_a_founding_fits_its_entry_to_the_byte_or_is_refused_with_the_one_way_out():
    firm = Northwind(guard="none")
    firm.make_keys()
    policies = firm.at("policy", "policies.cedar")
    with open(policies, encoding="utf-8") as file:
        shipped = file.read()
    found = ["init", "--config", firm.config, "--founding", firm.founding]
    signers = ["--sign-with", firm.at("keys", "1"), "--sign-with", firm.at("keys", "3")]

    def refused_size(length, *how):
        with open(policies, "w", encoding="utf-8") as file:
            file.write(f"{shipped}// {'x' * length}\n")
        result = run(*found, *how)
        assert result.code != 0 and "founding.size" in result.err and "policy activate" in result.err, result
        assert not os.path.exists(firm.data)
        return int(re.search(r"an entry of ([0-9]+) bytes", result.err).group(1))

    longest = 50_000 - (refused_size(50_000, *signers) - 65_535)
    assert refused_size(longest + 1, *signers) == 65_536
    assert refused_size(longest + 1, "--print-document") == 65_536
    # The origin, with the keeper's name, and both keys of the log, which begin with it.
    assert refused_size(longest + 1, "--keeper", "k" * 32, *signers) == 65_536 + 3 * (32 - len("keeper-1"))
    with open(policies, "w", encoding="utf-8") as file:
        file.write(f"{shipped}// {'x' * longest}\n")
    with open(firm.at("document"), "w", encoding="utf-8") as file:
        file.write(firm.must(run(*found, "--print-document")).out)
    signatures = []
    for number in ("1", "3", "5"):
        firm.must(run("init", "sign", firm.at("document"), "--with", firm.at("keys", number), "--out", firm.at("signature" + number), "--yes"))
        signatures += ["--signature", firm.at("signature" + number)]
    third = run("init", "--config", firm.config, *signatures)  # for which there is no room
    assert third.code != 0 and "founding.size" in third.err and os.listdir(os.path.join(firm.data, "ledger")) == [], third
    firm.must(run("init", "--config", firm.config, *signatures[:4]))
    written = b"".join(segments_of(firm))
    entry = re.search(rb'\{"at":[0-9]+,"body":\{"document":.*?"type":"genesis","version":1\}', written, re.DOTALL).group()
    assert len(entry) == 65_535, len(entry)
    firm.remove()


def test_founders_sign_apart_and_the_installation_serves():
    firm = Northwind(guard="none")
    firm.make_keys()
    document = firm.at("document")
    with open(document, "w", encoding="utf-8") as file:
        file.write(firm.must(run("init", "--config", firm.config, "--founding", firm.founding, "--print-document")).out)
    for number in ("2", "4"):
        firm.must(run("init", "sign", document, "--with", firm.at("keys", number), "--out", firm.at("signature" + number), "--yes"))
    one = run("init", "--config", firm.config, "--signature", firm.at("signature2"))
    assert one.code == 1 and "genesis.signatures" in one.err, one
    both = ["--signature", firm.at("signature2"), "--signature", firm.at("signature4")]
    with open(firm.at("signature4"), encoding="utf-8") as file:
        forged = file.read().replace('"signature":"', '"signature":"0', 1)[:-4] + '"}\n'
    with open(firm.at("forged"), "w", encoding="utf-8") as file:
        file.write(forged)
    refused = run("init", "--config", firm.config, *both[:2], "--signature", firm.at("forged"))
    assert refused.code in (1, 2), refused
    founded = firm.must(run("init", "--config", firm.config, "--json", *both)).json()
    assert founded["signed_by"] == [f"person:{PEOPLE['person2']}/terminal", f"person:{PEOPLE['person4']}/terminal"], founded
    assert run("init", "--config", firm.config, *both).code != 0
    firm.start()
    assert firm.must(firm.ask("person1", "instance", "show", "--json")).json()["origin"] == "northwind.example/keeper-1"
    assert firm.stop() == 0
    firm.remove()


# --- With one. ---


def test_what_was_founded_is_what_is_listed():
    firm = house()
    assert firm.must(firm.ask("person1", "instance", "show", "--json")).json()["instance"] == "northwind.example"
    assert len(firm.must(firm.ask("person1", "person", "list", "--json")).json()) == 5
    assert len(firm.must(firm.ask("settlement", "workload", "list", "--json")).json()) == 3
    groups = {group["id"]: len(group["members"]) for group in firm.must(firm.ask("person1", "group", "list", "--json")).json()}
    assert groups == {"treasury": 3, "security": 3}, groups
    prices = {price["symbol"]: price["microcents"] for price in firm.must(firm.ask("person1", "price", "list", "--json")).json()}
    assert prices == {"ETH": 300000000000, "USDC": 100000000, "BTC": 6000000000000}, prices
    zones = {zone["id"]: zone["networks"] for zone in firm.must(firm.ask("person1", "zone", "list", "--json")).json()}
    assert zones == {"trading": ["127.1.0.0/16"], "treasury": ["127.2.0.0/16"], "office": ["127.3.0.0/16"]}, zones
    lists = {one["id"]: one["count"] for one in firm.must(firm.ask("person1", "list", "list", "--json")).json()}
    shown = firm.must(firm.ask("person1", "list", "show", "sanctions", "--json")).json()
    assert shown["kind"] == "sanctioned" and len(shown["entries"]) == shown["count"] == lists["sanctions"] > 0, (lists, shown)
    assert firm.must(firm.ask("person1", "list", "show", "nothing"), 1)
    assert "permit" in firm.must(firm.ask("person1", "policy", "show")).out
    shown = firm.must(firm.ask("person1", "key", "show", "eth-hot", "--json")).json()
    assert shown["state"] == "active" and re.fullmatch("0x[0-9a-fA-F]{40}", shown["address"]), shown
    assert firm.must(firm.ask("person1", "key", "show", "none"), 1)


def test_a_small_transfer_is_signed_and_its_receipt_holds_offline():
    firm = house()
    answer = firm.must(sign()).json()
    assert answer["state"] == "done" and answer["reasons"] == ["small_transfer"], answer
    signed = firm.must(run("tx", "decode", "-", "--json", given=answer["result"]["transaction"]), 1).json()
    assert signed["refusal"].startswith("evm.signed: "), signed
    key = firm.must(firm.ask("person1", "key", "show", "eth-hot", "--json")).json()
    assert signed["chain"] == "eip155:1" and key["public_key"], signed
    receipt = firm.at("receipt")
    firm.must(firm.ask("settlement", "op", "receipt", answer["operation"], "--out", receipt))
    pins = ["--policy", os.path.join(firm.data, "public", "log.policy"), "--json"]
    verified = subprocess.run([VERIFIER, "receipt", receipt, *pins], capture_output=True, text=True, check=False)
    report = json.loads(verified.stdout)
    assert report["report"]["index"] == answer["entry"], report
    assert report["result"] == "weaker" and set(report["weaknesses"]) <= {"unwitnessed", "no-older-head"}, report
    assert json.loads(run("ledger", "verify", "receipt", receipt, *pins).out) == report
    with open(receipt, "r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace("index ", "index 1", 1))
    spoiled = run("ledger", "verify", "receipt", receipt, *pins)
    assert spoiled.code == 1 and spoiled.json()["result"] == "refused", spoiled


def test_a_large_transfer_waits_for_two_of_treasury_who_decode_it_themselves():
    firm = house()
    answer = held()
    assert answer["missing"] == {"group.treasury": 2, "independent": 1}, answer
    shown = firm.must(firm.ask("person1", "op", "approve", answer["operation"], "--yes"))
    assert "4" in shown.err and "0x3535353535353535353535353535353535353535" in shown.err and "ETH" in shown.err, shown
    assert "waiting" in shown.out or "held" in shown.out, shown
    done = firm.approve(answer["operation"], "person2")
    assert done["reasons"] == ["large_transfer"] and done["result"]["transaction"].startswith("02"), done
    again = firm.must(firm.ask("person1", "op", "show", answer["operation"], "--json")).json()
    assert again["result"] == done["result"], (again, done)
    explained = firm.must(firm.ask("person1", "policy", "explain", answer["operation"], "--json")).json()
    for_people = firm.must(firm.ask("person1", "policy", "explain", answer["operation"]))
    assert "condition, what it demands is not so" in for_people.err and "outcome: condition" in for_people.out, for_people
    assert explained["facts"]["approvals.independent"] == {"origin": "verified", "value": 2}, explained["facts"]
    assert {p["id"] for p in explained["policies"] if p["outcome"] == "satisfied"} == {"large_transfer"}, explained["policies"]


def test_nobody_approves_what_is_not_asked_without_terminal_or_yes():
    result = house().ask("person1", "op", "approve", held()["operation"])
    assert result.code == 2 and "usage.confirm" in result.err, result


def test_an_approver_at_a_terminal_is_asked_and_only_yes_is_yes():
    firm = house()
    operation = held()["operation"]
    for typed, code, state in [("no\n", 1, "held"), ("y\n", 1, "held"), ("yes\n", 0, "held")]:
        controller, terminal = pty.openpty()
        asked = subprocess.Popen([PROGRAM, "op", "approve", operation, "--json"], stdin=terminal, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, env=os.environ | {"GATEHOUSE_PROFILE": firm.profile("person2")})
        os.write(controller, typed.encode())
        out, err = asked.communicate(timeout=400)
        os.close(controller)
        os.close(terminal)
        assert asked.returncode == code and "Approve this operation? Type yes:" in err, (typed, out, err)
        assert (code == 0) == ('"group.treasury":1' in out), (typed, out)
        assert firm.must(firm.ask("person1", "op", "show", operation, "--json")).json()["state"] == state


def test_a_connection_that_ended_meanwhile_is_made_anew():
    firm = house()
    operation = held()["operation"]
    proxy = firm.proxy_of("person2")
    ends, posts = [], []

    def second_read(exchange, nth):
        if exchange.method != "GET" or nth != 2 or ends:
            return False
        ends.append(exchange.path)
        return True

    def vote(exchange, nth):
        if exchange.method == "POST":
            posts.append(nth)
        return exchange.method == "POST"

    try:
        # What changes nothing is asked once more where the other side ended the connection in that moment.
        proxy.unanswered = second_read
        assert firm.must(firm.ask("person2", "op", "show", operation[:8], "--json")).json()["operation"] == operation
        assert len(ends) == 1, ends

        # A vote is not: nobody knows whether it arrived.
        proxy.unanswered = vote
        lost = firm.ask("person2", "op", "approve", operation, "--yes")
        assert lost.code == 3 and "connection.lost" in lost.err and len(posts) == 1 and posts[0] > 1, (lost, posts)

        # Where the connection has ended before, it is sent over another.
        proxy.unanswered, proxy.answered = lambda exchange, nth: False, lambda exchange: exchange.method == "GET"
        controller, terminal = pty.openpty()
        asked = subprocess.Popen([PROGRAM, "op", "approve", operation, "--json"], stdin=terminal, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, env=os.environ | {"GATEHOUSE_PROFILE": firm.profile("person2")})
        said = ""
        while "Type yes:" not in said:
            said += asked.stderr.read(1)
        while proxy.serving > 0:
            time.sleep(0.01)
        os.write(controller, b"yes\n")
        out, err = asked.communicate(timeout=400)
        os.close(controller)
        os.close(terminal)
        assert asked.returncode == 0 and '"group.treasury":1' in out, (out, err)
    finally:
        proxy.unanswered, proxy.answered = lambda exchange, nth: False, lambda exchange: False


def test_a_vote_is_signed_offline_and_carried_by_somebody_else():
    firm = house()
    operation = held()["operation"]
    firm.must(firm.ask("person1", "op", "export", operation, "--out", firm.at("material")))
    before = len(firm.exchanges)
    vote = firm.must(firm.ask("person1", "op", "approve", operation, "--offline", firm.at("material"), "--yes")).out
    assert len(firm.exchanges) == before, "offline means that nothing was asked"
    with open(firm.at("vote"), "w", encoding="utf-8") as file:
        file.write(vote)
    taken = firm.must(firm.ask("person4", "op", "import", firm.at("vote"), "--json")).json()
    assert taken["state"] == "held" and taken["missing"] == {"group.treasury": 1}, taken
    firm.approve(operation, "person3")


def test_a_rejection_ends_an_operation_and_a_withdrawal_takes_a_vote_back():
    firm = house()
    operation = held()["operation"]
    firm.must(firm.ask("person1", "op", "approve", operation, "--yes"))
    taken = firm.must(firm.ask("person1", "op", "withdraw", operation, "--yes", "--json")).json()
    assert taken["missing"]["group.treasury"] == 2, taken
    # Nobody hides it in a log that this fits (docs/verify.md).
    firm.must(firm.ask("person1", "op", "receipt", operation, "--out", firm.at("withdrawal")))
    rejected = firm.must(firm.ask("person2", "op", "reject", operation, "--reason", "wrong venue", "--yes", "--json"), 1)
    assert rejected.json()["state"] == "rejected" and rejected.json()["rejection"]["reason"] == "wrong venue", rejected
    assert "wrong venue" in rejected.err, rejected
    shown = firm.must(firm.ask("person1", "op", "show", operation, "--json"), 1).json()
    assert shown["rejection"] == rejected.json()["rejection"] and shown["rejection"]["person"].startswith("person:p-"), shown
    assert "operation.not_held" in firm.must(firm.ask("person1", "op", "approve", operation, "--yes"), 1).err


def test_what_the_gateway_changes_on_the_way_is_refused_before_anybody_is_asked():
    firm = house()
    operation = held()["operation"]

    def changed(old, new):
        def change(exchange):
            return exchange.answer.replace(old, new) if exchange.path.endswith("/payload") else exchange.answer
        return change

    for change, name in [
        (changed(b"3535353535353535", b"4545454545454545"), "review.payload"),
        (changed(b'"symbol":"ETH"', b'"symbol":"DAI"'), "review.view"),
        (changed(b'"decimals":18', b'"decimals":17'), "review.view"),
        (changed(b'"kind":"sign"', b'"kind":"sing"'), "review.operation"),
        (changed(b'"id":"eth-hot"', b'"id":"eth-cold"'), "review.key"),
        (changed(operation.encode(), b"0" * 64), "review.operation"),
        (changed(b"northwind.example", b"southwind.example"), "review.instance"),
        (changed(b"{", b"["), "json.syntax"),
    ]:
        firm.proxy_of("person1").change = change
        try:
            result = firm.ask("person1", "op", "approve", operation, "--yes")
        finally:
            firm.proxy_of("person1").change = None
        assert result.code in (1, 2) and name in result.err and "Approve" not in result.err, (name, result)
    # The material of another operation, whole and true.
    other = held()["operation"]
    firm.must(firm.ask("person1", "op", "export", other, "--out", firm.at("other")))
    result = firm.ask("person1", "op", "approve", operation, "--offline", firm.at("other"), "--yes")
    assert result.code == 1 and "review.id" in result.err, result


def test_the_beginning_of_an_id_does_where_one_operation_alone_has_it():
    firm = house()
    operation = held()["operation"]
    while operation not in firm.must(firm.ask("person1", "op", "list", "--json")).out:
        time.sleep(0.05)
    for given in (operation[:8], operation[:63], operation):
        assert firm.must(firm.ask("person1", "op", "show", given, "--json")).json()["operation"] == operation
    assert firm.must(firm.ask("person1", "policy", "explain", operation[:9], "--json")).json()["operation"] == operation
    for given, code, name in ((operation[:7], 2, "usage.id"), (operation + "0", 2, "usage.id"), (operation[:7] + "g", 2, "usage.id"),
                              (operation[:8].upper() + "G", 2, "usage.id"), (operation[:63] + ("0" if operation[63] == "f" else "f"), 1, "operation.unknown")):
        result = firm.ask("person1", "op", "show", given, "--json")
        assert result.code == code and name in result.err, (given, result)

    # What the listing has not yet is looked for again.
    hidden = [0]

    def hide_twice(exchange):
        if exchange.path != "/v1/operations" or hidden[0] == 2:
            return exchange.answer
        hidden[0] += 1
        return json.dumps(json.loads(exchange.answer) | {"operations": []}).encode()

    firm.proxy_of("person1").change = hide_twice
    try:
        assert firm.must(firm.ask("person1", "op", "show", operation[:8], "--json")).json()["operation"] == operation and hidden == [2]
    finally:
        firm.proxy_of("person1").change = None

    # Nobody reads what they vote on where --yes answers for them.
    for verb in (["approve"], ["reject", "--reason", "no"], ["withdraw"]):
        result = firm.ask("person1", "op", verb[0], operation[:8], *verb[1:], "--yes")
        assert result.code == 2 and "give the whole id" in result.err, result
    controller, terminal = pty.openpty()
    asked = subprocess.Popen([PROGRAM, "op", "approve", operation[:8]], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=os.environ | {"GATEHOUSE_PROFILE": firm.profile("person2")})
    os.write(controller, b"no\n")
    _, err = asked.communicate(timeout=400)
    os.close(controller)
    os.close(terminal)
    assert asked.returncode == 1 and f"operation   {operation}\n" in err and "confirm.no" in err, err

    other = operation[:8] + ("0" if operation[8] != "0" else "1") * 56

    def change(exchange):
        if exchange.path != "/v1/operations":
            return exchange.answer
        page = json.loads(exchange.answer)
        page["operations"].append(page["operations"][0] | {"operation": other})
        return json.dumps(page).encode()

    firm.proxy_of("person1").change = change
    try:
        result = firm.ask("person1", "op", "show", operation[:8])
        assert result.code == 1 and "operation.ambiguous" in result.err and operation in result.err and other in result.err, result
        assert firm.must(firm.ask("person1", "op", "show", operation[:9], "--json")).json()["operation"] == operation
    finally:
        firm.proxy_of("person1").change = None
    firm.must(firm.ask("person1", "op", "reject", operation, "--reason", "nobody needs it", "--yes"), 1)


def test_times_are_for_people_in_lines_and_for_programs_in_json():
    firm = house()
    for arguments, name in ((["key", "show", "eth-hot"], "created"), (["op", "list", "--limit", "3"], "at"), (["list", "list"], "changed_at")):
        lines = firm.must(firm.ask("person1", *arguments)).out
        assert re.search(rf"^ *(- )?{name}: 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$", lines, re.MULTILINE), lines
        assert re.search(rf'"{name}":\d{{13}}[,}}]', firm.must(firm.ask("person1", *arguments, "--json")).out), arguments
    assert re.search(r"^at: 20\d\d-\d\d-\d\dT", firm.must(run("ledger", "show", firm.data, "1")).out, re.MULTILINE)


def test_a_sanctioned_address_is_denied_with_the_policy_that_says_so():
    denied = sign("settlement", 1, to="7F367cC41522cE07553e823bf3be79A889DEbe1B")
    assert denied.code == 1 and denied.json()["state"] == "denied" and denied.json()["reasons"] == ["sanctioned"], denied


def test_the_same_idempotency_key_gives_the_same_answer_and_another_request_is_refused():
    firm = house()
    text = transfer(SHARED["nonce"], 2)
    SHARED["nonce"] += 1
    arguments = ["op", "sign", "eth-hot", "--transaction", "-", "--json", "--idempotency-key", "order-17"]
    first = firm.must(firm.ask("settlement", *arguments, given=text)).json()
    again = firm.must(firm.ask("settlement", *arguments, given=text)).json()
    assert (first["operation"], first["entry"], first["result"]) == (again["operation"], again["entry"], again["result"])
    other = firm.ask("settlement", *arguments, given=transfer(SHARED["nonce"], 3))
    assert other.code == 1 and "operation.differs" in other.err, other


def test_a_frozen_key_signs_nothing_until_two_of_security_unfreeze_it():
    firm = house()
    firm.must(firm.ask("person5", "key", "freeze", "eth-hot", "--reason", "an alert"))
    assert sign().json()["reasons"] == ["key_not_active"]
    thawed = firm.must(firm.ask("person5", "key", "unfreeze", "eth-hot", "--json")).json()
    firm.approve(thawed["operation"], "person3", "person4")
    assert firm.must(sign()).json()["state"] == "done"


def stop_what_has_not_begun(firm):
    """An entry into a group and a delegation that are yet to begin: anyone stops them, alone."""
    research = next(one for one in firm.must(firm.ask("person1", "group", "list", "--json")).json() if one["id"] == "research")
    assert research["members"] == [] and [one["person"] for one in research["entering"]] == ["person:p-0000000000000006"], research
    for stop in (("group", "member-cancel", "research", "p-0000000000000006"), ("person", "delegation-cancel", "p-0000000000000006")):
        assert firm.must(firm.ask("person2", *stop, "--json")).json()["reasons"] == ["protect"]
        assert "directory.begun" in firm.ask("person2", *stop).err
    denied = firm.ask("person5", "group", "member-add", "research", "p-0000000000000006", "--json")
    assert denied.code == 1 and denied.json()["reasons"] == ["approvers_wait"], denied


def test_people_change_the_firm_by_operations():
    firm = house()
    firm.must(run("person", "keygen", firm.at("keys", "6"), "--id", "p-0000000000000006"))
    firm.must(run("workload", "keygen", firm.at("keys", "hedger"), "--id", "hedger"))
    both = ("person3", "person4")
    for arguments in [
        ("zone", "add", "lab", "--network", "127.9.0.0/16"),
        ("unit", "add", "research", "--kind", "desk", "--parent", "northwind-trading"),
        ("unit", "add", "research-hot", "--kind", "account", "--parent", "research"),
        ("person", "add", firm.at("keys", "6.pub"), "--desk", "research", "--zone", "lab", "--wait", "25h"),
        ("person", "resume", "p-0000000000000006", "--wait", "25h"),
        ("workload", "add", firm.at("keys", "hedger.pub"), "--desk", "research", "--zone", "lab"),
        ("group", "add", "research"),
        ("group", "member-add", "research", "p-0000000000000006", "--wait", "25h"),
        ("group", "member-remove", "research", "p-0000000000000006"),
        ("group", "member-add", "research", "p-0000000000000006", "--wait", "25h"),
        ("person", "delegate", "p-0000000000000006", "--by", "p-0000000000000002", "--wait", "25h", "--until", "2099-12-24T00:00:00Z"),
        ("asset", "add", "--chain", "eip155:1", "--symbol", "DAI", "--decimals", "18",
         "--contract", "0x6B175474E89094C44Da98b954EedeAC495271d0F"),
        ("key", "create", "lab", "--account", "research-hot", "--algorithm", "ed25519", "--purpose", "digest"),
        ("key", "rotate", "lab", "--successor", "lab-2"),
        ("person", "delegate", "p-0000000000000006", "--by", "p-0000000000000001", "--until", "2098-12-24T00:00:00Z"),
        ("workload", "resume", "hedger"),
        ("op", "submit", "group.add", "system:gatehouse", "--payload", "-"),
        ("key", "destroy", "lab"),
    ]:
        given = '{"id": "spare"}' if "-" in arguments else None
        if arguments[0] == "asset":
            stop_what_has_not_begun(firm)
        if arguments[:2] == ("workload", "resume"):
            firm.must(firm.ask("person5", "workload", "suspend", "hedger"))
            assert firm.ask("hedger", "key", "list").code == 1
        if arguments[:2] == ("person", "resume"):
            firm.must(firm.ask("person1", "person", "suspend", "p-0000000000000006"))
        asked = firm.ask("person5", *arguments, "--json", given=given)
        assert asked.code == 0 and asked.json()["state"] == "held", (arguments, asked)
        firm.approve(asked.json()["operation"], *both)
    destinations = firm.must(firm.ask("person5", "list", "create", "exchanges", "--kind", "allowed", "--json")).json()
    firm.approve(destinations["operation"], "person1", "person3")
    entries = firm.must(firm.ask("person5", "list", "add", "exchanges", "eip155:1:0x3535353535353535353535353535353535353535",
                              "--wait", "25h", "--until", "2099-01-01T00:00:00Z", "--note", "contract 7", "--json")).json()
    firm.approve(entries["operation"], "person1", "person4")
    for address, said in (("0x3535999999999999999999999999999999993535", r"^LOOK-ALIKE  eip155:1:0x35359{32}3535\nof          eip155:1:0x(35){20}, as the keeper"),
                          ("0x7777777777777777777777777777777777777777", "^look-alikes none, as the keeper states$")):
        entry = firm.must(firm.ask("person5", "list", "add", "exchanges", f"eip155:1:{address}", "--wait", "25h", "--json")).json()["operation"]
        seen = firm.must(firm.ask("person1", "op", "approve", entry, "--yes"))
        assert re.search(said, seen.err, re.MULTILINE), seen.err
        firm.must(firm.ask("person1", "op", "export", entry, "--out", firm.at(entry)))
        offline = firm.must(firm.ask("person3", "op", "approve", "--offline", firm.at(entry), "--yes"))
        assert "look-alikes not known here" in offline.err, offline
        firm.must(firm.ask("person4", "op", "reject", entry, "--reason", "only to see it", "--yes"), 1)
    price = firm.must(firm.ask("prices", "price", "set", "eip155:1/native", "--usd", "3100.25", "--json")).json()
    assert price["reasons"] == ["price_step"], price
    firm.must(firm.ask("prices", "price", "set", "eip155:1/native", "--usd", "9000"), 1)
    firm.must(firm.ask("person5", "person", "key-revoke", "p-0000000000000006/terminal"))
    policy = firm.must(firm.ask("person5", "policy", "activate", firm.at("policy"), "--reason", "the same again", "--json")).json()
    before = firm.must(firm.ask("person1", "policy", "show", "--json")).json()["bundle"]
    firm.approve(policy["operation"], *both)
    shown = firm.must(firm.ask("person1", "policy", "show", "--bundle", before, "--out", firm.at("before.bundle")))
    assert run("policy", "unpack", firm.at("before.bundle"), firm.at("before"), "--json").json()["bundle"] == before, shown
    assert run("policy", "pack", firm.at("before"), "--out", firm.at("again.bundle"), "--json").json()["bundle"] == before
    firm.must(firm.ask("person1", "policy", "show", "--bundle", "00" * 32), 1)
    assert firm.must(firm.ask("person1", "key", "show", "lab", "--json")).json()["state"] == "destroyed"
    assert firm.ask("person1", "person", "suspend", PEOPLE["person1"][:-1] + "9").code == 1


def keeper_health(firm, wanted):
    """What /readyz says of the keeper, once it says this; it is told every second."""
    context = ssl.create_default_context(cafile=firm.at("proxy.crt"))
    deadline = time.monotonic() + PATIENCE_S
    while True:
        anyone = http.client.HTTPSConnection("127.0.0.1", firm.proxy_of("person1").port, context=context, timeout=400)
        anyone.request("GET", "/readyz", headers={"Host": firm.authority})
        health = json.loads(anyone.getresponse().read())["keeper"]
        anyone.close()
        if all(health[name] == value for name, value in wanted.items()):
            return
        assert time.monotonic() < deadline, health
        time.sleep(0.2)


def test_an_emergency_is_approved_by_any_two_people_and_reviewed_by_another():
    firm = house()
    ask = ("group", "add", "crisis", "--break-glass")
    assert "operation.break_glass" in firm.must(firm.ask("person5", *ask), 2).err
    held = firm.must(firm.ask("person5", *ask, "--reason", "nobody of security can be reached", "--json")).json()
    assert held["missing"] == {"independent": 1, "total": 2}, held
    waiting = {who: [one["operation"] for one in firm.must(firm.ask(who, "op", "inbox", "--json")).json()] for who in ("person1", "person5")}
    assert held["operation"] in waiting["person1"] and held["operation"] not in waiting["person5"], waiting
    shown = firm.must(firm.ask("person1", "op", "approve", held["operation"], "--yes", "--json"))
    assert "BREAK GLASS" in shown.err and shown.json()["missing"] == {"total": 1}, shown
    done = firm.must(firm.ask("person2", "op", "approve", held["operation"], "--yes", "--json")).json()
    assert done["state"] == "done" and done["reasons"] == ["break_glass"], done
    keeper_health(firm, {"reviews_open": 1, "reviews_overdue": 0})
    own = firm.must(firm.ask("person5", "op", "review", held["operation"], "--finding", "justified", "--json"), 1).json()
    assert own["state"] == "denied", own
    for given, code, name in (("xyz", 2, "usage.id"), (held["operation"][:7], 2, "usage.id"), ("0" * 8, 2, "operation.unknown")):
        refused = firm.ask("person3", "op", "review", given, "--finding", "justified")
        assert refused.code == code and name in refused.err and refused.out == "", refused
    told = firm.must(firm.ask("person3", "op", "review", held["operation"][:8], "--finding", "justified", "--json"))
    reviewed = told.json()
    assert f"gatehouse: the operation is {held['operation']}\n" in told.err, told
    assert reviewed["state"] == "done" and reviewed["reasons"] == ["review"], reviewed
    keeper_health(firm, {"reviews_open": 0})
    assert f"break-glass: operation {held['operation']} is done" in firm.log()


def test_a_bundle_that_does_not_hold_is_refused_before_anyone_is_asked():
    firm = house()
    for number, (name, text, error) in enumerate([
        ("more.cedar", 'permit (principal, action, resource) when { context.approvals.total < 2 };', "monotone.approvals"),
        ("more.cedar", 'permit (principal, action == Action::"sign", resource) when { context.zone.mismatch };', "monotone.reported"),
        ("more.cedar", 'permit (principal, action == Action::"sign", resource) when { context.transfer.usd_cents < 5 };', "validate.optional_attribute"),
        ("more.cedar", "permit (principal, action, resource) when { };", "policy.condition_empty"),
        ("entities.json", '[{"uid": {"type": "Group", "id": "security"}, "attrs": {}, "parents": []}]', "bundle.shadows"),
        ("limits.csv", "who,account\n", "limits.column"),
    ]):
        folder = firm.at(f"broken{number}")
        shutil.copytree(firm.at("policy"), folder)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        packed = run("policy", "pack", folder, "--json")
        assert packed.code == 1 and packed.json()["findings"][0]["name"] == error, packed
        assert packed.json()["findings"][0]["file"] == name and packed.json()["findings"][0]["line"] == 1, packed
    # A client that does not check is refused by the keeper, and the refusal is recorded with its evidence.
    packed = run("policy", "pack", firm.at("policy"))
    bundle = json.loads(packed.out)["bundle"]
    bundle["policies"].append({"file": "policies/more.cedar", "text": 'permit (principal, action, resource) when { context.approvals.total == 0 };'})
    with open(firm.at("payload.json"), "w", encoding="utf-8") as file:
        json.dump({"bundle": bundle}, file)
    refused = firm.ask("person5", "op", "submit", "policy.activate", "system:gatehouse", "--payload", firm.at("payload.json"), "--reason", "no")
    assert refused.code == 1 and "monotone.approvals: policies/more.cedar:1:45" in refused.err, refused


def test_a_bundle_whose_tests_fail_is_refused_with_the_first_of_them():
    firm = house()
    folder = firm.at("failing")
    shutil.copytree(firm.at("policy"), folder)
    whole = run("policy", "test", folder, "--full-coverage", "--json")
    assert whole.code == 0 and whole.json()["failed"] == 0 and whole.json()["policies"]["uncovered"] == [], whole
    with open(os.path.join(folder, "more.cedar"), "w", encoding="utf-8") as file:
        file.write('@id("more") permit (principal is Workload, action == Action::"sign", resource);\n')
    tested = run("policy", "test", folder, "--json")
    failed = [one for one in tested.json()["tests"] if not one["passed"]]
    assert tested.code == 1 and failed[0]["file"] == "tests/transfers.yaml" and failed[0]["line"] > 30, tested
    refused = firm.ask("person5", "policy", "activate", folder, "--reason", "no")
    assert refused.code == 1 and "bundle.tests: " in refused.err and "tests/transfers.yaml:" in refused.err, refused


def test_a_bundle_whose_invariants_do_not_hold_is_refused_with_the_request_that_shows_it():
    firm = house()
    folder = firm.at("refuted")
    shutil.copytree(firm.at("policy"), folder)
    with open(os.path.join(folder, "more.cedar"), "w", encoding="utf-8") as file:
        file.write('@id("bypass") permit (principal is Workload, action == Action::"key.create", resource);\n')
    with open(os.path.join(folder, "invariants.cedar"), "a", encoding="utf-8") as file:
        file.write('@id("two_make_keys") @reason("Keys are made by two people.")\n'
                   'forbid (principal, action == Action::"key.create", resource) unless { context.approvals.total >= 2 };\n')
    shutil.rmtree(os.path.join(folder, "tests"))
    refused = firm.ask("person5", "policy", "activate", folder, "--reason", "no")
    assert refused.code == 1 and "work.refuted" in refused.err and '"action":{"id":"key.create"' in refused.err, refused


def test_the_starter_packs_pass_their_tests_and_keep_their_invariants():
    for name in ("custody", "treasury", "desk", os.path.join("firm", "policy")):
        pack = os.path.join(ROOT, "examples", name)
        tested = run("policy", "test", pack, "--full-coverage", "--json")
        assert tested.code == 0 and tested.json()["passed"] >= 30, tested
        with tempfile.NamedTemporaryFile(suffix=".bundle") as packed:
            run("policy", "pack", pack, "--out", packed.name)
            proved = run("policy", "prove", packed.name)
            assert proved.code == 0 and "counterexample" not in proved.out and "unknown" not in proved.out, proved


def test_a_bundle_carries_the_signatures_of_those_who_wrote_it():
    firm = house()
    packed = firm.at("signed.bundle")
    signed = run("policy", "pack", firm.at("policy"), "--sign-with", firm.at("keys", "4"), "--sign-with", firm.at("keys", "5"), "--out", packed)
    assert signed.code == 0, signed
    held = firm.must(firm.ask("person5", "policy", "activate", packed, "--reason", "signed", "--json")).json()
    facts = firm.must(firm.ask("person1", "policy", "explain", held["operation"], "--json")).json()["facts"]
    assert facts["bundle.signers"] == {"origin": "verified", "value": 2} and facts["bundle.invariants"]["value"] > 3, facts
    assert facts["bundle.tests"]["value"] > 30 and len(facts["bundle.hash"]["value"]) == 64, facts
    with open(packed, encoding="utf-8") as file:
        whole = json.load(file)
    whole["signatures"][0]["signature"] = "00" * 64
    with open(packed, "w", encoding="utf-8") as file:
        json.dump(whole, file)
    assert "bundle.signature" in run("policy", "unpack", packed, firm.at("unpacked")).err
    refused = firm.ask("person5", "op", "submit", "policy.activate", "system:gatehouse", "--payload", packed, "--reason", "no")
    assert refused.code == 1 and "bundle.signature" in refused.err, refused
    stranger = run("person", "keygen", firm.at("stranger"), "--id", "p-00000000000000ff")
    assert stranger.code == 0, stranger
    run("policy", "pack", firm.at("policy"), "--sign-with", firm.at("stranger"), "--out", firm.at("foreign.bundle"))
    foreign = firm.ask("person5", "policy", "activate", firm.at("foreign.bundle"), "--reason", "no")
    assert foreign.code == 1, foreign


def test_a_list_of_rules_becomes_policies_and_a_history_is_decided_under_them():
    firm = house()
    folder = firm.at("imported")
    shutil.copytree(firm.at("policy"), folder)
    shutil.rmtree(os.path.join(folder, "tests"))
    rules = {"type": "gatehouse/transfer-rules/v1", "rules": [
        {"id": "small", "destination": "allowed", "amount": {"up_to_usd": "100"}, "action": "allow"},
        {"id": "rest", "action": "approve", "approvals": {"treasury": 1}}]}
    with open(firm.at("rules.json"), "w", encoding="utf-8") as file:
        json.dump(rules, file)
    run("policy", "import", firm.at("rules.json"), "--out", os.path.join(folder, "policies.cedar"))
    with open(firm.at("history.csv"), "w", encoding="utf-8") as file:
        file.write("time,requester,key,usd,destination,decision,approvals\n"
                   "2026-01-02T12:00:00Z,workload:a,hot,99.99,eip155:1:0x1,permit,\n"
                   "2026-01-02T12:00:01Z,workload:a,hot,100.01,eip155:1:0x1,permit,\n"
                   "2026-01-02T12:00:02Z,workload:a,hot,100.01,eip155:1:0x1,permit,treasury:1 total:1\n"
                   "2026-01-02T12:00:03Z,workload:a,hot,,eip155:1:0x1,deny,\n")
    shadow = run("policy", "shadow", folder, "--history", firm.at("history.csv"), "--json")
    assert shadow.code == 1 and shadow.json()["changes"]["permit"] == {"deny": 0, "held": 1, "permit": 2}, shadow
    assert shadow.json()["examples"][0]["place"].endswith("history.csv:3"), shadow
    for line, error in [("x,workload:a,hot,1,eip155:1:0x1,permit,", "history.time"), ("2026-01-02T12:00:00Z,a,hot,1,eip155:1:0x1,permit,", "history.requester"),
                        ("2026-01-02T12:00:00Z,workload:a,hot,1.234,eip155:1:0x1,permit,", "history.usd"), ("2026-01-02T12:00:00Z,workload:a,hot,1,0x1,permit,", "history.destination"),
                        ("2026-01-02T12:00:00Z,workload:a,hot,1,eip155:1:0x1,yes,", "history.decision"), ("2026-01-02T12:00:00Z,workload:a,hot,1,eip155:1:0x1,permit,two", "history.approvals")]:
        with open(firm.at("history.csv"), "w", encoding="utf-8") as file:
            file.write("time,requester,key,usd,destination,decision,approvals\n" + line + "\n")
        bad = run("policy", "shadow", folder, "--history", firm.at("history.csv"), "--json")
        assert bad.code == 1 and bad.json()["findings"][0]["name"] == error and bad.json()["findings"][0]["line"] == 2, bad


def test_a_key_is_imported_and_only_a_commitment_to_it_is_recorded():
    firm = house()
    secret = "11" * 31 + "12"
    with open(os.open(firm.at("secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(secret + "\n")
    arguments = ["key", "import", "old", "--account", "options-hot", "--secret-kind", "private_key", "--secret-file", firm.at("secret")]
    asked = firm.ask("person5", *arguments, "--json")
    operation = firm.must(asked).json()["operation"]
    for who in ("person3", "person4"):
        answer = firm.must(firm.ask(who, "op", "approve", operation, "--yes", "--json")).json()
    assert answer["state"] == "held" and answer["missing"] == {}, answer
    done = firm.must(firm.ask("person5", *arguments, "--json")).json()
    assert done["operation"] == operation and done["state"] == "done", done
    assert firm.must(firm.ask("person1", "key", "show", "old", "--json")).json()["public_key"] == done["result"]["key"]["public_key"]


def test_an_import_key_that_is_not_the_one_of_the_log_is_not_saved():
    """That the right one is, and what is sealed to it: peers_system_test."""
    firm = house()
    refused = firm.ask("person1", "key", "import-key", "--hash", "0" * 64, "--out", firm.at("import-key"))
    assert refused.code == 1 and not os.path.exists(firm.at("import-key")), refused
    assert "import key of this process: SHA-256 " in firm.log()


def test_a_mnemonic_is_imported_with_its_passphrase_and_gives_derived_keys():
    """BIP-84's own example, which has no passphrase; the payload commits to the passphrase too."""
    firm = house()
    for name, text in {"words": "abandon " * 11 + "about", "no-passphrase": "", "passphrase": "TREZOR"}.items():
        with open(os.open(firm.at(name), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    arguments = ["key", "import", "wallet", "--account", "options-hot", "--material", "extended", "--secret-kind", "mnemonic",
                 "--secret-file", firm.at("words"), "--passphrase-file", firm.at("no-passphrase")]
    operation = firm.must(firm.ask("person5", *arguments, "--json")).json()["operation"]
    for who, is_last in (("person3", False), ("person4", True)):
        approved = firm.must(firm.ask(who, "op", "approve", operation, "--yes"))
        assert ("its requester gives the same command again, with the secret" in approved.err) == is_last, approved
    other = firm.ask("person5", *arguments[:-1], firm.at("passphrase"), "--json").json()
    assert other["operation"] != operation and other["state"] == "held", other
    assert firm.must(firm.ask("person5", *arguments, "--json")).json()["state"] == "done"
    derived = firm.must(firm.ask("settlement", "key", "derive", "wallet", "m/84'/0'/0'/0/0", "--json")).json()
    assert derived["public_key"] == "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c", derived
    assert derived["address"] == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", derived # BIP-84's example
    shown = firm.must(firm.ask("settlement", "key", "derive", "wallet", "m/44'/60'/0'/0/0")).out
    assert "address: 0x9858EfFD232B4033E47d90003D41EC34EcaEda94\n" in shown, shown # as other wallets have it
    assert "address" not in firm.must(firm.ask("settlement", "key", "derive", "wallet", "m/0/1", "--json")).json()
    for old, new in ((b'"path":"m/0/1"', b'"path":"m/0/2"'), (b'"key":"wallet"', b'"key":"ballet"'), (b'"id":"wallet"', b'"id":"ballet"')):
        firm.proxy_of("settlement").change = lambda exchange, old=old, new=new: exchange.answer.replace(old, new)
        try:
            result = firm.ask("settlement", "key", "derive", "wallet", "m/0/1")
        finally:
            firm.proxy_of("settlement").change = None
        assert result.code == 1 and "derived.answer" in result.err and result.out == "", (old, result)
    firm.must(firm.ask("settlement", "key", "derive", "eth-hot", "m/0"), 1)
    firm.must(firm.ask("settlement", "key", "derive", "wallet", "m/x"), 2)


def test_a_second_instance_on_the_same_directory_is_refused_and_the_first_goes_on():
    firm = house()
    with open(firm.config, encoding="utf-8") as file:
        text = file.read().replace(str(firm.port), str(free_port()))
    path = firm.at("second.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    second = subprocess.run([SERVER, "serve", "--config", path], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=PATIENCE_S, check=False)
    assert second.returncode == 4 and "locked" in second.stderr, second
    assert sign().json()["state"] == "done"


def segments_of(firm):
    return processes.contents(os.path.join(firm.data, "ledger", "segments")).values()


def test_a_backup_of_the_serving_installation_is_restored_elsewhere():
    firm = house()
    recovery, archive, elsewhere = firm.at("recovery.key"), firm.at("backup"), firm.at("elsewhere.yaml")
    firm.must(run("recovery", "keygen", recovery))
    assert os.stat(recovery).st_mode & 0o077 == 0
    calls = firm.at("calls")
    traced = subprocess.run(["strace", "-f", "-o", calls, "-e", "trace=/chown,/rename", PROGRAM, "backup", "--config", firm.config, "--for", recovery + ".pub",
                             "--out", archive, "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert traced.returncode == 0, traced
    made = json.loads(traced.stdout)
    # The note that it leaves is the keeper's before it is there, and becomes an entry.
    with open(calls, encoding="utf-8") as file:
        handed_over = [line for line in file if "backup-note" in line and ("chown" in line or '/backup-note")' in line)]
    assert ["chown" in line for line in handed_over] == ([True, False] if os.geteuid() == 0 else [False]), handed_over
    until = time.monotonic() + PATIENCE_S
    while not any(made["archive"].encode() in segment for segment in segments_of(firm)):
        assert time.monotonic() < until, firm.log()
        time.sleep(0.05)
    with open(archive, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == made["archive"]
    with open(firm.config, encoding="utf-8") as file:
        config = file.read()
    restored = firm.at("restored")
    config = config.replace(f"data_directory: {firm.data}", f"data_directory: {restored}")
    config = re.sub(r"rollback_guard: .*", "rollback_guard: {kind: none}", config)
    with open(elsewhere, "w", encoding="utf-8") as file:
        file.write(config)
    again = firm.must(run("restore", archive, "--config", elsewhere, "--recovery-key", recovery, "--json")).json()
    assert again["archive"] == made["archive"] and again["lost"] == 0 and again["size"] >= made["size"], again
    last = firm.must(run("ledger", "show", restored, str(again["size"]), "--json")).json()
    assert last["type"] == "restore" and last["body"]["archive"] == made["archive"], last
    firm.must(run("restore", archive, "--config", elsewhere, "--recovery-key", recovery), 1)
    replayed = firm.must(run("ledger", "replay", restored, "--json")).json()
    assert replayed["different"] == 0, replayed


def test_a_wrong_server_certificate_is_refused():
    firm = house()
    elsewhere = ["--url", f"https://127.0.0.1:{firm.port}", "--authority", firm.authority, "--key", firm.at("keys", "1")]
    pinned = run("key", "list", *elsewhere, "--pin", "00" * 32)
    assert pinned.code == 1 and "connection.certificate" in pinned.err, pinned
    found = re.search(r"SHA-256 ([0-9a-f]{64})", pinned.err).group(1)
    firm.must(run("key", "list", *elsewhere, "--pin", found))
    unknown = run("key", "list", *elsewhere, "--ca", firm.at("proxy.crt"))
    assert unknown.code == 1 and "connection.certificate" in unknown.err, unknown
    firm.must(run("key", "list", *elsewhere, "--insecure-demo"))


def test_nothing_is_read_without_a_known_key():
    firm = house()
    firm.must(run("person", "keygen", firm.at("keys", "stranger"), "--id", "p-00000000000000ff"))
    stranger = firm.ask("stranger", "op", "list")
    assert stranger.code == 1 and stranger.out == "" and "request_signature.mismatch" in stranger.err, stranger


NAME, CONTACT = "Rosalind Elsie F-Zyx", "rosalind@desk.example"


def test_what_a_person_is_called_is_sealed_read_under_a_record_and_erased():
    firm = house()
    profile = firm.must(firm.ask("person4", "person", "profile", "p-0000000000000001", "--name", NAME, "--contact", CONTACT, "--json")).json()
    firm.approve(profile["operation"], "person3", "person5")
    shown = firm.must(firm.ask("person1", "person", "show", "p-0000000000000001", "--json")).json()
    assert {field: value["value"] for field, value in shown["values"].items()} == {"name": NAME, "contact": CONTACT}, shown
    beside = firm.must(firm.ask("person4", "ledger", "personal", str(profile["entry"]), "--json"), 1) # of person 1 as well
    assert "read.personal" in beside.err, beside
    denied = firm.ask("person2", "person", "show", "p-0000000000000001")
    assert denied.code == 1 and denied.out == "" and "read.personal" in denied.err, denied
    grant = firm.must(firm.ask("person4", "personal", "grant", "p-0000000000000002", "--until", "2099-01-01T00:00:00Z", "--json")).json()
    firm.approve(grant["operation"], "person3", "person5")
    assert NAME in firm.must(firm.ask("person2", "person", "show", "p-0000000000000001")).out
    assert NAME in firm.must(firm.ask("person2", "ledger", "personal", str(profile["entry"]), "--json")).out
    firm.must(firm.ask("person1", "personal", "revoke", "p-0000000000000002"))
    assert firm.ask("person2", "person", "show", "p-0000000000000001").code == 1
    assert firm.ask("person4", "person", "profile", "p-0000000000000001").code == 2 # nothing is said
    erase = firm.must(firm.ask("person4", "person", "erase", "p-0000000000000001", "--json")).json()
    firm.approve(erase["operation"], "person3", "person5")
    gone = firm.must(firm.ask("person1", "person", "show", "p-0000000000000001", "--json")).json()
    assert gone == {"erased": True, "person": "person:p-0000000000000001", "values": {}}, gone


def test_an_auditor_reads_one_legal_entity_and_period_and_exports_what_verifies():
    firm = house()
    firm.must(run("person", "keygen", firm.at("keys", "auditor"), "--id", "p-00000000000000a1"))
    added = firm.must(firm.ask("person4", "person", "add", firm.at("keys", "auditor.pub"), "--desk", "options", "--auditor", "--json")).json()
    firm.approve(added["operation"], "person3", "person5")
    nothing = firm.ask("auditor", "op", "list")
    assert nothing.code == 1 and "read.no_grant" in nothing.err, nothing
    grant = firm.must(firm.ask("person4", "auditor", "grant", "p-00000000000000a1", "--legal-entity", "northwind-trading", "--from",
                               "2020-01-01T00:00:00Z", "--until", "2099-01-01T00:00:00Z", "--json")).json()
    firm.approve(grant["operation"], "person3", "person5")
    operation = firm.must(sign()).json()
    until = time.monotonic() + PATIENCE_S
    while operation["operation"] not in firm.must(firm.ask("auditor", "op", "list", "--json")).out:
        assert time.monotonic() < until, firm.log()
        time.sleep(0.05)
    assert firm.must(firm.ask("auditor", "op", "show", operation["operation"], "--json")).json()["state"] == "done"
    firm.must(firm.ask("auditor", "ledger", "receipt", str(operation["entry"]), "--out", firm.at("audited")))
    # Who reads does nothing else: neither stops anything nor votes, whoever carries the vote.
    held_one = held()["operation"]
    firm.must(firm.ask("person1", "op", "export", held_one, "--out", firm.at("for-the-auditor")))
    for verdict, more in (("approve", ()), ("reject", ("--reason", "seen"))):
        with open(firm.at("auditors-vote"), "w", encoding="utf-8") as file:
            file.write(firm.must(firm.ask("auditor", "op", verdict, held_one, "--offline", firm.at("for-the-auditor"), "--yes", *more)).out)
        carried = firm.ask("person4", "op", "import", firm.at("auditors-vote"))
        assert carried.code == 1 and "directory.auditor" in carried.err, carried
    frozen = firm.ask("auditor", "key", "freeze", "eth-hot")
    assert frozen.code == 1 and "directory.auditor" in frozen.err, frozen
    after = firm.must(firm.ask("person1", "op", "show", held_one, "--json")).json()
    assert after["state"] == "held" and after["missing"] == {"group.treasury": 2, "independent": 1}, after
    firm.approve(held_one, "person1", "person2")
    for denied in (("key", "list"), ("person", "list"), ("policy", "show"), ("ledger", "receipt", "0"), ("person", "show", "p-0000000000000002")):
        answer = firm.ask("auditor", *denied)
        assert answer.code == 1 and "read." in answer.err, (denied, answer)
    firm.must(firm.ask("auditor", "ledger", "export", "--out", firm.at("export")))
    with open(firm.at("export"), encoding="utf-8") as file:
        pages = file.read().splitlines()
    indexes = []
    for page in pages:
        for entry in json.loads(page)["entries"]:
            indexes.append(entry["index"])
            with open(firm.at("one-receipt"), "w", encoding="utf-8") as file:
                file.write(entry["receipt"])
            if len(indexes) % 25 == 1: # each is verified as any receipt is
                verified = run("ledger", "verify", "receipt", firm.at("one-receipt"), "--policy", os.path.join(firm.data, "public", "log.policy"))
                assert "unwitnessed" in verified.out, verified
    assert operation["entry"] in indexes and indexes == sorted(indexes, reverse=True), indexes
    firm.must(firm.ask("person1", "auditor", "revoke", "p-00000000000000a1", "--legal-entity", "northwind-trading"))
    assert "read.no_grant" in firm.ask("auditor", "op", "show", operation["operation"]).err
    SHARED["exported"] = [hashlib.sha256(page.encode()).hexdigest() for page in pages]


def test_every_route_is_asked_once():
    firm = house()
    operation = firm.must(sign()).json()
    until = time.monotonic() + PATIENCE_S
    while True:
        listed = firm.must(firm.ask("person1", "op", "list", "--kind", "sign", "--limit", "100", "--json")).json()
        if operation["operation"] in [one["operation"] for one in listed["operations"]]:
            break
        assert time.monotonic() < until, listed
        time.sleep(0.05)
    assert all(one["kind"] == "sign" for one in listed["operations"])
    found = firm.must(firm.ask("person1", "op", "list", "--search", f"{operation['operation'][:16]} Settlement", "--json")).json()
    assert [one["operation"] for one in found["operations"]] == [operation["operation"]], found
    assert firm.must(firm.ask("person1", "op", "list", "--search", "100% of nothing", "--json")).json()["operations"] == []
    firm.must(firm.ask("person1", "ledger", "receipt", str(operation["entry"]), "--out", firm.at("entry-receipt")))
    assert "unwitnessed" in run("ledger", "verify", "receipt", firm.at("entry-receipt"), "--policy",
                                os.path.join(firm.data, "public", "log.policy")).out
    assert "key.not_shared" in firm.ask("person1", "key", "parties", "eth-hot").err # nor a key that is shared
    context = ssl.create_default_context(cafile=firm.at("proxy.crt"))
    anyone = http.client.HTTPSConnection("127.0.0.1", firm.proxy_of("person1").port, context=context, timeout=400)
    assert firm.must(firm.ask("person1", "keeper", "list", "--json")).json() == []
    pages = {}
    for path in ("/healthz", "/readyz", "/metrics", "/v1/ledger/checkpoint", "/"):
        anyone.request("GET", path, headers={"Host": firm.authority})
        pages[path] = anyone.getresponse().read().decode()
        assert pages[path], path
    check_metrics(pages["/metrics"])
    script = re.search(r'src="(/assets/[^"]+)"', pages["/"]).group(1)
    anyone.request("GET", script, headers={"Host": firm.authority})
    assert anyone.getresponse().read(), script
    anyone.close()


def administer(*arguments):
    """By person 4, with two approvals of security."""
    firm = house()
    answer = firm.must(firm.ask("person4", *arguments, "--json")).json()
    if answer["state"] == "held":
        answer = firm.approve(answer["operation"], "person3", "person5")
    assert answer["state"] == "done", answer
    return answer


class Browser:
    """Past the command line; through the recording proxy but for streams, which that would read to the end: they are recorded here."""

    def __init__(self, firm):
        self.firm, self.cookie = firm, None
        self.context = ssl.create_default_context(cafile=firm.at("proxy.crt"))

    def ask(self, method, path, body=None):
        status, text = self.fetch(method, path, body)
        return status, json.loads(text) if text else None

    def fetch(self, method, path, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.firm.proxy_of("person1").port, context=self.context, timeout=400)
        fields = {"Host": self.firm.authority, "Content-Type": "application/json"} | ({"Cookie": self.cookie} if self.cookie else {})
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=fields)
        answer = connection.getresponse()
        text, given = answer.read(), answer.headers.get("set-cookie")
        connection.close()
        if given:
            assert given.endswith("; Path=/; Secure; HttpOnly; SameSite=Strict") or given.endswith("; Max-Age=0"), given
            self.cookie = given.split(";")[0]
        return answer.status, text

    def watch(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.firm.port, context=context, timeout=PATIENCE_S)
        asked = Exchange("GET", "/v1/events", {"host": self.firm.authority, "cookie": self.cookie}, b"")
        connection.request(asked.method, asked.target, headers=asked.fields)
        stream = connection.getresponse()
        asked.status, asked.answer_fields = stream.status, {name.lower(): value for name, value in stream.getheaders()}
        asked.answer = b"" if stream.status == 200 else stream.read() # of a stream what is told is read by whoever watches
        self.firm.exchanges.append(asked)
        return stream


def problem(answer):
    return answer[0], answer[1]["type"].removeprefix("urn:gatehouse:problem:")


def next_event(stream):
    event = {}
    while True:
        line = stream.readline().decode().rstrip("\n")
        if not line and event:
            return int(event["id"]), event["event"], json.loads(event["data"])
        if ": " in line:
            event.update([line.split(": ", 1)])


def hold_for(seconds):
    """A transfer that waits so long, or four times as long where this machine had not asked for it by then; and how long."""
    while (answer := sign("settlement", 400, "--expires", f"{seconds}s")).code != 0:
        assert seconds < PATIENCE_S, answer
        seconds *= 4
    return answer.json()["operation"], seconds


def watch_an_operation_expire(firm, stream):
    """What is told of operations while somebody listens: held, expiring, expired, rejected, denied; ids ascend."""
    short, lasts = hold_for(4)
    rejected = firm.must(sign("settlement", 400)).json()["operation"]
    firm.must(firm.ask("person1", "op", "reject", rejected, "--reason", "tested", "--yes"), 1)
    denied = firm.must(sign("settlement", to="7F367cC41522cE07553e823bf3be79A889DEbe1B"), 1).json()["operation"]
    told, newest = set(), 0
    while not {("held", short), ("held", rejected), ("rejected", rejected), ("denied", denied), ("expiring", short), ("expired", short)} <= told:
        number, name, data = next_event(stream)
        assert number > newest and set(data) == ({"size"} if name == "head" else {"operation"}), (number, name, data)
        newest = number
        told.add((name, data.get("operation")))
        assert (name, ("expired", short) in told) != ("expiring", True), "after its end"
        if (name, data.get("operation")) == ("expired", short) and ("expiring", short) not in told:
            # Its last quarter, in which that is told, fell where the keeper stood still.
            assert lasts < PATIENCE_S, told
            short, lasts = hold_for(4 * lasts)
    late = firm.ask("person1", "op", "approve", short, "--yes")
    assert late.code == 1 and "operation.not_held: it is expired" in late.err, late
    shown = firm.must(firm.ask("person1", "op", "show", short, "--json"), 1).json()
    assert shown["state"] == "expired" and shown["status"] == 410, shown


def read_the_tiles_of_the_first_entries(browser):
    """A bundle of the log as it is written, and the tile of their leaf hashes over it."""
    size = int(browser.fetch("GET", "/v1/ledger/checkpoint")[1].split(b"\n")[1])
    part = "" if size >= 256 else f".p/{size}"
    (status, entries), (tile_status, tile) = (browser.fetch("GET", f"/v1/ledger/tile/{level}/000{part}") for level in ("entries", "0"))
    assert (status, tile_status) == (200, 200), (entries, tile)
    hashes = b""
    while entries:
        length = int.from_bytes(entries[:2])
        hashes += hashlib.sha256(b"\0" + entries[2:2 + length]).digest()
        entries = entries[2 + length:]
    assert hashes == tile and len(tile) == 32 * min(size, 256), (size, len(hashes), len(tile))
    assert problem(browser.ask("GET", "/v1/ledger/tile/entries/999"))[0] == 404


def test_a_person_signs_in_by_passkey_reads_and_is_signed_out():
    firm, person = house(), "person:p-00000000000000aa"
    SHARED["hasty"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    shutil.copytree(firm.at("policy"), firm.at("hasty"))
    firm.wait_for_nothing(firm.at("hasty"))
    administer("policy", "activate", firm.at("hasty"), "--reason", "nobody waits here")
    firm.must(run("person", "keygen", firm.at("keys", "aa"), "--id", "p-00000000000000aa"))
    administer("person", "add", firm.at("keys", "aa.pub"), "--desk", "options")
    passkey = Passkey(firm.folder, "passkey", f"https://{firm.authority}", "127.0.0.1")
    nonce = "07" * 16
    challenge = hashlib.sha256(json.dumps({"instance": "northwind.example", "name": "phone", "nonce": nonce, "person": person,
                                           "type": "gatehouse/passkey-enrolment/v1"}, separators=(",", ":")).encode()).digest()
    with open(firm.at("registration.json"), "w", encoding="utf-8") as file:
        json.dump(passkey.register(challenge) | {"name": "phone", "nonce": nonce, "rp_id": "127.0.0.1", "usable_from": 0}, file)
    administer("person", "passkey-add", person.removeprefix("person:"), firm.at("registration.json"))

    browser, other = Browser(firm), Browser(firm)
    assert problem(browser.ask("GET", "/v1/session")) == (401, "session.none")
    for method, target in (("GET", "/v1/people"), ("GET", "/v1/operations"), ("GET", "/v1/keys/hot-1"), ("GET", "/v1/ledger/export")):
        assert problem(browser.ask(method, target)) == (401, "request_signature.none"), target
    covered = next(exchange.fields["signature-input"] for exchange in reversed(firm.exchanges) if "signature-input" in exchange.fields)
    said = firm.exchanges[-1].answer_fields["accept-signature"] # what the next request is to be signed like, which ours are
    assert said.partition(";")[0] == covered.partition(";")[0] and said.endswith(';created;expires;tag="gatehouse"'), (said, covered)
    status, asked = browser.ask("POST", "/v1/session/challenge")
    assert status == 200 and asked["rp_id"] == "127.0.0.1", asked
    body = passkey.sign(bytes.fromhex(asked["challenge"]))
    status, session = browser.ask("POST", "/v1/session", body)
    assert status == 201 and session["person"] == person and session["aal"] == 2 and session["groups"] == [], session
    assert problem(other.ask("POST", "/v1/session", body)) == (401, "session.refused")
    assert browser.ask("GET", "/v1/session") == (200, session)
    assert browser.ask("GET", "/v1/people?limit=2")[0] == 200
    assert browser.ask("GET", "/v1/session") == (200, session), "a read is no activity"
    status, moved = browser.ask("POST", "/v1/session/activity")
    assert status == 200 and moved["idle_expires"] > session["idle_expires"] and moved["expires"] == session["expires"], moved
    assert problem(other.ask("POST", "/v1/session/activity")) == (401, "session.none")
    operation = firm.must(sign("settlement", 400)).json()["operation"]
    for path in (f"operations/{operation}/view", f"operations/{operation}/timeline", "inbox", "limits", "policy/limits", "operations?search=settlement%200x3535"):
        status, answer = browser.ask("GET", f"/v1/{path}")
        assert status == 200, (path, answer)
    assert problem(browser.ask("POST", "/v1/operations", {}))[0] == 400
    read_the_tiles_of_the_first_entries(browser)

    stream = browser.watch()
    assert stream.status == 200, stream.read()
    watch_an_operation_expire(firm, stream)
    firm.must(firm.ask("person1", "person", "sign-out", person.removeprefix("person:")))
    while stream.readline():
        pass  # until the gateway ends it: nothing else does within the test's patience
    assert problem(browser.ask("GET", "/v1/session")) == (401, "session.none")

    asked = browser.ask("POST", "/v1/session/challenge")[1]
    assert browser.ask("POST", "/v1/session", passkey.sign(bytes.fromhex(asked["challenge"])))[0] == 201
    assert browser.ask("DELETE", "/v1/session") == (204, None)
    assert browser.cookie == "__Host-gatehouse=", browser.cookie

    # Sessions live in the keeper's memory: one that is started anew knows none, and what watched in them ends.
    asked = browser.ask("POST", "/v1/session/challenge")[1]
    assert browser.ask("POST", "/v1/session", passkey.sign(bytes.fromhex(asked["challenge"])))[0] == 201
    stream = browser.watch()
    assert stream.status == 200, stream.read()
    keeper = processes.of_role(firm.process.pid, "keeper")
    firm.process.send_signal(signal.SIGSTOP)  # who would start another one sooner than somebody is told that there is none
    try:
        os.kill(keeper, signal.SIGKILL)
        while stream.readline():
            pass
        assert problem(browser.ask("GET", "/v1/session"))[0] == 503
    finally:
        firm.process.send_signal(signal.SIGCONT)
    until = time.monotonic() + PATIENCE_S
    while (answer := problem(browser.ask("GET", "/v1/session")))[0] == 503:
        assert time.monotonic() < until, firm.log()
        time.sleep(0.05)
    assert answer == (401, "session.none"), answer

    # Whoever becomes an auditor watches no more, and stays signed in.
    asked = browser.ask("POST", "/v1/session/challenge")[1]
    assert browser.ask("POST", "/v1/session", passkey.sign(bytes.fromhex(asked["challenge"])))[0] == 201
    stream = browser.watch()
    assert stream.status == 200, stream.read()
    administer("auditor", "grant", person.removeprefix("person:"), "--legal-entity", "northwind-trading", "--from", "2026-01-01T00:00:00Z", "--until",
               "2026-01-02T00:00:00Z")
    while stream.readline():
        pass
    assert browser.ask("GET", "/v1/session")[1]["roles"] == ["auditor"]
    assert browser.watch().status == 403


def test_a_person_enrols_a_passkey_by_a_link_that_works_once():
    firm, person, browser = house(), "person:p-00000000000000aa", Browser(house())
    administer("person", "invite", person, "--name", "laptop", "--waiting", "0", "--link", firm.at("link"))
    again = firm.ask("person4", "person", "invite", person, "--link", firm.at("link"))
    assert again.code == 1 and "output.open" in again.err, again
    with open(firm.at("link"), encoding="utf-8") as file:
        link = file.read()
    assert os.stat(firm.at("link")).st_mode & 0o077 == 0
    token = re.fullmatch(rf"https://{re.escape(firm.authority)}/#/enrol/([0-9a-f]{{64}})\n", link)[1]
    status, options = browser.ask("POST", "/v1/enrolment/options", {"token": token})
    assert status == 200 and options["person"] == person and options["name"] == "laptop" and options["waiting_ms"] == 0, options
    passkey = Passkey(firm.folder, "laptop", f"https://{firm.authority}", options["rp_id"])
    made = passkey.register(bytes.fromhex(options["challenge"])) | {"rp_id": options["rp_id"], "token": token}
    status, enrolled = browser.ask("POST", "/v1/enrolment", made)
    assert status == 201 and enrolled["key"] == f"{person}/laptop", enrolled
    assert problem(browser.ask("POST", "/v1/enrolment", made)) == (401, "enrolment.refused")
    asked = browser.ask("POST", "/v1/session/challenge")[1]
    assert browser.ask("POST", "/v1/session", passkey.sign(bytes.fromhex(asked["challenge"])))[0] == 201
    for path, text in processes.contents(firm.data).items():
        assert token.encode() not in text and bytes.fromhex(token) not in text, f"{path} holds the token"


def test_whoever_is_taken_into_a_group_is_invited_anew():
    """What was approved of somebody without a vote, a passkey that counts at once, is not for an approver."""
    firm, person, browser = house(), "person:p-00000000000000aa", Browser(house())
    administer("person", "invite", person, "--name", "tablet", "--waiting", "0", "--link", firm.at("tablet-link"))
    with open(firm.at("tablet-link"), encoding="utf-8") as file:
        token = file.read().strip().rsplit("/", 1)[1]
    assert browser.ask("POST", "/v1/enrolment/options", {"token": token})[0] == 200
    administer("group", "member-add", "treasury", person.removeprefix("person:"), "--wait", "25h")
    assert problem(browser.ask("POST", "/v1/enrolment/options", {"token": token})) == (401, "enrolment.outdated")
    body = {"attestation_object": "00", "client_data": "00", "rp_id": "127.0.0.1", "token": token}
    assert problem(browser.ask("POST", "/v1/enrolment", body)) == (401, "enrolment.outdated")
    administer("person", "invite", person, "--name", "tablet", "--waiting", "24h", "--link", firm.at("second-link"))
    administer("group", "member-cancel", "treasury", person.removeprefix("person:"))
    administer("policy", "activate", firm.at("policy"), "--reason", "everybody waits again")
    hasty = firm.ask("person4", "person", "invite", "p-0000000000000005", "--name", "other", "--waiting", "0", "--link", firm.at("hasty-link"))
    assert hasty.code == 1 and "denied" in hasty.out + hasty.err, hasty


def type_at_prompt(firm, who, arguments, prompt, text):
    """What whoever sits at a terminal types once they are asked; it is shown nowhere."""
    controller, terminal = pty.openpty()
    with subprocess.Popen([PROGRAM, *arguments], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"GATEHOUSE_PROFILE": firm.profile(who)}) as asked:
        said = ""
        while not said.endswith(prompt):
            character = asked.stderr.read(1)
            assert character, said
            said += character
        os.write(controller, text.encode() + b"\n")
        try:
            out, err = asked.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            asked.kill()
            raise
    os.set_blocking(controller, False)
    try:
        shown = os.read(controller, 4096)
    except BlockingIOError:
        shown = b""
    os.close(controller)
    os.close(terminal)
    assert asked.returncode == 0 and text.encode() not in shown and text not in err, (asked.returncode, out, err, shown)
    return out


def one_time_code(secret, step, digits=6):
    """RFC 6238 with SHA-1, by Python's own hmac."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), "sha1").digest()
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7FFFFFFF) % 10**digits:0{digits}}"


def test_a_one_time_password_beside_a_key_is_a_second_factor():
    firm, person = house(), "p-0000000000000002"
    secret = os.urandom(20)
    with open(firm.at("totp-secret"), "w", encoding="utf-8") as file:
        file.write(secret.hex() + "\n")
    arguments = ("person", "totp-add", person, "--secret-file", firm.at("totp-secret"))
    asked = firm.must(firm.ask("person4", *arguments, "--uri", firm.at("totp-uri"), "--json")).json()
    for approver in ("person3", "person5"):
        held_answer = firm.must(firm.ask(approver, "op", "approve", asked["operation"], "--yes", "--json")).json()
    assert held_answer["state"] == "held" and held_answer["missing"] == {}, held_answer
    assert firm.must(firm.ask("person4", *arguments, "--json")).json()["state"] == "done"
    with open(firm.at("totp-uri"), encoding="utf-8") as file:
        uri = file.read()
    assert base64.b32decode(re.search("secret=([A-Z2-7]+)&", uri)[1]) == secret and "digits=6&period=30" in uri, uri
    step = int(time.time()) // 30
    typed = ("person", "sign-out", person, "--totp-file", "-", "--json")
    done = json.loads(type_at_prompt(firm, "person2", typed, "One-time password: ", one_time_code(secret, step)))
    facts = firm.must(firm.ask("person1", "policy", "explain", done["operation"], "--json")).json()["facts"]
    assert facts["mfa.aal"]["value"] == 2 and facts["mfa.phishing_resistant"]["value"] is False, facts
    with open(firm.at("code"), "w", encoding="utf-8") as file:
        file.write(f" {one_time_code(secret, step)}\n")
    again = firm.ask("person2", "person", "sign-out", person, "--totp-file", firm.at("code"), "--json")
    assert again.code == 1 and "totp.mismatch" in again.err, again
    for content in ("", "12345", "123456789", "12345x", "123 456", "0" * 65):
        with open(firm.at("code"), "w", encoding="utf-8") as file:
            file.write(content)
        none = firm.ask("person2", "person", "sign-out", person, "--totp-file", firm.at("code"))
        assert none.code in (1, 2) and ("usage.totp-file" in none.err or "secret.size" in none.err), (content, none)
    argued = firm.ask("person2", "person", "sign-out", person, "--totp", "123456")
    assert argued.code == 2 and "usage" in argued.err, argued
    for path, text in processes.contents(firm.data).items():
        assert secret not in text and secret.hex().encode() not in text, f"{path} holds the secret"


def test_the_log_is_decided_again_under_another_bundle():
    firm = house()
    same = run("policy", "shadow", firm.at("policy"), "--ledger", firm.data, "--until", SHARED["hasty"], "--json")
    assert same.code == 0 and same.json()["compared"] > 10 and same.json()["different"] == 0, same
    folder = firm.at("stricter")
    shutil.copytree(firm.at("policy"), folder)
    with open(os.path.join(folder, "more.cedar"), "w", encoding="utf-8") as file:
        file.write('@id("nothing") forbid (principal, action == Action::"sign", resource);\n')
    stricter = run("policy", "shadow", folder, "--ledger", firm.data, "--json")
    assert stricter.code == 1 and stricter.json()["changes"]["permit"]["deny"] > 0, stricter
    assert "nothing" in stricter.json()["examples"][0]["reasons"], stricter
    before = run("policy", "shadow", folder, "--ledger", firm.data, "--until", "2020-01-01T00:00:00Z", "--json")
    assert before.code == 0 and before.json()["compared"] == 0, before


def test_a_keeper_shows_what_others_enrol_and_people_enrol_it():
    firm = house()
    firm.must(firm.ask("person1", "keeper", "show", "--out", firm.at("keeper.json")))
    with open(firm.at("keeper.json"), encoding="utf-8") as file:
        shown = json.load(file)
    assert set(shown) == {"certificate", "key", "log_keys", "name"} and shown["name"] == "keeper-1", shown
    assert firm.must(firm.ask("person1", "keeper", "list", "--json")).json() == []
    add = ("keeper", "add", firm.at("keeper.json"), "--reason", "three keepers", "--json")
    assert "usage.party" in firm.must(firm.ask("person4", *add, "--party", "17"), 2).err
    asked = firm.must(firm.ask("person4", *add, "--party", "3")).json()
    firm.approve(asked["operation"], "person3", "person5")
    assert "keepers.exists" in firm.must(firm.ask("person4", *add, "--party", "3"), 1).err
    assert firm.must(firm.ask("person1", "keeper", "show", "--json")).json() == shown | {"party": 3}
    for verb, *options in (("readmit", "--size", "7", "--root", "00" * 32), ("remove",)):
        asked = firm.must(firm.ask("person4", "keeper", verb, "keeper-1", *options, "--reason", "it was tried", "--json")).json()
        firm.approve(asked["operation"], "person3", "person5")
    assert firm.must(firm.ask("person1", "keeper", "show", "--json")).json() == shown


def test_the_log_replays_the_same_after_the_stop():
    firm = house()
    assert firm.stop() == 0, firm.log()
    counts = firm.must(run("ledger", "replay", firm.data, "--json")).json()
    assert counts["different"] == 0 and counts["erased"] > 0 and counts["same"] > 20 and counts["bundles"] >= 1, counts
    assert counts["sign_ins"] == 5 and counts["enrolments"] == 1, counts
    assert counts["recomputed"] > 20 and counts["unknown"] == 0, counts
    pins = ("--policy", os.path.join(firm.data, "public", "log.policy"))
    log = run("ledger", "verify", "log", firm.data, *pins, "--older", firm.at("withdrawal"), "--tiles", "--json")
    assert log.code == 1 and log.json()["result"] == "weaker" and log.json()["report"]["entries"] == counts["entries"], log
    kept = run("ledger", "verify", "receipt", firm.at("withdrawal"), *pins, "--json").json()["report"]["index"]
    withdrawn = firm.must(run("ledger", "show", firm.data, str(kept), "--json")).json()
    assert withdrawn["type"] == "vote" and withdrawn["body"]["statement"]["verdict"] == "withdraw", withdrawn
    genesis = firm.must(run("ledger", "show", firm.data, "0", "--json")).json()
    assert genesis["type"] == "genesis" and genesis["body"]["document"]["instance"] == "northwind.example"
    firm.must(run("ledger", "show", firm.data, str(counts["entries"])), 2)
    with open(firm.at("secret"), encoding="utf-8") as file:
        secret = file.read().strip().encode()
    entries = [firm.must(run("ledger", "show", firm.data, str(index), "--json")).json() for index in range(counts["entries"])]
    exported = [entry["body"]["hash"] for entry in entries if entry["type"] == "export"]
    assert exported == SHARED["exported"], exported # what was exported says the log, by its hash
    unnamed = {entry["type"] for entry in entries if not entry["body"].get("legal_entity")}
    assert unnamed <= OF_NOBODY, unnamed - OF_NOBODY
    assert {"decision", "enrolment", "erased", "refusal", "sign_in", "sign_out", "vote"} <= {entry["type"] for entry in entries} - unnamed
    for folder, _, names in os.walk(firm.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            assert secret not in content, f"{folder}/{name} holds the imported key"
            for value in (NAME, CONTACT):
                assert value.encode() not in content, f"{folder}/{name} holds what a person is called"


def test_every_request_and_answer_is_as_the_document_says():
    document, seen = openapi.Document(), set()
    for exchange in house().exchanges:
        try:
            seen.add((exchange.method, document.check_exchange(exchange)))
        except openapi.Mismatch as mismatch:
            raise AssertionError(f"{mismatch}\n{exchange.body[:2000]}\n{exchange.answer[:2000]}") from None
    described = {(method, path) for method, path, _ in document.operations()}
    assert seen == described, f"never asked: {sorted(described - seen)}"
    refused = {exchange.status for exchange in house().exchanges} & openapi.WELL_FORMED
    assert {403, 409, 410, 503} <= refused, refused
    print(f"# {len(house().exchanges)} exchanges of {len(seen)} kinds")
    house().remove()


tap.main(globals())
