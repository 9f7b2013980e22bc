// SPDX-License-Identifier: Apache-2.0
#include "core/report_io.hpp"
#include "exporters/exporter.hpp"

namespace maru {

extern Exporter const json_exporter;
Exporter const json_exporter{"json", "report.json", "the whole report, as docs/report.md describes it",
                             [](Report const& report, Opinion const&) { return to_json(report); }};

} // namespace maru
