# SPDX-License-Identifier: Apache-2.0
"""The program's table of metrics, and whether an expression keeps to it."""
import json
import re

# What a question may carry beside the labels of the table; docs/metrics.md says so in words. That each is really there
# the end-to-end test sees.
QUESTION = set("""probe operation backend group dtype out size_bytes in_place root space m n k collective taken
                  model layers tp dp mb seq""".split())
ADDED_BY_PROMETHEUS = {"job", "instance"}
FOREIGN = {
    "node_textfile_mtime_seconds": {"file"},
}
KEYWORDS = set("""by without on ignoring group_left group_right and or unless bool offset""".split())


class Refused(Exception):
    pass


def label_names(words):
    """"run_id, status = running, complete or incomplete" → {"run_id", "status"}: a name may be followed by its values,
    whose last one says "or" or "over"."""
    names, in_values = set(), False
    for part in words.replace("(of hosts local_rank)", ", local_rank").split(","):
        part = part.strip()
        if in_values:
            in_values = not re.search(r"\b(or|over)\b", part)
            continue
        name, equals, value = part.partition("=")
        name = name.split()[0] if name.split() else ""
        if not name:
            continue
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise Refused(f"cannot read the labels '{words}'")
        names.add(name)
        in_values = bool(equals) and not re.search(r"\b(or|over)\b|…", value)
    if in_values:
        raise Refused(f"the values never end in the labels '{words}'")
    return names


def has_question(row):
    names = label_names(row["labels"])
    return bool(row["expected"] or names & {"q", "late_rank", "source"} or ("device_model" in names and row["type"] == "gauge"))


class Table:
    def __init__(self, text):
        self.rows = {row["name"]: row for row in json.loads(text)}
        self.labels = {name: label_names(row["labels"]) | (QUESTION if has_question(row) else set())
                       for name, row in self.rows.items()}
        self.labels.update(FOREIGN)
        self.used = set()

    def record(self, name, labels):
        """From now on a recorded series may be used as well."""
        self.labels[name] = labels

    def check(self, expression, added=()):
        """Returns the labels that what it gives may have; `added` are those that functions of it make."""
        text = re.sub(r"\$__\w+", "1m", expression)
        strings = r'"(?:[^"\\]|\\.)*"'
        known = set(added)
        for name, inside in re.findall(r"(\b[a-z_]+:[a-z0-9_:]+|\b(?:maru|node)_[a-z0-9_]+)(\{[^{}]*\})?", re.sub(strings, '""', text)):
            if name not in self.labels:
                raise Refused(f"no metric {name}: {expression}")
            self.used.add(name)
            known |= self.labels[name]
            for label in re.findall(r"([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)", inside):
                self._demand(label, self.labels[name] | ADDED_BY_PROMETHEUS, expression)
        for _, names in re.findall(r"\b(by|without|on|ignoring|group_left)\s*\(([^()]*)\)", re.sub(strings, '""', text)):
            for label in filter(None, (x.strip() for x in names.split(","))):
                # What stands in "without" may be of one side of a sum only, and "cluster" comes with some ways in.
                self._demand(label, known | ADDED_BY_PROMETHEUS | {"cluster"}, expression)
        return known | ADDED_BY_PROMETHEUS

    @staticmethod
    def _demand(label, known, expression):
        if label not in known:
            raise Refused(f"no label {label}: {expression}")

    def check_words(self, text, known, pattern):
        for label in re.findall(pattern, text):
            self._demand(label, known, text)

    def unused(self):
        return sorted(set(self.rows) - self.used)
