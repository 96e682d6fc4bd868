#!/usr/bin/env python3
"""What people start in the console, in which order they are asked, and what a page that was cut off shows: tests/browser/acting.mjs."""

import sys

import console_test

if __name__ == "__main__":
    sys.exit(console_test.main("acting.mjs"))
