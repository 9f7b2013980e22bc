// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace maru::emulator {

/// A function with a stack of its own, which runs until it pauses or ends.
class Fiber {
public:
  static constexpr std::size_t stack_bytes = std::size_t{96} << 10U;

  Fiber();
  ~Fiber();
  Fiber(Fiber const&) = delete;
  Fiber& operator=(Fiber const&) = delete;

  /// From its beginning, at the next resume(). What was paused here is forgotten, without unwinding.
  void start(std::function<void()> body);
  /// Until it pauses or ends; true when it has ended. Not to be called from a fiber.
  bool resume();
  /// Back to whoever resumed the fiber that calls this.
  static void pause();

private:
#if defined(__x86_64__)
  using Place = void*; ///< the stack's top; what it must keep lies on it
#else
  using Place = ucontext_t;
#endif
  static void enter();
  static void go(Place& from, Place& to);

  std::unique_ptr<unsigned char[]> stack_; // not written before it is used, so that it costs no memory before
  std::function<void()> body_;
  Place here_{}, back_{};
  bool ended_ = true;
};

} // namespace maru::emulator
