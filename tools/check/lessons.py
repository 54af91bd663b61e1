#!/usr/bin/env python3
"""Plays all lessons and judges their expectations: `mailsim test`, whose TAP lines become units.
The program is the argument."""

import re
import sys

from units import Result, check_units, how_it_ended, result_of, run

VERDICT = re.compile(r"(not )?ok \d+ - (.*)((?:\n# .*)*)", re.M)

done = run([sys.argv[1], "test", "scenarios"])
verdicts = VERDICT.findall(done.stdout)
planned = re.search(r"^1\.\.(\d+)$", done.stdout, re.M)
whole = result_of([] if done.returncode == 0 and planned and int(planned[1]) == len(verdicts)
                  else [done.stdout, how_it_ended(done)])
check_units([(text, lambda bad=bad, more=more: Result(failed=int(bool(bad)), output=more.strip("\n")))
             for bad, text, more in verdicts]
            + [("mailsim test scenarios plays all that it plans", lambda: whole)])
