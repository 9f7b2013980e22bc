# SPDX-License-Identifier: Apache-2.0
"""The dashboards, and what holds of every one of them."""
import json
import re

from monitoring import board_fleet, board_run, board_sizing
from monitoring.panels import Panel, dashboard, query_variable
from monitoring.queries import run
from monitoring.table import Refused

BOARDS = (board_run, board_fleet, board_sizing)
# Whoever names no cluster has no such label: ".+" would hide all his runs.
VARIABLES = [
    query_variable("cluster", "cluster", "label_values(maru_run_info, cluster)", ".*"),
    query_variable("run_id", "run", 'label_values(maru_run_info{cluster=~"$cluster"}, run_id)', ".+"),
    query_variable("hostname", "host", "label_values(maru_node_info, hostname)", ".+"),
]


def check(table, board):
    for item in board.ITEMS:
        if not isinstance(item, Panel):
            continue
        if not (item.title and item.description and item.unit and item.targets):
            raise Refused(f"{board.UID}: '{item.title}' lacks a title, a description, a unit or a query")
        for expression, legend in item.targets:
            known = table.check(expression)
            table.check_words(legend, known, r"\{\{(\w+)\}\}")
            if item.kind != "table" and not legend:
                raise Refused(f"{board.UID}: '{item.title}' has no legend")
    titles = [item.title for item in board.ITEMS if isinstance(item, Panel)]
    if len(set(titles)) != len(titles):
        raise Refused(f"{board.UID}: two panels have one title")


def render(table):
    annotation = run("maru_run_start_timestamp_seconds") + " * 1000"
    table.check(annotation)
    files = {}
    for board in BOARDS:
        check(table, board)
        links = [(other.UID, other.TITLE) for other in BOARDS if other is not board]
        tree = dashboard(board.UID, board.TITLE, board.DESCRIPTION, board.FROM, VARIABLES, annotation, links, board.ITEMS)
        for name in re.findall(r'label_values\((\w+)', json.dumps(VARIABLES)):
            table.check(name)
        files[board.UID] = json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    if table.unused():
        raise Refused(f"no dashboard and no rule shows {', '.join(table.unused())}")
    return files
