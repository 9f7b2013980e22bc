// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

namespace maru {

/// The database is malformed, as far as it was read.
class Damaged : public Error {
public:
  explicit Damaged(std::string const& line) : Error(Exit::usage, line) {}
};

} // namespace maru
