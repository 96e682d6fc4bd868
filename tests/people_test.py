#!/usr/bin/env python3
"""Approvals of several people against a firm that is served by the program itself: stages in their order, delegation, rejections, and
what a receiver's name that nobody configured is answered.

The policies are Northwind's, with waits of no time at all, since what is waited for here is not the clock, and with stages: units are
added by two of treasury first, and by security after them."""

import atexit
import os
import re
import shutil

import tap
from northwind import Northwind, run, transfer

SHARED = {}
STAGED = """
@id("staged")
forbid (principal, action == Action::"unit.add", resource)
unless { context.approvals.first.treasury >= 2 && context.approvals.second.security >= 1 };
"""
PERSON = "p-000000000000000{}".format


def house():
    if "house" not in SHARED:
        SHARED["house"] = firm = Northwind()
        atexit.register(lambda: (firm.stop(), firm.remove()))
        firm.found()
        firm.start()
        key = firm.must(firm.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        firm.approve(key["operation"], "person3", "person5")
        folder = firm.at("staged")
        shutil.copytree(firm.at("policy"), folder)
        shutil.rmtree(os.path.join(folder, "tests"))
        for name in ("policies.cedar", "invariants.cedar"):
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"(waiting_ms (?:<|>=)) (?:86400000|3600000)", r"\1 0", file.read())
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + (STAGED if name == "policies.cedar" else ""))
        policy = firm.must(firm.ask("person4", "policy", "activate", folder, "--reason", "stages", "--json")).json()
        firm.approve(policy["operation"], "person3", "person5")
    return SHARED["house"]


def ask_by_security(*arguments):
    """Asked by person 4, approved by 3 and 5."""
    firm = house()
    asked = firm.must(firm.ask("person4", *arguments, "--json")).json()
    assert asked["state"] == "held", asked
    return firm.approve(asked["operation"], "person3", "person5")


def vote(who, verb, operation, *options, code=0):
    answer = house().must(house().ask(who, "op", verb, operation, "--yes", "--json", *options), code)
    return answer.json() if answer.out else answer


def new_unit(name):
    held = house().must(house().ask("person4", "unit", "add", name, "--kind", "legal_entity", "--json")).json()
    assert held["state"] == "held" and held["missing"]["first.treasury"] == 2 and held["missing"]["second.security"] == 1, held
    return held["operation"]


def held_transfer():
    SHARED["nonce"] = SHARED.get("nonce", -1) + 1
    asked = house().ask("settlement", "op", "sign", "eth-hot", "--transaction", "-", "--json", given=transfer(SHARED["nonce"], 400))
    held = house().must(asked).json()
    assert held["state"] == "held", held
    return held["operation"]


def test_the_second_stage_begins_when_the_first_is_complete():
    operation = new_unit("first")
    assert vote("person1", "approve", operation)["missing"]["first.treasury"] == 1
    done = vote("person2", "approve", operation)
    assert done["state"] == "held" and "first.treasury" not in done["missing"] and done["missing"]["second.security"] == 1, done
    assert "second.security" not in vote("person3", "approve", operation)["missing"]
    done = vote("person5", "approve", operation)
    assert done["state"] == "done", done


def test_whoever_withdraws_in_the_first_stage_sets_back_what_followed():
    operation = new_unit("second")
    for who in ("person1", "person2", "person3"):
        held = vote(who, "approve", operation)
    assert "second.security" not in held["missing"], held
    back = vote("person2", "withdraw", operation)
    assert back["missing"]["first.treasury"] == 1 and back["missing"]["second.security"] == 1, back
    held = vote("person2", "approve", operation)
    assert "first.treasury" not in held["missing"] and held["missing"]["second.security"] == 1, held
    # Whoever approved in the second stage did so of another first one: asked again.
    vote("person3", "approve", operation)
    assert vote("person5", "approve", operation)["state"] == "done"
    shown = house().must(house().ask("person1", "op", "show", operation, "--json")).json()
    assert shown["state"] == "done", shown


def test_a_vote_of_one_stage_is_not_carried_into_another():
    """Signed offline in the first stage, and brought when the second has begun."""
    firm, operation = house(), new_unit("third")
    file, signed = firm.at("third.op"), firm.at("third.vote")
    firm.must(firm.ask("person3", "op", "export", operation, "--out", file))
    firm.must(firm.ask("person3", "op", "approve", "--offline", file, "--out", signed, "--yes"))
    for who in ("person1", "person2"):
        vote(who, "approve", operation)
    late = firm.ask("person5", "op", "import", signed)
    assert late.code == 1 and "approval.stage_differs" in late.err, late
    vote("person1", "reject", operation, "--reason", "not needed any more", code=1)


def test_a_delegate_votes_for_one_person_once_and_until_the_end():
    ask_by_security("person", "delegate", PERSON(1), "--by", PERSON(5), "--until", "2099-01-01T00:00:00Z")
    shown = house().must(house().ask("person1", "person", "list", "--json")).json()
    one = next(person for person in shown if person["id"] == f"person:{PERSON(1)}")
    assert [given["by"] for given in one["delegations"]] == [f"person:{PERSON(5)}"] and "from" not in one["delegations"][0], one
    operation = held_transfer()
    stranger = house().ask("person2", "op", "approve", operation, "--for", PERSON(1), "--yes")
    assert stranger.code == 1 and "approval.delegation" in stranger.err, stranger
    assert vote("person5", "approve", operation, "--for", f"person:{PERSON(1)}")["missing"].get("group.treasury") == 1
    twice = house().ask("person5", "op", "approve", operation, "--yes")
    assert twice.code == 1 and "votes.signer_voted" in twice.err, twice
    assert vote("person2", "approve", operation)["state"] == "done"
    # It ends at once; what it would still have given is refused.
    operation = held_transfer()
    vote("person5", "approve", operation, "--for", PERSON(1))
    ask_by_security("person", "delegate", PERSON(1), "--by", PERSON(5), "--until", "1970-01-01T00:00:00Z")
    late = house().ask("person5", "op", "withdraw", operation, "--for", PERSON(1), "--yes")
    assert late.code == 1 and "approval.delegation" in late.err, late
    held = vote("person2", "approve", operation)
    assert held["state"] == "held" and held["missing"]["group.treasury"] == 1, held
    assert vote("person1", "approve", operation)["state"] == "done"


def test_a_delegation_that_begins_later_leaves_the_present_one_until_then():
    ask_by_security("person", "delegate", PERSON(2), "--by", PERSON(5), "--until", "2099-01-01T00:00:00Z")
    ask_by_security("person", "delegate", PERSON(2), "--by", PERSON(1), "--wait", "25h", "--until", "2099-01-01T00:00:00Z")
    shown = house().must(house().ask("person1", "person", "list", "--json")).json()
    two = next(person for person in shown if person["id"] == f"person:{PERSON(2)}")
    assert [(given["by"][-1], "from" in given) for given in two["delegations"]] == [("5", False), ("1", True)], two
    operation = held_transfer()
    early = house().ask("person1", "op", "approve", operation, "--for", PERSON(2), "--yes")
    assert early.code == 1 and "approval.delegation" in early.err, early
    vote("person5", "approve", operation, "--for", PERSON(2))
    house().must(house().ask("person3", "person", "delegation-cancel", PERSON(2)))
    begun = house().ask("person3", "person", "delegation-cancel", PERSON(2))
    assert begun.code == 1 and "directory.begun" in begun.err, begun
    assert vote("person1", "approve", operation)["state"] == "done"


def test_a_rejection_says_why():
    operation = held_transfer()
    silent = house().ask("person1", "op", "reject", operation, "--yes")
    assert silent.code == 2 and "usage.reason" in silent.err, silent
    rejected = vote("person1", "reject", operation, "--reason", "another venue", code=1)
    assert rejected["state"] == "rejected" and rejected["rejection"]["reason"] == "another venue", rejected


def test_a_rejection_by_somebody_who_is_not_asked_is_shown_and_ends_nothing():
    operation = held_transfer()
    held = vote("person4", "reject", operation, "--reason", "seen on the phone")
    assert held["state"] == "held" and held["missing"] == {"group.treasury": 2, "independent": 1}, held
    assert held["rejection"] == {"person": f"person:{PERSON(4)}", "reason": "seen on the phone"}, held
    shown = house().must(house().ask("person1", "op", "show", operation, "--json")).json()
    assert shown["state"] == "held" and shown["rejection"] == held["rejection"], shown
    vote("person1", "approve", operation)
    assert vote("person2", "approve", operation)["state"] == "done"


def test_a_receiver_that_nobody_configured_is_refused_by_name():
    refused = house().ask("person1", "notify", "test", "nobody")
    assert refused.code == 1 and "notification.receiver" in refused.err, refused


def test_the_log_replays_the_same_after_the_stop():
    firm = house()
    assert firm.stop() == 0
    replayed = firm.must(run("ledger", "replay", firm.data, "--json")).json()
    assert replayed["different"] == 0 and replayed["same"] > 15, replayed


tap.main(globals())
