// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace maru {

using LabelValue = std::variant<std::int64_t, double, std::string>;

/// What was asked, in the order in which it was written. Never who answered: identity would keep the same question
/// from grouping over ranks. Copies share their entries, for many ranks answer one question.
class Labels {
public:
  using Entry = std::pair<std::string, LabelValue>;

  Labels() = default;
  Labels(std::initializer_list<Entry> entries) : Labels(std::vector<Entry>(entries)) {}
  /// No key twice.
  explicit Labels(std::vector<Entry> entries)
      : entries_(std::make_shared<std::vector<Entry> const>(std::move(entries))) {}

  void set(std::string_view key, LabelValue value);
  LabelValue const* find(std::string_view key) const;
  /// The value as text ("" when absent), as it appears in tables and label sets.
  std::string text(std::string_view key) const;
  std::vector<Entry> const& entries() const;
  /// "dtype=f32 m=512 n=512": one line, the same for the same question.
  std::string line() const;
  bool operator==(Labels const& other) const { return entries_ == other.entries_ || entries() == other.entries(); }

private:
  std::shared_ptr<std::vector<Entry> const> entries_; ///< null when there are none
};

std::string to_text(LabelValue const& value);

} // namespace maru
