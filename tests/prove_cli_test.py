#!/usr/bin/env python3
"""policy prove, diff, lint and people, as people use them: by a worker that the program starts, confines and ends."""

import json
import os
import shutil
import tempfile

import tap
from northwind import ROOT, run

FIRM = os.path.join(ROOT, "examples", "firm", "policy")
SCHEMA = os.path.join(ROOT, "examples", "schema.cedarschema")
POLICIES = os.path.join(FIRM, "policies.cedar")


def weakened(folder, old, new):
    """A copy of the firm's bundle in which one thing stands otherwise."""
    copy = os.path.join(folder, "policy")
    shutil.copytree(FIRM, copy)
    path = os.path.join(copy, "policies.cedar")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count(old) >= 1, old
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))
    return copy


def test_the_shipped_bundle_is_proved():
    done = run("policy", "prove", FIRM, "--json")
    report = json.loads(done.out)
    assert done.code == 0 and report["findings"], done
    assert {finding["verdict"] for finding in report["findings"]} == {"proved"}, report
    assert any("votes_are_people" in assumption for assumption in report["assumptions"]), report


def test_a_weakened_bundle_is_refuted_with_a_request():
    with tempfile.TemporaryDirectory() as folder:
        done = run("policy", "prove", weakened(folder, "<= 1000000\n", "<= 1000001\n"), "--json")
    findings = {finding["subject"]: finding for finding in json.loads(done.out)["findings"]}
    broken = findings["value_needs_approvals"]
    assert done.code == 1 and broken["verdict"] == "counterexample", done
    witness = broken["witness"]
    assert witness["decision"] == "permit" and witness["reasons"] == ["small_transfer"], witness
    assert witness["context"]["transfer"]["usd_cents"] == 1000001, witness


def test_a_lie_of_the_gateway_gains_nothing_from_the_shipped_bundle():
    honest, hostile = (json.loads(run("policy", "prove", FIRM, "--json", *more).out) for more in ((), ("--gateway-hostile",)))
    assert {finding["verdict"] for finding in hostile["findings"]} == {"proved"}, hostile
    told = [assumption for assumption in honest["assumptions"] if assumption not in hostile["assumptions"]]
    assert [assumption.split(":")[0] for assumption in told] == ["gateway"], (honest, hostile)


def test_a_diff_shows_what_became_permitted_and_what_denied():
    with tempfile.TemporaryDirectory() as folder:
        new = os.path.join(weakened(folder, "independent >= 1", "independent >= 2"), "policies.cedar")
        done = run("policy", "diff", POLICIES, new, "--schema", SCHEMA, "--json")
    differing = [f for f in json.loads(done.out)["findings"] if f["verdict"] != "proved"]
    assert done.code == 1 and [f["check"] for f in differing] == ["newly_denied"], differing
    assert differing[0]["subject"] == 'Workload Action::"sign" Key' and differing[0]["witness"]["decision"] == "deny", differing
    assert run("policy", "diff", POLICIES, POLICIES, "--schema", SCHEMA).code == 0


def test_lint_names_what_never_applies():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.cedar")
        with open(path, "w", encoding="utf-8") as file:
            file.write('@id("never") permit(principal, action == Action::"sign", resource) when {'
                       ' context.approvals.total > 3 && context.approvals.total < 3 };')
        done = run("policy", "lint", path, "--schema", SCHEMA)
    assert done.code == 1 and "dead never" in done.out, done
    assert run("policy", "lint", POLICIES, "--schema", SCHEMA).code == 0


def test_people_names_the_smallest_sets():
    people = [{"uid": {"type": "Person", "id": name}, "attrs": {"suspended": False},
               "parents": [{"type": "Group", "id": group} for group in groups]}
              for name, groups in {"a": ["treasury"], "b": ["treasury"], "c": ["security"]}.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "people.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(people, file)
        done = run("policy", "people", POLICIES, "--schema", SCHEMA, "--entities", path, "--more-than", "1000000", "--json")
    sets = [f["reason"] for f in json.loads(done.out)["findings"] if f["verdict"] == "counterexample"]
    assert done.code == 1 and sets == ["2 of a, b"], done


def test_what_is_wrong_is_said_and_nothing_is_proved():
    assert run("policy", "prove", POLICIES, "--schema", SCHEMA).code == 2
    missing = run("policy", "prove", POLICIES, "--schema", SCHEMA, "--invariants", "/nowhere")
    assert missing.code == 2 and missing.out == "", missing
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "i.cedar")
        with open(path, "w", encoding="utf-8") as file:
            file.write("forbid(principal, action, resource);")
        nameless = run("policy", "prove", POLICIES, "--schema", SCHEMA, "--invariants", path)
    assert nameless.code == 2 and "invariant.id: " in nameless.err and ":1:1:" in nameless.err, nameless


if __name__ == "__main__":
    tap.main(globals())
