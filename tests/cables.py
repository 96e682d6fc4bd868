"""Network namespaces of a test's own, one a keeper, with cables and the kernel's drops between them. A test that imports this runs in a
namespace from its beginning, where it may have one, so that nothing of the machine's network is touched."""

import json
import os
import shutil
import subprocess
import sys

INSIDE = "GATEHOUSE_PEERS_NETWORK"
NEEDS = ("ip", "nft", "unshare")
NO_NAMESPACES = "the kernel gives root no network namespace"  # scripts/test lets this pass, and says so
HEADERS = 20 + 32  # IPv4, and TCP with its time stamps


def hindrance():
    """Why there is no namespace to be had here; empty where there is."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in NEEDS):
        return f"needs root and {', '.join(NEEDS)}"
    refused = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0
    return NO_NAMESPACES if refused else ""


if INSIDE not in os.environ and not hindrance():
    os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], os.environ | {INSIDE: "1"})


def sh(*words):
    subprocess.run(words, check=True, capture_output=True)


class Cables:
    """A bridge, and behind it one namespace a keeper: 10.77.0.1, .2, .3."""

    def __init__(self, count):
        self.names = [f"gatehouse-{os.getpid()}-{i}" for i in range(1, count + 1)]

    def __enter__(self):
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "link", "add", "hub", "type", "bridge")
        sh("ip", "addr", "add", "10.77.0.254/24", "dev", "hub")
        sh("ip", "link", "set", "hub", "up")
        for i, name in enumerate(self.names, 1):
            sh("ip", "netns", "add", name)
            sh("ip", "link", "add", f"port{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
            sh("ip", "link", "set", f"port{i}", "master", "hub", "up")
            self.inside(i, "ip", "addr", "add", f"10.77.0.{i}/24", "dev", "eth0")
            self.inside(i, "ip", "link", "set", "eth0", "up")
            self.inside(i, "ip", "link", "set", "lo", "up")
            self.inside(i, "nft", "add", "table", "inet", "test")
            self.inside(i, "nft", "add", "chain", "inet", "test", "out", "{ type filter hook output priority 0; }")
        return self

    def inside(self, i, *words):
        sh("ip", "netns", "exec", self.names[i - 1], *words)

    def drop(self, i, rule):
        self.inside(i, "nft", "add", "rule", "inet", "test", "out", *rule.split())

    def counted(self, i):
        """Bytes and packets of the one rule that counts."""
        rules = json.loads(subprocess.run(["ip", "netns", "exec", self.names[i - 1], "nft", "-j", "list", "chain", "inet", "test", "out"],
                                          check=True, capture_output=True).stdout)["nftables"]
        counter = next(part["counter"] for rule in rules for part in rule.get("rule", {}).get("expr", ()) if "counter" in part)
        return counter["bytes"], counter["packets"]

    def held(self, i):
        """Bytes that programs of one namespace have written and nobody has acknowledged: also those that a rule there drops, which TCP holds
        for not sent, and sends when its probe is due, as for the first time."""
        rows = subprocess.run(["ip", "netns", "exec", self.names[i - 1], "cat", "/proc/net/tcp"], check=True, capture_output=True,
                              text=True).stdout.splitlines()[1:]
        return sum(int(row.split()[4].split(":")[0], 16) for row in rows)

    def sent_again(self):
        """Segments that TCP has sent more than once, in all namespaces."""
        count = 0
        for name in self.names:
            lines = subprocess.run(["ip", "netns", "exec", name, "cat", "/proc/net/snmp"], check=True, capture_output=True,
                                   text=True).stdout.splitlines()
            names, numbers = (line.split() for line in lines if line.startswith("Tcp:"))
            count += int(numbers[names.index("RetransSegs")])
        return count

    def mend(self, i):
        self.inside(i, "nft", "flush", "chain", "inet", "test", "out")

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", "hub"], capture_output=True, check=False)
