// SPDX-License-Identifier: Apache-2.0
#include "exporters/text.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

namespace maru {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

std::string binary_size(double bytes) {
  constexpr std::array<char const*, 5> suffixes{"", "K", "M", "G", "T"};
  std::size_t step = 0;
  while (step + 1 < suffixes.size() && bytes >= 1024 && std::fmod(bytes, 1024) == 0) {
    bytes /= 1024;
    ++step;
  }
  return fmt::format("{}{}", number(bytes), suffixes[step]);
}

std::string span_of_time(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "? s";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  auto const whole = std::llround(seconds);
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string utc_time(double seconds_since_epoch) {
  constexpr double year_3000 = 32503680000;
  if (!(seconds_since_epoch >= 0 && seconds_since_epoch < year_3000)) return {};
  auto const time = std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(seconds_since_epoch)));
  auto const day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day const date(day);
  std::chrono::hh_mm_ss const clock(time - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

} // namespace maru
