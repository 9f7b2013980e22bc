// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/scheduler.hpp"

#include "tests/emulator/grid.hpp"

#include <algorithm>
#include <exception>
#include <numeric>
#include <sstream>

namespace maru::emulator {
namespace {

enum class Background { late, at_once, at_random };

/// Whatever runs. One at a time, so that it need not be passed through the kernels.
struct Machine {
  std::uint64_t seed = 0;
  std::mt19937_64 random;
  std::vector<std::unique_ptr<Fiber>> fibers;
  Thread* running = nullptr;
  std::string failure;
  std::vector<std::shared_ptr<Task>> tasks, own_tasks; ///< the latter come by themselves

  Background background() const { return seed == 0 ? Background::late : static_cast<Background>(seed % 3); }
  bool one_in(std::uint64_t n) { return random() % n == 0; }
  Fiber& fiber(std::size_t i) {
    while (fibers.size() <= i) fibers.push_back(std::make_unique<Fiber>());
    return *fibers[i];
  }
};

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

/// One of them, any; false when none is left.
bool perform_one(std::vector<std::shared_ptr<Task>>& tasks) {
  std::erase_if(tasks, [](auto const& task) { return task->done(); });
  if (tasks.empty()) return false;
  auto& m = machine();
  auto const i = m.seed == 0 ? 0 : m.random() % tasks.size();
  std::shared_ptr<Task> const task = tasks[i];
  task->perform();
  return true;
}

std::string describe(Thread const& thread) {
  std::ostringstream text;
  auto const* const what = thread.waiting.what;
  text << (thread.ended ? "ended" : what ? what : "ready");
  if (!thread.ended && thread.waiting.number) text << ' ' << thread.waiting.number;
  return text.str();
}

std::string dump(Cluster const& cluster) {
  std::ostringstream text;
  for (auto const& block : cluster.blocks)
    for (std::size_t i = 0; i < block.threads.size();) {
      auto const what = describe(block.threads[i]);
      auto end = i;
      while (end < block.threads.size() && describe(block.threads[end]) == what) ++end;
      text << "\n  block " << block.index.x << ',' << block.index.y << ',' << block.index.z << " threads " << i << '-'
           << end - 1 << ": " << what;
      i = end;
    }
  return text.str();
}

void check_failure() {
  if (auto const why = std::exchange(machine().failure, {}); !why.empty()) throw Failure(why);
}

class Round {
public:
  explicit Round(Cluster& cluster) : cluster_(cluster) {
    for (auto& block : cluster.blocks)
      for (auto& thread : block.threads) order_.push_back(&thread);
  }

  void run(std::function<void()> const& kernel) {
    auto& m = machine();
    std::size_t next = 0;
    for (auto* thread : order_) {
      thread->fiber = &m.fiber(next++);
      thread->fiber->start(kernel);
    }
    while (cluster_.alive > 0)
      if (!step() && !perform_one(m.own_tasks)) throw Failure("deadlock: no thread can go on" + dump(cluster_));
    if (perform_one(m.own_tasks)) throw Failure("the blocks ended before copies that were under way to them");
  }

private:
  /// False when nobody could go on.
  bool step() {
    auto& m = machine();
    if (m.seed != 0) std::shuffle(order_.begin(), order_.end(), m.random);
    std::erase_if(order_, [](Thread const* thread) { return thread->ended; });
    hold_back();
    bool progress = false;
    for (auto* thread : order_) {
      if (thread->waiting.over && !thread->waiting.over(thread->waiting.context)) continue;
      if (is_held_back(*thread)) continue;
      progress = true;
      resume(*thread);
    }
    if (m.background() == Background::at_random && m.one_in(2)) progress |= perform_one(m.own_tasks);
    if (progress || held_ == 0) return progress;
    held_ = 0; // those who ran now wait for those who did not
    return true;
  }

  /// Some warps stay behind for a while, which may be so long that all others have to wait for them.
  void hold_back() {
    auto& m = machine();
    if (m.seed == 0 || rounds_held_-- > 0) return;
    held_ = m.one_in(4) ? 0 : m.random() & m.random();
    rounds_held_ = 1 << m.random() % 9;
  }
  bool is_held_back(Thread const& thread) const {
    return held_ >> ((static_cast<unsigned>(thread.warp->number) + 16 * thread.block->rank) % 64) & 1;
  }

  void resume(Thread& thread) {
    auto& m = machine();
    m.running = &thread;
    set_builtins(thread);
    bool const ended = thread.fiber->resume();
    check_failure();
    if (ended) end(thread);
    m.running = nullptr;
    if (m.background() == Background::at_random && m.one_in(4)) perform_one(m.tasks);
  }

  void end(Thread& thread) {
    auto const reads = [](auto const& group) {
      return std::any_of(group.begin(), group.end(), [](auto const& task) { return !task->done(); });
    };
    auto const& stores = thread.stores;
    if (reads(stores.open) || std::any_of(stores.committed.begin(), stores.committed.end(), reads))
      throw Failure(name_of(thread) + " ended while the copy engine still reads its block's shared memory");
    for (auto const& write : thread.writes) write->perform();
    thread.ended = true;
    --thread.block->alive;
    --cluster_.alive;
  }

  Cluster& cluster_;
  std::vector<Thread*> order_;
  std::uint64_t held_ = 0; ///< warps, a bit each
  int rounds_held_ = 0;
};

} // namespace

void set_seed(std::uint64_t seed) {
  machine().seed = seed;
  machine().random.seed(seed);
}
std::uint64_t seed() { return machine().seed; }

Thread& self() { return *machine().running; }

std::string name_of(Thread const& thread) {
  std::ostringstream text;
  text << "thread " << thread.number << " of block " << thread.block->index.x << ',' << thread.block->index.y << ','
       << thread.block->index.z;
  return text.str();
}

void fail(std::string const& why) {
  auto& m = machine();
  if (!m.running) throw Failure(why); // from the background, on the host's stack
  m.failure = name_of(*m.running) + " " + why;
  for (;;) Fiber::pause();
}

void Groups::finish(std::size_t pending) {
  while (committed.size() > pending) {
    for (auto const& task : committed.front()) task->perform();
    committed.pop_front();
  }
}

std::shared_ptr<Task> begin(Ends ends, std::function<void()> action, std::shared_ptr<Task> after) {
  auto& m = machine();
  auto task = std::make_shared<Task>(std::move(action), std::move(after));
  if (m.background() == Background::at_once)
    task->perform();
  else
    (ends == Ends::by_itself ? m.own_tasks : m.tasks).push_back(task);
  return task;
}

void run_cluster(Cluster& cluster, std::function<void()> const& kernel) {
  auto& m = machine();
  auto const clean = [&m] {
    m.tasks.clear();
    m.own_tasks.clear();
    m.running = nullptr;
    m.failure.clear();
  };
  clean();
  try {
    Round(cluster).run(kernel);
  } catch (...) {
    clean();
    throw;
  }
  clean();
}

} // namespace maru::emulator
