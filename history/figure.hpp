// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace maru {

/// No machine has a rate or a duration beyond these, and every ratio of two that are within them is a number.
constexpr double least_figure = 1e-60, most_figure = 1e60;

constexpr bool can_be_a_figure(double value) { return value > least_figure && value < most_figure; }

} // namespace maru
