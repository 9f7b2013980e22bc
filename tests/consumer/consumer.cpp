// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/report_io.hpp"
#include "core/version.hpp"
#include "exporters/exporter.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    auto const report = maru::read_report(argv[1]);
    std::printf("maru %s: %zu records\n", maru::version, report.records.size());
    for (auto const& record : report.records)
      for (auto const& figure : maru::figures(record))
        std::printf("%s: %.*s %g\n", maru::key(record).c_str(), static_cast<int>(figure.name.size()),
                    figure.name.data(), figure.value);
    return maru::exporters().empty() ? 1 : 0;
  } catch (maru::Error const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
