#!/usr/bin/env python3
"""What the console shows of three keepers and of a key that they share: tests/browser/shared.mjs, at the gateway of one of them."""

import shutil
import sys

import console_test
from keepers import Keepers


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


def main():
    if shutil.which("chromium") is None:
        print("TAP version 13\n1..1\nok 1 # SKIP shared keys in a browser: there is no chromium")
        return 0
    with Shown() as keepers:
        keepers.wait_all_up()
        first = keepers.all[0]
        first.make_shared_key("vault", "2-of-3", "a", "b", "c")
        return console_test.judge(first, "shared.mjs")


if __name__ == "__main__":
    sys.exit(main())
