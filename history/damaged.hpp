// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

namespace maru {

/// The database is malformed, as far as it was read.
class Damaged : public Error {
public:
  Damaged(std::string const& path, std::string fault)
      : Error(Exit::usage, path + ": " + fault + "; see maru history check"), fault_(std::move(fault)) {}
  std::string const& fault() const { return fault_; }

private:
  std::string fault_;
};

/// Somebody else holds a lock, and it may be had later.
class Locked : public Error {
public:
  explicit Locked(std::string const& line) : Error(Exit::incomplete, line) {}
};

} // namespace maru
