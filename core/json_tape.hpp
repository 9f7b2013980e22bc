// SPDX-License-Identifier: Apache-2.0
// A tree in two vectors that are used again for the next one, for what is read a million times. Only core/*.cpp
// includes this file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maru {

/// Values in the order in which they stand in the file, each container before what it holds.
class Tape {
public:
  class Value;

  void clear();
  /// Of the value that follows; only within objects.
  void key(std::string_view key) { key_ = keep(key); }
  void null() { add(Kind::null); }
  void boolean(bool value) { add(Kind::boolean).boolean = value; }
  void number(std::int64_t value) { add(Kind::negative).integer = value; }
  void number(std::uint64_t value) { add(Kind::natural).natural = value; }
  void number(double value) { add(Kind::floating).floating = value; }
  void text(std::string_view value) { add(Kind::text).text = keep(value); }
  void open(bool list);
  void close();
  /// Whether one value is there, and none is open.
  bool whole() const { return open_.empty(); }
  /// Whether its places can be counted in 32 bits.
  bool fits() const { return text_.size() < most && nodes_.size() < most; }
  Value root() const;

private:
  static constexpr std::size_t most = std::size_t{1} << 31;
  enum class Kind : std::uint8_t { null, boolean, negative, natural, floating, text, list, object };
  struct Piece {
    std::uint32_t begin, size;
  };
  struct Node {
    Kind kind = Kind::null;
    std::uint32_t end = 0; ///< index of the node after it and all that it holds
    Piece key = {};
    union {
      std::uint64_t natural = 0;
      std::int64_t integer;
      double floating;
      bool boolean;
      Piece text;
    };
  };

  Node& add(Kind kind);
  Piece keep(std::string_view text);
  std::string_view view(Piece piece) const { return std::string_view(text_).substr(piece.begin, piece.size); }

  std::vector<Node> nodes_;
  std::string text_;
  std::vector<std::size_t> open_; ///< containers, from the outermost inwards
  Piece key_ = {};
};

/// Reads a tape in the words of nlohmann's trees, so that one decoder serves both. Lasts as long as the tape is not
/// changed.
class Tape::Value {
public:
  class Iterator {
  public:
    Iterator(Tape const& tape, std::size_t index) : tape_(&tape), index_(index) {}
    Value operator*() const { return {*tape_, index_}; }
    Iterator& operator++() {
      index_ = tape_->nodes_[index_].end;
      return *this;
    }
    bool operator==(Iterator const& other) const { return index_ == other.index_; }

  private:
    Tape const* tape_;
    std::size_t index_;
  };

  Value(Tape const& tape, std::size_t index) : tape_(&tape), index_(index) {}

  bool is_object() const { return kind() == Kind::object; }
  bool is_array() const { return kind() == Kind::list; }
  bool is_string() const { return kind() == Kind::text; }
  bool is_boolean() const { return kind() == Kind::boolean; }
  bool is_number_float() const { return kind() == Kind::floating; }
  bool is_number_unsigned() const { return kind() == Kind::natural; }
  bool is_number_integer() const { return kind() == Kind::natural || kind() == Kind::negative; }
  bool is_number() const { return is_number_integer() || is_number_float(); }

  /// As the kind that it is: of the others it is undefined.
  template <class T> T get() const {
    auto const& node = tape_->nodes_[index_];
    if constexpr (std::is_same_v<T, bool>)
      return node.boolean;
    else if constexpr (std::is_arithmetic_v<T>)
      return node.kind == Kind::floating   ? static_cast<T>(node.floating)
             : node.kind == Kind::negative ? static_cast<T>(node.integer)
                                           : static_cast<T>(node.natural);
    else
      return T(tape_->view(node.text));
  }

  std::string_view key() const { return tape_->view(tape_->nodes_[index_].key); }
  /// The elements or members.
  Iterator begin() const { return {*tape_, is_object() || is_array() ? index_ + 1 : end_index()}; }
  Iterator end() const { return {*tape_, end_index()}; }
  /// The last member of that name, or the end.
  Iterator find(std::string_view key) const;

private:
  Kind kind() const { return tape_->nodes_[index_].kind; }
  std::size_t end_index() const { return tape_->nodes_[index_].end; }

  Tape const* tape_;
  std::size_t index_;
};

} // namespace maru
