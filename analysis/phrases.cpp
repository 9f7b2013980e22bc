// SPDX-License-Identifier: Apache-2.0
#include "analysis/phrases.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

struct Scale {
  double factor;
  char const* name;
};
constexpr std::array rates{Scale{1e15, "P"}, Scale{1e12, "T"}, Scale{1e9, "G"}, Scale{1e6, "M"}, Scale{1e3, "k"},
                           Scale{1, ""}};
constexpr std::array times{Scale{1, "s"}, Scale{1e-3, "ms"}, Scale{1e-6, "us"}, Scale{1e-9, "ns"}};

std::string digits(double value) {
  if (value >= 99.95) return fmt::format("{:.0f}", value);
  return value >= 9.995 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

template <class Scales> Scale const& suitable(Scales const& scales, double value) {
  auto const found =
      std::find_if(scales.begin(), scales.end(), [&](Scale const& scale) { return value >= scale.factor; });
  return found == scales.end() ? scales.back() : *found;
}

} // namespace

std::string figure_text(double value, Unit unit) {
  if (unit == Unit::second) {
    auto const& scale = suitable(times, value);
    return fmt::format("{} {}", digits(value / scale.factor), scale.name);
  }
  auto const& scale = suitable(rates, value);
  char const* const word = unit == Unit::flop_per_second ? "FLOP/s" : unit == Unit::byte_per_second ? "B/s" : "";
  return fmt::format("{} {}{}", digits(value / scale.factor), scale.name, word);
}

std::string list_text(std::vector<std::string> const& names, std::size_t most) {
  auto const shown = names.size() > most + 1 ? most : names.size(); // "and 1 more" is no shorter than the name
  auto text = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown < names.size() ? text + fmt::format(" and {} more", names.size() - shown) : text;
}

std::string counted(std::size_t count, char const* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace maru
