// SPDX-License-Identifier: Apache-2.0
#include "collectors/cupti_pm_samples.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace maru {
namespace {

/// What follows "name:" and blanks on a line of its own; empty when there is none.
std::string_view value_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    line.remove_prefix(name.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line;
  }
  return {};
}

bool may_administer(std::string_view process_status) {
  constexpr unsigned cap_sys_admin = 21; // linux/capability.h
  auto const text = value_of(process_status, "CapEff");
  std::uint64_t capabilities = 0;
  std::from_chars(text.data(), text.data() + text.size(), capabilities, 16);
  return (capabilities >> cap_sys_admin & 1) != 0;
}

struct Mean {
  double sum = 0, weight = 0;
};

} // namespace

Utilisation summarize_samples(std::span<PmMetric const> metrics, std::span<PmSample const> samples, std::uint64_t begin,
                              std::uint64_t end) {
  std::vector<Mean> means(metrics.size());
  double covered = 0;
  for (auto const& sample : samples) {
    // After a full image CUPTI gives samples without time stamps, and after its end some that cover no time.
    if (sample.start == 0 || sample.end <= sample.start) continue;
    auto const length = sample.end - sample.start;
    auto const middle = sample.start + length / 2;
    if (middle < begin || middle > end) continue;
    auto const weight = static_cast<double>(length);
    covered += weight;
    for (std::size_t i = 0; i < std::min(means.size(), sample.values.size()); ++i) {
      if (!std::isfinite(sample.values[i])) continue;
      means[i].sum += weight * sample.values[i];
      means[i].weight += weight;
    }
  }
  Utilisation result;
  if (covered <= 0 || end <= begin) {
    result.reason = "pm_sampling: no sample in the time watched";
    return result;
  }
  result.source = "pm_sampling";
  result.coverage = std::min(covered / static_cast<double>(end - begin), 1.0);
  for (std::size_t i = 0; i < means.size(); ++i) {
    if (means[i].weight <= 0) continue;
    auto const value = metrics[i].unit * means[i].sum / means[i].weight;
    bool const ratio = metrics[i].unit != 1;
    // The clocks of two counters are not read at the same moment, which can give a little more than all.
    result.*metrics[i].field = ratio ? std::clamp(value, 0.0, 1.0) : value;
  }
  // Work ran all the time; copies between devices need no SM, but then memory is busy.
  if (result.sm_active == 0.0 && result.dram_active.value_or(0) == 0.0)
    result.reason = "suspicious: all of SM and DRAM activity is 0";
  return result;
}

void offer_utilisation(Conditions& conditions, Utilisation seen) {
  auto& mine = conditions.utilisation;
  if (mine && !mine->source.empty()) return;
  if (mine && !mine->reason.empty())
    seen.reason = seen.reason.empty() ? mine->reason : mine->reason + "; " + seen.reason;
  mine = std::move(seen);
}

std::string counters_forbidden(std::string_view driver_params, std::string_view process_status) {
  if (value_of(driver_params, "RmProfilingAdminOnly") != "1" || may_administer(process_status)) return {};
  return "the driver keeps performance counters for administrators (RmProfilingAdminOnly: 1): it takes CAP_SYS_ADMIN "
         "or the driver's NVreg_RestrictProfilingToAdminUsers=0";
}

} // namespace maru
