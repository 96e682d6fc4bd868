#!/usr/bin/env python3
"""What the console shows of three keepers and of a key that they share: tests/browser/shared.mjs, at the gateway of one of them. Of
the third the program lies when it signs, until it is started anew."""

import concurrent.futures
import os
import shutil
import signal
import sys

import console_test
import local_bundle_system_test as local_bundles
import processes
from keepers import Keepers
from northwind import SERVER


class Shown(Keepers):
    """The consoles of the first two are at https://localhost, with a certificate that the browser trusts; new passkeys wait nowhere."""

    def found_and_start(self):
        console_test.House.make_certificates(self.all[0])
        for keeper in self.all:
            console_test.House.let_nothing_wait(keeper)
        for keeper in self.all[:2]:
            self.show_at_localhost(keeper)
        super().found_and_start()

    def show_at_localhost(self, keeper):
        address, keeper.authority = keeper.authority, f"localhost:{keeper.port}"
        for name in ("server.crt", "server.key"):
            if keeper is not self.all[0]:
                shutil.copy(self.all[0].at(name), keeper.folder)
        with open(keeper.config, encoding="utf-8") as file:
            text = file.read()
        with open(keeper.config, "w", encoding="utf-8") as file:
            file.write(text.replace(f'["{address}"]', f'["{keeper.authority}"]').replace(
                "tls: {}", f"tls: {{certificate: {keeper.at('server.crt')}, key: {keeper.at('server.key')}}}"))


class Acts:
    """What befalls these keepers while a person looks at the console of the first."""

    def __init__(self, keepers):
        self.keepers = keepers
        self.a, self.b, self.c = keepers.all

    def mend_c(self):
        """It is started anew with the program as it ships: what it says when it signs is right from now on."""
        assert self.c.stop() == 0
        self.c.server = SERVER
        self.c.start()
        self.keepers.wait_all_up()

    def forbid(self):
        local_bundles.set_local(self.a, local_bundles.pack(self.a, "no-large", local_bundles.FORBIDS)[0])
        local_bundles.reload(self.a, "a local bundle is in force: no-large")

    def lose_outcome(self):
        """A key is signed with, and the keeper that was asked dies before it knows what came of that; which operation it is. Where
        the others were missed first, it knows: then another is asked for."""
        for nonce in range(1000, 1100):
            self.keepers.wait_all_up()
            others = [processes.of_role(keeper.process.pid, "keeper") for keeper in (self.b, self.c)]
            try:
                for pid in others:
                    os.kill(pid, signal.SIGSTOP)
                lost = self.sign_and_kill(nonce)
            finally:
                for pid in others:
                    os.kill(pid, signal.SIGCONT)
            if lost is None:
                continue
            self.a.wait_for(lambda: self.a.read("/readyz")[0] == 200)
            self.keepers.wait_all_up()
            if self.a.ask("person1", "op", "show", lost, "--json").json()["state"] == "unknown":
                return lost
        raise AssertionError("no outcome was lost")

    def sign_and_kill(self, nonce):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            signing = pool.submit(local_bundles.small, self.a, nonce)
            lost = self.intended(signing)
            if lost is not None:
                os.kill(processes.of_role(self.a.process.pid, "keeper"), signal.SIGKILL)
            return lost

    def unknown(self):
        listed = self.a.ask("person1", "op", "list", "--state", "unknown", "--json")
        return [row["operation"] for row in listed.json()["operations"]] if listed.code == 0 else []

    def intended(self, signing):
        while not signing.done():
            if (found := self.unknown()):
                return found[0]
        return None


def main():
    if shutil.which("chromium") is None:
        print("TAP version 13\n1..1\nok 1 # SKIP shared keys in a browser: there is no chromium")
        return 0
    keepers = Shown()
    keepers["c"].server = os.environ["GATEHOUSE_THAT_LIES"]
    with keepers:
        keepers.wait_all_up()
        first = keepers.all[0]
        first.make_shared_key("vault", "2-of-3", "a", "b", "c")
        acts = Acts(keepers)
        return console_test.judge(first, "shared.mjs", {name: getattr(acts, name) for name in ("mend_c", "forbid", "lose_outcome")},
                                  other=f"https://{keepers.all[1].authority}")


if __name__ == "__main__":
    sys.exit(main())
