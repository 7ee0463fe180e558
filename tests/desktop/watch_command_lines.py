"""Become another user of the machine, who looks at all command lines until stdin ends.

Prints a JSON object: the command lines that hold an address or a name of a file, and what happened
to each attempt to read such a file.
"""

import json
import os
import re
import select
import sys

NOBODY = 65534

os.setgroups([])
os.setgid(NOBODY)
os.setuid(NOBODY)
lines: set[str] = set()
files: dict[str, str] = {}
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    for process in os.listdir("/proc"):  # noqa: PTH208 - Fast.
        if not process.isdigit():
            continue
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:  # noqa: PTH123
                line = file.read().decode(errors="replace")
        except OSError:
            continue
        if line in lines or not re.search("http://|file://|/open/", line):
            continue
        lines.add(line)
        for found in re.findall(r"file://(/[^\0' ]*\.html)", line):
            try:
                with open(found) as file:  # noqa: PTH123
                    files[found] = file.read()
            except OSError as error:
                files[found] = type(error).__name__
json.dump({"user": os.getuid(), "lines": sorted(lines), "files": files}, sys.stdout)
