// SPDX-License-Identifier: Apache-2.0
#include "core/json_tape.hpp"

namespace maru {

void Tape::clear() {
  nodes_.clear();
  text_.clear();
  open_.clear();
  key_ = {};
}

void Tape::open(bool list) {
  add(list ? Kind::list : Kind::object);
  open_.push_back(nodes_.size() - 1);
}

void Tape::close() {
  nodes_[open_.back()].end = static_cast<std::uint32_t>(nodes_.size());
  open_.pop_back();
}

Tape::Value Tape::root() const { return {*this, 0}; }

Tape::Node& Tape::add(Kind kind) {
  auto& node = nodes_.emplace_back();
  node.kind = kind;
  node.end = static_cast<std::uint32_t>(nodes_.size());
  node.key = std::exchange(key_, {});
  return node;
}

Tape::Piece Tape::keep(std::string_view text) {
  Piece const piece{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
  text_ += text;
  return piece;
}

Tape::Value::Iterator Tape::Value::find(std::string_view key) const {
  auto found = end();
  for (auto at = begin(); at != end(); ++at)
    if ((*at).key() == key) found = at;
  return found;
}

} // namespace maru
