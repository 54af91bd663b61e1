#!/usr/bin/env python3
"""Runs fuzz targets named as arguments: each over its corpus, then over inputs drawn from it by a
fixed seed. `fuzz.py --forever PROGRAM` draws by another seed each time, until a defect is found.

tests/fuzz/corpus/NAME/ holds the seeds of fuzz_NAME; what libFuzzer adds goes to the build folder."""

import os
import shutil
import sys
from pathlib import Path

from units import check_units, run_command

RUNS = 20000
SECONDS = 5  # stop drawing then, whatever the number of runs; no input is judged by it
LARGEST_INPUT = 4096
SECONDS_OF_A_HANG = 60
ENVIRONMENT = {
    "G_SLICE": "always-malloc",
    "LSAN_OPTIONS": "suppressions=tests/fuzz/lsan.supp:print_suppressions=0",
}


def command(program, *options):
    name = Path(program).name.removeprefix("fuzz_")
    found = Path(f"{program}.corpus")
    found.mkdir(exist_ok=True)
    return [program, "-rss_limit_mb=1024", f"-timeout={SECONDS_OF_A_HANG}", f"-max_len={LARGEST_INPUT}",
            f"-artifact_prefix={program}.defect-", *options, str(found), f"tests/fuzz/corpus/{name}"]


def fuzz(program):
    shutil.rmtree(f"{program}.corpus", ignore_errors=True)
    return run_command(command(program, "-seed=1", f"-runs={RUNS}", f"-max_total_time={SECONDS}",
                               "-close_fd_mask=1", "-verbosity=0"), **ENVIRONMENT)


if sys.argv[1:2] == ["--forever"]:
    os.execve(sys.argv[2], command(sys.argv[2]), os.environ | ENVIRONMENT)
check_units([(program, lambda program=program: fuzz(program)) for program in sys.argv[1:]])
