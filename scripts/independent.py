"""The npm packages of the independent implementations that tests verify with and benchmarks compare with (tests/independent)."""

import hashlib
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tests", "independent")


def install_packages():
    """Once per lockfile; nothing where SETUP=no forbids it or npm is not there."""
    lock = os.path.join(FOLDER, "package-lock.json")
    if not os.path.isfile(lock):
        return
    with open(lock, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(FOLDER, "node_modules", ".gatehouse-lock")
    if os.path.isfile(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return
    if os.environ.get("SETUP") == "no" or shutil.which("npm") is None:
        print("independent verifiers of npm: not installed (SETUP=no, or no npm)")
        return
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER,
                          check=False)
    if done.returncode != 0:
        print("independent verifiers of npm: npm ci failed")
        return
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
