#!/usr/bin/env python3
"""clang-tidy finds nothing in any C file (.clang-tidy says what it looks for), compiled with the
flags given as arguments.

It takes a second a file, so a file is looked at again only when its text after preprocessing, or
what else the verdict depends on, has changed: build/tidy/ keeps an empty file for each clean one."""

import hashlib
import subprocess
import sys
from pathlib import Path

from units import Result, check_units, run, run_command

FLAGS = [flag for flag in sys.argv[1:] if not flag.startswith("-fsanitize")]
CLEAN = Path("build/tidy")


def bytes_from(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, check=False).stdout


SETTINGS = (bytes_from(["clang-tidy", "--version"]) + Path(".clang-tidy").read_bytes()
            + " ".join(FLAGS).encode())


def tidy(path):
    # -C keeps comments, in which NOLINT stands.
    text = bytes_from(["clang", *FLAGS, "-E", "-C", path])
    mark = CLEAN / hashlib.sha256(SETTINGS + text).hexdigest()
    if text and mark.exists():
        return Result()
    result = run_command(["clang-tidy", "--quiet", "--warnings-as-errors=*", path, "--", *FLAGS])
    if not result.failed:
        mark.touch()
    return result


CLEAN.mkdir(parents=True, exist_ok=True)
check_units([(str(path), lambda path=path: tidy(str(path)))
             for folder in ("sim", "tests", "tools")
             for path in sorted(Path(folder).rglob("*.c"))])
