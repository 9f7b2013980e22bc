// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/world.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

/// What the threads of one world share. Every collective is: put mine down, meet, read the others', meet again.
class Shared {
public:
  explicit Shared(int ranks) : slots(static_cast<std::size_t>(ranks)), ranks_(ranks) {}

  std::vector<Bytes> slots;
  std::map<int, std::shared_ptr<Shared>> children; ///< by colour, while a split is under way

  std::mutex& mutex() { return mutex_; }

  void meet() {
    std::unique_lock lock(mutex_);
    auto const round = round_;
    if (++waiting_ == ranks_) {
      waiting_ = 0;
      ++round_;
      changed_.notify_all();
    } else {
      changed_.wait(lock, [&] { return round_ != round || failed_; });
    }
    check();
  }

  void put(int from, int to, Bytes bytes) {
    std::lock_guard const lock(mutex_);
    mail_[{from, to}].push_back(std::move(bytes));
    changed_.notify_all();
  }

  Bytes take(int from, int to) {
    std::unique_lock lock(mutex_);
    auto& queue = mail_[{from, to}];
    changed_.wait(lock, [&] { return !queue.empty() || failed_; });
    check();
    auto bytes = std::move(queue.front());
    queue.pop_front();
    return bytes;
  }

  void fail() {
    std::lock_guard const lock(mutex_);
    failed_ = true;
    changed_.notify_all();
    for (auto const& [color, child] : children) child->fail();
  }

private:
  void check() const {
    if (failed_) throw Error(Exit::incomplete, "another rank of the thread world failed");
  }

  int ranks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  std::uint64_t round_ = 0;
  bool failed_ = false;
  std::map<std::pair<int, int>, std::deque<Bytes>> mail_;
};

Bytes copy_of(std::span<std::byte const> bytes) { return {bytes.begin(), bytes.end()}; }

class ThreadWorld final : public World {
public:
  ThreadWorld(std::shared_ptr<Shared> shared, int rank, int size)
      : shared_(std::move(shared)), rank_(rank), size_(size) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void barrier() override { shared_->meet(); }

  void broadcast(Bytes& bytes, int root) override {
    exchange(bytes);
    bytes = slot(root);
    shared_->meet();
  }

  std::vector<Bytes> gather(std::span<std::byte const> bytes) override {
    exchange(copy_of(bytes));
    std::vector<Bytes> all;
    if (rank_ == 0) all = shared_->slots;
    shared_->meet();
    return all;
  }

  void all_reduce_max(std::span<double> values) override {
    exchange(copy_of(std::as_bytes(values)));
    for (int other = 0; other < size_; ++other) {
      auto const* theirs = reinterpret_cast<double const*>(slot(other).data());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::max(values[i], theirs[i]);
    }
    shared_->meet();
  }

  void send(int to, std::span<std::byte const> bytes) override { shared_->put(rank_, to, copy_of(bytes)); }

  void receive(int from, std::span<std::byte> bytes) override {
    auto const message = shared_->take(from, rank_);
    if (message.size() != bytes.size()) throw Error(Exit::incomplete, "receive: message of another length");
    std::copy(message.begin(), message.end(), bytes.begin());
  }

  std::unique_ptr<World> split(int color) override {
    exchange(copy_of(std::as_bytes(std::span(&color, 1))));
    int index = 0, size = 0;
    for (int other = 0; other < size_; ++other) {
      int theirs = 0;
      std::copy_n(slot(other).begin(), sizeof theirs, reinterpret_cast<std::byte*>(&theirs));
      if (theirs != color) continue;
      if (other < rank_) ++index;
      ++size;
    }
    std::shared_ptr<Shared> child;
    {
      std::lock_guard const lock(shared_->mutex());
      auto& entry = shared_->children[color];
      if (!entry) entry = std::make_shared<Shared>(size);
      child = entry;
    }
    shared_->meet();
    if (rank_ == 0) { // the next split starts from nothing
      std::lock_guard const lock(shared_->mutex());
      shared_->children.clear();
    }
    shared_->meet();
    return std::make_unique<ThreadWorld>(child, index, size);
  }

  [[noreturn]] void abort(int code) noexcept override { ::_exit(code); }
  std::string transport() const override { return "threads"; }

private:
  Bytes const& slot(int rank) const { return shared_->slots[static_cast<std::size_t>(rank)]; }
  void exchange(Bytes bytes) {
    shared_->slots[static_cast<std::size_t>(rank_)] = std::move(bytes);
    shared_->meet();
  }

  std::shared_ptr<Shared> shared_;
  int rank_;
  int size_;
};

} // namespace

void run_thread_world(int ranks, std::function<void(World&)> const& body) {
  auto const shared = std::make_shared<Shared>(ranks);
  std::exception_ptr first;
  std::mutex first_mutex;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        ThreadWorld world(shared, rank, ranks);
        body(world);
      } catch (...) {
        {
          std::lock_guard const lock(first_mutex);
          if (!first) first = std::current_exception();
        }
        shared->fail();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

} // namespace maru
