"""With which statuses a route can answer, read from the sources: from the tables of routes of gateway and keeper, and from every fail()
and status that the functions behind a route can reach by calls.

What is reached is an upper bound, and a close one: a call stands for all that the function called can do. The few statuses that no call of
that kind gives are named in NEVER, with why."""

import functools
import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Of a function, or of what a route reads: what it cannot give where a route reaches it.
NEVER = {
    "cookie_find": {"STATUS_NOT_FOUND"},       # its one caller says that nobody is signed in
    "failed": {"STATUS_CONFLICT"},             # store/database.c, of a constraint: no route writes a row that could be against one
    "read_explanation": {"STATUS_CONFLICT"},   # bundles and votes that the log holds were taken: none of them contradicts another
    "read_bundle": {"STATUS_CONFLICT"},
}

# What is done there no client hears of: other keepers are told.
ELSEWHERE = {"threshold_answered"}

# What the keeper does of a job of this kind, besides the route's own functions (keeper/loop.c), and with what it ends well.
KINDS = {
    "JOB_OPERATION": (["gate_begin_operation", "gate_verify_operation", "activating_take", "decide_job", "decide_take_token", "decide_refuse",
                       "signing_in_check_throttled"], set()),
    "JOB_VOTE": (["gate_read_vote", "activating_take", "decide_job", "decide_take_token", "decide_refuse", "signing_in_check_throttled"], set()),
    "JOB_SIGN_IN": (["signing_in_read", "signing_in_check_throttled", "tell_to_wait", "sign_in_take", "begin_session", "decide_check_room",
                     "decide_record", "decide_refuse"], {201}),
    "JOB_SIGN_OUT": (["signing_in_authenticate", "end_session", "decide_record"], {204}),
    "JOB_ENROLMENT": (["signing_in_read_enrolment", "enrol", "tell_to_wait", "decide_check_room", "decide_record", "decide_refuse"], {201}),
    "JOB_READ": ([], {200}),
}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def flat(*path):
    """Rows of a table, however they were broken into lines."""
    return re.sub(r"\s+", " ", read(*path))


@functools.cache
def functions():
    """(file, name) → body, and name → (file, name) of those that every file may call."""
    bodies, of_all = {}, {}
    for path in glob.glob(os.path.join(ROOT, "src", "**", "*.[ch]"), recursive=True):
        if path.endswith(("_test.c", "_bench.c", "_fuzz.c")) or os.sep + "cli" + os.sep in path:
            continue
        text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.DOTALL)
        for match in re.finditer(r"^([^\n#}]*)\n([a-z_0-9]+)\([^;{}]*\) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
            bodies[path, match.group(2)] = match.group(3)
            if "static" not in match.group(1) or path.endswith(".h"):
                of_all[match.group(2)] = path, match.group(2)
    return bodies, of_all


def find(name):
    bodies, of_all = functions()
    own = [(os.path.join(ROOT, "src", "keeper", file), name) for file in ("api.c", "signing_in.c")]
    found = [key for key in own if key in bodies] or [of_all[name]]
    return found[0]


@functools.cache
def reached(name):
    """The statuses of everything that can be called from a function of the keeper."""
    bodies, of_all = functions()
    seen, left, statuses = set(), [find(name)], set()
    while left:
        at = left.pop()
        if at in seen:
            continue
        seen.add(at)
        given = set(re.findall(r"(?:fail(?:_errno)?\(\s*|[=?:] )(STATUS_[A-Z_]+)", bodies[at]))
        statuses |= given - NEVER.get(at[1], set())
        for called in set(re.findall(r"(?<![>.\w])([a-z][a-z_0-9]+)\(", bodies[at])) - ELSEWHERE:
            target = (at[0], called) if (at[0], called) in bodies else of_all.get(called)
            left += [target] if target else []
    return statuses - NEVER.get(name, set())


def http_statuses():
    return {name: int(status) for name, status in re.findall(r"\[(\w+)\] = (\d+),", read("src", "base", "problem.c"))}


def reader_statuses():
    """What the gateway's reader refuses, by its table; which path and which methods there are is no route's affair."""
    refusals = dict((name, int(status)) for status, name in
                    re.findall(r'= \{(\d+), "(request\.\w+)"', flat("src", "gateway", "http_refusal.c")))
    assert len(refusals) > 25, refusals
    return {name: status for name, status in refusals.items() if name not in ("request.not_found", "request.method_not_allowed")}


def gateway_routes():
    return re.findall(r'\{"([A-Z]+)", "([^"]+)", ([^,]+), (ROUTE_\w+)\}', flat("src", "gateway", "routes.c"))


def keeper_routes():
    rows = re.findall(r'\{"([A-Z]+)", "([^"]+)", (JOB_\w+), (READ_\w+), \d+, (\w+), (\w+)', flat("src", "keeper", "api.c"))
    return {(method, pattern): rest for method, pattern, *rest in rows}


def of_operations():
    return {int(status) for status in re.findall(r"\[OPERATION_\w+\] = \{(\d+), \"", read("src", "keeper", "answer.c"))}


def of_keeper(kind, right, handlers):
    parts, ends = KINDS[kind]
    http = http_statuses()
    names = parts + handlers
    if kind == "JOB_READ" and right != "READ_PUBLIC":
        names = names + ["api_authenticate", "decide_take_token", "signing_in_use", "decide_refuse"]
        names += [] if right == "READ_SELF" else ["keeper_read_begin"]
    statuses = {http[status] for name in names for status in reached(name)}
    if kind in ("JOB_OPERATION", "JOB_VOTE") or "read_operation" in handlers:
        return statuses | of_operations()
    can_be_large = kind == "JOB_READ" and right not in ("READ_PUBLIC", "READ_SELF") and handlers[0] != "read_events"
    return statuses | ends | ({422} if can_be_large else set())


@functools.cache
def possible():
    """(method, pattern) → statuses, of every route."""
    found, keepers = {}, keeper_routes()
    for method, pattern, _, action in gateway_routes():
        statuses = {status for name, status in reader_statuses().items() if name != "request.cross_site" or method != "GET"}
        if action.startswith("ROUTE_FORWARD"):
            kind, right, *handlers = keepers[method, pattern]
            # 503: no keeper, no credit, or an outcome that is not known; 500: what the keeper must do and cannot.
            statuses |= {500, 503} | of_keeper(kind, right, [name for name in handlers if name != "nullptr"])
        elif action == "ROUTE_CONSOLE":
            statuses |= {200, 304} | ({404} if "*" in pattern else set())
        else:
            statuses |= {200}
        found[method, pattern] = statuses
    return found
