#!/usr/bin/env python3
"""Holds scenarios/schema.json against a JSON Schema validator: every scenario must be valid, and
tests/data/full.yaml, which has every key, must not be when it is broken in one place."""

import copy
import glob
import json
import re

import jsonschema
import yaml

from units import check_units, result_of


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, as far as scenarios use it: no dates, no yes or no."""


CoreLoader.yaml_implicit_resolvers = {}
CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])

# Where tests/data/full.yaml is broken, and with what; None removes. A pair stands for the first entry
# of a list that has this value at this key.
BREAKS = [
    (["mailsim"], 2),
    (["mailsim"], None),
    (["servers"], None),
    (["colour"], "red"),
    (["until"], 6),
    (["until"], "6"),
    (["until"], "12:30"),
    (["start"], "2026-03-02"),
    (["seed"], "1"),
    (["title"], {"english": "x"}),
    (["network", "routers"], []),
    (["network", "links", 0, "between"], ["seoul"]),
    (["network", "links", 0, "delay"], 3),
    (["network", "default_link", "rate"], "1 Mbps"),
    (["servers", "mail.naver.example", "domains"], None),
    (["servers", "Mail.example"], {"domains": []}),
    (["servers", "mail.naver.example", "retry", "like"], "postfx"),
    (["servers", "mail.naver.example", "users", "alice"], None),
    (["dns", "gmail.example", "mx", 0, "preference"], 70000),
    (["people", "alice", "agents"], {}),
    (["people", "bob", "address"], "bob"),
    (["mails", "lunch", "from"], None),
    (["mails", "lunch", "subject"], 12),
    (["timeline", 0, "do"], "crahs"),
    (["timeline", 1, "host"], "mail.naver.example"),
    (["timeline", 1, "at"], None),
    (["timeline", ("do", "dns_fail"), "how"], "slowly"),
    (["timeline", ("do", "disk_fail"), "operations"], ["wirte"]),
    (["timeline", ("do", "disk_fail"), "failures"], 0),
    (["timeline", ("do", "disk_fix"), "host"], None),
    (["timeline", ("do", "fill_disk"), "at"], "1 s"),
    (["timeline", ("do", "fill_disk"), "when", "enters"], None),
    (["timeline", ("do", "fill_disk"), "when", "machine"], "smtp"),
    (["timeline", ("do", "fill_disk"), "when", "hots"], "x"),
    (["expect", 0, "fact"], "queue_peak"),
    (["expect", 0, "host"], "mail.naver.example"),
    (["expect", 0, "is"], None),
    (["expect", 0, "at_most"], 3),
    (["expect", 4, "event"], "smtp.rely"),
    (["questions", 0, "ask"], None),
]


def step_into(place, step):
    if isinstance(step, tuple):
        return next(entry for entry in place if entry.get(step[0]) == step[1])
    return place[step]


def broken(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = step_into(place, step)
    is_empty_user = path[-2:-1] == ["users"]
    if value is None and not is_empty_user:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, CoreLoader)


def judge_valid(validator, path):
    return result_of([f"{list(error.absolute_path)}: {error.message[:200]}"
                      for error in validator.iter_errors(load(path))])


def judge_broken(validator, document, place, value):
    is_valid = validator.is_valid(broken(document, place, value))
    return result_of(["the schema takes it for valid"] if is_valid else [])


def main():
    with open("scenarios/schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    paths = sorted(glob.glob("scenarios/*/*.yaml")) + ["tests/data/full.yaml"]
    document = load(paths[-1])
    check_units(
        [(path, lambda path=path: judge_valid(validator, path)) for path in paths]
        + [(f"not valid: {'.'.join(map(str, place))} = {value!r}",
            lambda place=place, value=value: judge_broken(validator, document, place, value))
           for place, value in BREAKS])


main()
