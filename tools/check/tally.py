#!/usr/bin/env python3
"""Runs the steps of `make check` named as arguments, all of them even when some fail, and adds up
the lines of their units (units.py). Exits with 0 only when nothing failed."""

import re
import subprocess
import sys
import time

UNIT = re.compile(r"(ok|FAILED)\s+(.*?)(?: \((?:(\d+) of )?(\d+) tests\))?$")


def run_step(step):
    """Passes a step's output on; gives the number of tests passed, and of failed, and their names."""
    passed, failed, names = 0, 0, []
    command = ["make", "--no-print-directory", f"check-{step}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace") as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if not (unit := UNIT.match(line.rstrip("\n"))):
                continue
            total = int(unit[4] or 1)
            bad = 0 if unit[1] == "ok" else int(unit[3] or 1)
            passed, failed = passed + total - bad, failed + bad
            if bad:
                names.append(f"{step}: {unit[2]}")
    if failed == 0 and (process.returncode != 0 or passed == 0):
        names.append(f"{step}: the step itself, exit status {process.returncode}")
        failed += 1
    return passed, failed, names


def main():
    passed, failed, names = 0, 0, []
    for step in sys.argv[1:]:
        start = time.monotonic()
        print(f"== {step}", flush=True)
        result = run_step(step)
        print(f"   {time.monotonic() - start:.0f} s")
        passed, failed, names = passed + result[0], failed + result[1], names + result[2]
    for name in names:
        print(f"FAILED  {name}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
