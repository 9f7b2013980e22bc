// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/host_setup.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// The kernel's small files below a root, which tests set. Whatever they hold, nothing is thrown: what cannot be read
/// or understood is a reason. Paths are absolute ("/proc/loadavg") and stand for themselves in reasons.
class SystemFiles {
public:
  explicit SystemFiles(std::string root) : root_(std::move(root)) {}

  /// Whole content of at most 1 MiB, without the last blanks.
  Known<std::string> text(std::string const& path) const;
  Known<std::int64_t> number(std::string const& path) const;
  /// Names in a folder, sorted; of more than 4096 the first ones that the system names. Empty without the folder.
  std::vector<std::string> list(std::string const& path) const;
  bool exists(std::string const& path) const;
  /// Where a symbolic link leads; empty for what is none.
  std::string link(std::string const& path) const;
  std::string real(std::string const& path) const { return root_ + path; }

private:
  std::string root_;
};

template <class T> Known<T> unknown_because(std::string reason) { return {std::nullopt, std::move(reason)}; }
template <class T> Known<T> known(T value) { return {std::move(value), std::nullopt}; }

/// A decimal number that is the whole text; nothing for anything else.
std::optional<std::int64_t> whole_number(std::string_view text);
std::optional<double> decimal_number(std::string_view text);

std::string_view trimmed(std::string_view text);
/// The parts between the blanks.
std::vector<std::string_view> words_of(std::string_view text);
std::vector<std::string_view> lines_of(std::string_view text);

} // namespace maru
