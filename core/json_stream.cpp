// SPDX-License-Identifier: Apache-2.0
#include "core/json_stream.hpp"

#include <iterator>

namespace maru {
namespace {

/// Bytes that come in pieces, one by one.
class ByteIterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = char const*;
  using reference = char const&;

  ByteIterator() = default;
  explicit ByteIterator(NextBytes& next) : next_(&next) { refill(); }
  char const& operator*() const { return *at_; }
  ByteIterator& operator++() {
    if (++at_ == end_) refill();
    return *this;
  }
  /// With the end.
  bool operator==(ByteIterator const& other) const { return at_ == other.at_; }

private:
  void refill() {
    auto const piece = (*next_)();
    at_ = piece.empty() ? nullptr : piece.data();
    end_ = at_ + piece.size();
  }

  NextBytes* next_ = nullptr;
  char const *at_ = nullptr, *end_ = nullptr;
};

/// Puts a tree together from the events of a parse.
class TreeMaker {
public:
  void null() { put(nullptr); }
  void boolean(bool value) { put(value); }
  template <class T> void number(T value) { put(value); }
  void text(std::string& value) { put(std::move(value)); }
  void key(std::string& key) { slot_ = &(*open_.back())[key]; }
  void open(bool list) { open_.push_back(put(list ? Json::array() : Json::object())); }
  void close() { open_.pop_back(); }
  bool whole() const { return open_.empty(); }
  Json& tree() { return root_; }

private:
  Json* put(Json&& value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (!open_.back()->is_array()) return &(*slot_ = std::move(value));
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }

  Json root_;
  std::vector<Json*> open_; ///< from the outermost inwards; only the last grows, so that the others stay where they are
  Json* slot_ = nullptr;    ///< for the value of the key that was read last
};

class MemberReader : public nlohmann::json_sax<Json> {
public:
  explicit MemberReader(ListTakers const& takers) : takers_(takers) {}

  bool null() override {
    return value([](auto& to) { to.null(); });
  }
  bool boolean(bool v) override {
    return value([=](auto& to) { to.boolean(v); });
  }
  bool number_integer(number_integer_t v) override {
    return value([=](auto& to) { to.number(v); });
  }
  bool number_unsigned(number_unsigned_t v) override {
    return value([=](auto& to) { to.number(v); });
  }
  bool number_float(number_float_t v, string_t const&) override {
    return value([=](auto& to) { to.number(v); });
  }
  bool string(string_t& v) override {
    return value([&](auto& to) { to.text(v); });
  }
  bool binary(binary_t& v) override { return guard.binary(v); }
  bool key(string_t& v) override {
    if (!guard.key(v)) return false;
    if (depth_ == 1)
      begin_member(v);
    else if (in_list_ && taker_)
      tape_.key(v);
    else if (!passing_over())
      maker_.key(v);
    return true;
  }
  bool start_object(std::size_t size) override { return guard.start_object(size) && enter(false); }
  bool start_array(std::size_t size) override { return guard.start_array(size) && enter(true); }
  bool end_object() override { return guard.end_object() && leave(); }
  bool end_array() override { return guard.end_array() && leave(); }
  bool parse_error(std::size_t position, std::string const& token, nlohmann::detail::exception const& error) override {
    return guard.parse_error(position, token, error);
  }

  ShapeGuard guard;
  Json members;

private:
  bool passing_over() const { return !members.is_object() || (in_list_ && !taker_); }

  void begin_member(std::string const& key) {
    key_ = key;
    auto const found = takers_.find(key);
    taker_ = found == takers_.end() ? nullptr : found->second.get();
    if (taker_) taker_->present = false;
  }

  bool enter(bool list) {
    ++depth_;
    if (depth_ == 1 && !list) members = Json::object();
    if (depth_ == 2 && list && members.is_object()) {
      in_list_ = true;
      members[key_] = Json::array();
      if (taker_) taker_->begin();
      if (taker_) taker_->present = true;
      return true;
    }
    return depth_ == 1 || passing_over() || put([=](auto& to) { to.open(list); });
  }

  bool leave() {
    --depth_;
    if (depth_ == 1 && in_list_) {
      in_list_ = false;
      return true;
    }
    return depth_ == 0 || passing_over() || put([](auto& to) { to.close(); });
  }

  template <class Act> bool value(Act act) { return depth_ == 0 || passing_over() || put(act); }

  template <class Act> bool put(Act act) {
    if (!in_list_) {
      act(maker_);
      if (maker_.whole()) members[key_] = std::move(maker_.tree());
      return true;
    }
    act(tape_);
    if (!tape_.fits()) return guard.fail("an element of over 2 GiB");
    if (tape_.whole()) {
      taker_->take(tape_.root());
      tape_.clear();
    }
    return true;
  }

  ListTakers const& takers_;
  TreeMaker maker_; ///< of a member that is no list
  Tape tape_;       ///< of an element
  std::string key_;
  ListTaker* taker_ = nullptr; ///< of the member, where there is one
  std::size_t depth_ = 0;      ///< containers that are open
  bool in_list_ = false;       ///< a member's
};

} // namespace

Json parse_members(NextBytes next, Json::input_format_t format, std::string_view origin, ListTakers const& takers) {
  MemberReader reader(takers);
  if (!Json::sax_parse(ByteIterator(next), ByteIterator(), &reader, format)) throw reader.guard.error(origin);
  return std::move(reader.members);
}

} // namespace maru
