#!/usr/bin/env python3
"""`make install` into an empty folder: the program plays an installed lesson, and a program that
knows only what was installed is built with the library and plays it too."""

import os
import re
import tempfile
from pathlib import Path

from units import check_units, result_of, run, run_command

PREFIX = "/usr"


def make_install(root):
    return run_command(["make", "--no-print-directory", "install", f"DESTDIR={root}", f"PREFIX={PREFIX}"])


def check_files(installed):
    wanted = ["bin/mailsim", "lib/libmailsim.a", "lib/pkgconfig/mailsim.pc",
              "share/man/man1/mailsim.1", "share/bash-completion/completions/mailsim"]
    wanted += [str(path) for path in Path("include").rglob("*.h")]
    wanted += [f"share/mailsim/{path}" for path in Path("scenarios").rglob("*") if path.is_file()]
    there = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    return result_of([f"{path} is not there" for path in sorted(set(wanted) - there)]
                     + [f"{path} is there for no reason" for path in sorted(there - set(wanted))])


def check_described(program, text, what):
    """The page or the completion has each command and each of its options, and no other."""
    commands = re.findall(r"^  mailsim (\w+)  ", run([program, "--help"]).stdout, re.M)
    options = {option for command in commands
               for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run([program, command, "--help"]).stdout, re.M)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text.replace("\\-", "-"))) - {"--version"}
    return result_of([f"{what} lacks {name}" for name in sorted(options - {"--help"} - named)]
                     + [f"{what} has {name}, which no command takes" for name in sorted(named - options - {"--help"})]
                     + [f"{what} lacks the command {name}" for name in commands if not re.search(rf"\b{name}\b", text)])


def check_exports(library):
    """Only functions of the public headers are visible in the library, and all of them are."""
    done = run(["nm", "--extern-only", "--defined-only", "--format=posix", library])
    names = set(re.findall(r"^(\w+) \w", done.stdout, re.M))
    declared = {name for path in Path("include").rglob("*.h")
                for name in re.findall(r"^MS_API\b[^(]*?(\w+)\(", path.read_text("utf-8"), re.M)}
    return result_of([f"{name} is exported but not declared" for name in sorted(names - declared)]
                     + [f"{name} is declared but not exported" for name in sorted(declared - names)])


def check_overwriting(program, lesson, folder):
    """No output is written over the scenario that is read, not by another name of it either."""
    before = Path(lesson).read_bytes()
    other = f"{folder}/other-name.yaml"
    os.link(lesson, other)
    calls = [["run", "--quiet", option, prefix + path] for path in (lesson, other)
             for option, prefix in (("--trace", ""), ("--facts", ""), ("--html", ""), ("--pcap", ""), ("--mermaid", ""),
                                    ("--svg", ""), ("--svg", "queue="), ("--pcap-at", "mail.naver.example="))]
    calls += [["view", "--no-open", "-o", lesson]]
    complaints = []
    for call in calls:
        done = run([program, *call, lesson])
        if done.returncode != 2 or "overwrite" not in done.stdout or Path(lesson).read_bytes() != before:
            complaints.append(f"{' '.join(call)}: exit {done.returncode}: {done.stdout[:200]}")
            Path(lesson).write_bytes(before)
    return result_of(complaints)


def check_standard_output(program, lesson, folder):
    """`-` writes to standard output what a file would hold, and nothing else."""
    complaints = []
    for option, prefix in (("--trace", ""), ("--facts", ""), ("--mermaid", ""), ("--svg", ""), ("--svg", "map=")):
        run([program, "run", "--quiet", option, f"{prefix}{folder}/file", lesson])
        done = run([program, "run", option, f"{prefix}-", lesson])
        if done.returncode != 0 or done.stdout != Path(f"{folder}/file").read_text("utf-8"):
            complaints.append(f"{option} {prefix}-: exit {done.returncode}: {done.stdout[:200]}")
    for options in (["--trace", "-", "--facts", "-"], ["--trace", "-", "--digest"]):
        done = run([program, "run", *options, lesson])
        if done.returncode != 2 or "for one of them alone" not in done.stdout:
            complaints.append(f"{' '.join(options)}: exit {done.returncode}: {done.stdout[:200]}")
    return result_of(complaints)


def build_player(root, player):
    package = ["pkg-config", "--cflags", "--libs", f"--define-variable=prefix={root}{PREFIX}", "mailsim"]
    flags = run(package, PKG_CONFIG_PATH=f"{root}{PREFIX}/lib/pkgconfig")
    return run_command(["gcc", "-Wall", "-Wextra", "-Werror", "tests/installed/player.c", "-o", player,
                        *flags.stdout.split()])


with tempfile.TemporaryDirectory() as folder:
    root, player = f"{folder}/root", f"{folder}/player"
    installed = Path(root + PREFIX)
    lesson = f"{installed}/share/mailsim/scenarios/01-first-mail/scenario.yaml"
    os.mkdir(root)
    check_units([
        ("make install", lambda: make_install(root)),
        ("what is installed", lambda: check_files(installed)),
        ("the installed program", lambda: run_command([f"{installed}/bin/mailsim", "run", "--quiet", lesson])),
        ("the scenario stays as it is", lambda: check_overwriting(f"{installed}/bin/mailsim", lesson, folder)),
        ("standard output", lambda: check_standard_output(f"{installed}/bin/mailsim", lesson, folder)),
        ("the manual page", lambda: check_described(
            f"{installed}/bin/mailsim", Path("tools/mailsim/mailsim.1").read_text("utf-8"), "the page")),
        ("the completion", lambda: check_described(
            f"{installed}/bin/mailsim", Path("tools/mailsim/completion.bash").read_text("utf-8"), "the completion")),
        ("what the installed library exports", lambda: check_exports(f"{installed}/lib/libmailsim.a")),
        ("a program with the installed library", lambda: build_player(root, player)),
        ("that program", lambda: run_command([player, lesson])),
    ], jobs=1)
