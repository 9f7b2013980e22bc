// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace maru {

/// Middle and width of a sample in which some values may be anything.
struct Center {
  double median = 0;
  double sigma = 0; ///< what a normal distribution of that width would have
};

/// 0 for none; NaN must not be among them. Reorders the values.
double median_of(std::vector<double>& values);
inline double median_of(std::vector<double>&& values) { return median_of(values); }

/// Median and median absolute deviation, the latter times 1.4826, and times the factors of Croux and Rousseeuw (1992)
/// for samples of up to 9 and n/(n − 0.8) beyond: the bare MAD of a few values is too small. Reorders the values.
Center center_of(std::vector<double>& values);

} // namespace maru
