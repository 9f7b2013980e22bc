// SPDX-License-Identifier: Apache-2.0
// The last result of each device, or of each rank where hosts compute. Clocks, power and temperature are not here:
// DCGM's exporter has them, by the same UUID.
#include "exporters/metrics/metric_rows.hpp"
#include "exporters/metrics/metric_source.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace maru {
namespace {

using Source = MetricSource const&;

// The UUID as the vendor writes it joins with DCGM's; a host's rank has none and is known by its place.
Series device_series(std::string_view uuid, std::string_view host, std::int64_t local_rank) {
  Series series;
  add_label(series, "UUID", uuid);
  add_label(series, "hostname", host);
  if (local_rank >= 0) add_label(series, uuid.empty() ? "local_rank" : "gpu", std::to_string(local_rank));
  return series;
}

Series place_series(Place const& place) {
  auto series = device_series(place.device_uuid, place.host, place.local_rank);
  add_label(series, "device_model", place.model);
  return series;
}

// One series for each device, whatever ranks share it: two of one UUID would spoil every join.
template <class Write> void each_device(Source source, Write write) {
  for (auto const& rank : source.report.ranks)
    if (!rank.device.empty()) write(rank, device_series(rank.device_uuid, rank.host, rank.local_rank));
}

void info(Source source, SampleList& out) {
  std::map<std::string_view, bool> seen;
  each_device(source, [&](RankInfo const& rank, Series series) {
    if (!seen.try_emplace(rank.device_uuid).second) return;
    add_label(series, "device_model", rank.device);
    add_label(series, "pci_bus_id", rank.device_bus);
    add_label(series, "driver", rank.driver);
    out.add(std::move(series), 1, source.end());
  });
}

void last_run(Source source, SampleList& out) {
  each_device(source, [&](RankInfo const&, Series series) { out.add(std::move(series), source.end(), source.end()); });
}

template <class Get> void of_ranks(Source source, SampleList& out, char const* part_label, char const* part, Get get) {
  for (auto const& question : source.questions) {
    if (question.group_kind != "rank") continue;
    auto const& metric = source.measurements.metrics[question.metric];
    for (auto const index : question.values) {
      auto const& value = source.measurements.values[index];
      std::optional<double> const figure = get(value);
      if (!figure) continue;
      auto series = place_series(source.place_of(value));
      source.add_question(series, metric, question.group_kind);
      if (part_label) add_label(series, part_label, part);
      out.add(std::move(series), *figure, source.time_of(source.record_of(value)));
    }
  }
}

template <FigureKind kind> void rates(Source source, SampleList& out) {
  of_ranks(source, out, nullptr, nullptr, [&](Measurement const& value) {
    return figure_kind(source.metric_of(value)) == kind ? std::optional(value.value) : std::nullopt;
  });
}

void energy(Source source, SampleList& out) {
  of_ranks(source, out, nullptr, nullptr, [&](Measurement const& value) {
    auto const& record = source.record_of(value);
    return record.conditions ? record.conditions->energy_per_call : std::nullopt;
  });
}

void ceiling(Source source, SampleList& out) {
  auto const write = [&](char const* part, std::optional<double> Ceiling::*member) {
    of_ranks(source, out, "of", part, [&](Measurement const& value) {
      auto const& record = source.record_of(value);
      return record.ceiling ? (*record.ceiling).*member : std::nullopt;
    });
  };
  write("datasheet", &Ceiling::of_datasheet);
  write("issue", &Ceiling::of_issue);
}

void invalid(Source source, SampleList& out) {
  std::map<std::int64_t, std::map<std::string, double, std::less<>>> counts;
  for (auto const& record : source.report.records)
    if (record.group.ranks.size() == 1)
      for (auto const& word : doubts(record)) counts[record.group.ranks.front()][word] += 1;
  for (auto const& rank : source.report.ranks) {
    if (rank.device.empty()) continue;
    for (auto const& word : doubt_words()) {
      auto series = device_series(rank.device_uuid, rank.host, rank.local_rank);
      add_label(series, "reason", word);
      out.add(std::move(series), counts[rank.rank][std::string(word)], source.end());
    }
  }
}

constexpr auto gauge = MetricType::gauge;
constexpr auto of_place = "UUID, hostname, gpu (of hosts local_rank), device_model";

constexpr std::array rows{
    MetricRow{"maru_device", MetricType::info, "", Tier::device,
              "UUID, hostname, gpu, device_model, pci_bus_id, driver", "", "A device that was measured.", info},
    MetricRow{"maru_device_last_run_timestamp_seconds", gauge, "seconds", Tier::device, "UUID, hostname, gpu", "",
              "When the device was last measured, since the Unix epoch.", last_run},
    MetricRow{"maru_gemm_rate_flops_per_second", gauge, "flops_per_second", Tier::device, of_place,
              "maru_expected_gemm_rate_flops_per_second",
              "Rate of a matrix multiplication, or of its instructions alone, at its median time.",
              rates<FigureKind::gemm_rate>},
    MetricRow{"maru_memory_bandwidth_bytes_per_second", gauge, "bytes_per_second", Tier::device, of_place,
              "maru_expected_memory_bandwidth_bytes_per_second",
              "Bandwidth of a memory operation or of a copy between memories at its median time.",
              rates<FigureKind::memory_bandwidth>},
    MetricRow{"maru_operation_energy_joules", gauge, "joules", Tier::device, of_place, "",
              "Energy of one call on the device.", energy},
    MetricRow{"maru_operation_ceiling_ratio", gauge, "ratio", Tier::device,
              "UUID, hostname, gpu, device_model, of = datasheet or issue", "",
              "The rate over what bounds it: the vendor's dense figure, or tensor instructions alone in the same run.",
              ceiling},
    MetricRow{"maru_device_invalid_records", gauge, "", Tier::device,
              "UUID, hostname, gpu, reason = rehearsal, throttled, clock_changed, contended or ecc", "",
              "Records of the device whose figures must not be used as they stand, and are in no other metric.",
              invalid},
};

} // namespace

std::span<MetricRow const> device_rows() { return rows; }

} // namespace maru
