#!/usr/bin/env python3
"""Each header compiles alone, with the compiler's flags given as arguments; and a public header
gives its users no name without the library's prefix."""

import json
import re
import sys
from pathlib import Path

from units import Result, check_units, result_of, run, run_command

# Compiled as an included file, since #pragma once is out of place in a main file.
CLANG = ["clang", *sys.argv[1:], "-Wno-empty-translation-unit", "-fsyntax-only", "-x", "c",
         "/dev/null", "-include"]
PREFIX = re.compile(r"ms_|MS_|Ms[A-Z]")
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)


# A ccache in clang's place would compile /dev/null without what is included, and find nothing wrong.
UNCACHED = {"CCACHE_DISABLE": "1"}


def compile_alone(header):
    return run_command([*CLANG, header], **UNCACHED)


def declared_names(node, file=""):
    """Gives (file, name) of each declaration at file scope of clang's syntax tree, and of the
    constants of enumerations. The tree names a file only where it differs from the last one."""
    kind = node.get("kind", "")
    for key, value in node.items():
        if key in ("loc", "range"):
            file = last_file(value, file)
            if key == "loc" and "name" in node:
                yield file, node["name"]
        elif key == "inner":
            for child in value:
                if kind in ("TranslationUnitDecl", "EnumDecl") and not child.get("isImplicit"):
                    yield from declared_names(child, file)
                file = last_file(child, file)


def last_file(tree, file):
    """The last file named anywhere in a part of the tree, else the file given."""
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    if isinstance(tree, dict):
        file = tree.get("file", file)
        children = [value for key, value in tree.items() if key != "includedFrom"]
    for child in children:
        file = last_file(child, file)
    return file


def names_of(header):
    done = run([*CLANG, header, "-Xclang", "-ast-dump=json"], **UNCACHED)
    if done.returncode != 0:
        return []
    declared = [name for file, name in declared_names(json.loads(done.stdout))
                if Path(file) == Path(header)]
    return declared + MACRO.findall(Path(header).read_text(encoding="utf-8"))


def check_names(header):
    names = names_of(header)
    if not names:
        return Result(failed=1, output="no name is declared here")
    return result_of([f"{header} declares {name}, without the library's prefix"
                      for name in names if not PREFIX.match(name)])


PUBLIC = [str(path) for path in sorted(Path("include/mailsim").glob("*.h"))]
INTERNAL = [str(path) for path in sorted(Path("sim").rglob("*.h"))]
check_units([(f"{header} compiles alone", lambda header=header: compile_alone(header))
             for header in PUBLIC + INTERNAL]
            + [(f"{header} keeps to its prefix", lambda header=header: check_names(header))
               for header in PUBLIC])
