#!/usr/bin/env python3
"""What the documents say about the tree holds: links lead somewhere, the commands that they name exist, and bars are as measured against."""

import glob
import json
import os
import re

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:^    |`)(?:SETUP=no |sudo )?make(?: ([a-z]+))?(?=[\s`]|$)", re.MULTILINE)
ANCHOR = re.compile(r"\[[^\]]*\]\(([^)\s#]*)#([^)]+)\)")
FORMAT = re.compile(r"\bPROTOCOL\.([a-z-]+)((?:,? (?:and )?§§?\d+(?:\.\d+)?)*)")
SOURCE = re.compile(r"\b(?:base|crypto|store|model|ledger|policy|identity|wallet|keys|guards|gate|keeper|gateway|supervisor|helpers|cli)/[a-z0-9_/]+\.[ch]\b")
SCRIPT = re.compile(r"\b(scripts|tests|bench|examples)/[A-Za-z0-9_./-]*[A-Za-z0-9_]")


def documents():
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "tests/**/*.md"):
        for path in glob.glob(pattern, root_dir=ROOT, recursive=True):
            if "node_modules" in path:
                continue
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                yield path, file.read()


DOCUMENTS = dict(documents())


def test_there_is_a_readme_and_its_documents():
    assert "README.md" in DOCUMENTS and "CONTRIBUTING.md" in DOCUMENTS, sorted(DOCUMENTS)


def test_links_inside_the_tree_lead_to_a_file():
    for path, text in DOCUMENTS.items():
        for target in LINK.findall(text):
            if not re.match(r"[a-z]+:", target):
                assert os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)), f"{path}: no {target}"


def heading_anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def test_links_to_a_heading_lead_to_one():
    assert heading_anchor("From `make`: what, and why") == "from-make-what-and-why"
    for path, text in DOCUMENTS.items():
        for target, anchor in ANCHOR.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            other = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            headings = re.findall(r"^#+ (.*)$", DOCUMENTS[other], re.MULTILINE)
            assert anchor in map(heading_anchor, headings), f"{path}: no {other}#{anchor}"


def sources():
    for pattern in ("*.md", "docs/*", "docs/**/*.md", "src/**/*.[ch]", "tests/*.[ch]", "tests/*.py", "bench/*.[ch]", "console/src/**/*.ts*", "console/verifier/*"):
        for path in sorted(set(glob.glob(pattern, root_dir=ROOT, recursive=True))):
            if os.path.isfile(os.path.join(ROOT, path)):
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    yield path, file.read()


def test_documents_and_sections_that_anything_names_exist():
    formats = {}
    for path in glob.glob("docs/PROTOCOL.*", root_dir=ROOT):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            formats[path.removeprefix("docs/PROTOCOL.")] = set(re.findall(r"^(\d+(?:\.\d+)?)\.? ", file.read(), re.MULTILINE))
    named = 0
    for path, text in sources():
        for name, sections in FORMAT.findall(text):
            assert name in formats, f"{path}: no PROTOCOL.{name}"
            unknown = set(re.findall(r"§(\d+(?:\.\d+)?)", sections)) - formats[name]
            assert not unknown, f"{path}: no PROTOCOL.{name} §{unknown}"
            named += 1
        for name in re.findall(r"\bdocs/[A-Za-z0-9_.-]*[A-Za-z0-9_]", text):
            assert os.path.exists(os.path.join(ROOT, name)) or name == "docs/PROTOCOL", f"{path}: no {name}"
    assert len(formats) > 15 and named > 100, (len(formats), named)


def test_sources_that_documents_and_headers_name_exist():
    named = [(path, name) for path, text in sources() if path.endswith((".md", ".h")) or "PROTOCOL" in path for name in SOURCE.findall(text)]
    assert len(named) > 100, len(named)
    for path, name in named:
        assert os.path.exists(os.path.join(ROOT, "src", name)), f"{path}: no src/{name}"


def test_bars_that_documents_name_are_those_that_are_measured_against():
    with open(os.path.join(ROOT, "bench", "bars.json"), encoding="utf-8") as file:
        bars = {row["name"]: row for row in json.load(file)["rows"]}
    named = 0
    for path, text in DOCUMENTS.items():
        for name, bar, stretch in re.findall(r"\b([a-z]+\.[a-z0-9_]+)\b[^\n(]*\(bar ([\d,.]*\d)(?:, stretch ([\d,.]*\d))?", text):
            row = bars[name]
            assert float(bar.replace(",", "")) == row["bar"], f"{path}: {name} has the bar {row['bar']}"
            assert not stretch or float(stretch.replace(",", "")) == row["stretch"], f"{path}: {name} has the stretch {row['stretch']}"
            named += 1
    assert named >= 2, named


def test_make_targets_that_are_named_exist():
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        targets = set(re.findall(r"^([a-z]+):", file.read(), re.MULTILINE))
    named = {(path, name) for path, text in DOCUMENTS.items() for name in COMMAND.findall(text) if name}
    assert named, "no document names a target"
    for path, name in named:
        assert name in targets, f"{path}: make {name}"


def test_files_of_the_tree_that_are_named_exist():
    for path, text in DOCUMENTS.items():
        for match in SCRIPT.finditer(text):
            assert os.path.exists(os.path.join(ROOT, match.group(0))), f"{path}: no {match.group(0)}"


def everything(*patterns):
    for pattern in patterns:
        for path in glob.glob(pattern, root_dir=ROOT, recursive=True):
            if "node_modules" not in path and os.path.isfile(os.path.join(ROOT, path)):
                with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
                    yield path, file.read()


def test_tests_that_documents_name_are_run():
    there = tests_there_are()
    named = {(path, name) for path, text in DOCUMENTS.items() for name in re.findall(r"\b[a-z0-9_]+_(?:test|fuzz|soak|bench)\b", text)}
    assert len(named) > 40, len(named)
    for path, name in named:
        assert name in there, f"{path}: no {name}"


def test_variables_of_the_environment_that_documents_name_are_read():
    read = "".join(text for _, text in everything("src/**/*.[ch]", "tests/**/*.py", "scripts/*", "Makefile", "src/**/meson.build", "tests/meson.build"))
    named = {(path, name) for path, text in DOCUMENTS.items() for name in re.findall(r"\bGATEHOUSE_[A-Z_]*[A-Z]\b", text)}
    assert named, "no document names a variable"
    for path, name in named:
        assert name in read, f"{path}: nobody reads {name}"


def test_every_heading_of_the_makefile_is_a_target():
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        text = file.read()
    for name in re.findall(r"^#   make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{name}:", text, re.MULTILINE), f"make {name}"


def content(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def tests_there_are():
    built = dict(everything("src/**/*", "tests/*", "tests/browser/*", "bench/*"))
    there = {os.path.splitext(os.path.basename(path))[0] for path in built}
    return there | {name for path, text in built.items() if path.endswith("meson.build") for name in re.findall(r"'([a-z0-9_]+)'", text)}


def test_what_the_threat_model_promises_names_the_tests_that_hold_it():
    there = tests_there_are()
    table = re.search(r"\| where it is tested \|\n\|[-|]+\|\n((?:\|.*\n)+)", DOCUMENTS["docs/threat-model.md"])[1].splitlines()
    assert len(table) > 9, table
    for row in table:
        named = row.split("|")[-2].strip().split(", ")
        assert all(re.fullmatch(r"[a-z0-9_]+_test", name) and name in there for name in named), row


def test_errors_at_the_start_that_a_document_explains_are_given():
    given = "".join(text for path, text in everything("src/**/*.c") if not path.endswith("_test.c"))
    table = DOCUMENTS["docs/running.md"].split("## When it does not start")[1].split("\n## ")[0]
    named = [name for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row)]
    assert len(named) > 20, named
    for name in named:
        assert f'"{name}' in given, f"nothing gives {name}"


def test_the_log_s_types_and_those_that_use_the_reserve_are_the_program_s():
    rows = re.findall(r'\[ENTRY_\w+\] = \{"(\w+)", \d+, (true|false)\}', content("src", "model", "entry.c"))
    assert len(rows) > 20, rows
    listed = re.search(r"^    types +(.*?)\n\n    that use the reserve of a full disk: (.*?)\n\n", content("docs", "PROTOCOL.ledger"), re.MULTILINE | re.DOTALL)
    assert listed[1].split() == [name for name, _ in rows], listed[1]
    assert listed[2].split() == [name for name, uses_reserve in rows if uses_reserve == "true"], listed[2]


def test_the_snapshot_is_of_the_version_and_parts_of_the_program():
    source = content("src", "gate", "snapshot.c")
    version = re.search(r"constexpr uint16_t VERSION =\s+(\d+);", source)[1]
    parts = re.findall(r"^\t\{write_\w+, read_\w+\},$", source, re.MULTILINE)
    words = {18: "eighteen", 19: "nineteen", 20: "twenty", 21: "twenty-one", 22: "twenty-two"}
    listed = re.search(r'"GHSTATE\\n", version (\d+) \(2 bytes\), time \(8\); then ([a-z-]+) parts, each after its length \(4\): (.*?) \(gate/snapshot', content("docs", "PROTOCOL.ledger"), re.DOTALL)
    assert listed[1] == version, f"the program writes version {version}"
    assert listed[2] == words[len(parts)] and len(listed[3].split(",")) == len(parts), f"the program writes {len(parts)} parts"


tap.main(globals())
