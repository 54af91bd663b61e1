#!/usr/bin/env python3
"""Looks at the symbols of the library's object files, named as arguments: none of its modules
keeps state of its own (many simulations run in one process), and none but sim/live calls what
knows the machine: the clock, the environment, the locale, chance, libm."""

import re
import sys

from units import check_units, result_of, run

# Where a symbol of ours may live: code, constants, and constants that hold addresses.
CONSTANT = re.compile(r"\.text|\.rodata|\.data\.rel\.ro")
# GMime must be initialised once in a process.
ALLOWED_STATE = {("sim/mail/mime.o", "started")}

KNOWS_THE_MACHINE = re.compile(
    "(" + "|".join((
        "time|clock|clock_gettime|gettimeofday|timespec_get|localtime(_r)?|gmtime(_r)?|mktime",
        "strftime|g_get_(real|monotonic)_time|g_date_time_(new_now.*|to_local|new_local)",
        "g_time_zone_new_local|getenv|secure_getenv|g_getenv|g_get_environ|setlocale|localeconv",
        "rand(_r)?|srand|random|srandom|.rand48|arc4random.*|getrandom|getentropy|g_rand(om)?_.*",
        "g_uuid_string_random|getpid|gethostname|g_get_(host|user)_name|strtod|strtof|atof|strcoll",
        "__ctype_.*_loc|tolower|toupper|g_utf8_(collate.*|strup|strdown)|g_main_.*",
        "(sin|cos|tan|exp|exp2|expm1|log|log2|log10|log1p|pow|sqrt|cbrt|fma)f?",
    )) + ")(@.*)?")


def symbols_of(object_file):
    """Pairs of a symbol and its section: of the code, not of what the object brings for link time."""
    for line in run(["nm", "--plugin=/dev/null", "--format=sysv", object_file]).stdout.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 7 and fields[0] != "Name" and not fields[6].startswith(".gnu."):
            yield fields[0], fields[6]


def check_object(path):
    source = path[path.index("sim/"):]
    complaints, symbols = [], list(symbols_of(path))
    for symbol, section in symbols:
        if section == "*UND*":
            if KNOWS_THE_MACHINE.fullmatch(symbol) and not source.startswith("sim/live/"):
                complaints.append(f"{source} calls {symbol}, which knows the machine")
        elif not CONSTANT.match(section) and (source, symbol.split(".")[0]) not in ALLOWED_STATE:
            complaints.append(f"{source} keeps {symbol} in {section}: state outside a simulation")
    return result_of(complaints if symbols else ["no symbols at all"])


check_units([(path, lambda path=path: check_object(path)) for path in sys.argv[1:]])
