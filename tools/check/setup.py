#!/usr/bin/env python3
"""tools/setup.sh where something is in its way: another system than Debian, no root, no network. It
runs in an empty folder, with programs of our own in place of the package tools."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from units import check_units, result_of

SETUP = Path("tools/setup.sh").resolve()
REAL = ["sh", "env", "rm", "mkdir", "mv", "cat"]
ALL_THERE, NONE_THERE = "echo installed", "echo not-installed; exit 1"
NO_NETWORK = "echo 'Temporary failure resolving' >&2; exit 100"


def call(argument, programs):
    """What it says with these programs, name to script, and its exit status."""
    with tempfile.TemporaryDirectory(prefix="mailsim-") as name:
        folder = Path(name)
        path = folder / "bin"
        path.mkdir()
        for real in REAL:
            (path / real).symlink_to(shutil.which(real))
        for program, script in programs.items():
            (path / program).write_text(f"#!/bin/sh\n{script}\n", "ascii")
            (path / program).chmod(0o755)
        done = subprocess.run([str(SETUP), *argument], cwd=folder, env=os.environ | {"PATH": str(path)}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        return done.stdout, done.returncode


def check(argument, programs, status, *words):
    said, returned = call(argument, programs)
    if returned == status and all(word in said for word in words):
        return result_of([])
    return result_of([f"exit {returned}, not {status}; or these are not all there: {words}\n{said}"])


ROOT, USER = "echo 0", "echo 1000"
CASES = {
    "no argument": ([], {}, 2, "usage: tools/setup.sh demo|check"),
    "another system than Debian": (["demo"], {}, 0, "not a Debian system", "libglib2.0-dev"),
    "nothing is missing": (["demo"], {"dpkg-query": ALL_THERE, "apt-get": NO_NETWORK}, 0),
    "no root, no sudo": (["demo"], {"dpkg-query": NONE_THERE, "apt-get": NO_NETWORK, "id": USER}, 1,
                         "takes root or sudo", "apt-get install gcc"),
    "no network": (["demo"], {"dpkg-query": NONE_THERE, "apt-get": NO_NETWORK, "id": ROOT}, 1,
                   "Temporary failure resolving", "needs a network", "apt-get install gcc"),
    "sudo": (["demo"], {"dpkg-query": NONE_THERE, "apt-get": "echo apt-get \"$@\"", "id": USER,
                        "sudo": "echo by sudo; exec \"$@\""}, 0, "by sudo", "install -y --no-install-recommends gcc"),
    "no Postfix to fetch": (["check"], {"dpkg-query": ALL_THERE, "apt-get": NO_NETWORK, "id": USER}, 0,
                            "Fetching postfix"),
}

check_units([(name, lambda case=case: check(*case)) for name, case in CASES.items()])
