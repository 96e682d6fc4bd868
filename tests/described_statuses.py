#!/usr/bin/env python3
"""What docs/openapi.yaml lists of every route, as a table in C: described_statuses.py OUTPUT."""

import re
import sys

import openapi


def main(output):
    lines = ['static const struct {\n\tconst char *method, *pattern;\n\tunsigned statuses[32]; /* ends with 0 */\n} described[] = {']
    for method, path, operation in openapi.Document().operations():
        pattern = re.sub(r"\{[^}]*\}", lambda match: "**" if match.group(0) == "{tile}" else "*", path)
        lines.append(f'\t{{"{method}", "{pattern}", {{{", ".join(operation["responses"])}}}}},')
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["};", ""]))


main(*sys.argv[1:])
