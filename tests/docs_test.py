#!/usr/bin/env python3
"""What the documents say about the tree holds: links lead somewhere, and the commands that they name exist."""

import glob
import os
import re

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:^    |`)(?:SETUP=no |sudo )?make(?: ([a-z]+))?(?=[\s`]|$)", re.MULTILINE)
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


def test_every_heading_of_the_makefile_is_a_target():
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        text = file.read()
    for name in re.findall(r"^#   make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{name}:", text, re.MULTILINE), f"make {name}"


tap.main(globals())
