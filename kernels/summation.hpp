// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

namespace maru {

/// Adds values up over some ranks, in place: they all call it together.
using Summation = std::function<void(std::span<float>)>;

} // namespace maru
