// SPDX-License-Identifier: Apache-2.0
#include "bench/stop_signal.hpp"

#include <atomic>
#include <csignal>

namespace maru {
namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

extern "C" void on_signal(int) { stop_requested = true; }

constexpr int stopping[] = {SIGINT, SIGTERM, SIGHUP};

// A signal that was ignored when we were started (nohup) stays ignored.
void install(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  for (int const signal : stopping) {
    struct sigaction present {};
    sigaction(signal, nullptr, &present);
    if (present.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

} // namespace

StopSignal::StopSignal() {
  stop_requested = false;
  install(on_signal, static_cast<int>(SA_RESETHAND) | SA_RESTART);
}
StopSignal::~StopSignal() { install(SIG_DFL, 0); }
bool StopSignal::requested() { return stop_requested; }

} // namespace maru
