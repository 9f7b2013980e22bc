# SPDX-License-Identifier: Apache-2.0
"""What monitoring.sh and monitoring_faults.sh ask of Prometheus, read with an eye that is not the program's."""
import json
import math
import re
import socket
import sys
import time
import urllib.parse
import urllib.request

from monitoring_fleet import fleet, recent

SERIES = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+) (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
UNEQUAL = ("maru_export_", "maru_run_last_heartbeat_")


def fail(text):
    sys.exit(f"FAILED: {text}")


def get(base, path, **parameters):
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        fail(f"{parameters}: {error.read().decode()}")


def ports(count):
    held = [socket.socket() for _ in range(int(count))]
    for one in held:
        one.bind(("127.0.0.1", 0))
    print(*[one.getsockname()[1] for one in held])


def unescape(text):
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def read_openmetrics(path):
    """[(name, labels, value, milliseconds)]"""
    samples = []
    for line in open(path, encoding="utf-8"):
        if line.startswith("#"):
            continue
        name, inside, value, at = SERIES.match(line).groups()
        labels = {key: unescape(text) for key, text in LABEL.findall(inside or "")}
        samples.append((name, labels, float(value), round(float(at) * 1000)))
    return samples


class Compare:
    def __init__(self, table):
        self.rows = {row["name"]: row for row in json.load(open(table, encoding="utf-8"))}

    def key(self, name, labels):
        # job and instance are of the way; so is a cluster that the table does not give the metric.
        dropped = {"__name__", "job", "instance"}
        if "cluster" not in re.split(r"\W+", self.rows[name]["labels"]):
            dropped.add("cluster")
        return name, frozenset((key, value) for key, value in labels.items() if key not in dropped)

    def stored(self, base, selector):
        """key → [(milliseconds, value)] of what a Prometheus has."""
        found = {}
        for series in get(base, "query", query=f'{{__name__=~"maru_.*"{selector}}}[1h]')["result"]:
            key = self.key(series["metric"]["__name__"], series["metric"])
            if key in found:
                fail(f"twice by one way: {series['metric']} and {found[key]}")
            found[key] = [(round(at * 1000), float(value)) for at, value in series["values"]]
        return found

    def last_scrape(self, base, selector):
        found = self.stored(base, selector)
        if not found:
            fail(f"nothing came by {selector}")
        last = max(samples[-1][0] for samples in found.values())
        return {key: samples[-1][1] for key, samples in found.items() if samples[-1][0] == last}

    def equal(self, way, wanted, found, exact_times=False):
        relevant = {key for key in wanted if not key[0].startswith(UNEQUAL)}
        missing = [key for key in relevant if key not in found]
        wrong = [(key, wanted[key], found[key]) for key in relevant if key in found and wanted[key] != found[key]]
        more = [key for key in found if key not in relevant and not key[0].startswith(UNEQUAL)]
        if missing or wrong or more:
            fail(f"{way}: {len(missing)} missing, {len(wrong)} wrong, {len(more)} too many, such as "
                 f"{(missing or wrong or more)[0]}")
        print(f"{way}: {len(relevant)} samples are those of the file" + (", with their times" if exact_times else ""))


def compare(table, path, live, replayed):
    c = Compare(table)
    samples = read_openmetrics(path)
    values = {c.key(name, labels): value for name, labels, value, _ in samples}
    timed = {c.key(name, labels): (at, value) for name, labels, value, at in samples}
    if len(values) != len(samples):
        fail("two lines of the file are of one series")
    end = max(at for at, _ in timed.values())

    back = c.stored(replayed, "")
    c.equal("backfill", timed, {key: found[0] for key, found in back.items() if len(found) == 1}, True)
    # Some series were there for a while only: their questions had fewer answers, or another rank was late.
    written = c.stored(live, ', job=""')
    for key in set(written) - set(timed):
        if not key[0].startswith(UNEQUAL) and written[key][-1][0] >= end:
            fail(f"remote write: a series too many: {key}")
    found = {key: written[key][-1] for key in set(written) & set(timed)}
    # The last look at a run can be of its last millisecond; its end is then written as one later.
    found = {key: timed[key] if (at - 1, value) == timed[key] else (at, value) for key, (at, value) in found.items()}
    c.equal("remote write", timed, found, True)
    # prometheus-cpp writes 16 digits of a number; 17 would be all of it.
    c.equal("pull", {key: float(f"{value:.16g}") for key, value in values.items()}, c.last_scrape(live, ', job="maru", instance!=""'))
    c.equal("textfile", values, c.last_scrape(live, ', job="node"'))
    of_run = {key: value for key, value in values.items() if c.rows[key[0]]["tier"] == "run"}
    c.equal("pushgateway", of_run, c.last_scrape(live, ', job="maru", instance=""'))


def arrived(path, base):
    """What the run's file says is the last that Prometheus knows of it."""
    for name, labels, value, _ in read_openmetrics(path):
        if name.startswith(UNEQUAL) or "run_id" not in labels:
            continue
        selector = ", ".join(f"{key}={json.dumps(text)}" for key, text in labels.items())
        found = get(base, "query", query=f"last_over_time({name}{{{selector}}}[1h])")["result"]
        if len(found) != 1 or not math.isclose(float(found[0]["value"][1]), value, rel_tol=1e-15):  # the endpoint's 16 digits
            fail(f"{name}{{{selector}}} is {found} instead of {value}")


def was_up(base):
    """Every scrape of every target was read until its end. The one at the moment at which a target goes may fail."""
    for series in get(base, "query", query="up[1h]")["result"]:
        states = [value for _, value in series["values"]]
        if "1" not in states or "0" in states[:-1]:
            fail(f"{series['metric']}: up is {states}")


# What a host alone, a plan of a few seconds, or a run that went well does not have.
NOT_OF_A_HOST = {
    r"maru_device_|UUID!=|maru_operation_|gpu": "no GPU",
    r"maru_run_step_|operation=\"step\"|maru_run_overlap_": "not in the plan quick",
    r"maru_node_link_|maru_node_collective_": "one host, and no groups of hosts",
    r"maru_run_trace_": "nothing was traced",
    r"maru_export_": "the file is written before the ways out are done",
    r"maru_run_outlier_|late_rank|state!=\"pass\"": "nothing was wrong",
    r"maru_expected_": "specs of hosts have few floors",
}


def expanded(expression):
    for name, value in (("$cluster", ".*"), ("$run_id", ".+"), ("$hostname", ".+"), ("$__range", "8d")):
        expression = expression.replace(name, value)
    return expression


def ask(base, target):
    query = expanded(target["expr"])
    if target["instant"]:
        return get(base, "query", query=query)["result"]
    now = time.time()
    return get(base, "query_range", query=query, start=now - 3600, end=now, step=30)["result"]


def expressions(*arguments):
    of_a_host = arguments[0] == "--of-a-host"
    base, *boards = arguments[of_a_host:]
    with_data, excused = 0, {}
    for path in boards:
        board = json.load(open(path, encoding="utf-8"))
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                found = re.match(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
                matches = expanded(found[1])
                if not get(base, f"label/{found[2]}/values", **{"match[]": matches}):
                    fail(f"the variable {variable['name']} has no values")
        targets = [(panel["title"], target) for panel in board["panels"] for target in panel.get("targets", [])]
        for annotation in board["annotations"]["list"]:
            targets.append(("annotation", {**annotation, "instant": True, "legendFormat": annotation["titleFormat"]}))
        for title, target in targets:
            answer = ask(base, target)
            if not answer:
                reason = next((reason for pattern, reason in NOT_OF_A_HOST.items() if re.search(pattern, target["expr"])), None)
                if not of_a_host or not reason:
                    fail(f"{board['uid']}, '{title}': no data: {expanded(target['expr'])}")
                excused[reason] = excused.get(reason, 0) + 1
                continue
            with_data += 1
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                for series in answer:
                    if label not in series["metric"]:
                        fail(f"{board['uid']}, '{title}': no label {label} in {series['metric']}")
    print(f"{with_data} expressions with data" + "".join(f"; {count} without, {why}" for why, count in excused.items()))


def rules(base):
    """Every recording rule has data, every alert fires, and says nothing without a value."""
    until = time.time() + 60
    while True:
        groups = get(base, "rules")["groups"]
        every = [rule for group in groups for rule in group["rules"]]
        bad = [rule["name"] for rule in every if rule["health"] == "err"]
        if bad:
            fail(f"rules with errors: {bad}: {[rule.get('lastError') for rule in every if rule['health'] == 'err']}")
        silent = [rule["name"] for rule in every if rule["type"] == "alerting" and not rule["alerts"]]
        silent += [rule["name"] for rule in every if rule["type"] == "recording"
                   and not get(base, "query", query=rule["name"])["result"]]
        if not silent:
            break
        if time.time() > until:
            fail(f"no data: {silent}")
        time.sleep(1)
    fired = 0
    for rule in every:
        for alert in rule.get("alerts", []):
            fired += 1
            words = json.dumps(alert["annotations"], ensure_ascii=False)
            if "no value" in words or "{{" in words or " of ," in words or re.search(r"GPU  |UUID \.", words):
                fail(f"{rule['name']} says: {words}")
            if not re.search("run|node|GPU|host|maru-", words):
                fail(f"{rule['name']} names nobody: {words}")
    print(f"{len(every)} rules with data, {fired} alerts of {sum(rule['type'] == 'alerting' for rule in every)} kinds")


def tested(rule_file, docs, *tests):
    """Every alert has a case that fires, one that does not, and a heading in the runbook."""
    alerts = re.findall(r'alert: "(\w+)"', open(rule_file, encoding="utf-8").read())
    text = "".join(open(path, encoding="utf-8").read() for path in tests)
    headings = re.findall(r"^#+ (\w+)$", open(docs, encoding="utf-8").read(), re.M)
    for alert in alerts:
        cases = re.split(r"(?m)^\s*- eval_time:", text)
        mine = [case for case in cases if re.search(rf"alertname: {alert}\b", case)]
        if not any("exp_labels" in case for case in mine) or not any("exp_labels" not in case for case in mine):
            fail(f"{alert} needs a case that fires and one that does not")
        if alert not in headings:
            fail(f"{docs} has no heading {alert}")
    print(f"{len(alerts)} alerts")


def refuses(table, scripts):
    """What the generator must not let through."""
    sys.path.insert(0, scripts)
    from monitoring.table import Refused, Table, label_names

    t = Table(open(table, encoding="utf-8").read())
    for expression in ("maru_run_gem_rate", 'maru_run_ranks{q="0.5"}', "max by (UUID) (maru_run_ranks)",
                       "device:maru_gemm_rate_flops_per_second:never", "maru_node_state * on (gpu) maru_node_info",
                       "max without (run_id) (maru_node_state)"):
        try:
            t.check(expression)
        except Refused:
            continue
        fail(f"not refused: {expression}")
    t.check('sum by (run_id, status) (maru_run_status{run_id=~"a{b}", instance!=""})')
    if label_names("a, b = c, d or e, f (of hosts local_rank), q = 0, 1 over g (h)") != {"a", "b", "f", "local_rank", "q"}:
        fail("the table's labels are not read as they are")


COMMANDS = {f.__name__: f for f in (ports, compare, expressions, rules, tested, arrived, was_up, refuses, recent, fleet)}
if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
