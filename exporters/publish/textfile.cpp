// SPDX-License-Identifier: Apache-2.0
#include "exporters/publish/textfile.hpp"

#include "core/file.hpp"

#include <fmt/format.h>

namespace maru {

// A host may call itself anything; the collector reads names that end in ".prom".
std::string textfile_path(std::string_view directory, std::string_view hostname) {
  std::string name;
  for (char const c : hostname) {
    bool const plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    name += plain ? c : '_';
  }
  return fmt::format("{}/maru-{}.prom", directory, name);
}

void write_textfile(std::string_view directory, std::string_view hostname, std::string_view text) {
  auto const path = textfile_path(directory, hostname);
  write_file(path, text);
  make_readable(path);
}

} // namespace maru
