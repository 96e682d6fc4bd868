"""The npm packages of the independent implementations that tests verify with and benchmarks compare with (tests/independent)."""

import os

import npm_packages

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tests", "independent")


def install_packages():
    """Where that cannot be, who needs them skips."""
    problem = npm_packages.install(FOLDER)
    if problem is not None:
        print(f"independent verifiers of npm: {problem}")
