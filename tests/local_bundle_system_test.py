#!/usr/bin/env python3
"""A keeper's own policies, which can only forbid: three keepers of one key, of which one has some. They come with its configuration, are
an entry of its log, end at its share what the others permit, and replay from its log alone."""

import json
import os
import signal

import processes
import tap
from keepers import Keepers
from northwind import Northwind, run, transfer

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


def test_what_one_keeper_forbids_is_refused_at_its_share():
    with Keepers() as keepers:
        a, b, c = keepers.all
        keepers.wait_all_up()
        file, local = pack(c, "own", FORBIDS)
        hostile, _ = pack(c, "hostile", PERMITS)
        a.make_shared_key("vault", "2-of-3", "a", "b", "c")
        assert a.must(a.sign("vault", 0)).json()["state"] == "done"
        set_local(c, file)
        reload(c, "a local bundle is in force: own")
        # The common bundle is everybody's as before.
        shown = c.must(c.ask("person1", "policy", "show", "--json")).json()
        assert shown["local"]["bundle"] == local and shown["bundle"] == a.keepers()["c"]["bundle"], shown["local"]["bundle"]
        assert "local" not in a.must(a.ask("person1", "policy", "show", "--json")).json()
        assert c.must(c.ask("person1", "policy", "show", "--bundle", local, "--json")).json()["bundle"] == local
        c.wait_for(lambda: json.loads(c.read("/healthz")[1])["keeper"].get("local_bundle") == local)
        # 300 USD: permitted by all under the common bundle, refused by c, whoever is asked.
        for asked, nonce in ((a, 1), (b, 1)):
            refused = asked.must(asked.sign("vault", nonce), 1)
            assert "operation.denied: forbidden by local:no-large (keeper c)" in refused.err, refused
        own = c.must(c.sign("vault", 1), 1)
        assert "forbidden by local:no-large" in own.err + own.out, own
        said = c.must(c.ask("person1", "policy", "explain", own.json()["operation"], "--json")).json()
        row = next(row for row in said["policies"] if row["id"] == "local:no-large")
        assert row["outcome"] == "satisfied" and row["reason"].startswith("at this keeper") and said["local_bundle"] == local, said
        # 3 USD is not what it forbids.
        assert a.must(small(a, 1)).json()["state"] == "done"
        # What would permit is refused by name, and what was in force stays.
        set_local(c, hostile)
        reload(c, "the local bundle stays as it was: local_bundle.refused: bundle.permit: local.cedar:2:1: \\\"anything\\\" permits")
        assert "local:no-large (keeper c)" in a.must(a.sign("vault", 2), 1).err
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
        assert "local:no-large (keeper c)" in a.must(a.sign("vault", 2), 1).err
        # So it is where the keeper's process dies and is started anew.
        keeper = processes.of_role(c.process.pid, "keeper")
        os.kill(keeper, signal.SIGKILL)
        c.wait_for(lambda: processes.of_role(c.process.pid, "keeper") not in (None, keeper))
        keepers.wait_all_up()
        assert "local:no-large (keeper c)" in a.must(a.sign("vault", 2), 1).err
        # And gone again when it is configured no more.
        set_local(c, None)
        reload(c, "no local bundle is in force any more")
        assert a.must(a.sign("vault", 2)).json()["state"] == "done"
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
        assert len(local_entries(firm)) == 1
    finally:
        firm.stop()
        firm.remove()


tap.main(globals())
