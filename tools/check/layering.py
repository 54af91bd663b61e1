#!/usr/bin/env python3
"""A layer knows only the layers below it: looks at the #include lines of every C file.

Also where the machine may be known: only the program and sim/live may include a header that reads
the clock, the locale or the network, and no layer but these computes with <math.h>, whose last
bits differ between machines."""

import re
from pathlib import Path

from units import check_units, result_of

# Folder -> what it may include besides itself and include/mailsim. A name with a slash is one
# header: the protocol engines see of core only what has no clock and no randomness.
KNOWS = {
    "sim/core": [],
    "sim/trace": ["core"],
    "sim/mail": ["core"],
    "sim/net": ["core", "trace", "mail"],
    "sim/proto": ["core/bytes.h", "core/cache_line.h", "core/check.h", "core/intake.h",
                  "core/rare.h", "core/sanitized.h", "core/state_table.h", "core/simtime.h",
                  "core/units.h", "core/ipv4.h", "core/table.h", "core/text.h", "mail"],
    "sim/policy": ["core/bytes.h", "core/check.h", "core/rare.h", "core/simtime.h", "core/units.h",
                   "core/ipv4.h", "mail", "proto"],
    "sim/store": ["core", "trace", "mail"],
    "sim/audit": ["core", "trace"],
    "sim/node": ["core", "trace", "mail", "net", "proto", "policy", "store"],
    "sim/export": ["core", "trace"],
    "sim/scenario": ["core", "trace", "mail", "net", "proto", "policy", "store", "audit", "node",
                     "export"],
}
KNOWS["sim/torture"] = KNOWS["sim/live"] = KNOWS["sim/scenario"] + ["scenario"]
ANYTHING = ["tools", "tests"]

THE_MACHINE = {"time.h", "sys/time.h", "sys/random.h", "sys/socket.h", "netdb.h", "locale.h",
               "math.h", "fenv.h", "tgmath.h", "threads.h", "pthread.h"}
KNOWS_THE_MACHINE = ["sim/live", "tools", "tests"]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def complaint(path, bracket, header):
    """What is wrong with a file's including a header, or None."""
    folder = str(Path(path).parent)
    if bracket == "<":
        outside = header in THE_MACHINE and not folder.startswith(tuple(KNOWS_THE_MACHINE))
        return "only sim/live and the program know the machine" if outside else None
    if folder.startswith(tuple(ANYTHING)) or header.startswith("mailsim/"):
        return None
    if folder.startswith("include"):
        return "a public header includes public headers only"
    if folder not in KNOWS:
        return f"{folder} is no layer that this check knows"
    layer = header.split("/")[0]
    if layer == Path(folder).name or layer in KNOWS[folder] or header in KNOWS[folder]:
        return None
    return f"{folder} must not know {header}"


def check_text(path, text):
    found = ((complaint(path, *include), include[1]) for include in INCLUDE.findall(text))
    return result_of([f"{path} includes {header}: {why}" for why, header in found if why])


def check_the_check():
    """Violations that this check must catch, and lines that it must let pass."""
    wrong = [
        ("sim/core/a.c", '#include "trace/trace.h"'), ("sim/trace/a.c", '#include "mail/date.h"'),
        ("sim/mail/a.h", '  #  include "trace/trace.h"'), ("sim/net/a.c", '#include "proto/smtp.h"'),
        ("sim/proto/a.c", '#include "core/simulator.h"'), ("sim/proto/a.c", '#include "core/random.h"'),
        ("sim/proto/a.c", '#include "net/tcp.h"'), ("sim/proto/a.c", '#include "trace/trace.h"'),
        ("sim/store/a.c", '#include "net/tcp.h"'), ("sim/audit/a.c", '#include "store/disk.h"'),
        ("sim/node/a.c", '#include "audit/books.h"'), ("sim/export/a.c", '#include "mail/date.h"'),
        ("sim/scenario/a.c", '#include "torture/swarm.h"'), ("sim/live/a.c", '#include "torture/a.h"'),
        ("sim/policy/a.c", '#include "core/simulator.h"'), ("sim/proto/a.c", '#include "policy/a.h"'),
        ("sim/new/a.c", '#include "core/bytes.h"'), ("sim/core/a.c", "#include <time.h>"),
        ("sim/core/a.c", '#include "../net/tcp.h"'), ("include/mailsim/a.h", '#include "core/bytes.h"'),
    ]
    right = [
        ("sim/core/a.c", '#include "core/bytes.h"\n#include "mailsim/version.h"\n#include <glib.h>'),
        ("sim/proto/a.c", '#include "core/bytes.h"\n#include "mail/address.h"\n#include "proto/b.h"'),
        ("sim/live/a.c", '#include <time.h>\n#include "scenario/model.h"'),
        ("tests/a.c", '#include "core/simulator.h"\n#include "help.h"\n#include <math.h>'),
        ("sim/net/a.c", '/* see #include "proto/smtp.h" */'),
    ]
    return result_of(
        [f"not caught: {path}: {text}" for path, text in wrong if not check_text(path, text).failed]
        + [f"refused: {path}: {text}" for path, text in right if check_text(path, text).failed])


check_units(
    [("this check catches what it is for", check_the_check)]
    + [(str(path), lambda path=path: check_text(path, path.read_text(encoding="utf-8")))
       for folder in ("sim", "include", "tests", "tools")
       for path in sorted(Path(folder).rglob("*.[ch]"))])
