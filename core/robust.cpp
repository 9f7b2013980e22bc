// SPDX-License-Identifier: Apache-2.0
#include "core/robust.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace maru {
namespace {

constexpr double sigma_per_mad = 1.4826;
constexpr std::array small_samples{0.0, 0.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107};

double small_sample_factor(std::size_t n) {
  return n < small_samples.size() ? small_samples.at(n) : static_cast<double>(n) / (static_cast<double>(n) - 0.8);
}

} // namespace

double median_of(std::vector<double>& values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return std::midpoint(*middle, *std::max_element(values.begin(), middle)); // the sum may be too large
}

Center center_of(std::vector<double>& values) {
  Center center{.median = median_of(values)};
  for (auto& value : values) value = std::abs(value - center.median);
  center.sigma = sigma_per_mad * small_sample_factor(values.size()) * median_of(values);
  return center;
}

} // namespace maru
