// SPDX-License-Identifier: Apache-2.0
// How communicators come about. A communicator of NCCL blocks or it does not, for all of its calls. Only one that does
// not can be given up while its ranks still look for one another; but each call on such a one is handed to a thread
// made for it (group.cc of NCCL), which is no way to measure. So the ranks meet in one that does not block, the root,
// and what is measured is split from it and blocks.
#include "kernels/collective/nccl_communicator.hpp"

#include "core/units.hpp"

#include "core/work.hpp"
#include "kernels/collective/nccl_profiler.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <cuda_runtime_api.h>
#include <deque>
#include <fmt/format.h>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

constexpr double abort_patience = 5; // seconds that NCCL has to give a communicator up
constexpr auto poll_pause = std::chrono::milliseconds(1), inspection_pause = std::chrono::milliseconds(100);

using Members = std::vector<std::int64_t>;

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

/// That of the communicators; -1 without any. A thread's current device is 0 unless it chose, as the inspector and a
/// watchdog do not: NCCL would go back to it, and so make a context on another rank's device.
std::atomic<int> home_device{-1};

/// Runs it on a thread of its own and leaves it there if it takes too long: NCCL may wait for peers that are gone.
template <class Action> void within(double seconds, Action action) noexcept {
  try {
    auto done = std::make_shared<std::promise<void>>();
    auto const ended = done->get_future();
    std::thread([=] {
      if (home_device >= 0) cudaSetDevice(home_device);
      action();
      done->set_value();
    }).detach();
    ended.wait_for(std::chrono::duration<double>(seconds));
  } catch (...) { // no thread or no memory: it stays as it is
  }
}

/// What one rank saw go wrong; nothing if the text is empty.
struct Trouble {
  std::string text;
  bool waited = false; ///< it is one who waited, and knows no cause
};

/// Waits until NCCL has done what was begun on a communicator that does not block.
Trouble settle(ncclComm_t comm) {
  double const patience = nccl_patience(), deadline = monotonic_seconds() + patience;
  for (;;) {
    auto state = ncclInProgress;
    if (auto const status = ncclCommGetAsyncError(comm, &state); status != ncclSuccess) return {NcclApi::text(status)};
    if (state == ncclSuccess) return {};
    if (state != ncclInProgress) return {NcclApi::text(state)};
    if (monotonic_seconds() > deadline) return {fmt::format("waited {:.0f} s for the others", patience), true};
    std::this_thread::sleep_for(poll_pause);
  }
}

/// `most_ctas` is 0 where NCCL decides.
ncclConfig_t config_of(int blocking, int most_ctas = 0) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = blocking;
  if (most_ctas > 0) config.maxCTAs = most_ctas;
  return config;
}

std::string place_of(Site const& site) {
  return fmt::format("rank {} on {}", site.members[static_cast<std::size_t>(site.index)], host_name());
}

/// Throws on all members when one of them had trouble. A cause goes before those who only waited.
void agree(Site const& site, Trouble const& trouble) {
  World& group = *site.group;
  if (group.all_agree(trouble.text.empty())) return;
  std::string causes, waits;
  constexpr char waited = 'w', cause = 'c';
  for (auto const& told : group.gather_text(
           trouble.text.empty() ? "" : (trouble.waited ? waited : cause) + place_of(site) + " " + trouble.text)) {
    if (told.empty()) continue;
    auto& first = told[0] == waited ? waits : causes;
    if (first.empty()) first = told.substr(1);
  }
  throw Error(Exit::incomplete, fmt::format("no NCCL communicator of {} ranks: {}", site.members.size(),
                                            group.broadcast_text(causes.empty() ? waits : causes)));
}

/// Broadcast by the first member; empty when it could not make one.
Bytes unique_id(Site const& site, Trouble& trouble) {
  Bytes bytes;
  if (site.index == 0) {
    ncclUniqueId id;
    auto const status = ncclGetUniqueId(&id);
    if (status == ncclSuccess) {
      bytes.resize(sizeof id);
      std::memcpy(bytes.data(), &id, sizeof id);
    } else {
      trouble.text = NcclApi::text(status);
    }
  }
  site.group->broadcast(bytes);
  return bytes;
}

ncclComm_t meet(Site const& site) {
  Trouble trouble;
  // Not on the stack: NCCL's thread writes it, and may do so after we have given up.
  auto const root = std::make_shared<ncclComm_t>(nullptr);
  if (auto const bytes = unique_id(site, trouble); bytes.size() == sizeof(ncclUniqueId)) {
    ncclUniqueId id;
    std::memcpy(&id, bytes.data(), sizeof id);
    auto config = config_of(0);
    auto const status =
        ncclCommInitRankConfig(root.get(), static_cast<int>(site.members.size()), id, site.index, &config);
    trouble = NcclStartApi::ok(status) ? settle(*root) : Trouble{NcclApi::text(status)};
  }
  try {
    agree(site, trouble);
  } catch (...) {
    if (*root) within(abort_patience, [root] { ncclCommAbort(*root); });
    throw;
  }
  return *root;
}

ncclComm_t split(ncclComm_t root, int color, Site const& site, int most_ctas) {
  auto const part = std::make_shared<ncclComm_t>(nullptr);
  auto config = config_of(1, most_ctas);
  auto const status = ncclCommSplit(root, color, site.index, part.get(), &config);
  auto trouble = NcclStartApi::ok(status) ? settle(root) : Trouble{NcclApi::text(status)};
  if (trouble.text.empty() && !*part) trouble.text = "got no communicator from ncclCommSplit";
  try {
    agree(site, trouble);
  } catch (...) {
    within(abort_patience, [root, part] { ncclCommAbort(root); });
    throw;
  }
  return *part;
}

/// What is kept for the whole process.
class Registry {
public:
  Registry() : inspector_([this] { inspect(); }) {}

  void finish() noexcept {
    {
      std::scoped_lock const lock(mutex_);
      ending_ = true;
    }
    ended_.notify_all();
    inspector_.join();
    end(std::any_of(all_.begin(), all_.end(), [](auto const& one) { return one.failed(); }));
  }

  NcclCommunicator& of(Site const& site, std::span<Members const> groups, int most_ctas) {
    Key key{{site.members.begin(), site.members.end()}, {}};
    auto* const parent = parent_of(groups);
    if (parent) key.second.assign(groups.begin(), groups.end());
    if (site.passing && !parts_.contains(key)) passing_.insert(key);
    if (!site.passing) keep(key);
    auto& part = parts_[key];
    auto*& communicator = part.by_most_ctas[most_ctas];
    if (!communicator && !part.reason.empty()) throw Error(Exit::incomplete, part.reason);
    if (!communicator) {
      try {
        communicator = parent ? divide(*parent, site, groups, most_ctas) : gather(key.first, site, most_ctas);
      } catch (std::exception const& error) {
        part.reason = error.what();
        throw;
      }
    }
    communicator->check();
    return *communicator;
  }

  void forget() noexcept {
    within(abort_patience, [parts = take_passing_parts(), roots = take_passing_roots()] {
      for (auto* const part : parts) part->end(part->failed());
      for (auto* const root : roots) ncclCommDestroy(root);
    });
  }

  void end(bool force) noexcept {
    within(abort_patience, [this, force] {
      // Parts before the roots that they were split from.
      for (auto& one : all_) one.end(force);
      for (auto& [members, root] : roots_)
        if (auto* const comm = std::exchange(root, nullptr)) force ? ncclCommAbort(comm) : ncclCommDestroy(comm);
    });
  }

private:
  using Key = std::pair<Members, std::vector<Members>>; ///< members, and the groups that they were split with
  struct Part {
    std::map<int, NcclCommunicator*> by_most_ctas;
    std::string reason; ///< why one could not be made, and no other will be tried
  };

  /// Who asks for it will ask for it again.
  void keep(Key const& key) {
    passing_.erase(key);
    passing_roots_.erase(key.first);
  }

  std::vector<NcclCommunicator*> take_passing_parts() {
    std::vector<NcclCommunicator*> parts;
    for (auto const& key : passing_) {
      for (auto const& [most_ctas, part] : parts_[key].by_most_ctas)
        if (part) parts.push_back(part);
      parts_.erase(key);
    }
    passing_.clear();
    return parts;
  }
  std::vector<ncclComm_t> take_passing_roots() {
    std::vector<ncclComm_t> roots;
    for (auto const& members : passing_roots_)
      if (auto* const root = std::exchange(roots_[members], nullptr)) roots.push_back(root);
    passing_roots_.clear();
    return roots;
  }

  /// The root to split all the groups from. What is known here is the same on all ranks of all the groups: they asked
  /// for the root together, and groups of one size are asked the same questions in the same order.
  ncclComm_t* parent_of(std::span<Members const> groups) {
    if (groups.size() < 2) return nullptr;
    Members all;
    for (auto const& group : groups) {
      if (group.size() != groups[0].size()) return nullptr;
      all.insert(all.end(), group.begin(), group.end());
    }
    std::sort(all.begin(), all.end());
    auto const found = roots_.find(all);
    return found == roots_.end() || !found->second ? nullptr : &found->second;
  }

  /// Those who have met need not meet again: that they have is known to all of them.
  NcclCommunicator* gather(Members const& members, Site const& site, int most_ctas) {
    auto& root = roots_[members];
    if (!root && site.passing) passing_roots_.insert(members);
    if (!root) root = meet(site);
    return divide(root, site, {}, most_ctas);
  }

  NcclCommunicator* divide(ncclComm_t& root, Site const& site, std::span<Members const> groups, int most_ctas) {
    auto const mine = std::find_if(groups.begin(), groups.end(), [&](Members const& group) {
      return std::equal(group.begin(), group.end(), site.members.begin(), site.members.end());
    });
    auto const color = groups.empty() ? 0 : static_cast<int>(mine - groups.begin());
    ncclComm_t part = nullptr;
    try {
      part = split(root, color, site, most_ctas);
    } catch (...) {
      root = nullptr; // was aborted
      throw;
    }
    std::scoped_lock const lock(mutex_);
    return &all_.emplace_back(part);
  }

  void inspect() {
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, inspection_pause, [&] { return ending_; }))
      for (auto& one : all_) one.inspect();
  }

  std::map<Members, ncclComm_t> roots_;
  std::map<Key, Part> parts_;
  std::set<Key> passing_; ///< of parts_ and roots_: until the next round
  std::set<Members> passing_roots_;
  std::deque<NcclCommunicator> all_; ///< never moved
  std::mutex mutex_;                 ///< guards all_ and ending_
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread inspector_;
};

std::atomic<Registry*> started{nullptr};

/// Never freed, for a thread that NCCL holds up may still look at it when the process ends. Its communicators are ended
/// before that, and before CUDA ends: what was made later goes first.
Registry& registry() {
  static Registry& registry = *new Registry;
  static struct AtExit {
    ~AtExit() { registry.finish(); }
  } const at_exit;
  started = &registry;
  return registry;
}

/// What NCCL reads from the environment once, before its first use. What the user set stands.
void prepare_environment(Site const& site) {
  // NCCL refuses two ranks of one host on one device; ranks of different hosts reach one another over sockets.
  if (site.rehearsal) {
    auto const id = fmt::format("maru-{}-{}", host_name(), site.members[static_cast<std::size_t>(site.index)]);
    ::setenv("NCCL_HOSTID", id.c_str(), 0);
  }
  offer_nccl_profiler();
}

} // namespace

void NcclCommunicator::check() const {
  if (!failed_) return;
  std::scoped_lock const lock(reason_mutex_);
  throw Error(Exit::incomplete, reason_);
}

void NcclCommunicator::fail(std::string reason) noexcept {
  {
    std::scoped_lock const lock(reason_mutex_);
    reason_ = std::move(reason);
  }
  failed_ = true;
}

/// Empty without one. With calls_ held, as the next.
std::string NcclCommunicator::late_error() const {
  auto state = ncclSuccess;
  auto const status = ncclCommGetAsyncError(handle_, &state);
  if (!NcclStartApi::ok(status)) return NcclApi::text(status);
  return NcclStartApi::ok(state) ? std::string() : NcclApi::text(state);
}

void NcclCommunicator::give_up(std::string reason) noexcept {
  fail(std::move(reason));
  auto* const comm = std::exchange(handle_, nullptr);
  // What waits for the device goes on at once. The abort itself ends only when nobody has a graph of it any more.
  within(abort_patience, [comm] { ncclCommAbort(comm); });
}

void NcclCommunicator::inspect() noexcept try {
  if (!awaited_ || failed_) return;
  std::unique_lock const lock(calls_, std::try_to_lock);
  if (!lock || !handle_) return; // in a call, which will tell by itself
  if (auto error = late_error(); !error.empty()) give_up(std::move(error));
} catch (...) { // asked again soon
}

void NcclCommunicator::end(bool force) noexcept {
  auto* const comm = std::exchange(handle_, nullptr);
  if (force && comm && !failed_) fail("NCCL: the communicator was given up");
  if (comm) force ? ncclCommAbort(comm) : ncclCommDestroy(comm);
}

NcclCommunicator& nccl_communicator(Site const& site, std::span<std::vector<std::int64_t> const> groups,
                                    int most_ctas) {
  if (!started) prepare_environment(site);
  if (int device = 0; cudaGetDevice(&device) == cudaSuccess) home_device = device;
  return registry().of(site, groups, most_ctas);
}

void nccl_forget() noexcept {
  if (auto* const all = started.load()) all->forget();
}

void nccl_abandon() noexcept {
  if (auto* const all = started.load()) all->end(true);
}

double nccl_patience() {
  char const* text = std::getenv("MARU_NCCL_TIMEOUT");
  return text ? parse_duration(text, "MARU_NCCL_TIMEOUT") : 60;
}

} // namespace maru
