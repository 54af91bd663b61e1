#!/usr/bin/env python3
"""Builds what each argument asks of make, one after the other: compilers' warnings are errors."""

import os
import sys

from units import check_units, run_command


def build(arguments):
    quietly = f"make --no-print-directory -k -j{os.cpu_count()} {arguments} >/dev/null"
    return run_command(["sh", "-c", quietly])


check_units([(f"make {arguments}", lambda arguments=arguments: build(arguments))
             for arguments in sys.argv[1:]], jobs=1)
