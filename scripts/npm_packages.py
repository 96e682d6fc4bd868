#!/usr/bin/env python3
"""Installs the npm packages of a folder as its lockfile names them, once per lockfile: npm_packages.py FOLDER

No script of a package runs. SETUP=no forbids it. Exit: 0 when they are there, 1 when they are not.
"""

import hashlib
import os
import shutil
import subprocess
import sys


def install(folder):
    """None when the packages are there; otherwise why they are not."""
    with open(os.path.join(folder, "package-lock.json"), "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(folder, "node_modules", ".gatehouse-lock")
    if os.path.isfile(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return None
    if os.environ.get("SETUP") == "no":
        return "SETUP=no, and they are missing or of another lockfile"
    if shutil.which("npm") is None:
        return "there is no npm"
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                          stdout=sys.stderr, check=False)
    if done.returncode != 0:
        return "npm ci failed"
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
    return None


def main(folder):
    problem = install(folder)
    if problem is not None:
        print(f"npm packages of {os.path.relpath(folder)}: {problem}", file=sys.stderr)
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
