#!/usr/bin/env python3
"""Three keepers of one key. A passkey that a person enrols by a link at one of them counts for what they sign together, also at one that was
away. And a keeper's own policies, which can only forbid: they come with its configuration, are an entry of its log, end at its share what the
others permit, and replay from its log alone."""

import json
import os
import signal

import processes
import tap
from keepers import Keepers
from northwind import PEOPLE, Northwind, run, transfer
from passkey_person import Person

FORBIDS = """@id("no-large")
@reason("at this keeper nothing above 200 USD")
forbid (principal, action == Action::"sign", resource)
when { context has transfer.usd_cents && context.transfer.usd_cents > 20000 };
"""
PERMITS = """@id("anything")
permit (principal, action, resource);
"""


def pack(keeper, name, policies):
    """A packed bundle's file of the keeper, and its hash."""
    folder, file = keeper.at(f"{name}.d"), keeper.at(f"{name}.json")
    os.makedirs(folder)
    with open(os.path.join(folder, "bundle.yaml"), "w", encoding="utf-8") as out:
        out.write(f"name: {name}\nversion: \"1\"\ngroups: [treasury, security]\n")
    with open(os.path.join(folder, "local.cedar"), "w", encoding="utf-8") as out:
        out.write(policies)
    packed = keeper.must(run("policy", "pack", folder, "--out", file, "--json")).json()
    checked = run("policy", "pack", folder, "--local", "--json")
    found = [one["name"] for one in checked.json().get("findings", ())]
    assert (checked.code, found) == ((1, ["bundle.permit"]) if "permit" in policies else (0, [])), checked
    return file, packed["bundle"]


def set_local(keeper, file):
    with open(keeper.config, encoding="utf-8") as now:
        lines = [line for line in now.read().splitlines() if not line.startswith("local_bundle:")]
    with open(keeper.config, "w", encoding="utf-8") as out:
        out.write("\n".join(lines + ([f"local_bundle: {file}"] if file else [])) + "\n")


def reload(keeper, says):
    """Until its log says so once more."""
    seen = keeper.log().count(says)
    keeper.process.send_signal(signal.SIGHUP)
    keeper.wait_for(lambda: keeper.log().count(says) > seen)


def local_entries(keeper):
    """Of the log of a keeper that stands still: which bundles, in order."""
    found, index = [], 0
    while (shown := run("ledger", "show", keeper.data, str(index), "--json")).code == 0:
        entry = shown.json()
        if entry["type"] == "local_bundle":
            found.append(entry["body"].get("bundle"))
        index += 1
    assert index > 1, shown
    return found


def replay(keeper):
    counts = keeper.must(run("ledger", "replay", keeper.data, "--json")).json()
    assert counts["different"] == 0 and counts["same"] > 5, counts
    return counts


def small(keeper, nonce):
    return keeper.ask("settlement", "op", "sign", "vault", "--transaction", "-", "--json", given=transfer(nonce, 1))


def invite(keeper, person):
    """One command, approved by two of security; the link."""
    file = keeper.at(f"link-{person.name}")
    keeper.submit("person", "invite", person.id, "--name", person.name, "--waiting", "0", "--link", file)
    with open(file, encoding="utf-8") as link:
        return link.read()


def has_passkey(keeper, person):
    people = keeper.must(keeper.ask("person1", "person", "list", "--json")).json()
    return any(key["id"] == f"{person.id}/{person.name}" for row in people if row["id"] == person.id for key in row["keys"])


def signed_with_the_vote_of(keeper, person, nonce):
    """12,000 USD: two of treasury, the passkey's vote one of them."""
    held = keeper.must(keeper.ask("settlement", "op", "sign", "vault", "--transaction", "-", "--json", given=transfer(nonce, 400))).json()
    assert held["state"] == "held", held
    status, voted = person.approve(keeper, held["operation"])
    assert status == 202 and voted["state"] == "held", voted
    return keeper.must(keeper.ask("person1", "op", "approve", held["operation"], "--yes", "--json")).json()


def check_passkeys(a, b, c):
    """Enrolled at one keeper, it counts at all: with every two of three of them, whoever is asked; and at one that was away meanwhile."""
    phone, tablet = Person(PEOPLE["person2"], "phone"), Person(PEOPLE["person2"], "tablet")
    phone.enrol(a, invite(a, phone))
    link = invite(a, tablet)
    for keeper in (b, c):
        keeper.wait_for(lambda keeper=keeper: has_passkey(keeper, phone))
    phone.sign_in(b)
    assert signed_with_the_vote_of(b, phone, 0)["state"] == "done"
    assert c.stop() == 0
    tablet.enrol(a, link)
    for keeper in (a, b):
        keeper.wait_for(lambda keeper=keeper: has_passkey(keeper, tablet) and keeper.metric("gatehouse_enrolments_waiting") == 1)
    # Whoever has it is started anew before the third is there.
    assert a.stop() == 0
    a.start()
    c.start()
    c.wait_for(lambda: has_passkey(c, tablet))
    for keeper in (a, b, c):
        keeper.wait_for(lambda keeper=keeper: keeper.metric("gatehouse_enrolments_waiting") == 0)
    assert b.stop() == 0
    c.wait_for(lambda: c.health().get("up") == ["a"])
    tablet.sign_in(c)
    assert signed_with_the_vote_of(c, tablet, 1)["state"] == "done"
    b.start()


def test_what_is_one_keepers_and_what_is_everybodys():
    keepers = Keepers()
    for keeper in keepers.all:
        keeper.wait_for_nothing()
    with keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        file, local = pack(c, "own", FORBIDS)
        hostile, _ = pack(c, "hostile", PERMITS)
        a.make_shared_key("vault", "2-of-3", "a", "b", "c")
        check_passkeys(a, b, c)
        keepers.wait_all_up()
        set_local(c, file)
        reload(c, "a local bundle is in force: own")
        # The common bundle is everybody's as before.
        shown = c.must(c.ask("person1", "policy", "show", "--json")).json()
        assert shown["local"]["bundle"] == local and shown["bundle"] == a.keepers()["c"]["bundle"], shown["local"]["bundle"]
        assert "local" not in a.must(a.ask("person1", "policy", "show", "--json")).json()
        assert c.must(c.ask("person1", "policy", "show", "--bundle", local, "--json")).json()["bundle"] == local
        c.wait_for(lambda: json.loads(c.read("/healthz")[1])["keeper"].get("local_bundle") == local)
        # 300 USD: permitted by all under the common bundle, refused by c, whoever is asked.
        for asked, nonce in ((a, 2), (b, 2)):
            refused = asked.must(asked.sign("vault", nonce), 1)
            assert "operation.denied: forbidden by local:no-large (keeper c)" in refused.err, refused
        own = c.must(c.sign("vault", 2), 1)
        assert "forbidden by local:no-large" in own.err + own.out, own
        said = c.must(c.ask("person1", "policy", "explain", own.json()["operation"], "--json")).json()
        row = next(row for row in said["policies"] if row["id"] == "local:no-large")
        assert row["outcome"] == "satisfied" and row["reason"].startswith("at this keeper") and said["local_bundle"] == local, said
        # 3 USD is not what it forbids.
        assert a.must(small(a, 2)).json()["state"] == "done"
        # What would permit is refused by name, and what was in force stays.
        set_local(c, hostile)
        reload(c, "the local bundle stays as it was: local_bundle.refused: bundle.permit: local.cedar:2:1: \\\"anything\\\" permits")
        assert "local:no-large (keeper c)" in a.must(a.sign("vault", 3), 1).err
        # So it does where the keeper's process dies then, and is started anew with the file that is refused.
        keeper = processes.of_role(c.process.pid, "keeper")
        os.kill(keeper, signal.SIGKILL)
        c.wait_for(lambda: processes.of_role(c.process.pid, "keeper") not in (None, keeper))
        keepers.wait_all_up()
        assert c.log().count("the local bundle stays as it was: local_bundle.refused") == 2, c.log()
        assert "local:no-large (keeper c)" in a.must(a.sign("vault", 3), 1).err
        # A file that others could write is not even looked at.
        os.chmod(file, 0o666)
        set_local(c, file)
        reload(c, "the reload is refused, everything stays as it is: handover.local_bundle")
        os.chmod(file, 0o644)
        reload(c, "the configuration is reloaded")
        # After a restart it is in force without another entry.
        c.stop()
        assert local_entries(c) == [local]
        c.start()
        keepers.wait_all_up()
        assert "local:no-large (keeper c)" in a.must(a.sign("vault", 3), 1).err
        # And gone again when it is configured no more.
        set_local(c, None)
        reload(c, "no local bundle is in force any more")
        assert a.must(a.sign("vault", 3)).json()["state"] == "done"
        c.stop()
        assert local_entries(c) == [local, None]
        replay(c)
        a.stop()
        assert local_entries(a) == []
        replay(a)


def test_a_keeper_does_not_start_with_one_that_is_refused():
    firm = Northwind()
    try:
        firm.found()
        for file, says in ((pack(firm, "hostile", PERMITS)[0], "local_bundle.refused: bundle.permit"),
                           (firm.founding, "local_bundle.refused: json."),
                           (firm.at("nothing"), "handover.local_bundle"), (firm.at(), "handover.local_bundle"),
                           ("relative.json", "config.local_bundle")):
            set_local(firm, file)
            served = run("serve", "--config", firm.config)
            assert served.code != 0 and says in served.err, (file, served)
        set_local(firm, pack(firm, "own", FORBIDS)[0])
        firm.start()
        assert firm.stop() == 0
        # With another one that is refused it starts, and what it has accepted stays in force.
        set_local(firm, firm.at("hostile.json"))
        firm.start()
        assert "the local bundle stays as it was: local_bundle.refused: bundle.permit" in firm.log(), firm.log()
        assert firm.stop() == 0
        assert len(local_entries(firm)) == 1
    finally:
        firm.stop()
        firm.remove()


if __name__ == "__main__":
    tap.main(globals())
