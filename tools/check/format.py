#!/usr/bin/env python3
"""Every C file is as clang-format leaves it."""

from pathlib import Path

from units import check_units, run_command

check_units([(str(path), lambda path=path: run_command(["clang-format", "-n", "-Werror", path]))
             for folder in ("sim", "include", "tests", "tools")
             for path in sorted(Path(folder).rglob("*.[ch]"))])
