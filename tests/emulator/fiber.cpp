// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/fiber.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
#include <cstdint>

// swapcontext() also switches signal masks, by a call of the system that takes longer than all the rest. This keeps
// what a called function must keep (System V ABI for x86-64, section 3.2.1).
extern "C" void maru_switch_stack(void** from, void* to);
asm(R"(
.text
.type maru_switch_stack, @function
maru_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size maru_switch_stack, .-maru_switch_stack
)");
#endif

namespace maru::emulator {
namespace {

Fiber* running = nullptr;

// The sanitizer must know which stack it looks at.
#if defined(__SANITIZE_ADDRESS__)
void clear(void* stack, std::size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }
void const* host_stack = nullptr;
std::size_t host_bytes = 0;
void leave(void** kept, void const* stack, std::size_t bytes) { __sanitizer_start_switch_fiber(kept, stack, bytes); }
void arrive(void* kept, bool from_host) {
  __sanitizer_finish_switch_fiber(kept, from_host ? &host_stack : nullptr, from_host ? &host_bytes : nullptr);
}
#else
void clear(void*, std::size_t) {}
#endif

} // namespace

Fiber::Fiber() : stack_(new unsigned char[stack_bytes]) {}
Fiber::~Fiber() = default;

#if defined(__x86_64__)
void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  ended_ = false;
  clear(stack_.get(), stack_bytes);
  // As if enter() had been called and had called maru_switch_stack().
  auto const end = (reinterpret_cast<std::uintptr_t>(stack_.get()) + stack_bytes) / 16 * 16;
  auto** top = reinterpret_cast<void**>(end) - 2;
  *top = reinterpret_cast<void*>(&Fiber::enter);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  here_ = top;
}
void Fiber::go(Place& from, Place& to) { maru_switch_stack(&from, to); }
#else
void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  ended_ = false;
  clear(stack_.get(), stack_bytes);
  ::getcontext(&here_);
  here_.uc_stack.ss_sp = stack_.get();
  here_.uc_stack.ss_size = stack_bytes;
  here_.uc_link = nullptr;
  ::makecontext(&here_, &Fiber::enter, 0);
}
void Fiber::go(Place& from, Place& to) { ::swapcontext(&from, &to); }
#endif

void Fiber::enter() {
  Fiber& self = *running;
#if defined(__SANITIZE_ADDRESS__)
  arrive(nullptr, true);
#endif
  self.body_();
  self.ended_ = true;
  pause();
}

bool Fiber::resume() {
  running = this;
#if defined(__SANITIZE_ADDRESS__)
  void* kept = nullptr;
  leave(&kept, stack_.get(), stack_bytes);
#endif
  go(back_, here_);
#if defined(__SANITIZE_ADDRESS__)
  arrive(kept, false);
#endif
  running = nullptr;
  return ended_;
}

void Fiber::pause() {
  Fiber& self = *running;
#if defined(__SANITIZE_ADDRESS__)
  void* kept = nullptr;
  leave(self.ended_ ? nullptr : &kept, host_stack, host_bytes);
#endif
  go(self.here_, self.back_);
#if defined(__SANITIZE_ADDRESS__)
  arrive(kept, true);
#endif
}

} // namespace maru::emulator
