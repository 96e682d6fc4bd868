#!/usr/bin/env python3
"""The console as it is built: its types hold, its scripts stay small, and no page has code or addresses of its own."""

import gzip
import json
import os
import re
import subprocess

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONSOLE = os.path.join(ROOT, "console")
SITE = os.environ["CONSOLE_SITE"]


def files():
    for folder, _, names in os.walk(SITE):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                yield os.path.relpath(path, SITE), file.read()


FILES = dict(files())


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def test_the_types_hold():
    done = subprocess.run([os.path.join(CONSOLE, "node_modules", ".bin", "tsc"), "--project", CONSOLE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_of_the_page_are_under_the_bar():
    with open(os.path.join(ROOT, "bench", "bars.json"), encoding="utf-8") as file:
        bar = next(row["bar"] for row in json.load(file)["rows"] if row["name"] == "console.js_gzip_kb")
    sizes = {name: len(gzip.compress(content, 9)) for name, content in FILES.items() if name.endswith(".js")}
    assert sizes and sum(sizes.values()) <= bar * 1000, sizes


def test_the_page_loads_its_own_files_and_nothing_else():
    page = FILES["index.html"].decode()
    targets = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(targets) >= 3 and {target.removeprefix("/") for target in targets} <= set(FILES), targets
    assert "<style" not in page and not re.search(r"<script(?![^>]* src=)|\son[a-z]+=|style=", page), page


def test_no_file_names_another_host():
    namespaces = {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}
    for name, content in FILES.items():
        found = set(re.findall(r"\bhttps?://[A-Za-z0-9][^\s\"'`)<>\\]*", content.decode())) - namespaces
        assert not found, (name, found)


def test_every_kind_and_state_of_an_operation_has_words():
    words = read("console", "src", "words.ts")
    kinds = re.findall(r'\[OPERATION_\w+\] = \{"([a-z._]+)"', re.sub(r"\s+", " ", read("src", "model", "operation_kind.c")))
    said = re.findall(r'^\t"?([a-z][a-z._]+)"?: \{ name: "[^"]+", says:', words, re.MULTILINE)
    assert len(kinds) > 30 and sorted(kinds) == sorted(said), set(kinds) ^ set(said)
    states = re.search(r"OperationState: \{enum: \[([^\]]+)\]", read("docs", "openapi.yaml")).group(1).split(", ")
    assert sorted(states) == sorted(re.findall(r"^\t([a-z_]+): \{ name: \"[^\"]+\", tone:", words, re.MULTILINE)), states


def test_what_a_browser_keeps_for_ever_is_named_by_its_content():
    kept = [name for name in FILES if name.endswith((".js", ".css"))]
    assert kept and all(re.search(r"-[A-Z0-9]{8}\.(js|css)$", name) for name in kept), kept


tap.main(globals())
