#!/usr/bin/env python3
"""Each lesson gives the same trace in every program named as an argument (two compilers, -O0 to
-O3, with and without sanitizers), twice, wherever the machine says that it stands."""

import re
import sys
from pathlib import Path

from units import check_units, result_of, run

ELSEWHERE = {"TZ": "Asia/Seoul", "LC_ALL": "C.UTF-8", "LANGUAGE": "ko", "HOME": "/", "USER": "bob"}
HERE = {"TZ": "UTC", "LC_ALL": "C"}


def digest(program, scenario, environment):
    """The digest of a run's trace, or what the run said instead."""
    done = run([program, "run", "--quiet", "--digest", scenario],
               G_SLICE="always-malloc", **environment)
    found = re.fullmatch(r"digest ([0-9a-f]{64})\n", done.stdout)
    return found[1] if found and done.returncode == 0 else f"{done.stdout}exit {done.returncode}"


def same_in_all(scenario):
    digests = [(program, digest(program, scenario, environment))
               for environment in (HERE, ELSEWHERE) for program in sys.argv[1:]]
    if len({text for _, text in digests}) == 1 and re.fullmatch("[0-9a-f]{64}", digests[0][1]):
        return result_of([])
    return result_of([f"{program}: {text}" for program, text in digests])


check_units([(str(path), lambda path=path: same_in_all(str(path)))
             for path in sorted(Path("scenarios").rglob("scenario.yaml"))])
