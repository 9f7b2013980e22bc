# SPDX-License-Identifier: Apache-2.0
"""The little of YAML that rule files need: every text is quoted as in JSON, which YAML reads the same."""
import json


def dump(value, indent=0):
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_after(item, indent)}" for key, item in value.items())
    if isinstance(value, list):
        return "".join(f"{pad}- {dump(item, indent + 1).lstrip()}" for item in value)
    raise TypeError(value)


def _after(item, indent):
    if isinstance(item, (dict, list)):
        return "\n" + dump(item, indent + 1)
    return " " + json.dumps(item, ensure_ascii=False) + "\n"
