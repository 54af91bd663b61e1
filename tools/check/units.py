"""What the steps of `make check` share: units, checked side by side, a line for each.

The line is `ok      NAME` or `FAILED  NAME`. A unit that holds several tests says so at the end:
`(12 tests)`, or `(3 of 12 tests)` when 3 failed. What a failed unit has to say follows, indented.
tally.py adds these lines up."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass
class Result:
    failed: int = 0
    total: int = 1
    output: str = ""


def result_of(complaints):
    """The result of a unit that is as it should be when there is no complaint."""
    return Result(failed=int(bool(complaints)), output="\n".join(complaints))


def run_command(command, **environment):
    """The result of a unit that is as it should be when the command exits with 0."""
    done = run(command, **environment)
    return Result(failed=int(done.returncode != 0), output=done.stdout + how_it_ended(done))


def run(command, **environment):
    return subprocess.run(command, env=os.environ | environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", check=False)


def how_it_ended(done):
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}\n"
    return f"exit status {done.returncode}\n" if done.returncode > 0 else ""


def check_units(units, jobs=None):
    """Runs units, pairs of a name and a function that gives a Result; exits with 1 if one failed."""
    failed = 0
    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        names = [name for name, _ in units]
        results = pool.map(lambda unit: unit[1](), units)
        for name, result in zip(names, results):
            print(_line(name, result), flush=True)
            failed += result.failed
    if not units:
        print("FAILED  nothing to check")
    sys.exit(1 if failed or not units else 0)


def _line(name, result):
    count = f"{result.failed} of {result.total}" if result.failed else f"{result.total}"
    several = f" ({count} tests)" if result.total > 1 else ""
    if not result.failed:
        return f"ok      {name}{several}"
    return f"FAILED  {name}{several}\n" + textwrap.indent(result.output.rstrip(), "        ")
