#!/usr/bin/env python3
"""The layers of src/: what each module may include, read off the #include lines (docs/architecture.md).

A module is the first folder below src/; every folder below guards/ is a module of its own. A file may include its own module and
those of the layers below. Modules that share a layer do not include each other, but for what lies in guards/ itself, which all
guards share.
"""

import os
import re

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src")
CORPORA = os.path.join(ROOT, "tests", "fuzz")

# From the bottom; modules in one row do not know each other.
LAYERS = [
    {"base"},
    {"crypto"},
    {"store"},
    {"model"},
    {"ledger", "policy", "identity", "wallet", "keys", "compute", "detect", "guards"},
    {"gate"},
    {"evidence"},
    {"supervisor"},  # with what every process starts with: configuration and confinement
    {"keeper", "gateway", "watcher", "helpers"},
    {"cli"},
]
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
SUPPORT = {"tests/": ("_test.c", "_fuzz.c", "_bench.c"), "bench/": ("_bench.c",)}


def sources():
    for folder, folders, names in os.walk(SRC):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, SRC), file.read()


FILES = dict(sources())


def module_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "guards" and len(parts) > 2 else parts[0]


def may_include(user, used):
    """Whether a file of module user may include one of module used."""
    if user == used:
        return True
    if used == "guards" and user.startswith("guards/"):
        return True
    return LEVEL[used.split("/")[0]] < LEVEL[user.split("/")[0]]


def own_includes():
    for path, text in FILES.items():
        for quote, included in INCLUDE.findall(text):
            if quote == '"':
                yield path, included


def none(faults):
    faults = list(faults)
    assert not faults, "\n" + "\n".join(faults)


def test_the_rule_itself_permits_downward_and_refuses_upward_and_sideways():
    for user, used in [("cli", "gate"), ("gate", "ledger"), ("gate", "guards/limits"), ("ledger", "base"), ("base", "base"),
                       ("guards/limits", "guards"), ("guards/limits", "model"), ("keeper", "evidence")]:
        assert may_include(user, used), f"{user} may include {used}"
    for user, used in [("base", "crypto"), ("ledger", "policy"), ("wallet", "keys"), ("guards/limits", "guards/zones"),
                       ("guards", "guards/limits"), ("model", "gate"), ("gateway", "keeper"), ("guards/limits", "wallet")]:
        assert not may_include(user, used), f"{user} may not include {used}"


def test_there_are_sources_to_check():
    assert len(FILES) > 20, f"{len(FILES)} files below {SRC}"


def test_every_folder_of_src_is_a_known_module():
    none(f"{path}: {path.split('/')[0]} stands in no layer" for path in FILES if path.split("/")[0] not in LEVEL)


def test_includes_are_written_from_src_and_exist():
    for path, included in own_includes():
        support = next((prefix for prefix in SUPPORT if included.startswith(prefix)), None)
        if support is not None:
            assert path.endswith(SUPPORT[support]), f"{path} includes {included}, which is for {SUPPORT[support]} files"
            assert os.path.exists(os.path.join(ROOT, included)), f"{path}: no file {included}"
        else:
            assert os.path.exists(os.path.join(SRC, included)), f"{path}: no file src/{included}"


def test_no_module_includes_one_above_or_beside_it():
    none(f"{path} includes {included}" for path, included in own_includes()
         if included.split("/")[0] in LEVEL and path.split("/")[0] in LEVEL
         and not may_include(module_of(path), module_of(included)))


def test_own_headers_are_quoted_and_library_headers_are_not():
    none(f"{path} includes <{included}>" for path, text in FILES.items() for quote, included in INCLUDE.findall(text)
         if quote == "<" and os.path.exists(os.path.join(SRC, included)))


def test_every_header_is_guarded_by_its_own_name():
    for path, text in FILES.items():
        if path.endswith(".h"):
            guard = "GATEHOUSE_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper()
            assert f"#ifndef {guard}\n#define {guard}\n" in text, f"{path}: no guard {guard}"
            assert text.count(guard) == 2, f"{path}: {guard} stands {text.count(guard)} times"


def test_tests_benches_and_fuzzers_are_registered_in_their_module():
    meson = {}
    for folder, _, names in os.walk(SRC):
        if "meson.build" in names:
            with open(os.path.join(folder, "meson.build"), encoding="utf-8") as file:
                meson[os.path.relpath(folder, SRC)] = file.read()
    for path in FILES:
        name = os.path.basename(path)
        if name.endswith(("_test.c", "_bench.c", "_fuzz.c")):
            module = path.split("/")[0]
            listed = any(name in text for folder, text in meson.items() if folder.split("/")[0] == module)
            assert listed, f"{path} is in no meson.build of its module and never runs"


def test_every_fuzz_target_names_the_reader_that_its_coverage_is_counted_for():
    for path, text in FILES.items():
        if path.endswith("_fuzz.c"):
            named = re.search(r"Readers?: ((?:[^\n]*,\n)*[^\n]*)", text)
            readers = re.findall(r"([\w/]+\.c)(?:\s*\(([^)]*)\))?", named.group(1)) if named else [(path.removesuffix("_fuzz.c") + ".c", "")]
            for reader, functions in readers:
                assert reader in FILES, f"{path}: there is no src/{reader}; say \"Reader: <module>/<file>.c\" in its first comment"
                none(f"{path}: src/{reader} has no function {name}" for name in re.findall(r"\w+", functions.removeprefix("not "))
                     if not re.search(rf"^{name}\(", FILES[reader], re.MULTILINE))


def test_every_fuzz_target_has_a_corpus_of_as_many_inputs_as_are_written_down():
    with open(os.path.join(CORPORA, "counts"), encoding="utf-8") as file:
        written = dict(line.rsplit(" ", 1) for line in file.read().splitlines())
    targets = {name for folder, _, names in os.walk(SRC) if "meson.build" in names
               for name in re.findall(r"'name': '(\w+_fuzz)'", open(os.path.join(folder, "meson.build"), encoding="utf-8").read())}
    counted = {name: str(sum(not file.startswith(".") for file in os.listdir(os.path.join(CORPORA, name))))
               for name in os.listdir(CORPORA) if os.path.isdir(os.path.join(CORPORA, name))}
    none(f"{name}: {counted.get(name)} inputs in tests/fuzz/{name}, and tests/fuzz/counts says {written.get(name)}: scripts/fuzz --count"
         for name in sorted(targets | counted.keys() | written.keys()) if name not in counted or counted[name] != written.get(name))


tap.main(globals())
