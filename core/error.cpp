// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include <fmt/format.h>

namespace maru {

void fail_call(std::string_view call, std::string const& text, char const* file, int line) {
  std::string_view path = file;
  if (auto slash = path.rfind('/'); slash != path.npos) path.remove_prefix(slash + 1);
  throw Error(Exit::incomplete, fmt::format("{} failed: {} ({}:{})", call, text, path, line));
}

} // namespace maru
