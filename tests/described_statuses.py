#!/usr/bin/env python3
"""What docs/openapi.yaml lists of every route, as described_statuses.h has it: described_statuses.py OUTPUT."""

import re
import sys

import openapi


def main(output):
    lines = ['#include "tests/described_statuses.h"', "", "const struct described_route described_routes[] = {"]
    for method, path, operation in openapi.Document().operations():
        pattern = re.sub(r"\{[^}]*\}", lambda match: "**" if match.group(0) == "{tile}" else "*", path)
        lines.append(f'\t{{"{method}", "{pattern}", {{{", ".join(operation["responses"])}}}}},')
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["\t{},", "};", ""]))


main(*sys.argv[1:])
