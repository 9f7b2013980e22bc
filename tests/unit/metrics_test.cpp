// SPDX-License-Identifier: Apache-2.0
// One table of metrics, and what Prometheus asks of each way to write it.
#include "exporters/metrics/expose.hpp"

#include "analysis/expectations.hpp"
#include "exporters/exporter.hpp"
#include "tests/unit/golden.hpp"
#include "tests/unit/lines.hpp"
#include "tests/unit/sample_report.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

namespace maru {
namespace {

ExposeOptions with_everything(Report const& report) {
  ExposeOptions options;
  options.opinion = opinion(report);
  options.sinks = {{"pull", 1, 2, 3, 4.5}};
  return options;
}

std::string value_of(Series const& series, std::string_view name) {
  for (auto const& label : series)
    if (label.name == name) return label.value;
  return {};
}

MetricFamily const* find(Exposition const& exposition, std::string_view name) {
  for (auto const& family : exposition)
    if (name == family.row->name) return &family;
  return nullptr;
}

TEST(MetricTable, HasValidAndUniqueNames) {
  std::set<std::string> names;
  for (auto const* row : metric_table()) {
    std::string_view const name = row->name;
    EXPECT_TRUE(name.starts_with("maru_")) << name;
    EXPECT_TRUE(names.insert(sample_name(*row)).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), name.npos) << name;
    if (*row->unit) {
      EXPECT_TRUE(name.ends_with(std::string("_") + row->unit)) << name;
    }
    EXPECT_FALSE(name.ends_with("_total") || name.ends_with("_info")) << name;
    EXPECT_EQ(std::string_view(row->help).find_first_of("\n\\|"), std::string_view::npos) << name;
    EXPECT_TRUE(std::string_view(row->help).ends_with(".")) << name;
  }
  for (auto const* row : metric_table())
    if (*row->expected) {
      EXPECT_TRUE(names.contains(row->expected)) << row->expected;
    }
}

TEST(MetricTable, IsWhatTheDocumentSays) { expect_golden("docs/metrics.md", metrics_markdown()); }

TEST(Exposition, KeepsToTheTiers) {
  auto const report = sample_report();
  for (auto const& family : expose(report, with_everything(report)))
    for (auto const& sample : family.samples) {
      std::string_view const name = family.row->name;
      bool const of_run = !value_of(sample.series, "run_id").empty();
      bool const of_host = !value_of(sample.series, "hostname").empty();
      if (family.row->tier == Tier::run) {
        EXPECT_TRUE(of_run || name.starts_with("maru_expected_") || name == "maru_build") << name;
      } else {
        EXPECT_TRUE(of_host && !of_run) << name;
      }
    }
}

// Ten times the hosts: the run tier must not grow.
TEST(Exposition, OfTheRunDoesNotGrowWithHosts) {
  auto report = sample_report();
  auto const tier = [&](Tier which) { return series_count(only(expose(report, with_everything(report)), which)); };
  auto const run = tier(Tier::run), node = tier(Tier::node), device = tier(Tier::device);
  auto const hosts = report.hosts;
  auto const ranks = report.ranks;
  auto const records = report.records;
  for (int copy = 1; copy < 10; ++copy) {
    auto const shift = static_cast<std::int64_t>(ranks.size()) * copy;
    auto const suffix = "-" + std::to_string(copy);
    for (auto host : hosts) report.hosts.emplace_back(std::move(host)).name += suffix;
    for (auto rank : ranks) {
      rank.rank += shift;
      rank.host += suffix;
      rank.device_uuid += suffix;
      report.ranks.push_back(std::move(rank));
    }
    for (auto record : records) {
      for (auto& rank : record.group.ranks) rank += shift;
      report.records.push_back(std::move(record));
    }
  }
  // A question that one group answered has one quantile, of several five; outliers end at 32.
  EXPECT_LE(tier(Tier::run), 5 * run + 32);
  EXPECT_GE(tier(Tier::node), 9 * node);
  EXPECT_GE(tier(Tier::device), 9 * device);
}

TEST(Exposition, NeverHasASeriesTwice) {
  auto report = sample_report();
  auto const records = report.records;
  report.records.insert(report.records.end(), records.begin(), records.end());
  std::set<std::string> seen;
  for (auto const& line : lines_of(openmetrics_text(expose(report, with_everything(report)))))
    if (!line.starts_with("#")) {
      EXPECT_TRUE(seen.insert(line.substr(0, line.rfind('}'))).second) << line;
    }
  EXPECT_GT(seen.size(), 100U);
}

TEST(Exposition, LeavesOutWhatMustNotBeUsedAndCountsIt) {
  auto report = sample_report();
  auto const before = expose(report);
  auto const* invalid = find(before, "maru_run_invalid_records");
  ASSERT_TRUE(invalid);
  EXPECT_EQ(invalid->samples.size(), doubt_words().size());
  double counted = 0;
  for (auto const& sample : invalid->samples) counted += sample.value;
  EXPECT_GT(counted, 0);
  auto const rates = find(before, "maru_gemm_rate_flops_per_second")->samples.size();
  for (auto& record : report.records)
    if (record.operation == "gemm" && record.conditions) record.conditions->invalid = {"throttled"};
  auto const after = expose(report);
  auto const* left = find(after, "maru_gemm_rate_flops_per_second");
  EXPECT_LT(left ? left->samples.size() : 0, rates);
}

TEST(Exposition, HasOneInfoPerDevice) {
  auto report = sample_report();
  report.ranks[1] = report.ranks[0];
  report.ranks[1].rank = 1; // a rehearsal: two ranks on one device
  EXPECT_EQ(find(expose(report), "maru_device")->samples.size(), 3U);
}

TEST(Exposition, TellsHowTheRunStands) {
  auto report = sample_report();
  report.run.complete = true;
  auto const status = [&](ExposeOptions const& options) {
    auto const exposition = expose(report, options);
    std::string is;
    for (auto const& sample : find(exposition, "maru_run_status")->samples)
      if (sample.value == 1) is += value_of(sample.series, "status");
    return is;
  };
  EXPECT_EQ(status({}), "complete");
  ExposeOptions running;
  running.now = report.run.started + 5;
  EXPECT_EQ(status(running), "running");
  EXPECT_FALSE(find(expose(report, running), "maru_run_end_timestamp_seconds"));
  report.run.complete = false;
  EXPECT_EQ(status({}), "incomplete");
}

TEST(Exposition, HasWhatWasExpectedBesideWhatWasMeasured) {
  auto const report = sample_report();
  auto const exposition = expose(report, with_everything(report));
  auto const* expected = find(exposition, "maru_expected_gemm_rate_flops_per_second");
  auto const* measured = find(exposition, "maru_gemm_rate_flops_per_second");
  ASSERT_TRUE(expected && measured);
  // The join of docs/monitoring.md: every label but who and whence.
  auto const question = [](Series series) {
    std::erase_if(series, [](MetricLabel const& label) {
      return label.name == "UUID" || label.name == "hostname" || label.name == "gpu" || label.name == "local_rank" ||
             label.name == "source";
    });
    std::sort(series.begin(), series.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    std::string text;
    for (auto const& [name, value] : series) text += name + "=" + value + ";";
    return text;
  };
  std::set<std::string> known;
  for (auto const& sample : expected->samples) {
    EXPECT_GT(sample.value, 0);
    EXPECT_FALSE(value_of(sample.series, "source").empty());
    known.insert(question(sample.series));
  }
  EXPECT_TRUE(std::any_of(measured->samples.begin(), measured->samples.end(),
                          [&](Sample const& sample) { return known.contains(question(sample.series)); }));
}

TEST(Exposition, GivesEachHostItsOwn) {
  auto const report = sample_report();
  auto const all = expose(report, with_everything(report));
  std::size_t sum = series_count(only(all, Tier::run));
  for (auto const& host : report.hosts) {
    auto const own = only(all, host.name);
    for (auto const& family : own)
      for (auto const& sample : family.samples) EXPECT_EQ(value_of(sample.series, "hostname"), host.name);
    sum += series_count(own);
  }
  EXPECT_EQ(sum, series_count(all));
}

TEST(ExpositionText, IsOpenMetrics) {
  auto const report = sample_report();
  auto const lines = lines_of(openmetrics_text(expose(report, with_everything(report))));
  EXPECT_EQ(lines.back(), "# EOF");
  std::string family;
  std::set<std::string> families;
  for (auto const& line : lines) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << line;
    } else if (line.starts_with("# UNIT ")) {
      EXPECT_TRUE(family.ends_with("_" + line.substr(line.rfind(' ') + 1))) << line;
    } else if (!line.starts_with("#")) {
      EXPECT_TRUE(line.starts_with(family)) << line;
      EXPECT_NEAR(std::stod(line.substr(line.rfind(' '))), 1795320132, 60) << line;
    }
  }
}

MetricRow const row_of_a_gauge{"x", MetricType::gauge, "", Tier::run, "", "", "What it is.", nullptr};
MetricRow const row_of_a_counter{"n", MetricType::counter, "", Tier::run, "", "", "How many.", nullptr};

TEST(ExpositionText, EscapesAndScrubsValues) {
  Series series;
  add_label(series, "l", "q\" b\\ n\n e\x1b u\xff");
  Exposition const exposition{{&row_of_a_gauge, {{series, -0.5, 1.5}}}, {&row_of_a_counter, {{{}, INFINITY, 2}}}};
  EXPECT_EQ(openmetrics_text(exposition),
            "# TYPE x gauge\n# HELP x What it is.\nx{l=\"q\\\" b\\\\ n  e  u\uFFFD\"} -0.5 1.500\n"
            "# TYPE n counter\n# HELP n How many.\nn_total +Inf 2.000\n# EOF\n");
  EXPECT_EQ(prometheus_text(exposition),
            "# HELP x What it is.\n# TYPE x gauge\nx{l=\"q\\\" b\\\\ n  e  u\uFFFD\"} -0.5\n"
            "# HELP n_total How many.\n# TYPE n_total counter\nn_total +Inf\n");
}

TEST(ExpositionText, WritesTimesOfAnyKind) {
  Exposition exposition{{&row_of_a_gauge, {}}};
  for (double const time : {0.0, 1795320132.007, -1.5, 1e308, std::nan("")})
    exposition[0].samples.push_back({{}, 1, time});
  EXPECT_EQ(openmetrics_text(exposition), "# TYPE x gauge\n# HELP x What it is.\nx 1 0.000\nx 1 1795320132.007\n"
                                          "x 1 -1.500\nx 1 0.000\nx 1 0.000\n# EOF\n");
}

TEST(MetricLabels, FitAndAreUnique) {
  Series series;
  for (auto const* name : {"probe", "probe", "probe", "9 lives", "", "le", "quantile", "__name__", "größe"})
    add_label(series, name, "x");
  add_label(series, "empty", "");
  std::vector<std::string> names;
  for (auto const& [name, value] : series) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"probe", "label_probe", "label_probe_", "label_9_lives", "label_",
                                             "label_le", "label_quantile", "label___name__", "gr____e"}));
}

} // namespace
} // namespace maru
