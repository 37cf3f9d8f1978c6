"""The exams' rule, written from its description alone and without a look at lib/eval: as many calls, in any order, the same names, the same
argument names, equal values; a numeric text is its number, blanks collapse, case counts, None and "" are absent.

usage: exact_match.py < lines of {"calls": [...], "gold": [...], "optional": [[...], ...]}   prints a line of 0 and 1
"""

import json
import re
import sys
from decimal import Decimal

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


def form(value):
    """A value as something that is equal exactly where the rule says so; None if it is absent."""
    if value is None:
        return None
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, (int, float)):
        return ("number", Decimal(repr(value)))
    if isinstance(value, str):
        text = " ".join(value.split())
        return None if text == "" else ("number", Decimal(text)) if NUMBER.match(text) else ("text", text)
    if isinstance(value, list):
        return ("list", [form(item) for item in value])
    return ("object", {key: form(item) for key, item in value.items() if form(item) is not None})


def is_gold(call, gold, optional):
    given, wanted = (
        {name: form(value) for name, value in each["arguments"].items() if form(value) is not None}
        for each in (call, gold)
    )
    return (
        call["name"].strip() == gold["name"].strip()
        and set(given) <= set(wanted)
        and all(given[name] == wanted[name] if name in given else name in optional for name in wanted)
    )


def is_right(calls, gold, optional):
    if len(calls) != len(gold):
        return False

    def assign(place, used):
        return place == len(gold) or any(
            index not in used and is_gold(call, gold[place], optional[place]) and assign(place + 1, used | {index})
            for index, call in enumerate(calls)
        )

    return assign(0, frozenset())


print("".join(str(int(is_right(**json.loads(line)))) for line in sys.stdin))
