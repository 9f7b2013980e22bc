# SPDX-License-Identifier: Apache-2.0
"""What the panels ask. job and instance are those of the way in, and two ways at once are folded into one."""
RUN = 'cluster=~"$cluster", run_id=~"$run_id"'
HOST = 'hostname=~"$hostname"'
WAY = "job, instance"
DEVICE = "UUID, hostname, gpu, local_rank"
SHAPE = "{{dtype}} {{m}}×{{n}}×{{k}} {{backend}}"
GPU = "{{hostname}} GPU {{gpu}}"
PRODUCT = 'probe="gemm", m!=""'


def _selector(*parts):
    return "{" + ", ".join(part for part in parts if part) + "}"


def run(metric, more=""):
    """What was last seen of the chosen runs in the time range."""
    return f"max without ({WAY}) (last_over_time({metric}{_selector(RUN, more)}[$__range]))"


def run_trend(metric, more=""):
    """A line through all runs of a cluster."""
    return f"max without ({WAY}, run_id) ({metric}{_selector(RUN, more)})"


def place(metric, more="", host=HOST):
    """What was last seen of the chosen hosts, or their devices."""
    return f"max without ({WAY}, cluster) (last_over_time({metric}{_selector(host, more)}[$__range]))"


def place_trend(metric, more=""):
    return f"max without ({WAY}, cluster) ({metric}{_selector(HOST, more)})"


def expected(metric, more="", without=""):
    folded = ", ".join(filter(None, (WAY, "cluster", without)))
    return f"max without ({folded}) (last_over_time({metric}{_selector(more) if more else ''}[$__range]))"


def of_expected(figure, more=""):
    """Devices over each of what is expected of them: many devices to one model, so one source at a time."""
    floor = expected(f"maru_expected_{figure}", 'source=~"spec .*"', "source")
    measured = place(f"maru_{figure}", ", ".join(filter(None, ('UUID!=""', more))))
    return f"{measured} / ignoring ({DEVICE}) group_left () {floor}"


def of_peers(figure, identity, more=""):
    measured = place(figure, more)
    everybody = place(figure, more, "")
    return f"{measured} / ignoring ({identity}) group_left () quantile without ({identity}) (0.5, {everybody})"
