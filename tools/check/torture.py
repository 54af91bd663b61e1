#!/usr/bin/env python3
"""`mailsim torture`: no fault that seeds draw and no crash at any point loses a mail; and the proof
that it would be found: canaries, programs with a defect linked in, must be caught.

Arguments: the program, then the canaries. With --all before them: what `make torture` plays, which
takes an hour or two. A failure is shown as mailsim shows it, with the command that plays it again."""

import re
import shlex
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from units import check_units, result_of, run, run_command

BUG = 70
LESSON = "scenarios/05-receiver-down/scenario.yaml"
LONGEST = "scenarios/20-after-the-storm/scenario.yaml"
UNWRITABLE = "tests/canary/unwritable.yaml"
SMALL = 60  # lines of a shrunk scenario


def torture(*arguments):
    """A unit: there is no failure. Scenarios of failures are kept where `make` was called."""
    return lambda: run_command([program, "torture", *arguments])


def check_same_by_jobs():
    outputs = {run([program, "torture", "--jobs", jobs, "--seeds", "1..40"]).stdout for jobs in ("1", "3")}
    return result_of([] if len(outputs) == 1 else ["the output differs with --jobs"])


def check_wrong_calls():
    calls = [["--seeds", "2..1"], ["--seeds", "x"], ["--jobs", "-1"], ["--sample", "5"], ["no/such/file.yaml"]]
    return result_of([f"torture {' '.join(call)}: not refused" for call in calls
                      if run([program, "torture", *call]).returncode != 2])


def check_fault_past_the_end():
    """A run that a fault is to strike, and does not, says so."""
    done = run([program, "run", "--quiet", "--fault", "crash:mail.gmail.example:999999", LESSON])
    return result_of([] if "nothing is struck" in done.stdout else ["nothing tells that no fault struck"])


def commands_of(output):
    """The commands that a failure shows, as lists of arguments."""
    return [line.split()[1:] for line in re.findall(r"^      (mailsim .*)$", output, re.M)]


def check_replays(canary, output, folder):
    """Each command fails again with the canary; what is a scenario, the sound program plays well."""
    complaints = []
    for command in commands_of(output):
        output_option = ["--whole", "--output", folder] if command[0] == "torture" else []
        if run([canary, *command, *output_option]).returncode in (0, 2):
            complaints.append(f"{canary} {' '.join(command)}: does not fail again")
        if command[0] == "run" and run([program, *command]).returncode != 0:
            complaints.append(f"mailsim {' '.join(command)}: fails with the sound program")
    return complaints


def check_canary(canary):
    """Caught within 1,000 seeds, shown with commands that work, and shrunk to a small scenario."""
    with tempfile.TemporaryDirectory() as folder:
        done = run([canary, "torture", "--stop", "--seeds", "1..1000", "--output", folder])
        files = list(Path(folder).iterdir())
        complaints = [] if done.returncode == BUG else [f"exit status {done.returncode}, not {BUG}"]
        if len(files) != 1 or len(commands_of(done.stdout)) != 2:
            complaints.append(f"not one scenario and two commands: {done.stdout}")
        for file in files:
            lines = len(file.read_text("utf-8").splitlines())
            complaints += [f"shrunk to {lines} lines, more than {SMALL}"] if lines > SMALL else []
        return result_of(complaints + check_replays(canary, done.stdout, folder))


def check_canary_crashes(canary):
    """Struck everywhere, it is caught too, and each command that is shown works."""
    done = run([canary, "torture", "--stop", "--crashes", "--sample", "1500", LESSON])
    complaints = [] if done.returncode == BUG else [f"exit status {done.returncode}, not {BUG}"]
    if not commands_of(done.stdout):
        complaints.append("no command is shown")
    return result_of(complaints + check_replays(canary, done.stdout, "."))


def live_violation(canary, *options):
    """What a live session with the canary says, which is sent a mail; and its exit status. Its
    disk takes nothing, and the canary says 250."""
    command = [canary, "live", "--level", "mail", "--port", "mail.gmail.example:smtp", *options, UNWRITABLE]
    session = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(90, session.kill)  # a bound on a session that hangs, no measure
    watchdog.start()
    for line in session.stdout:
        if found := re.search(r"smtp +127\.0\.0\.1 (\d+)$", line):
            break
    with smtplib.SMTP("127.0.0.1", int(found[1]), timeout=60) as client:
        client.sendmail("ann@out.example", ["bob@gmail.example"], "Message-ID: <tea@out.example>\r\n\r\nTea?")
    session.send_signal(signal.SIGINT)
    said = session.stdout.read()
    session.wait()
    watchdog.cancel()
    return said, session.returncode


def violation_of(said):
    found = re.search(r"^mailsim: the books do not balance: .*", said, re.M)
    return found[0] if found else "none"


CHAIN = r"how it came about:\n    \S+  outside  outside 1: connects .*\n(    .*\n)*    .*accepts tea for bob"


def check_live_violation(canary):
    """Found in a live session, a defect is shown with its causes and with the command that plays
    the session again; of one that was not recorded that is said, and nothing invented."""
    with tempfile.TemporaryDirectory() as folder:
        record = str(Path(folder) / "a record")
        said, status = live_violation(canary, "--record", record)
        complaints = [] if status == BUG else [f"exit status {status}, not {BUG}"]
        again = re.search(r"to see it again:\n    mailsim (run --level segment --inputs .*)\n", said)
        if not re.search(CHAIN, said) or not again:
            return result_of(complaints + [f"without its causes or its command: {said}"])
        replayed = run([canary, *shlex.split(again[1])])
        if violation_of(replayed.stdout) != violation_of(said) or replayed.returncode != BUG:
            complaints.append(f"{again[0]}: not the same again: {violation_of(replayed.stdout)}")
        if not re.search(CHAIN, replayed.stdout) or again[1] not in replayed.stdout:
            complaints.append(f"{again[0]}: without its causes or its command")
        said, status = live_violation(canary)
        if violation_of(said) == "none" or "was not recorded" not in said or "came about" in said:
            complaints.append(f"a session that was not recorded: {said}")
        return result_of(complaints)


def units_of_check(canaries):
    yield "1,000 drawn scenarios", torture("--seeds", "1..1000")
    yield "20 seeds of each lesson", torture("--seeds", "1..20", "scenarios")
    yield "10,000 points of the lessons", torture("--crashes", "--sample", "10000", "scenarios")
    yield "3,000 points of drawn scenarios", torture("--crashes", "--sample", "3000", "--seeds", "1..20")
    yield "the same with any number of jobs", check_same_by_jobs
    yield "wrong calls", check_wrong_calls
    yield "a fault past the end", check_fault_past_the_end
    for canary in canaries:
        name = Path(canary).name
        yield f"the canary {name} by seeds", lambda canary=canary: check_canary(canary)
        # Each strike excuses what the journal lacks; what is refused too late is lost by another only.
        if name not in ("journal", "refusal"):
            yield f"the canary {name} by crashes", lambda canary=canary: check_canary_crashes(canary)
        if name == "refusal":
            yield f"the canary {name} in a live session", lambda canary=canary: check_live_violation(canary)


def units_of_all():
    yield "100,000 drawn scenarios", torture("--seeds", "1..100000")
    lessons = sorted(str(path) for path in Path("scenarios").glob("*/scenario.yaml"))
    for lesson in lessons:
        yield f"seeds of {lesson}", torture("--seeds", "1..50" if lesson == LONGEST else "1..2000", lesson)
    for lesson in lessons:
        sample = ["--sample", "5000"] if lesson == LONGEST else []
        yield f"points of {lesson}", torture("--crashes", *sample, lesson)
    yield "points of drawn scenarios", torture("--crashes", "--seeds", "1..100")


is_all = sys.argv[1] == "--all"
program, *canaries = sys.argv[2:] if is_all else sys.argv[1:]
check_units(list(units_of_all() if is_all else units_of_check(canaries)), jobs=1)
