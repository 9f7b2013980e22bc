// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/metrics/metric.hpp"
#include "exporters/metrics/metric_source.hpp"

#include <string>

namespace maru {

/// Every metric that the report has, in the order of metric_table(). Pure.
Exposition expose(Report const& report, ExposeOptions const& options = {});

/// What of it a way out takes: the families of a tier.
Exposition only(Exposition exposition, Tier tier);
/// The series of one host: those whose label `hostname` is it. What has no such label is of the run and is left out.
Exposition only(Exposition exposition, std::string const& hostname);

/// Several together, in the order of metric_table(). Of equal series that of the first counts.
Exposition merged(std::vector<Exposition const*> const& parts);

/// OpenMetrics 1.0 with the times at which things were measured, ended by "# EOF": for
/// `promtool tsdb create-blocks-from openmetrics`.
std::string openmetrics_text(Exposition const& exposition);
/// Prometheus' text format 0.0.4 without times, for whoever stamps what he reads: node_exporter, Pushgateway, scrapes.
std::string prometheus_text(Exposition const& exposition);

/// docs/metrics.md, from the table.
std::string metrics_markdown();
/// The table as JSON, for what is generated from it.
std::string metrics_json();

} // namespace maru
