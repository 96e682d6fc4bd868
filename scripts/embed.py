#!/usr/bin/env python3
"""Writes files as C: embed.py OUTPUT HEADER NAME=FILE... gives one `const struct bytes NAME` for each."""

import sys


def main(output, header, *files):
    lines = [f'#include "{header}"', ""]
    for name, path in (entry.split("=", 1) for entry in files):
        with open(path, "rb") as file:
            content = file.read()
        lines.append(f"static const uint8_t content_of_{name}[] = {{")
        for at in range(0, len(content), 20):
            lines.append("\t" + ", ".join(str(byte) for byte in content[at:at + 20]) + ",")
        lines += ["};", f"const struct bytes {name} = {{content_of_{name}, sizeof content_of_{name}}};", ""]
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


main(*sys.argv[1:])
