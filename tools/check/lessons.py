#!/usr/bin/env python3
"""Plays all lessons and judges their expectations: `mailsim test`, whose TAP lines become units. And
what the text of a lesson tells to look for is there in its run. The program is the argument."""

import re
import sys
from pathlib import Path

from units import Result, check_units, how_it_ended, result_of, run

VERDICT = re.compile(r"(not )?ok \d+ - (.*)((?:\n# .*)*)", re.M)

LOOK_FOR = re.compile(r"^## (?:Look for|살펴볼 것|찾아보기|여섯 단계).*?(?=^## |\Z)", re.M | re.S)
SPAN = re.compile(r"```(.*?)```|`([^`]*)`", re.S)


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


def quotations(markdown):
    """What the sections say that the timeline shows: spans of code with a space in them, and in blocks the
    lines of a dialogue, of which several can stand side by side."""
    for section in LOOK_FOR.findall(markdown):
        for block, span in SPAN.findall(section):
            if " " in span.strip() and not span.startswith("--"):
                yield span
            yield from (part for part in re.split(r"\n|  +", block) if part.startswith(("C: ", "S: ")))


def is_quoted_from(quotation, timeline):
    """Whether its parts, between dots, stand there one after the other."""
    at = 0
    for part in map(flat, quotation.split("...")):
        at = timeline.find(part, at)
        if at < 0:
            return False
    return True


def check_quotations(folder):
    timeline = ""
    for options in [["--unfolded", "--level", level] for level in ("mail", "protocol", "segment")] + [["--level", "mail"]]:
        timeline += flat(run([sys.argv[1], "run", "--form", "list", *options, str(folder / "scenario.yaml")]).stdout) + " "
    return result_of([f"{text.name}: `{quotation}` is not in the run" for text in sorted(folder.glob("lesson*.md"))
                      for quotation in quotations(text.read_text("utf-8")) if not is_quoted_from(quotation, timeline)])


done = run([sys.argv[1], "test", "scenarios"])
verdicts = VERDICT.findall(done.stdout)
planned = re.search(r"^1\.\.(\d+)$", done.stdout, re.M)
whole = result_of([] if done.returncode == 0 and planned and int(planned[1]) == len(verdicts)
                  else [done.stdout, how_it_ended(done)])
check_units([(text, lambda bad=bad, more=more: Result(failed=int(bool(bad)), output=more.strip("\n")))
             for bad, text, more in verdicts]
            + [("mailsim test scenarios plays all that it plans", lambda: whole)]
            + [(f"{folder.name}: what its text tells to look for", lambda folder=folder: check_quotations(folder))
               for folder in sorted(Path("scenarios").glob("[0-9]*"))])
