#!/usr/bin/env python3
"""An installation with 10,000 keys: its listings come in pages, and the command line shows them whole."""

import glob
import os
import subprocess
import time

import openapi
import tap
from installation import KEEPER_USER
from northwind import Northwind

MANY_KEYS = os.environ["MANY_KEYS"]
COUNT = 10_000
SHARED = {}


def house():
    """Founded by the fixture, served by the program, asked through a proxy that records the exchanges."""
    if "house" not in SHARED:
        SHARED["house"] = firm = Northwind()
        started = time.monotonic()
        subprocess.run([MANY_KEYS, firm.folder, str(COUNT)], check=True)
        print(f"# {COUNT} keys made in {time.monotonic() - started:.0f} s", flush=True)
        os.rename(firm.at("person1"), firm.at("keys", "1"))
        made = [firm.at("mark"), firm.data, *glob.glob(firm.at("mark", "*")), *glob.glob(firm.data + "/**", recursive=True)]
        for path in made if os.geteuid() == 0 else []:
            os.chown(path, KEEPER_USER, KEEPER_USER)
        firm.start()
    return SHARED["house"]


def names(answer):
    return [item["id"] for item in answer.json()]


def test_ten_thousand_keys_are_listed_whole_in_order_of_their_ids():
    firm = house()
    listed = firm.must(firm.ask("person1", "key", "list", "--json"))
    assert names(listed) == sorted(f"key-{i}" for i in range(COUNT))
    asked = [exchange for exchange in firm.exchanges if exchange.path == "/v1/keys"]
    assert len(asked) >= COUNT / 1000 and all(len(exchange.answer) < 512 * 1024 for exchange in asked), len(asked)


def test_every_page_is_as_the_document_says():
    document = openapi.Document()
    assert {document.check_exchange(exchange) for exchange in house().exchanges} == {"/v1/keys"}


def test_pages_that_do_not_go_on_are_refused():
    """Who answers could keep the command line asking, or have it send what it never meant to."""
    firm = house()
    for cursor in [b'"next":""', b'"next":"00"', b'"next":"00 HTTP/1.1\\r\\nX: y"', b'"next":"zz"', b'"next":7']:
        def change(exchange, cursor=cursor):
            start = exchange.answer.rindex(b'"next":')
            return exchange.answer[:start] + cursor + b"}"
        firm.proxy_of("person1").change = change
        before = len(firm.exchanges)
        try:
            refused = firm.ask("person1", "key", "list", "--json")
        finally:
            firm.proxy_of("person1").change = None
        assert refused.code in (1, 2) and refused.out == "" and "listing.next" in refused.err, (cursor, refused)
        assert len(firm.exchanges) - before <= 2, cursor


def test_the_house_stops_and_is_taken_down():
    firm = house()
    assert firm.stop() == 0, firm.log()
    firm.remove()


tap.main(globals())
