# SPDX-License-Identifier: Apache-2.0
"""What a step of training reached, beside what its parts would allow."""
from monitoring.panels import Panel, Row
from monitoring.queries import GPU, PRODUCT, SHAPE, expected, of_expected, place, run

UID, TITLE, FROM = "maru-sizing", "Maru: sizing against achieved", "now-7d"
DESCRIPTION = "What a step of training reached, what communication added to it, and how near its parts are to their bounds."

MEDIAN = 'q="0.5"'
MEMORY = 'probe="memory"'
STEP = "{{model}} layers {{layers}} tp {{tp}} dp {{dp}} mb {{mb}} seq {{seq}}"
EXPOSED = "maru_run_step_exposed_communication_seconds"
OVERLAP = "{{collective}} {{size_bytes}} B beside {{m}}×{{n}}×{{k}}, {{taken}} taken, {{backend}}"


def overlap(title, description, metric):
    return Panel("bargauge", title, description, "percentunit",
                 [(run(metric, MEDIAN), OVERLAP + " ({{run_id}})")], width=8)


def both(title, description, unit, figure, more, legend):
    """Measured by the median rank, and each of what is expected."""
    selector = ", ".join(filter(None, (more, MEDIAN)))
    return Panel("bargauge", title, description, unit,
                 [(run(f"maru_run_{figure}", selector), legend + " measured"),
                  (expected(f"maru_expected_{figure}", more), legend + " {{source}}, {{device_model}}")])


ITEMS = [
    Row("A step of training"),
    Panel("bargauge", "Rate of a step", "All ranks of the group together, at the median time of the median group.", "flops",
          [(run("maru_run_step_rate_flops_per_second", MEDIAN), STEP + " ({{run_id}})")], width=8),
    Panel("bargauge", "Exposed communication", "What communication adds to a step, at the median.", "s",
          [(run(EXPOSED, MEDIAN), STEP + " ({{run_id}})")], width=8),
    Panel("bargauge", "Exposed part of a step", "Median of what communication adds over the median time of a step.", "percentunit",
          [(run(EXPOSED, MEDIAN) + " / " + run("maru_run_operation_duration_seconds", f'operation="step", {MEDIAN}'),
            STEP + " ({{run_id}})")], width=8, steps=[(None, "green"), (0.1, "orange"), (0.3, "red")]),
    Panel("table", "Time of a step", "Quantiles of the maximum over the ranks of each step.", "s",
          [(run("maru_run_operation_duration_seconds", 'operation="step"'), "")], width=24, height=6,
          hidden=("cluster", "probe", "operation")),

    Row("A product and a collective at the same time"),
    overlap("Hidden part", "Part of the shorter of the two that the other hides: 100 % is all of it.",
            "maru_run_overlap_efficiency_ratio"),
    overlap("What the product pays", "Its time beside the collective over its time alone.",
            "maru_run_overlap_compute_slowdown_ratio"),
    overlap("What the collective pays", "Its time beside the product over its time alone.",
            "maru_run_overlap_communication_slowdown_ratio"),

    Row("Bounds"),
    Panel("bargauge", "Products: part of the bound", "Rate over the vendor's dense figure, and over what the tensor cores do "
          "alone, of the 20 lowest.", "percentunit",
          [(f'bottomk(20, {place("maru_operation_ceiling_ratio", PRODUCT)})', f"{GPU} {SHAPE} of {{{{of}}}}")]),
    Panel("bargauge", "Memory: part of the bound", "Bandwidth over the vendor's figure, of the 20 lowest.", "percentunit",
          [(f"bottomk(20, {place('maru_operation_ceiling_ratio', MEMORY)})", f"{GPU} {{{{operation}}}} {{{{backend}}}} of {{{{of}}}}")]),

    Row("Measured and expected"),
    both("Products", "Rate of the median rank, and each of what is expected of it.", "flops", "gemm_rate_flops_per_second",
         PRODUCT, SHAPE),
    both("Memory", "Bandwidth of the median rank, and each of what is expected of it.", "Bps",
         "memory_bandwidth_bytes_per_second", "", "{{operation}} {{dtype}} {{backend}}"),
    both("Bus bandwidth", "Of the median group, and each of what is expected of it.", "Bps",
         "collective_bus_bandwidth_bytes_per_second", "", "{{operation}} {{dtype}} {{size_bytes}} B {{group}} {{backend}}"),
    both("Times that are bounded", "Median of the slowest group, and what a spec allows.", "s", "operation_duration_seconds",
         'probe="collectives"', "{{operation}} {{size_bytes}} B {{backend}}"),
    Panel("bargauge", "GPU memory over its floor", "Bandwidth over the least that the spec demands, of the 20 lowest.", "percentunit",
          [(f'bottomk(20, {of_expected("memory_bandwidth_bytes_per_second")})', f"{GPU} {{{{operation}}}} {{{{backend}}}}")], width=24,
          steps=[(None, "red"), (1, "green")]),
]
