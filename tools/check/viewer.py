#!/usr/bin/env python3
"""The viewer: its types, that the committed page is what its source gives, unit tests, and the pages
and SVG pictures of all lessons in Chromium. `viewer.py MAILSIM`; `viewer.py --bench MAILSIM` measures instead.

The packages come by `npm ci` once, into a cache that outlives the tree's build folders; while the
lock file stays as it is, no network is asked."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from units import Result, check_units, result_of, run, run_command

VIEWER = Path("tools/viewer")
NODE = ["node"]


def cache_folder():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    lock = (VIEWER / "package-lock.json").read_bytes()
    return Path(home) / "mailsim" / f"viewer-{hashlib.sha256(lock).hexdigest()[:16]}"


def install():
    """node_modules by the lock file, moved into place only when whole."""
    folder = cache_folder()
    if not (folder / "node_modules").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            for name in ["package.json", "package-lock.json", ".npmrc"]:
                shutil.copy(VIEWER / name, part)
            done = run(["npm", "ci", "--prefix", part, "--ignore-scripts", "--no-audit", "--no-fund"])
            if done.returncode != 0:
                return Result(failed=1, output=done.stdout)
            folder.mkdir(exist_ok=True)
            os.rename(f"{part}/node_modules", folder / "node_modules")
    link = VIEWER / "node_modules"
    if not link.is_symlink() and link.is_dir():
        return Result()  # whoever works on the viewer has called npm ci there
    if link.is_symlink() and link.resolve() != (folder / "node_modules").resolve():
        link.unlink()
    if not link.exists():
        link.symlink_to(folder / "node_modules")
    return Result()


def check_lock():
    text = (VIEWER / "package-lock.json").read_text("utf-8")
    return result_of([f"the lock file has an address: {url}" for url in sorted(set(re.findall(r'"[^"]*://[^"]*"', text)))])


def check_rebuild():
    with tempfile.NamedTemporaryFile(suffix=".html") as built:
        done = run_command([*NODE, str(VIEWER / "build.mjs"), built.name])
        if done.failed:
            return done
        is_same = Path(built.name).read_bytes() == (VIEWER / "page.html").read_bytes()
    return result_of([] if is_same else ["page.html is not what src gives: run `node tools/viewer/build.mjs`"])


def counted(done):
    """What node's test runner says of itself, as the result of one unit of several tests."""
    passed, failed = (re.search(rf"^# {word} (\d+)$", done.stdout, re.M) for word in ("pass", "fail"))
    if not passed or not failed or int(passed[1]) + int(failed[1]) == 0:
        return Result(failed=1, output=done.stdout)
    failures = max(int(failed[1]), int(done.returncode != 0))
    return Result(failed=failures, total=int(passed[1]) + int(failed[1]), output=done.stdout if failures else "")


def check_unit_tests():
    out = VIEWER / "out" / "unit.test.mjs"
    built = run_command([str(VIEWER / "node_modules/.bin/esbuild"), str(VIEWER / "test/unit.test.ts"), "--bundle",
                         "--platform=node", "--format=esm", f"--outfile={out}", "--log-level=warning",
                         "--jsx=automatic", "--jsx-import-source=preact"])
    return built if built.failed else counted(run([*NODE, "--test", "--test-reporter=tap", str(out)]))


FAILING = """mailsim: 1
title: "Wrongly expected"
servers: {mail.naver.example: {domains: [naver.example], users: {alice: {}}}}
people: {alice: {address: alice@naver.example}}
mails: {lunch: {from: alice, to: [alice@naver.example], subject: "Lunch?", body: "Noon?"}}
timeline: [{at: 1 s, do: send, mail: lunch}]
expect: [{mail: lunch, fact: attempts, is: 7}]
"""


def check_program(program):
    """`view` tells what does not hold, as `run` does; and whom nobody knows is not followed."""
    with tempfile.TemporaryDirectory() as folder:
        scenario, page = Path(folder, "wrong.yaml"), Path(folder, "wrong.html")
        scenario.write_text(FAILING, "utf-8")
        view = run([program, "view", "--no-open", "--output", str(page), str(scenario)])
        follow = run([program, "run", "--follow", "nobody", str(scenario)])
        later = run([program, "run", "--quiet", "--follow", "lunch.9", str(scenario)])
        wants = [
            (view.returncode == 1 and page.is_file(), "view of a run that fails exits with 1 and writes the page"),
            ("FAILED" in view.stdout and "Expectations: 0 of 1 hold" in view.stdout, "view tells what does not hold"),
            (follow.returncode == 2 and "`nobody`" in follow.stdout and "  lunch\n" in follow.stdout, "--follow nobody is an error with the names"),
            ("writes lunch" not in follow.stdout, "--follow nobody plays nothing"),
            (later.returncode == 2, "--follow of a repetition that does not come is an error"),
        ]
    return result_of([what for holds, what in wants if not holds])


def check_lesson(program, lesson):
    return run_command([*NODE, str(VIEWER / "test/e2e.mjs"), program, "scenarios", lesson])


def check_pictures(program, lessons):
    return run_command([*NODE, str(VIEWER / "test/pictures.mjs"), program, "scenarios", *lessons])


if sys.argv[1] == "--bench":
    install()
    os.execvp("node", [*NODE, str(VIEWER / "test/bench.mjs"), os.path.abspath(sys.argv[2])])
program = os.path.abspath(sys.argv[1])
lessons = sorted(path.parent.name for path in Path("scenarios").glob("*/scenario.yaml"))
installed = install()
check_units([("npm ci", lambda: installed), ("the lock file", check_lock)] + ([] if installed.failed else [
    ("types", lambda: run_command([*NODE, str(VIEWER / "node_modules/typescript/bin/tsc"), "-p", str(VIEWER)])),
    ("the same bytes again", check_rebuild),
    ("unit tests", check_unit_tests),
    ("view and --follow", lambda: check_program(program)),
    ("pictures for slides", lambda: check_pictures(program, lessons)),
    *[(f"pages: {lesson}", lambda lesson=lesson: check_lesson(program, lesson)) for lesson in lessons],
]))
