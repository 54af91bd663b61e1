#!/usr/bin/env python3
"""Looks at tests/conformance: each table's last column names tests, as `file: test, test; file: test`,
or, behind `-:`, the reason why there is none. Every test that is named exists and is run; and where an
RFC numbers its requirements each number has its row."""

import re
from pathlib import Path

from units import check_units, result_of

# RFC 9293 labels what it demands; the highest number of each label.
NUMBERED = {"rfc9293": {"MUST": 69, "SHLD": 31}}


def is_run(file, test):
    path = Path(f"tests/test_{file}.c")
    text = path.read_text("utf-8") if path.exists() else ""
    return any(f"cmocka_unit_test({name})" in text for name in (f"test_{test}", test))


def complaint_of(place, file, test):
    if file == "judges":
        known = f'"{test}"' in Path("tools/check/judges.py").read_text("utf-8") or test == "smtp-sink"
    elif file == "lessons":
        known = Path(f"scenarios/{test}/scenario.yaml").exists()
    elif file == "tcp":
        known = Path(f"tests/tcp/{test}.tcp").exists()  # test_tcp_scripts plays them all
    else:
        known = is_run(file, test)
    return None if known else f"{place}: there is no test {file}: {test}"


def complaints_of_row(place, cells):
    proof = cells[-1]
    if proof.startswith("-: "):
        return
    for part in proof.split(";"):
        if not (found := re.fullmatch(r"\s*([\w-]+): (.+?)\s*", part)):
            yield f"{place}: `file: test` is expected, not `{part}`"
            continue
        for test in found[2].split(", "):
            if complaint := complaint_of(place, found[1], test):
                yield complaint


def rows_of(text):
    """Line numbers and cells of the tables' rows, without their heads."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        is_head = number < len(lines) and lines[number].startswith("|---")
        if line.startswith("| ") and not is_head:
            yield number, [cell.strip() for cell in line.strip("|").split("|")]


def missing_numbers(name, rows):
    named = {word for _, cells in rows for word in cells[0].replace(",", " ").split()}
    for label, highest in NUMBERED.get(name, {}).items():
        for number in range(1, highest + 1):
            if f"{label}-{number}" not in named:
                yield f"{label}-{number} has no row"


def check_file(path):
    rows = list(rows_of(path.read_text("utf-8")))
    complaints = [complaint for number, cells in rows for complaint in complaints_of_row(f"{path}:{number}", cells)]
    complaints += missing_numbers(path.stem, rows)
    return result_of(complaints if rows else ["no table at all"])


check_units([(str(path), lambda path=path: check_file(path)) for path in sorted(Path("tests/conformance").glob("*.md"))])
