// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace maru {

/// An optional that is a pointer wide while it is empty: for what few of millions of records have. Copies are deep.
template <class T> class Boxed {
public:
  using value_type = T;

  Boxed() = default;
  Boxed(std::nullopt_t) {}
  Boxed(T value) : box_(std::make_unique<T>(std::move(value))) {}
  Boxed(std::optional<T> value) : box_(value ? std::make_unique<T>(*std::move(value)) : nullptr) {}
  Boxed(Boxed const& other) : box_(other ? std::make_unique<T>(*other) : nullptr) {}
  Boxed(Boxed&& other) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    box_ = std::move(other.box_);
    return *this;
  }
  ~Boxed() = default;

  bool has_value() const { return box_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return *box_; }
  T const& operator*() const { return *box_; }
  T* operator->() { return box_.get(); }
  T const* operator->() const { return box_.get(); }

  template <class... Arguments> T& emplace(Arguments&&... arguments) {
    box_ = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    return *box_;
  }
  void reset() { box_.reset(); }

private:
  std::unique_ptr<T> box_;
};

} // namespace maru
