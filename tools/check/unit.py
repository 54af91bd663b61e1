#!/usr/bin/env python3
"""Runs the test programs named as arguments. A unit is a program; its tests are counted."""

import re
import sys

from units import Result, check_units, how_it_ended, run

ENVIRONMENT = {
    "G_SLICE": "always-malloc",
    "G_DEBUG": "fatal-criticals",
    "CMOCKA_MESSAGE_OUTPUT": "STDOUT",
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:allow_addr2line=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def run_tests(program):
    done = run([program], **ENVIRONMENT)
    started = sum(map(int, re.findall(r"^\[=+\] Running (\d+) test", done.stdout, re.M)))
    passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", done.stdout, re.M)))
    total = max(started, 1)
    failed = total - min(passed, total)
    if done.returncode != 0:  # a leak, say, is found after the last test has passed
        failed = max(failed, 1)
    return Result(failed, total, done.stdout + how_it_ended(done))


check_units([(program, lambda program=program: run_tests(program)) for program in sys.argv[1:]])
