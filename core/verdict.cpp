// SPDX-License-Identifier: Apache-2.0
#include "core/verdict.hpp"

#include <algorithm>

namespace maru {

std::string_view name(State state) {
  switch (state) {
  case State::pass: return "pass";
  case State::warn: return "warn";
  case State::unknown: return "unknown";
  case State::fail: return "fail";
  }
  return "?";
}

State worse(State a, State b) { return std::max(a, b); }

State worse_judged(State so_far, State judged) { return so_far == State::unknown ? judged : worse(so_far, judged); }

} // namespace maru
