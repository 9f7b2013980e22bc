// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fleet.hpp"

#include "bench/pairing.hpp"
#include "core/operation.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace maru {
namespace {

/// Its own, since the standard's distributions differ between libraries.
class Noise {
public:
  explicit Noise(std::uint64_t seed) : state_(seed * 2 + 1) {}
  /// Standard normal, by Box and Muller.
  double next() {
    double const radius = std::sqrt(-2 * std::log(uniform())), angle = 2 * std::numbers::pi * uniform();
    return radius * std::cos(angle);
  }

private:
  double uniform() { // splitmix64
    auto z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return (static_cast<double>((z ^ (z >> 31U)) >> 11U) + 0.5) * 0x1p-53;
  }
  std::uint64_t state_;
};

class Maker {
public:
  explicit Maker(Fleet const& fleet) : fleet_(fleet), noise_(fleet.seed) {}

  Report make() {
    add_run();
    for (std::size_t size = 0; fleet_.gemm && size < fleet_.gemm_sizes; ++size) add_gemm(4096 << size);
    if (fleet_.memory) add_memory();
    if (fleet_.collectives && fleet_.ranks_per_host > 1) add_collectives();
    if (fleet_.links && fleet_.hosts > 1) add_links();
    return std::move(report_);
  }

private:
  std::size_t ranks() const { return fleet_.hosts * fleet_.ranks_per_host; }
  static double factor(std::map<std::size_t, double> const& slow, std::size_t host) {
    auto const found = slow.find(host);
    return found == slow.end() ? 1 : found->second;
  }

  void add_run() {
    report_.run.id = "20261122-040212-7f3a";
    report_.run.plan = "acceptance";
    report_.run.started = 1795320132;
    report_.run.finished = 1795320432;
    report_.run.complete = true;
    for (std::size_t host = 0; host < fleet_.hosts; ++host) {
      report_.hosts.emplace_back().name = fleet_host(host);
      report_.hosts.back().cpu = "AMD EPYC 9654";
      for (std::size_t local = 0; local < fleet_.ranks_per_host; ++local) {
        auto& info = report_.ranks.emplace_back();
        info.rank = static_cast<std::int64_t>(report_.ranks.size() - 1);
        info.host = fleet_host(host);
        info.local_rank = static_cast<std::int64_t>(local);
        if (!fleet_.devices) continue;
        info.device = "NVIDIA H200";
        info.device_uuid = fmt::format("GPU-{:08x}", info.rank);
      }
    }
  }

  Record& add(char const* probe, Operation const& operation, Group group, double seconds) {
    auto& record = report_.records.emplace_back();
    bool const device = fleet_.devices;
    bool const collective = std::holds_alternative<Collective>(operation);
    record.probe = probe;
    record.operation = name(operation);
    record.backend = collective ? (device ? "nccl" : "mpi") : device ? "cublaslt" : "openblas";
    record.device = device ? "cuda" : "cpu";
    record.labels = labels(operation);
    record.group = std::move(group);
    record.cost = cost(operation);
    auto& time = record.time.emplace();
    time.samples = 100;
    time.median = seconds * std::exp(fleet_.noise * noise_.next());
    time.median_ci = Interval{time.median * 0.998, time.median * 1.002};
    return record;
  }

  static Group alone(std::size_t rank) {
    auto const number = static_cast<std::int64_t>(rank);
    return {"rank", number, {number}};
  }

  void add_gemm(std::int64_t edge) {
    Gemm const gemm{.in = Dtype::bf16, .out = Dtype::bf16, .m = edge, .n = edge, .k = edge};
    for (std::size_t rank = 0; rank < ranks(); ++rank)
      add("gemm", gemm, alone(rank),
          cost(gemm).flops / 750e12 * factor(fleet_.slow_gemm, rank / fleet_.ranks_per_host));
  }

  void add_memory() {
    Memory const copy{
        .kind = MemoryKind::copy, .bytes = 1 << 30, .space = fleet_.devices ? MemorySpace::device : MemorySpace::host};
    for (std::size_t rank = 0; rank < ranks(); ++rank)
      add("memory", copy, alone(rank),
          cost(copy).bytes / 4.2e12 * factor(fleet_.slow_memory, rank / fleet_.ranks_per_host));
  }

  void add_collectives() {
    Collective const asked{.bytes = 1 << 30, .ranks = static_cast<int>(fleet_.ranks_per_host)};
    for (std::size_t host = 0; host < fleet_.hosts; ++host) {
      Group group{"node", static_cast<std::int64_t>(host), {}};
      for (std::size_t local = 0; local < fleet_.ranks_per_host; ++local)
        group.ranks.push_back(static_cast<std::int64_t>(host * fleet_.ranks_per_host + local));
      add("collectives", asked, std::move(group), cost(asked).bus_bytes / 470e9);
    }
  }

  double link_factor(std::size_t from, std::size_t to) const {
    auto const own = fleet_.slow_links.find({from, to});
    return std::max({factor(fleet_.slow_network, from), factor(fleet_.slow_network, to),
                     own == fleet_.slow_links.end() ? 1.0 : own->second});
  }

  void add_links() {
    std::size_t number = 0;
    for (auto const round : choose_rounds(fleet_.hosts, fleet_.links_full)) {
      auto const pairs = pairs_of_round(fleet_.hosts, round);
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        auto const [a, b] = pairs[i];
        Group const group{fmt::format("hosts:{}/{}", number, fleet_.hosts),
                          static_cast<std::int64_t>(i),
                          {static_cast<std::int64_t>(a * fleet_.ranks_per_host),
                           static_cast<std::int64_t>(b * fleet_.ranks_per_host)}};
        add("links", Collective{.kind = CollectiveKind::ping_pong, .bytes = 8, .ranks = 2}, group, 12e-6);
        for (int const root : {0, 1})
          add("links", Collective{.kind = CollectiveKind::send, .bytes = 32 << 20, .root = root, .ranks = 2}, group,
              (32 << 20) / 48e9 * (root == 0 ? link_factor(a, b) : link_factor(b, a)));
      }
      ++number;
    }
  }

  Fleet const& fleet_;
  Noise noise_;
  Report report_;
};

} // namespace

std::string fleet_host(std::size_t number) { return fmt::format("h{:05}", number); }

std::vector<std::string> hosts_in(Verdict const& verdict, State state) {
  std::vector<std::string> hosts;
  for (auto const& host : verdict.hosts)
    if (host.state == state) hosts.push_back(host.host);
  return hosts;
}

Report make_report(Fleet const& fleet) { return Maker(fleet).make(); }

} // namespace maru
