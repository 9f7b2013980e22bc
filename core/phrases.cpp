// SPDX-License-Identifier: Apache-2.0
#include "core/phrases.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace maru {
namespace {

struct Scale {
  double factor;
  char const* name;
};
constexpr std::array rates{Scale{1e15, "P"}, Scale{1e12, "T"}, Scale{1e9, "G"},
                           Scale{1e6, "M"},  Scale{1e3, "k"},  Scale{1, ""}};
constexpr std::array times{Scale{1, "s"}, Scale{1e-3, "ms"}, Scale{1e-6, "us"}, Scale{1e-9, "ns"}};

constexpr double longest_fixed = 1e9; // from here on with an exponent

std::string digits(double value) {
  double const size = std::abs(value);
  return fixed(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

template <class Scales> Scale const& suitable(Scales const& scales, double value) {
  auto const found =
      std::find_if(scales.begin(), scales.end(), [&](Scale const& scale) { return std::abs(value) >= scale.factor; });
  return found == scales.end() ? scales.back() : *found;
}

} // namespace

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "not a number";
  return std::abs(value) < longest_fixed ? fmt::format("{:.{}f}", value, decimals) : fmt::format("{:.2e}", value);
}

std::string figure_text(double value, Unit unit) {
  if (!std::isfinite(value)) return fixed(value, 0);
  if (unit == Unit::second) {
    auto const& scale = suitable(times, value);
    return fmt::format("{} {}", digits(value / scale.factor), scale.name);
  }
  char const* const word = unit == Unit::flop_per_second ? "FLOP/s" : unit == Unit::byte_per_second ? "B/s" : "";
  auto const* scale = &suitable(rates, value);
  if (std::abs(value) / scale->factor >= longest_fixed) scale = &rates.back(); // an exponent needs no prefix
  return fmt::format("{} {}{}", digits(value / scale->factor), scale->name, word);
}

std::string listed(std::vector<std::string> const& names, std::size_t most) {
  auto const shown = names.size() > most + 1 ? most : names.size();
  auto text = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown < names.size() ? text + fmt::format(" and {} more", names.size() - shown) : text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace maru
