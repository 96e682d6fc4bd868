"""The receipt verifier in TypeScript, for tests: bundled for Node as a browser would run it."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONSOLE = os.path.join(ROOT, "console")


def bundle(source, output):
    """One file that Node runs, of a script below tests/ or console/ and all that it imports."""
    subprocess.run([os.path.join(CONSOLE, "node_modules", ".bin", "esbuild"), os.path.join(ROOT, source), "--bundle", "--platform=node",
                    "--format=esm", "--log-level=warning", f"--outfile={output}"], check=True,
                   env=os.environ | {"NODE_PATH": os.path.join(CONSOLE, "node_modules")})
    return output


if __name__ == "__main__":
    target = bundle(sys.argv[1], os.path.join(os.environ["GATEHOUSE_BUILD"], "console", os.path.basename(sys.argv[1])))
    os.execvp("node", ["node", target, *sys.argv[2:]])
