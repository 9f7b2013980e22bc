// SPDX-License-Identifier: Apache-2.0
// mpirun -np N collective_loop: MPI_Allreduce as a hand-written loop times it, against maru's own measuring, in turn.
#include "bench/measure.hpp"
#include "core/backend.hpp"
#include "tests/perf/pairing.hpp"

#include <cstdio>
#include <memory>
#include <mpi.h>
#include <numeric>

namespace maru {
namespace {

// The loop as it stands in everybody's own benchmark: a barrier, n calls, the mean; then the slowest rank's.
double by_hand(std::vector<float> const& in, std::vector<float>& out, int calls) {
  auto const count = static_cast<int>(in.size());
  std::vector<double> each;
  for (int i = 0; i < 3; ++i) MPI_Allreduce(in.data(), out.data(), count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Barrier(MPI_COMM_WORLD);
  for (int i = 0; i < calls; ++i) {
    double const start = MPI_Wtime();
    MPI_Allreduce(in.data(), out.data(), count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    each.push_back(MPI_Wtime() - start);
  }
  MPI_Allreduce(MPI_IN_PLACE, each.data(), calls, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return middle(each);
}

void compare(World& world, Backend const& backend) {
  std::vector<std::int64_t> members(static_cast<std::size_t>(world.size()));
  std::iota(members.begin(), members.end(), std::int64_t{0});
  if (world.rank() == 0) std::printf("%12s %14s %14s %8s\n", "bytes", "maru us", "by hand us", "ratio");
  for (std::uint64_t bytes = 64 << 10; bytes <= 16 << 20; bytes *= 2) {
    Collective const question{.dtype = Dtype::f32, .bytes = bytes, .ranks = world.size()};
    auto const work = backend.prepare(question, {.members = members, .index = world.rank(), .group = &world});
    std::vector<float> in(bytes / sizeof(float), 1), out(in.size());
    auto const ours = [&] {
      Effort const effort{.iterations = 30, .warmup = 3};
      auto const measured = measure(
          {world, world, world.rank(), true}, work.get(), effort, [] {}, [] { return false; });
      return middle(measured.samples);
    };
    auto const result = pair_up(11, ours, [&] { return by_hand(in, out, 30); });
    if (world.rank() == 0)
      std::printf("%12llu %14.2f %14.2f %8.3f\n", static_cast<unsigned long long>(bytes), 1e6 * result.ours,
                  1e6 * result.theirs, result.ratio);
  }
}

} // namespace
} // namespace maru

int main() {
  auto const world = maru::mpi_world();
  for (auto const* backend : maru::builtin_backends())
    if (std::string_view(backend->name) == "mpi") maru::compare(*world, *backend);
}
