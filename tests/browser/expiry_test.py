#!/usr/bin/env python3
"""Sessions that end by themselves, on an installation that keeps them short: tests/browser/expiry.mjs."""

import sys

import console_test

if __name__ == "__main__":
    sys.exit(console_test.main("expiry.mjs", "{session_idle_s: 15, session_overall_s: 45}"))
