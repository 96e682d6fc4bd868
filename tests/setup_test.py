#!/usr/bin/env python3
"""scripts/setup, run against folders and package tools made up here: nothing of the machine is read or changed."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile

import tap

SETUP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scripts", "setup")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Machine:
    """A folder in the place of /etc/apt, and programs in the place of dpkg-query, apt-get, apt-cache, id, node and npm."""

    def __init__(self, root, sources, candidates="good", installed=(), update_fails_with_suite=False, uid=0):
        self.root = root
        self.apt = os.path.join(root, "apt")
        self.log = os.path.join(root, "log")
        self.state = os.path.join(root, "installed")
        tools = os.path.join(root, "bin")
        os.makedirs(tools)
        for folder in ("sources.list.d", "preferences.d"):
            os.makedirs(os.path.join(self.apt, folder))
        for name, text in sources.items():
            with open(os.path.join(self.apt, name), "w", encoding="utf-8") as file:
                file.write(text)
        with open(self.state, "w", encoding="utf-8") as file:
            file.write("".join(f"installed {name} 99:1\n" for name in installed))
        self.tool(tools, "dpkg-query", f'cat "{self.state}"')
        self.tool(tools, "id", f"echo {uid}")
        self.tool(tools, "node", "echo v20.19.0")
        self.console = os.path.join(root, "console")
        os.makedirs(os.path.join(self.console, "node_modules"))
        self.lock("{}")
        self.tool(tools, "npm", f'echo "npm $*" >>"{self.log}"')
        good = {"good": "99:1", "old": "0.0.1", "none": "(none)"}[candidates]
        self.tool(tools, "apt-cache", f"printf '%s:\\n  Candidate: {good}\\n' \"$2\"")
        suite = os.path.join(self.apt, "sources.list.d", "gatehouse-trixie.sources")
        failing = f'case "$*" in *update*) [ ! -f "{suite}" ] || exit 100 ;; esac' if update_fails_with_suite else ""
        self.tool(tools, "apt-get", f"""
echo "apt-get $*" >>"{self.log}"
{failing}
case "$*" in
*install*)
	for word in "$@"; do
		case $word in -*|install) ;; *) echo "installed $word 99:1" >>"{self.state}" ;; esac
	done ;;
esac""")
        self.environment = {"PATH": f"{tools}:/usr/bin:/bin", "GATEHOUSE_APT": self.apt, "GATEHOUSE_CONSOLE": self.console}

    def lock(self, text, installed=True):
        """The console's lockfile, and whether its packages are there."""
        with open(os.path.join(self.console, "package-lock.json"), "w", encoding="utf-8") as file:
            file.write(text)
        if installed:
            with open(os.path.join(self.console, "node_modules", ".gatehouse-lock"), "w", encoding="ascii") as file:
                file.write(hashlib.sha256(text.encode()).hexdigest())

    @staticmethod
    def tool(folder, name, body):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{body}\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def run(self, **more):
        return subprocess.run([SETUP], env=self.environment | more, capture_output=True, text=True, check=False)

    def call(self, function, *arguments):
        """The output of one of the script's functions."""
        command = f'. "{SETUP}"; ' + " ".join([function, *arguments])
        done = subprocess.run(["bash", "-c", command], env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def calls(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def added(self):
        path = os.path.join(self.apt, "sources.list.d", "gatehouse-trixie.sources")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return file.read()


def needs():
    with open(SETUP, encoding="utf-8") as file:
        table = re.search(r"NEEDS='\n(.*?)'", file.read(), re.DOTALL).group(1)
    return [line.split()[0] for line in table.splitlines()]


DEB822 = {
    "sources.list.d/debian.sources": f"""Types: deb
# a comment between the fields
URIs: https://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: https://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}
"""
}


def archives(sources, kind="debian"):
    with tempfile.TemporaryDirectory() as root:
        return [tuple(line.split("\t")) for line in Machine(root, sources).call("archives", kind).splitlines()]


def test_an_archive_is_found_in_a_deb822_source():
    assert archives(DEB822) == [("https://mirror.invalid/debian", KEYRING)]
    assert archives(DEB822, "debian-security") == [("https://mirror.invalid/debian-security", KEYRING)]


def test_an_archive_is_found_in_a_one_line_source():
    sources = {"sources.list": """# deb http://commented.invalid/debian bookworm main
deb cdrom:[Debian GNU/Linux 12 _Bookworm_ - Official]/ bookworm main
deb-src http://mirror.invalid/debian bookworm main
deb http://mirror.invalid/debian/ bookworm main
deb http://mirror.invalid/debian-security bookworm-security main
"""}
    assert archives(sources) == [("http://mirror.invalid/debian/", "")]
    assert archives(sources, "debian-security") == [("http://mirror.invalid/debian-security", "")]


def test_options_of_a_one_line_source_are_stepped_over():
    sources = {"sources.list.d/site.list":
               "deb [ arch=amd64 signed-by=/k.gpg ] http://mirror.invalid/debian bookworm main\n"
               "deb [signed-by=/l.gpg arch=amd64] http://other.invalid/debian bookworm main\n"}
    assert archives(sources) == [("http://mirror.invalid/debian", "/k.gpg"), ("http://other.invalid/debian", "/l.gpg")]


def test_a_file_of_mirrors_counts_as_an_address():
    sources = {"sources.list.d/debian.sources":
               "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm\nComponents: main\n\n"
               "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian-security.list\nSuites: bookworm-security\n"}
    assert archives(sources) == [("mirror+file:///etc/apt/mirrors/debian.list", "")]
    assert archives(sources, "debian-security") == [("mirror+file:///etc/apt/mirrors/debian-security.list", "")]


def test_disabled_source_only_and_foreign_stanzas_are_passed_over():
    sources = {"sources.list.d/a.sources":
               "Enabled: no\nTypes: deb\nURIs: http://disabled.invalid/debian\nSuites: bookworm\n\n"
               "Types: deb-src\nURIs: http://source.invalid/debian\nSuites: bookworm\n\n"
               "Types: deb\nURIs: http://vendor.invalid/node_20.x\nSuites: nodistro\nSigned-By: /vendor.gpg\n\n\n"
               "Types: deb deb-src\nURIs: http://mirror.invalid/debian\nSuites: bookworm\n"}
    assert archives(sources) == [("http://mirror.invalid/debian", "")]


def test_a_keyring_written_into_the_stanza_is_not_taken_for_a_path():
    sources = {"sources.list.d/a.sources":
               "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm\nSigned-By:\n -----BEGIN PGP\n .\n AAAA\n"}
    assert archives(sources) == [("http://mirror.invalid/debian", "")]


def test_no_source_gives_no_archive():
    assert archives({}) == []


def test_when_everything_is_present_no_package_manager_is_called():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, installed=needs())
        done = machine.run()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert machine.calls() == []


def without_debian(machine):
    """The same machine with no tool of Debian's on its path: what the script calls of the system stands in a folder of its own."""
    tools = os.path.join(machine.root, "plain")
    os.makedirs(tools)
    for name in ("bash", "dirname", "env", "python3", "sh"):
        os.symlink(shutil.which(name), os.path.join(tools, name))
    for name in ("node", "npm"):
        os.symlink(os.path.join(machine.root, "bin", name), os.path.join(tools, name))
    machine.environment["PATH"] = tools
    return machine


def test_another_system_is_told_what_it_needs_and_builds_with_setup_no():
    with tempfile.TemporaryDirectory() as root:
        machine = without_debian(Machine(root, DEB822))
        done = machine.run()
        assert done.returncode == 1 and "docs/install.md" in done.stderr and "SETUP=no make" in done.stderr, done
        done = machine.run(SETUP="no")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        machine.lock('{"a": 1}', installed=False)  # what the console is built with has to be there as well
        done = machine.run(SETUP="no")
        assert done.returncode == 1 and "SETUP=no" in done.stderr, done
        assert machine.calls() == [] and machine.added() is None


def test_setup_no_names_what_is_missing_and_changes_nothing():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, installed=[name for name in needs() if name != "valgrind"])
        done = machine.run(SETUP="no")
        assert done.returncode == 1
        assert done.stderr == "setup: SETUP=no, and these packages are missing: valgrind \n", done.stderr
        assert machine.calls() == [] and machine.added() is None


def test_without_root_the_one_line_to_run_is_printed():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, uid=1000)
        done = machine.run()
        assert done.returncode == 1
        assert done.stderr == f"setup: not root; run once: sudo {SETUP}\n", done.stderr
        assert machine.calls() == []


def test_good_candidates_are_installed_from_the_present_sources():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, candidates="good")
        assert machine.run().returncode == 0
        assert machine.added() is None
        install = machine.calls()[-1]
        assert " -t " not in install and "libsecp256k1-dev" in install, install
        assert machine.run().returncode == 0
        assert len(machine.calls()) == 2  # an update and an installation, both by the first run


def test_old_candidates_add_the_suite_and_name_it_for_every_package():
    for candidates in ("old", "none"):
        with tempfile.TemporaryDirectory() as root:
            machine = Machine(root, DEB822, candidates=candidates)
            done = machine.run()
            assert done.returncode == 0, done.stderr
            added = machine.added()
            assert "URIs: https://mirror.invalid/debian\nSuites: trixie trixie-updates\n" in added, added
            assert "URIs: https://mirror.invalid/debian-security\nSuites: trixie-security\n" in added, added
            assert added.count(f"Signed-By: {KEYRING}\n") == 2, added
            with open(os.path.join(machine.apt, "preferences.d", "gatehouse-trixie"), encoding="utf-8") as file:
                assert file.read() == "Package: *\nPin: release n=trixie*\nPin-Priority: 100\n"
            installs = [call for call in machine.calls() if " install " in call]
            assert len(installs) == 1 and " -t trixie " in installs[0], installs


def test_a_source_without_the_suite_is_taken_back():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, candidates="old", update_fails_with_suite=True)
        done = machine.run()
        assert done.returncode == 1 and "taken back" in done.stderr, done.stderr
        assert machine.added() is None
        assert not any(" install " in call for call in machine.calls())


def test_a_machine_without_a_debian_archive_is_told_so():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, {}, candidates="old")
        done = machine.run()
        assert done.returncode == 1 and "no Debian archive" in done.stderr, done.stderr
        assert machine.added() is None


def test_the_consoles_packages_are_installed_once_for_each_lockfile_and_run_no_script():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, installed=needs())
        for text in ('{"a": 1}', '{"a": 2}'):
            machine.lock(text, installed=False)
            assert machine.run().returncode == 0 and machine.run().returncode == 0
        calls = machine.calls()
        assert len(calls) == 2 and all(call.startswith("npm ci --ignore-scripts ") for call in calls), calls


def test_setup_no_forbids_the_consoles_packages_too():
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(root, DEB822, installed=needs())
        machine.lock('{"a": 1}', installed=False)
        done = machine.run(SETUP="no")
        assert done.returncode == 1 and "SETUP=no" in done.stderr and machine.calls() == [], done.stderr


tap.main(globals())
