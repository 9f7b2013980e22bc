// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace maru::emulator {

/// Something that the hardware does in the background, once.
class Task {
public:
  /// `after` is done before.
  explicit Task(std::function<void()> action, std::shared_ptr<Task> after = nullptr)
      : action_(std::move(action)), after_(std::move(after)) {}
  void perform() {
    if (auto const before = std::move(after_)) before->perform();
    if (auto const action = std::exchange(action_, nullptr)) action();
  }
  bool done() const { return !action_; }

private:
  std::function<void()> action_;
  std::shared_ptr<Task> after_;
};

/// Whether somebody must wait for it (then it may take until then), or it comes by itself (then somebody may wait for
/// what it brings about).
enum class Ends { when_waited_for, by_itself };

/// Puts it into the background, where it happens at a time that the seed decides.
std::shared_ptr<Task> begin(Ends ends, std::function<void()> action, std::shared_ptr<Task> after = nullptr);

} // namespace maru::emulator
