"""The processes of an installation under test, as /proc tells them: one may end between any two looks."""

import os


def words(pid):
    """Its command line; empty once it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().rstrip(b"\0").split(b"\0")
    except (FileNotFoundError, ProcessLookupError):  # the second: it ended after its file was opened
        return []


def children(supervisor):
    with open(f"/proc/{supervisor}/task/{supervisor}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def of_role(supervisor, role):
    """The supervisor's child whose command line ends with the role, or None."""
    return next((pid for pid in children(supervisor) if words(pid)[-1:] == [role.encode()]), None)


def is_of_session(pid, session):
    """Whether it runs in that session: a number that was given anew is a process of another one."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            state, _, _, its = file.read().rpartition(")")[2].split()[:4]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX" and int(its) == session


def contents(folder):
    """Path and content of every file below it, also where they are written meanwhile: one that is gone before it was opened may have another
    name now, so that all are looked for again."""
    while True:
        found = {}
        try:
            for at, _, names in os.walk(folder):
                for path in (os.path.join(at, name) for name in names):
                    with open(path, "rb") as file:
                        found[path] = file.read()
        except FileNotFoundError:
            continue
        return found


def descriptors(pid):
    """What each open descriptor of the process leads to; one that it closes meanwhile is left out."""
    folder = f"/proc/{pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:  # a connection that just ended
            continue
    return links
