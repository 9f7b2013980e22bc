# SPDX-License-Identifier: Apache-2.0
"""Grafana's classic dashboard model, as much of it as is used. A panel is placed when its dashboard is built."""
from dataclasses import dataclass, field

SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass
class Panel:
    kind: str
    title: str
    description: str
    unit: str
    targets: list  # (expression, legend)
    width: int = 12
    height: int = 8
    over_time: bool = False  # the history, or what was last seen in the time range
    names: bool = False      # of a stat: its legend is the answer, not its value
    steps: list = None       # (from, colour)
    hidden: tuple = ()       # columns of a table
    matrix: tuple = ()       # (row label, column label) of a table
    link: str = ""           # dashboard to which hostname leads
    extra: dict = field(default_factory=dict)


@dataclass
class Row:
    title: str


def color_steps(steps):
    return [{"color": color, "value": value} for value, color in steps]


def _options(panel):
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "auto",
                "textMode": "name" if panel.names else "value_and_name", "colorMode": "value", "graphMode": "none",
                "justifyMode": "auto", "wideLayout": True}
    if panel.kind == "bargauge":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "horizontal",
                "displayMode": "basic", "valueMode": "color", "namePlacement": "auto", "showUnfilled": True,
                "sizing": "auto", "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 300}
    if panel.kind == "timeseries":
        return {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "min"]},
                "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "state-timeline":
        return {"mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
                "tooltip": {"mode": "single", "sort": "none"}}
    return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": []}}


def _transformations(panel):
    if panel.kind != "table":
        return []
    if panel.matrix:
        row, column = panel.matrix
        return [
            {"id": "groupingToMatrix", "options": {"rowField": row, "columnField": column, "valueField": "Value",
                                                   "emptyValue": "null"}}]
    return [{"id": "organize", "options": {"excludeByName": {name: True for name in ("Time",) + panel.hidden},
                                           "indexByName": {}, "renameByName": {}}}]


def _custom(panel):
    if panel.kind == "timeseries":
        # A run is one moment: points, and lines between them.
        return {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "always", "pointSize": 5,
                "spanNulls": True, "axisPlacement": "auto", "scaleDistribution": {"type": "linear"}}
    if panel.kind == "state-timeline":
        return {"fillOpacity": 70, "lineWidth": 0}
    if panel.kind == "table":
        return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True}
    return {}


def _overrides(panel):
    if not panel.link:
        return []
    return [{"matcher": {"id": "byName", "options": "hostname"},
             "properties": [{"id": "links", "value": [{
                 "title": "this host over time",
                 "url": f"/d/{panel.link}?${{datasource:queryparam}}&var-hostname=${{__value.text}}&${{__url_time_range}}"}]}]}]


def panel_json(panel, number, place):
    steps = panel.steps or [(None, "blue")]
    instant = not panel.over_time
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "color": {"mode": "thresholds" if panel.kind in ("stat", "bargauge") else "palette-classic"},
                "thresholds": {"mode": "absolute", "steps": color_steps(steps)},
                "custom": _custom(panel),
                **panel.extra,
            },
            "overrides": _overrides(panel),
        },
        "options": _options(panel),
        "transformations": _transformations(panel),
        "targets": [{
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "expr": expression,
            "legendFormat": legend,
            "editorMode": "code",
            "instant": instant,
            "range": not instant,
            "format": "table" if panel.kind == "table" else "time_series",
        } for index, (expression, legend) in enumerate(panel.targets)],
    }


def lay_out(items):
    """Left to right, a new line where a panel does not fit or a row begins."""
    placed, x, y, line = [], 0, 0, 0
    for number, item in enumerate(items, 1):
        width, height = (24, 1) if isinstance(item, Row) else (item.width, item.height)
        if x + width > 24 or isinstance(item, Row):
            x, y, line = 0, y + line, 0
        place = {"x": x, "y": y, "w": width, "h": height}
        if isinstance(item, Row):
            placed.append({"id": number, "type": "row", "title": item.title, "collapsed": False, "gridPos": place, "panels": []})
            y += 1
            continue
        placed.append(panel_json(item, number, place))
        x, line = x + width, max(line, height)
    return placed


def query_variable(name, label, query, all_value):
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE,
            "query": {"query": query, "refId": "Variable"}, "definition": query, "refresh": 2, "sort": 2, "multi": True,
            "includeAll": True, "allValue": all_value, "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "hide": 0, "regex": "", "skipUrlSync": False, "options": []}


def source_variable():
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1,
            "multi": False, "includeAll": False, "hide": 0, "regex": "", "skipUrlSync": False, "options": [],
            "current": {"selected": False, "text": "default", "value": "default"}}


def dashboard(uid, title, description, time_from, variables, annotation, links, items):
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["maru"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "refresh": "1m",
        "time": {"from": time_from, "to": "now"},
        "timepicker": {},
        "templating": {"list": [source_variable()] + variables},
        "annotations": {"list": [{
            "name": "runs", "enable": True, "hide": False, "iconColor": "blue", "datasource": SOURCE, "expr": annotation,
            "titleFormat": "{{run_id}}", "textFormat": "{{cluster}}", "useValueForTime": "on", "step": "60s"}]},
        "links": [{"type": "link", "title": name, "url": f"/d/{to}", "keepTime": True, "includeVars": True,
                   "targetBlank": False, "asDropdown": False, "icon": "external link", "tags": [], "tooltip": ""}
                  for to, name in links],
        "panels": lay_out(items),
    }
