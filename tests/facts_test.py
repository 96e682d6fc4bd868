#!/usr/bin/env python3
"""docs/facts.md and examples/schema.cedarschema list the same facts, and agree on which may be absent."""

import os
import re

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROW = re.compile(r"^\| ([a-z_]+)\.([a-z_]+) \| [^|]+ \| [^|]* \| [a-z]+ \| .* \| (.*) \|\s*$", re.MULTILINE)
TYPES = {"Transfer": "transfer", "Call": "call", "Approve": "approve", "Approvals": "approvals", "Time": "time",
         "Request": "request", "Identity": "identity", "Mfa": "mfa", "ZoneFacts": "zone", "KeyFacts": "key", "Destination": "destination",
         "Limits": "limits", "Bundle": "bundle", "Change": "change", "Price": "price"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def documented():
    return {f"{group}.{name}" for group, name, _ in ROW.findall(read("docs/facts.md"))}


def in_schema():
    found = {}
    for name, body in re.findall(r"^type (\w+) = \{\n(.*?)\n\};", read("examples/schema.cedarschema"), re.MULTILINE | re.DOTALL):
        if name in TYPES:
            for fact, optional in re.findall(r"^  ([a-z_]+)(\??):", body, re.MULTILINE):
                found[f"{TYPES[name]}.{fact}"] = optional == "?"
    return found


def test_schema_and_document_list_the_same_facts():
    assert documented() == set(in_schema()), documented() ^ set(in_schema())


def test_a_fact_stands_under_the_heading_of_its_group():
    beside = {"approve": "transfer", "call": "transfer", "mfa": "identity"}  # what one heading tells of besides
    counted = 0
    for section in re.split("^## ", read("docs/facts.md"), flags=re.MULTILINE)[1:]:
        heading = section.split("\n", 1)[0].split(", ")
        for group, name, _ in ROW.findall(section):
            assert beside.get(group, group) in heading, f"{group}.{name} stands under {heading}"
            counted += 1
    assert counted == len(documented()) + 1, counted  # transfer.transaction_type is told of two chains


def test_what_is_never_absent_is_required_or_of_one_chain_only():
    required = {name for name, optional in in_schema().items() if not optional}
    absent = {f"{group}.{name}" for group, name, when in ROW.findall(read("docs/facts.md")) if not when.startswith("never")}
    assert not required & absent - {f"key.{name}" for name in ("known", "state", "account", "same_desk", "same_legal_entity")} - {
        "approvals.group", "mfa.aal", "mfa.phishing_resistant"}, required & absent


def test_the_gate_knows_which_facts_are_reported_and_which_count_approvals():
    document = read("docs/facts.md")
    known = dict(re.findall(r'\{"([a-z_.]+)", MONOTONE_(\w+)\}', read("src/gate/host.c")))
    reported = set(re.findall(r"^\| ([a-z_.]+) \| [^|]+ \| [^|]* \| reported \|", document, re.MULTILINE))
    assert reported == {name for name, kind in known.items() if kind in ("FLAG", "REPORT")}, reported
    approvals = {f"{group}.{name}" for group, name, _ in ROW.findall(document) if group == "approvals"}
    assert approvals == {name for name, kind in known.items() if kind in ("COUNT", "COUNTS", "OBJECTION")}, approvals


tap.main(globals())
