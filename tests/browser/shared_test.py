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
    """The first keeper's console is at https://localhost, with a certificate that the browser trusts; new passkeys wait nowhere."""

    def found_and_start(self):
        first = self.all[0]
        console_test.House.make_certificates(first)
        for keeper in self.all:
            console_test.House.let_nothing_wait(keeper)
        address = first.authority
        first.authority = f"localhost:{first.port}"
        with open(first.config, encoding="utf-8") as file:
            text = file.read()
        with open(first.config, "w", encoding="utf-8") as file:
            file.write(text.replace(f'["{address}"]', f'["{first.authority}"]').replace(
                "tls: {}", f"tls: {{certificate: {first.at('server.crt')}, key: {first.at('server.key')}}}"))
        super().found_and_start()


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
            if self.unknown() == [lost]:
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
        return console_test.judge(first, "shared.mjs", {name: getattr(acts, name) for name in ("mend_c", "forbid", "lose_outcome")})


if __name__ == "__main__":
    sys.exit(main())
