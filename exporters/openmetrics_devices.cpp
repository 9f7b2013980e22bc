// SPDX-License-Identifier: Apache-2.0
// The state of the devices while records were timed, and what bounds their rates. Series are those of the records, so
// that figures and conditions join on every label.
#include "exporters/openmetrics.hpp"

#include <array>
#include <optional>

namespace maru {
namespace {

void write(Source const& source, Record const& record, Series const& series, std::optional<double> value) {
  if (value) source.out.sample(series, *value, time_of(record, source.report.run));
}

void condition(Source const& source, std::optional<double> Conditions::*member) {
  for (auto const& record : source.report.records)
    if (record.conditions) write(source, record, record_series(source, record), (*record.conditions).*member);
}

/// One of several values of a record, told apart by a label.
template <class Owner> struct Part {
  char const* name;
  std::optional<double> Owner::*member;
};

template <class Owner, std::size_t size, class Get>
void parts(Source const& source, char const* label, std::array<Part<Owner>, size> const& all, Get get) {
  for (auto const& record : source.report.records) {
    Owner const* owner = get(record);
    if (!owner) continue;
    for (auto const& part : all) {
      auto series = record_series(source, record);
      add_label(series, label, part.name);
      write(source, record, series, owner->*part.member);
    }
  }
}

Ceiling const* ceiling_of(Record const& record) { return record.ceiling ? &*record.ceiling : nullptr; }
Utilisation const* utilisation_of(Record const& record) {
  return record.conditions && record.conditions->utilisation ? &*record.conditions->utilisation : nullptr;
}

constexpr std::array clocks{Part<Conditions>{"mean", &Conditions::sm_clock},
                            Part<Conditions>{"min", &Conditions::sm_clock_min},
                            Part<Conditions>{"max", &Conditions::sm_clock_max}};
constexpr std::array activities{Part<Utilisation>{"sm", &Utilisation::sm_active},
                                Part<Utilisation>{"tensor", &Utilisation::tensor_active},
                                Part<Utilisation>{"dram", &Utilisation::dram_active}};
constexpr std::array links{Part<Utilisation>{"nvlink_receive", &Utilisation::nvlink_receive},
                           Part<Utilisation>{"nvlink_transmit", &Utilisation::nvlink_transmit},
                           Part<Utilisation>{"pcie_receive", &Utilisation::pcie_receive},
                           Part<Utilisation>{"pcie_transmit", &Utilisation::pcie_transmit}};
constexpr std::array ceilings{Part<Ceiling>{"datasheet", &Ceiling::of_datasheet},
                              Part<Ceiling>{"issue", &Ceiling::of_issue}};
constexpr std::array shares{Part<Ceiling>{"clock", &Ceiling::clock_share},
                            Part<Ceiling>{"issue", &Ceiling::issue_share},
                            Part<Ceiling>{"memory", &Ceiling::memory_share}};

// One series for each device, whatever ranks share it: two of one UUID would spoil every join.
void device_info(Source const& source) {
  for (auto const& rank : source.report.ranks) {
    if (rank.device.empty()) continue;
    Series series;
    add_label(series, "UUID", rank.device_uuid);
    add_label(series, "hostname", rank.host);
    add_label(series, "model", rank.device);
    add_label(series, "pci_bus_id", rank.device_bus);
    add_label(series, "driver", rank.driver);
    source.out.sample(series, 1, end_of_run(source.report.run));
  }
}

// Which of them answered as which rank of the run.
void rank_info(Source const& source) {
  for (auto const& rank : source.report.ranks) {
    if (rank.device.empty()) continue;
    Series series;
    add_label(series, "rank", std::to_string(rank.rank));
    add_label(series, "hostname", rank.host);
    add_label(series, "UUID", rank.device_uuid);
    source.out.sample(series, 1, end_of_run(source.report.run));
  }
}

void trace(Source const& source, double (*value)(Trace const&)) {
  for (auto const& record : source.report.records)
    if (record.trace) write(source, record, record_series(source, record), value(*record.trace));
}

constexpr std::array metrics{
    Metric{"maru_device", "info", "", "A device that ranks computed with.", device_info},
    Metric{"maru_rank", "info", "", "Which device a rank computed with.", rank_info},
    Metric{"maru_device_sm_clock_hertz", "gauge", "hertz",
           "Clock of the multiprocessors while the record was timed; of a group the slowest device's.",
           [](Source const& s) {
             parts(s, "reading", clocks, [](Record const& r) { return r.conditions ? &*r.conditions : nullptr; });
           }},
    Metric{"maru_device_power_watts", "gauge", "watts",
           "Mean power of the group's devices together while the record was timed.",
           [](Source const& s) { condition(s, &Conditions::power); }},
    Metric{"maru_operation_energy_joules", "gauge", "joules", "Energy of one call on the group's devices together.",
           [](Source const& s) { condition(s, &Conditions::energy_per_call); }},
    Metric{"maru_device_temperature_celsius", "gauge", "celsius",
           "Highest temperature of the group's devices while the record was timed.",
           [](Source const& s) { condition(s, &Conditions::temperature); }},
    Metric{"maru_device_activity_ratio", "gauge", "ratio",
           "Part of the time or of the peak throughput in which a part of the device was busy; of a group the least.",
           [](Source const& s) { parts(s, "part", activities, utilisation_of); }},
    Metric{"maru_device_link_bandwidth_bytes_per_second", "gauge", "bytes_per_second",
           "Traffic over the links of the group's devices together while the record was timed.",
           [](Source const& s) { parts(s, "link", links, utilisation_of); }},
    Metric{"maru_operation_ceiling_ratio", "gauge", "ratio",
           "The record's rate over what bounds it: the vendor's dense figure, or tensor instructions alone in the same "
           "run.",
           [](Source const& s) { parts(s, "of", ceilings, ceiling_of); }},
    Metric{"maru_operation_ceiling_share_ratio", "gauge", "ratio",
           "Factors of the ratio to the datasheet: the clock, what instructions alone lose, and the rest.",
           [](Source const& s) { parts(s, "share", shares, ceiling_of); }},
    Metric{"maru_trace_cost_ratio", "gauge", "ratio", "Traced over untraced time of a call, minus 1.",
           [](Source const& s) { trace(s, [](Trace const& t) { return t.cost; }); }},
    Metric{"maru_trace_disagreement_ratio", "gauge", "ratio",
           "Time of a call's kernels as the tracer saw it over the timing of the same calls, minus 1.",
           [](Source const& s) { trace(s, [](Trace const& t) { return t.disagreement; }); }},
    Metric{"maru_trace_dropped_spans", "gauge", "", "Records that the tracer lost for want of room.",
           [](Source const& s) { trace(s, [](Trace const& t) { return static_cast<double>(t.dropped); }); }},
};

} // namespace

std::span<Metric const> device_metrics() { return metrics; }

} // namespace maru
