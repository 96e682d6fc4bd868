#!/usr/bin/env python3
"""`make install`, from what is built: every file that a user gets, where it was asked to be, and the programs run from there."""

import glob
import os
import re
import stat
import struct
import subprocess
import tempfile

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
DOCUMENTS = "share/doc/gatehouse"
PROGRAMS = ["bin/gatehouse", "bin/gatehouse-verify"]
FILES = [
    *PROGRAMS,
    "share/bash-completion/completions/gatehouse.bash",
    "share/gatehouse/gatehouse-verify.html",
    "share/man/man1/gatehouse.1",
    *[f"{DOCUMENTS}/{name}" for name in ("CONTRIBUTING.md", "LICENSE", "README.md")],
]


def documents():
    """What of docs/ and examples/ is in the repository, or where there is none what stands there: all of it belongs to the user."""
    listed = subprocess.run(["git", "ls-files", "docs", "examples"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [
        os.path.relpath(os.path.join(at, name), ROOT) for folder in ("docs", "examples") for at, _, names in os.walk(os.path.join(ROOT, folder)) for name in names]
    assert len(names) > 60, names
    return [f"{DOCUMENTS}/{name}" for name in names]


def make_install(at, *words):
    """Without what goes before it: nothing is built, and no tool that builds or fetches can be run."""
    tools = os.path.join(at, "tools")
    os.makedirs(tools, exist_ok=True)
    for name in ("apt-get", "cc", "dpkg-query", "gcc-14", "ninja", "node", "npm", "sudo"):
        with open(os.path.join(tools, name), "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\necho {name} >>'{at}/called'\nexit 1\n")
        os.chmod(file.name, 0o755)
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "DESTDIR", "PREFIX")}
    return subprocess.run(["make", "--old-file=all", "install", *words], cwd=ROOT, env=inherited | {"PATH": f"{tools}:{os.environ['PATH']}"},
                          capture_output=True, text=True, check=False)


def installed(below):
    return sorted(os.path.relpath(os.path.join(at, name), below) for at, _, names in os.walk(below) for name in names)


def needs_nothing(path):
    """Of a 64-bit little-endian ELF file: neither an interpreter (PT_INTERP) nor a library (DT_NEEDED), which is what running it anywhere takes."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:6] == b"\x7fELF\2\1", data[:6]
    at, (size, count) = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<HH", data, 54)
    segments = {kind: (offset, length) for kind, offset, length in
                ((*struct.unpack_from("<I4xQ16xQ", data, at + i * size),) for i in range(count))}
    assert 1 in segments, "no PT_LOAD: not what is run"
    offset, length = segments.get(2, (0, 0))  # PT_DYNAMIC, which one that relocates itself has
    needed = [value for tag, value in struct.iter_unpack("<QQ", data[offset:offset + length]) if tag == 1]
    return 3 not in segments and not needed


def test_what_is_installed_is_complete_stands_where_it_was_asked_for_and_runs_there():
    with tempfile.TemporaryDirectory(prefix="gatehouse install ") as at:
        for prefix, destination in (("/opt/gatehouse", os.path.join(at, "absolute")), ("/usr", os.path.relpath(os.path.join(at, "relative"), ROOT))):
            for _ in range(2 if prefix == "/usr" else 1):  # also over what is there
                done = make_install(at, f"PREFIX={prefix}", f"DESTDIR={destination}")
                assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
            assert not os.path.exists(os.path.join(at, "called")), "a tool was called"
            whole = os.path.join(ROOT, destination)
            below = whole + prefix
            assert installed(whole) == sorted(os.path.join(prefix[1:], name) for name in [*FILES, *documents()]), installed(whole)
            for name in installed(below):
                mode = stat.S_IMODE(os.stat(os.path.join(below, name)).st_mode)
                assert mode & 0o755 == (0o755 if name in PROGRAMS else 0o644) and mode & 0o022 == 0, (name, oct(mode))
            for program, words, said in (("gatehouse", ["--help"], "usage: gatehouse NOUN VERB"), ("gatehouse", ["--version"], "gatehouse "),
                                         ("gatehouse-verify", ["--help"], "usage: gatehouse-verify ")):
                shown = subprocess.run([os.path.join(below, "bin", program), *words], env={}, capture_output=True, text=True, check=False)
                assert shown.returncode == 0 and shown.stdout.startswith(said) and shown.stderr == "", shown
            assert needs_nothing(os.path.join(below, "bin", "gatehouse-verify")), "gatehouse-verify is not static"
            assert not needs_nothing(os.path.join(below, "bin", "gatehouse")), "static too, or this check sees nothing"
        assert not glob.glob(os.path.join(ROOT, "build", "install.*")), "something was left in build/"


def test_links_between_installed_documents_lead_to_an_installed_file():
    given = {*FILES, *documents()}
    folders = {os.path.dirname(name) for name in given} | {DOCUMENTS + "/docs", DOCUMENTS + "/examples"}
    followed = 0
    for name in given:
        if not name.endswith(".md"):
            continue
        with open(os.path.join(ROOT, os.path.relpath(name, DOCUMENTS)), encoding="utf-8") as file:
            for target in LINK.findall(file.read()):
                if re.match(r"[a-z]+:", target):
                    continue
                path = os.path.normpath(os.path.join(os.path.dirname(name), target))
                assert path in given or path in folders, f"{name}: no {target}"
                followed += 1
    assert followed > 50, followed


def test_a_prefix_that_is_no_absolute_path_is_refused():
    with tempfile.TemporaryDirectory() as at:
        for prefix in ("usr", ""):
            done = make_install(at, f"PREFIX={prefix}", f"DESTDIR={at}/pkg")
            assert done.returncode != 0 and f'install: PREFIX is an absolute path, and "{prefix}" is none' in done.stderr, done
        assert not os.path.exists(os.path.join(at, "pkg"))


tap.main(globals())
