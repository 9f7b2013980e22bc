// SPDX-License-Identifier: Apache-2.0
#include "exporters/exporter.hpp"
#include "exporters/metrics/expose.hpp"

namespace maru {
namespace {

std::string render(Report const& report, Opinion const& opinion) {
  ExposeOptions options;
  options.opinion = opinion;
  return openmetrics_text(expose(report, options));
}

} // namespace

extern Exporter const openmetrics_exporter;
Exporter const openmetrics_exporter{"openmetrics", "metrics.om",
                                    "OpenMetrics 1.0 with time stamps, for Prometheus' backfill", render, true};

} // namespace maru
