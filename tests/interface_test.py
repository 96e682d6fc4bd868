#!/usr/bin/env python3
"""The interface as documents say it and as the tables of the program have it: routes, kinds of operations with their payloads, and
commands are the same in both."""

import glob
import os
import re
import types

import answers
import openapi
import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


read, flat = answers.read, answers.flat
DOCUMENT = openapi.Document()
KINDS = re.findall(r'\[OPERATION_\w+\] = \{"([a-z._]+)", "([a-z_]+)", ([^,]+), ACT_(\w+), (true|false)\}',
                   flat("src", "model", "operation_kind.c"))
MEMBERS = {name.lower(): re.findall(r'\{"([a-z0-9_]+)", ', members) for name, members in
           re.findall(r"\[OPERATION_(\w+)\] = \{((?: ?\{[^}]*\},?)*) ?\}", flat("src", "gate", "payloads.c"))}


def table_routes(*path):
    return {(method, pattern) for method, pattern in re.findall(r'\{"(GET|POST|DELETE)", "([^"]+)"', flat(*path))}


def as_pattern(path):
    return re.sub(r"\{[^}]*\}", lambda match: "**" if match.group(0) == "{tile}" else "*", path)


def member_key(kind):
    return kind.replace(".", "_")


def members_of(kind):
    found = [key for key in MEMBERS if key == member_key(kind)]
    assert len(found) == 1, f"{kind}: {found}"
    return set(MEMBERS[found[0]])


def test_the_tables_were_found():
    assert len(KINDS) >= 30 and len(MEMBERS) == len(KINDS), (len(KINDS), len(MEMBERS))


def test_every_route_is_described_and_no_other():
    described = {(method, as_pattern(path)) for method, path, _ in DOCUMENT.operations()}
    gateway, keeper = table_routes("src", "gateway", "routes.c"), table_routes("src", "keeper", "api.c")
    assert described == gateway, f"described only: {described - gateway}; in the table only: {gateway - described}"
    assert keeper <= gateway and gateway - keeper == {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/"), ("GET", "/assets/*")}


def test_every_route_lists_the_statuses_that_it_can_answer_with_and_no_other():
    possible = answers.possible()
    for method, path, operation in DOCUMENT.operations():
        listed = {int(status) for status in operation["responses"]} # "default" would be none
        can = possible[method, as_pattern(path)]
        assert listed == can, f"{method} {path}: not listed {sorted(can - listed)}, never given {sorted(listed - can)}"


def test_a_status_that_only_one_function_of_a_route_gives_is_found():
    possible = answers.possible()
    assert 404 in possible["GET", "/v1/keys/*"] and 404 not in possible["GET", "/v1/keys"] # key.unknown, in the handler
    assert 409 in possible["GET", "/v1/operations/*/view"] and 409 not in possible["GET", "/v1/keys"] # operation.not_held, below it
    assert 401 in possible["GET", "/v1/keys"] and 401 not in possible["GET", "/v1/ledger/checkpoint"] # the one is public
    assert 403 in possible["DELETE", "/v1/session"] and 403 not in possible["GET", "/v1/session"] # another site's page


def test_every_status_has_one_description_and_is_one_that_the_program_knows():
    known = {int(status) for status in re.findall(r'\{(\d+), "[A-Z]', read("src", "base", "problem.c"))}
    responses = DOCUMENT.root["components"]["responses"]
    used = {405: set()} # told in the document's beginning: no path has it
    for _, _, operation in DOCUMENT.operations():
        for status, answer in operation["responses"].items():
            used.setdefault(int(status), set()).add(answer.get("$ref", "").rpartition("/")[2])
    assert set(used) <= known and len(used) > 20, f"unknown: {set(used) - known}"
    made = set(answers.http_statuses().values()) | set(answers.reader_statuses().values()) | answers.of_operations()
    assert made <= set(used), f"made and in no list: {made - set(used)}"
    for status, names in used.items():
        for name in names if status >= 400 else ():
            assert re.search(rf"\b{status}\b", responses[name]["description"]), f"{name} stands for {status}"
    unused = set(responses) - set().union(*used.values())
    assert not unused, unused


def test_every_name_of_an_error_in_the_document_is_one_that_the_program_gives():
    sources = "".join(read(path) for path in glob.glob(os.path.join(ROOT, "src", "**", "*.c"), recursive=True))
    counted = 0
    for name, response in DOCUMENT.root["components"]["responses"].items():
        for error in re.findall(r"\b[a-z_]+\.[a-z_]+\b", response["description"]):
            assert f'"{error}' in sources, f"{name}: {error}"
            counted += 1
    assert counted > 25, counted


def test_every_kind_has_one_payload_with_the_members_of_the_table():
    assert DOCUMENT.root["components"]["schemas"]["OperationKind"]["enum"] == [kind for kind, *_ in KINDS]
    schemas = {}
    for row in DOCUMENT.root["components"]["schemas"]["OperationRequest"]["oneOf"]:
        rule = row["properties"]["operation"]["properties"]["kind"]
        for kind in [rule["const"]] if "const" in rule else rule["enum"]:
            assert kind not in schemas, f"{kind} stands twice"
            schemas[kind] = DOCUMENT.resolve(row["properties"]["payload"])
    for kind, *_ in KINDS:
        assert set(schemas[kind].get("properties", {})) == members_of(kind), kind
        assert schemas[kind]["additionalProperties"] is False, kind


def test_every_kind_stands_in_the_document_as_in_the_table():
    rows = dict(re.findall(r"^\| `([a-z._]+)` \| (.*) \|$", read("docs", "operations.md"), re.MULTILINE))
    commands = read("src", "cli", "commands.c")
    for kind, group, resources, direction, protective in KINDS:
        cells = [cell.strip() for cell in rows[kind].split(" | ")]
        assert re.findall(r"`([a-z]+)`", cells[0]) == [name.lower() for name in re.findall(r"ON\((\w+)\)", resources)], kind
        if not kind.startswith(("person.add", "workload.add", "key.import")):
            missing = members_of(kind) - set(re.findall(r"`([a-z0-9_]+)`", cells[1]))
            assert not missing, f"{kind}: {missing}"
        assert ("outward" in cells[1]) == (direction == "OUTWARD") and ("protective" in cells[1]) == (protective == "true"), kind
        assert cells[2] == f"`{group}`", kind
        for noun, verb in re.findall(r"`(\w+) ([\w-]+)`", cells[3]):
            assert f'{{"{noun}", "{verb}"' in commands, f"{kind}: gatehouse {noun} {verb}"


def test_every_command_stands_in_the_document():
    text = read("docs", "cli.md")
    rows = re.findall(r'^\t\{("(\w+)"|nullptr), "([\w-]+)"[^\n]*', read("src", "cli", "commands.c").split("commands[] = {")[1], re.MULTILINE)
    assert len(rows) > 60, len(rows)
    for _, noun, verb in rows:
        name = f"{noun} {verb}".strip()
        assert name == "process" or f"`{name}" in text or f"gatehouse {name}" in text, f"docs/cli.md does not name {name}"


def test_every_metric_stands_in_the_document_and_no_other():
    counted = set()
    for path in glob.glob(os.path.join(ROOT, "src", "**", "*.c"), recursive=True):
        if not path.endswith(("_test.c", "_bench.c")):
            counted |= set(re.findall(r'(?:"|# TYPE )(gatehouse_[a-z_]+)["\s]', read(path)))
    listed = re.findall(r"^\| `(gatehouse_[a-z_]+)` ", read("docs", "metrics.md"), re.MULTILINE)
    assert len(listed) == len(set(listed)) > 40, listed
    assert set(listed) == counted, f"in the document only: {set(listed) - counted}; in the code only: {counted - set(listed)}"


def test_every_setting_stands_in_the_example():
    example = read("examples", "gatehouse.yaml")
    named = re.findall(r'\{"([a-z_]+)", YAML', read("src", "supervisor", "config.c") + read("src", "supervisor", "config_notifications.c"))
    assert len(named) > 40, named
    for name in named:
        assert name in example, f"examples/gatehouse.yaml does not name {name}"


def test_a_schema_word_that_is_not_checked_is_an_error():
    try:
        DOCUMENT.check({}, {"minProperties": 1})
    except AssertionError:
        return
    raise AssertionError("an unknown word was passed over")


def test_the_validator_refuses_what_differs():
    schema = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {
        "a": {"type": "integer", "minimum": 1}, "b": {"type": "array", "maxItems": 1, "items": {"pattern": "^x"}},
        "c": {"oneOf": [{"const": 1}, {"enum": [1, 2]}]}, "d": {"anyOf": [{"type": "null"}, {"type": "boolean"}]}}}
    DOCUMENT.check({"a": 1, "b": ["x"], "c": 2, "d": None}, schema)
    for value in ({}, [], {"a": 0}, {"a": True}, {"a": "1"}, {"a": 1, "e": 1}, {"a": 1, "b": ["y"]}, {"a": 1, "b": ["x", "x"]},
                  {"a": 1, "c": 1}, {"a": 1, "c": 3}, {"a": 1, "d": 0}):
        try:
            DOCUMENT.check(value, schema)
        except openapi.Mismatch:
            continue
        raise AssertionError(f"{value} was taken")


def test_a_request_is_checked_unless_its_refusal_says_that_it_was_ill_formed():
    for status, checked in ((201, True), (400, False), (401, False), (403, True), (409, True), (410, True), (429, True), (503, True)):
        empty = types.SimpleNamespace(method="POST", path="/v1/session", target="/v1/session", fields={"content-type": "application/json"}, body=b"{}",
                                      status=status, answer_fields={}, answer=b"") # neither request nor answer is as described
        try:
            DOCUMENT.check_exchange(empty)
        except openapi.Mismatch as mismatch:
            assert (" request" in str(mismatch)) == checked, (status, mismatch)
            continue
        raise AssertionError(f"{status} was taken")


def schemas_of(node, where="", is_schema=False):
    """Every schema, those in schemas included."""
    if isinstance(node, list):
        for i, one in enumerate(node):
            yield from schemas_of(one, f"{where}[{i}]", is_schema)
    if not isinstance(node, dict):
        return
    if not is_schema:
        for name, one in node.items():
            children = one.values() if name == "schemas" and isinstance(one, dict) else [one]
            for child in children:
                yield from schemas_of(child, f"{where}.{name}", name in ("schema", "schemas"))
        return
    yield where, node
    for word in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
        yield from schemas_of(node.get(word), f"{where}.{word}", True)
    for name, one in (node.get("properties") or {}).items():
        yield from schemas_of(one, f"{where}.{name}", True)


def test_what_the_program_shows_as_times_is_what_the_document_says_are_times():
    shown = set(re.findall(r'"(\w+)"', re.search(r"times\[\] = \{(.*?)\};", flat("src", "cli", "output.c")).group(1)))
    times, others = set(), set()
    for _, schema in schemas_of(DOCUMENT.root):
        for name, one in schema.get("properties", {}).items():
            is_time = one.get("$ref", "").rpartition("/")[2] in ("Time", "EffectiveFrom") or "; ms" in one.get("description", "")
            (times if is_time else others if one.get("type") == "integer" else set()).add(name)
    looks_like = {name for name in times | others | shown if name in shown or name.endswith("_at")}
    assert times <= looks_like, f"not shown as times: {times - looks_like}"
    assert not looks_like & others, f"numbers shown as times: {looks_like & others}"
    assert len(times) > 12, times


def test_every_word_of_every_schema_is_one_that_answers_are_checked_by():
    # A comma in a description without quotation marks makes a word of what follows it.
    count = 0
    for where, schema in schemas_of(DOCUMENT.root):
        for word in schema:
            assert word == "$ref" or word in openapi.ANNOTATIONS or hasattr(DOCUMENT, f"word_{word}"), f"{where}: {word}"
        count += 1
    assert count > 300, count


tap.main(globals())
