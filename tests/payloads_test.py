#!/usr/bin/env python3
"""Payloads as docs/openapi.yaml says them and as the program takes them: whatever the document refuses is refused at submission, by the
name of the member, before anybody is asked; and what it takes, and the program takes as well, fits it.

Every member of every kind is left out, given another type, bent beyond its form and its bounds, and a member is added that is none; all
of it is derived from the document."""

import copy
import json
import os
import subprocess

import openapi
import tap

DOCUMENT = openapi.Document()
LIST = "eip155:1:0x3535353535353535353535353535353535353535"
NEW_KEY = {"class": "terminal", "effective_from": 1, "name": "2026a", "public_key": "0a" * 32, "zone": "office"}
KEY = {"algorithm": "secp256k1", "branches": ["m/84'/0'/0'"], "chain": "bitcoin:main", "id": "hot-1", "material": "extended",
       "parties": ["a", "b", "c"], "purpose": "transfer", "scheme": "ecdsa", "threshold": "2-of-3"}
BUNDLE = dict.fromkeys(("entities", "invariants", "limits", "links", "policies", "schema", "tests"), []) | {
    "name": "a", "strict": True, "type": "gatehouse/bundle/v1", "version": "1"}
# Of every kind with members one payload that holds all of them, but for what only a shared key's own record can fill.
VALID = {
    "sign": {"chain": "eip155:1", "format": "evm", "transaction": "0x02"},
    "digest.sign": {"digest": "00" * 32, "path": "m/0'/1'"},
    "key.create": KEY,
    "key.import": KEY | {"chain_code": "00" * 32, "commitment": "00" * 32, "public_key": "02" + "00" * 32, "secret_kind": "parts"},
    "key.rotate": {"id": "hot-2"},
    "key.reshare": {"parties": ["a", "b"], "threshold": "2-of-2"},
    "key.backup": {"recovery_key": "00" * 1216},
    "unit.add": {"id": "a", "kind": "desk", "parent": "b"},
    "zone.add": {"id": "a", "networks": ["10.1.0.0/16", "fd00::/8"]},
    "person.add": {"auditor": True, "keys": [NEW_KEY], "person": "person:p-0123456789abcdef"},
    "workload.add": {"auditor": False, "keys": [NEW_KEY], "workload": "workload:quotes"},
    "principal.key_add": NEW_KEY,
    "principal.passkey_add": {"attestation_object": "00", "client_data": "0000", "name": "a", "nonce": "00" * 16, "rp_id": "a.example",
                              "usable_from": 0},
    "principal.invite": {"certified": True, "expires": 1, "name": "a", "synced": False, "token_sha256": "00" * 32, "waiting_ms": 0},
    "principal.totp_add": {"algorithm": "sha1", "commitment": "00" * 32, "digits": 6},
    "authenticator.trust": {"aaguid": "00" * 16, "roots": ["3000"]},
    "principal.key_revoke": {"key": "workload:quotes/2026a"},
    "person.profile": {"contact": "00" * 32, "name": "00" * 32},
    "auditor.grant": {"entity": "a", "from": 0, "until": 1},
    "auditor.revoke": {"entity": "a"},
    "personal.grant": {"until": 1},
    "group.add": {"id": "risk"},
    "principal.resume": {"effective_from": 1},
    "group.member_add": {"effective_from": 1, "person": "person:p-0123456789abcdef"},
    "group.member_remove": {"person": "person:p-0123456789abcdef"},
    "delegate": {"by": "person:p-0123456789abcdef", "effective_from": 1, "until": 2},
    "addition.cancel": {"person": "person:p-0123456789abcdef"},
    "list.create": {"id": "a", "kind": "allowed"},
    "list.add": {"effective_from": 1, "entries": [LIST], "expires": 2, "note": "a", "probation": 1},
    "list.confirm": {"entries": [LIST]},
    "list.remove": {"entries": [LIST]},
    "asset.add": {"chain": "eip155:1", "contract": "0x" + "35" * 20, "decimals": 6, "symbol": "USDC"},
    "price.set": {"microcents": 1},
    "policy.activate": {"bundle": BUNDLE, "signatures": [{"key": "a/b", "public_key": "00" * 32, "signature": "00" * 64}]},
    "keeper.add": {"admission": 1, "certificate": "00" * 32, "key": "00" * 32, "log_keys": ["a", "b"], "name": "a", "party": 1},
    "keeper.remove": {"name": "a"},
    "keeper.readmit": {"name": "a", "root": "00" * 32, "size": 1},
    "clock.accept": {"realtime": 1},
    "intent.resolve": {"happened": True},
    "notification.test": {"receiver": "a"},
    "break_glass.review": {"finding": "a"},
}
# What no schema says, and is refused all the same: (kind, member, value).
BEYOND = [
    ("unit.add", "id", "оptions"), ("unit.add", "id", "Options"), ("group.add", "id", "treаsury"), ("group.add", "id", "a-b"),
    ("zone.add", "networks", ["300.1.1.1/8"]), ("zone.add", "networks", ["10.1.0.0/8"]), ("zone.add", "networks", ["::/129"]),
    ("list.add", "entries", ["EIP155:1:0x3535353535353535353535353535353535353535"]),
    ("list.add", "entries", ["eip155:01:0x3535353535353535353535353535353535353535"]),
    ("list.add", "entries", ["eip155:1:0x35"]), ("list.add", "entries", ["bitcoin:main:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"]),
    ("asset.add", "chain", "eip155:01"), ("asset.add", "chain", "EIP155:1"), ("asset.add", "chain", "bitcoin:mainnet"),
    ("asset.add", "symbol", "usdc."), ("asset.add", "symbol", "-a"), ("asset.add", "symbol", "UЅDC"), ("asset.add", "symbol", "..."),
    ("key.create", "threshold", "4-of-3"), ("key.create", "threshold", "1-of-3"), ("key.create", "threshold", "2-of-17"),
    ("key.create", "branches", ["m/4294967296"]), ("key.create", "id", "hоt"), ("key.create", "id", ""), ("key.create", "chain", "eip155:01"),
    ("person.add", "person", "person:p-0123456789ABCDEF"), ("person.add", "person", "person:smith"),
    ("workload.add", "workload", "workload:Quotes"), ("workload.add", "workload", "person:p-0123456789abcdef"),
    ("group.member_add", "person", "person:p-0123456789abcde"), ("delegate", "by", "workload:quotes"),
    ("principal.key_revoke", "key", "workload:quotes"), ("price.set", "microcents", -5), ("price.set", "microcents", 0),
    ("list.create", "kind", "foo"), ("key.create", "algorithm", "foo"), ("key.create", "algorithm", 7), ("key.create", "id", []),
    ("key.create", "material", None), ("key.create", "purpose", {}), ("break_glass.review", "finding", "a\u0000b"),
]


def schemas():
    found = {}
    for row in DOCUMENT.root["components"]["schemas"]["OperationRequest"]["oneOf"]:
        rule = row["properties"]["operation"]["properties"]["kind"]
        for kind in [rule["const"]] if "const" in rule else rule["enum"]:
            found[kind] = DOCUMENT.resolve(row["properties"]["payload"])
    return found


SCHEMAS = schemas()


def asked(cases):
    """What the program says of each (kind, payload)."""
    lines = "".join(f"{kind} {json.dumps(payload, ensure_ascii=False)}\n" for kind, payload in cases)
    tried = subprocess.run([os.environ["PAYLOAD_CHECK"]], input=lines, capture_output=True, text=True, timeout=400)
    assert tried.returncode == 0, tried.stderr
    answers = tried.stdout.splitlines()
    assert len(answers) == len(cases), (len(answers), len(cases))
    return answers


def fits(value, schema):
    try:
        DOCUMENT.check(value, schema)
    except openapi.Mismatch:
        return False
    return True


def bent(value, schema):
    """Values near to this one that the schema refuses."""
    schema = DOCUMENT.resolve(schema)
    tried = [None, True, 7, -1, "", "x", [], {}, {"a": 1}, [7], 2**53 - 1]
    if isinstance(value, str):
        tried += [value.upper(), value.replace("a", "а"), value + "а", " " + value, value + "\n", value[:-1], value + value, value * 300]
    if isinstance(value, int) and not isinstance(value, bool):
        tried += [schema.get("minimum", 0) - 1, str(value)] + ([schema["maximum"] + 1] if "maximum" in schema else [])
    if isinstance(value, list) and value:
        tried += [value * 5000, value + [7], value + [None]]
        tried += [value[:-1] + [one] for one in bent(value[-1], schema["items"])]
    if isinstance(value, dict):
        tried += mutants(value, schema)
    return [one for one in tried if not fits(one, schema)]


def mutants(payload, schema):
    made = [payload | {"other": 1}, payload | {"Id": "a"}]
    for name, member in schema.get("properties", {}).items():
        if name in payload:
            made.append({key: value for key, value in payload.items() if key != name})
            made += [payload | {name: one} for one in bent(payload[name], member)]
    return [one for one in made if not fits(one, schema)]


def test_every_kind_with_members_has_a_payload_here_and_it_is_taken():
    with_members = {kind for kind, schema in SCHEMAS.items() if schema.get("properties")}
    assert with_members == set(VALID), with_members ^ set(VALID)
    for kind, payload in VALID.items():
        lacking = set(SCHEMAS[kind]["properties"]) - set(payload)
        assert lacking == ({"key", "sharing"} if kind == "key.reshare" else set()), f"{kind}: {lacking}"
        DOCUMENT.check(payload, SCHEMAS[kind], kind)
    for (kind, payload), answer in zip(VALID.items(), asked(list(VALID.items()))):
        assert answer == "ok", f"{kind} {payload}: {answer}"


def test_what_the_document_demands_the_program_demands_and_no_more():
    cases = [(kind, name, {key: value for key, value in payload.items() if key != name}) for kind, payload in VALID.items() for name in payload]
    for (kind, name, _), answer in zip(cases, asked([(kind, payload) for kind, _, payload in cases])):
        demanded = name in SCHEMAS[kind].get("required", [])
        assert answer == (f"payload.{name}: missing" if demanded else "ok"), f"{kind} without {name}: {answer}"


def test_whatever_the_document_refuses_is_refused_by_name():
    cases = [(kind, one) for kind in SCHEMAS for one in mutants(VALID.get(kind, {}), SCHEMAS[kind]) if not inside_the_bundle(kind, one)]
    cases += [(kind, one) for kind in SCHEMAS for one in ([], "a", 7, None)]
    for (kind, payload), answer in zip(cases, asked(cases)):
        changed = [name for name in set(payload) ^ set(VALID.get(kind, {})) | {
            name for name in payload if name in VALID.get(kind, {}) and json.dumps(payload[name]) != json.dumps(VALID[kind][name])}
        ] if isinstance(payload, dict) else ["type"]
        named = any(answer.startswith(f"payload.{name}") or (answer.startswith("payload: unknown member") and f'"{name}"' in answer)
                    for name in changed)
        assert named, f"{kind} {json.dumps(payload)[:300]}: {answer}"
    print(f"# {len(cases)} payloads of {len(SCHEMAS)} kinds that the document refuses, each refused by name")
    assert len(cases) > 1500, len(cases)


def inside_the_bundle(kind, payload):
    """A bundle is read, tested and proved as a whole: src/policy/bundle_test.c."""
    return kind == "policy.activate" and isinstance(payload.get("bundle"), dict) and payload["bundle"] != BUNDLE


def test_forms_that_no_schema_can_say_are_refused_by_name():
    cases = [(kind, copy.deepcopy(VALID[kind]) | {name: value}) for kind, name, value in BEYOND]
    for (kind, name, value), answer in zip(BEYOND, asked(cases)):
        assert answer.startswith(f"payload.{name}") and "expected" in answer, f"{kind} {name} {value!r}: {answer}"
    print(f"# {len(cases)} payloads of a form that is none, each refused by name")


tap.main(globals())
