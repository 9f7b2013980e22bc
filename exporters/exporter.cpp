// SPDX-License-Identifier: Apache-2.0
#include "exporters/exporter.hpp"

namespace maru {

Exporter const* find_exporter(std::string_view name) {
  for (auto const* exporter : exporters())
    if (name == exporter->name) return exporter;
  return nullptr;
}

} // namespace maru
