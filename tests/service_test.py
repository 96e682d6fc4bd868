#!/usr/bin/env python3
"""The unit of examples/ under systemd itself: process 1 of namespaces of its own, on a copy of the machine's files that is gone afterwards.
Of the machine's units none runs there. Only what the trial needs is added to the unit: where its log goes, and a shorter watchdog."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cables
import processes
import tap
from installation import PATIENCE_S

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ["GATEHOUSE"]
SYSTEMD = "/usr/lib/systemd/systemd"
WATCHDOG_S = 10  # which no supervisor is silent for that goes on, on a machine that is loaded either

# Everything below $1 is in memory. What cannot be mounted is said by name.
MACHINE = r"""
set -u
may() { "$@" || { echo "hindered: $*"; exit 77; }; }
machine=$1
may mount --make-rprivate /
may mount -t tmpfs tmpfs "$machine"
root=$machine/root
mkdir "$root" "$machine/upper" "$machine/work"
may mount -t overlay -o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/work" overlay "$root"
may mount -t proc proc "$root/proc"
may mount --bind "$root/proc/sys" "$root/proc/sys"
may mount -o remount,bind,ro "$root/proc/sys"
may mount -t sysfs -o ro sysfs "$root/sys"
may mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for at in dev run tmp var/lib; do may mount -t tmpfs -o mode=755 tmpfs "$root/$at"; done
mkdir "$root/dev/pts" "$root/dev/shm"
may mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
while read -r name major minor; do may mknod -m 666 "$root/dev/$name" c "$major" "$minor"; done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
END
rm -rf "$root"/usr/lib/systemd/system-generators "$root"/etc/systemd/system/*.wants "$root"/usr/lib/systemd/system/*.wants "$root"/etc/fstab
cp -r "$2/." "$root/"
may mount --make-rshared "$root"  # what process 1 mounts its units see, as on a machine
cd "$root"
exec chroot . /usr/bin/env -i container=gatehouse-test "$3" --system --unit=trial.target --log-target=null --show-status=no
"""

TRIAL = f"[Service]\nStandardOutput=append:/run/gatehouse.log\nStandardError=append:/run/gatehouse.log\nWatchdogSec={WATCHDOG_S}\n"
CONFIG = """listen: [{address: 127.0.0.1, port: 8443}]
authority: [127.0.0.1:8443]
tls: {}
data_directory: /var/lib/gatehouse
rollback_guard: {kind: path, path: /var/lib/gatehouse-mark}
root_key: {credential: gatehouse-root-key}
log_level: info
"""


LOOK = """
import ssl, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("https://127.0.0.1:8443/readyz", context=ssl._create_unverified_context())
except urllib.error.HTTPError as refused:
    answer = refused
print(answer.read().decode())
"""


def hindrance():
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("nsenter", "unshare")) or not os.path.exists(SYSTEMD):
        return "needs root, nsenter, unshare and systemd"
    done = subprocess.run(["unshare", "--mount", "--pid", "--net", "--cgroup", "--fork", "true"], capture_output=True, check=False)
    return cables.NO_NAMESPACES if done.returncode != 0 else ""


def cgroup_mount():
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return next((words[1] for words in map(str.split, file) if words[2] == "cgroup2"), None)


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


class Machine:
    """A systemd that runs nothing yet, with the program, the unit, the root key and a founded firm in place."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-machine-")
        self.group = None
        self.process = None

    def __enter__(self):
        try:
            self.boot()
            self.found()
        except BaseException:
            self.__exit__()
            raise
        return self

    def boot(self):
        at = cgroup_mount()
        if at is None:
            raise tap.Skip(cables.NO_NAMESPACES)
        self.group = os.path.join(at, f"gatehouse-test-{os.getpid()}")
        os.mkdir(self.group)
        files, machine = os.path.join(self.folder, "files"), os.path.join(self.folder, "machine")
        os.mkdir(machine)
        self.fill(files)
        self.process = subprocess.Popen(
            ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child bash -c "$@"',
             self.group, MACHINE, "machine", machine, files, SYSTEMD],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + PATIENCE_S
        while not self.is_up():
            if self.process.poll() is not None:
                said = self.process.stdout.read()
                if self.process.returncode == 77:
                    raise tap.Skip(f"{cables.NO_NAMESPACES}: {said.splitlines()[-1]}")
                raise AssertionError(f"systemd ended with {self.process.returncode}: {said}")
            assert time.monotonic() < deadline, "systemd did not come up"
            time.sleep(0.1)

    def fill(self, files):
        os.makedirs(os.path.join(files, "usr/local/bin"))
        shutil.copy(PROGRAM, os.path.join(files, "usr/local/bin/gatehouse"))
        shutil.copytree(os.path.join(ROOT, "examples", "firm"), os.path.join(files, "root/firm"))
        with open(os.path.join(ROOT, "examples", "gatehouse.service"), encoding="ascii") as file:
            write(files, "etc/systemd/system/gatehouse.service", file.read())
        write(files, "etc/systemd/system/gatehouse.service.d/trial.conf", TRIAL)
        write(files, "etc/systemd/system/trial.target", "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n")
        write(files, "etc/gatehouse/gatehouse.yaml", CONFIG)
        write(files, "etc/gatehouse/root-key", os.urandom(32).hex(), 0o600)

    def init(self):
        """Process 1 of the machine, by its number outside; None before there is one."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return next(iter(processes.children(self.process.pid)), None)

    def enter(self, *words):
        return subprocess.run(["nsenter", "--target", str(self.init()), *words], capture_output=True, text=True, check=False, timeout=400)

    def run(self, *words):
        return self.enter("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wdns=/root/firm", *words)

    def must(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr, self.log())
        return done.stdout

    def is_up(self):
        return self.init() is not None and self.run("systemctl", "is-active", "trial.target").stdout.strip() == "active"

    def found(self):
        self.must("mkdir", "keys")
        for person in (1, 2, 3, 4, 5):
            self.must("gatehouse", "person", "keygen", f"keys/{person}", "--id", f"p-000000000000000{person}")
        for program in ("settlement", "treasurer", "prices"):
            self.must("gatehouse", "workload", "keygen", f"keys/{program}", "--id", program)
        # As docs/running.md says it for a shell.
        self.must("sh", "-ec", "mkdir -m 700 /run/founding; cp /etc/gatehouse/root-key /run/founding/gatehouse-root-key; "
                  "CREDENTIALS_DIRECTORY=/run/founding gatehouse init --founding firm.yaml --sign-with keys/1 --sign-with keys/3; rm -r /run/founding")

    def systemctl(self, *words):
        return self.must("systemctl", *words, "gatehouse")

    def property(self, name):
        return self.systemctl("show", "--property", name, "--value").strip()

    def supervisor(self):
        """By its number outside, as all that follow; None where there is none."""
        return next((pid for pid in processes.children(self.init()) if processes.words(pid)[:2] == [b"/usr/local/bin/gatehouse", b"serve"]), None)

    def log(self):
        return self.run("cat", "/run/gatehouse.log").stdout

    def ready(self):
        done = self.enter("--net", sys.executable, "-c", LOOK)
        assert done.returncode == 0, (done.stderr, self.log())
        return json.loads(done.stdout)

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        if self.group is not None:
            self.remove_group()
        shutil.rmtree(self.folder)

    def remove_group(self):
        """As soon as the last process below it is gone."""
        deadline = time.monotonic() + 20
        while os.path.isdir(self.group) and time.monotonic() < deadline:
            for at, folders, _ in os.walk(self.group, topdown=False):
                for name in folders:
                    with contextlib.suppress(OSError):
                        os.rmdir(os.path.join(at, name))
            with contextlib.suppress(OSError):
                os.rmdir(self.group)
            time.sleep(0.05)


def wait_until(what, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def test_the_unit_of_the_examples_runs_confined_and_is_watched():
    if hindrance():
        raise tap.Skip(hindrance())
    with Machine() as machine:
        verified = machine.run("systemd-analyze", "verify", "--recursive-errors=no", "/etc/systemd/system/gatehouse.service")
        assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", ""), verified
        machine.systemctl("start")  # returns once all processes are ready
        supervisor = machine.supervisor()
        users = {role: os.stat(f"/proc/{processes.of_role(supervisor, role)}").st_uid for role in ("gateway", "keeper", "worker")}
        assert users == {"gateway": 70401, "keeper": 70402, "worker": 70404}, users
        confined = machine.ready()["confinement"]
        assert confined and not any(process["degraded"] for process in confined.values()), confined
        # The supervisor has what the unit leaves it and nothing more, and no other user sees the root key.
        with open(f"/proc/{supervisor}/status", encoding="ascii") as file:
            status = file.read()
        assert "NoNewPrivs:\t1" in status and "CapEff:\t00000000002004e4" in status, status
        seen = machine.run("setpriv", "--reuid=70401", "--regid=70401", "--clear-groups", "cat", "/run/credentials/gatehouse.service/gatehouse-root-key")
        assert seen.returncode != 0 and "Permission denied" in seen.stderr, seen
        machine.systemctl("reload")
        wait_until(lambda: "was read anew" in machine.log())
        # A keeper that is gone comes back without systemd's help; a supervisor that hangs does not.
        os.kill(processes.of_role(supervisor, "keeper"), signal.SIGKILL)
        time.sleep(2 * WATCHDOG_S)
        wait_until(lambda: machine.ready()["ready"])
        assert (machine.supervisor(), machine.property("NRestarts")) == (supervisor, "0"), machine.log()
        os.kill(supervisor, signal.SIGSTOP)
        wait_until(lambda: machine.property("NRestarts") == "1" and machine.property("ActiveState") == "active")
        assert machine.supervisor() != supervisor and machine.ready()["ready"]
        machine.systemctl("stop")
        assert machine.property("Result") == "success", machine.log()
        assert machine.supervisor() is None


def test_what_does_not_start_says_why_and_is_not_tried_again():
    if hindrance():
        raise tap.Skip(hindrance())
    with Machine() as machine:
        machine.must("sed", "-i", "s/^tls:/tsl:/", "/etc/gatehouse/gatehouse.yaml")
        assert machine.run("systemctl", "start", "gatehouse").returncode != 0
        assert "tsl" in machine.log(), machine.log()
        time.sleep(7)  # longer than RestartSec
        assert (machine.property("ActiveState"), machine.property("NRestarts")) == ("failed", "0")
        machine.must("sed", "-i", "s/^tsl:/tls:/", "/etc/gatehouse/gatehouse.yaml")
        machine.must("chmod", "644", "/etc/gatehouse/root-key")  # the copy that systemd gives is what counts
        machine.systemctl("start")
        assert machine.ready()["ready"]


if __name__ == "__main__":
    tap.main(globals())
