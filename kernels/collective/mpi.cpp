// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "kernels/buffer.hpp"
#include "kernels/collective/mpi_api.hpp"
#include "kernels/collective/mpi_flight.hpp"
#include "kernels/collective/mpi_type.hpp"
#include "kernels/collective/pattern.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace maru {
namespace {

template <class T> class MpiCollective final : public Work {
public:
  MpiCollective(Collective const& collective, Site const& site)
      : collective_(collective), index_(site.index), seed_(site.seed), parts_(parts_of(collective, index_)),
        count_(static_cast<int>(parts_.count)), type_(mpi_type<T>()), in_(shared() ? 0 : parts_.input),
        out_(parts_.buffer), comm_(site.members) {
    refresh(Pattern(seed_, collective_.ranks));
  }

  /// In place, repeated sums grow until they are inf (s32 wraps): CPUs add those at the same speed.
  void call() override {
    void const* const in = shared() ? MPI_IN_PLACE : in_.data();
    void* const out = out_.data();
    auto const comm = comm_.get();
    switch (collective_.kind) {
    case CollectiveKind::all_reduce: return MARU_CHECK(MpiApi, MPI_Allreduce(in, out, count_, type_, MPI_SUM, comm));
    case CollectiveKind::all_gather:
      return MARU_CHECK(MpiApi, MPI_Allgather(in, count_, type_, out, count_, type_, comm));
    case CollectiveKind::reduce_scatter:
      return MARU_CHECK(MpiApi, MPI_Reduce_scatter_block(in, out, count_, type_, MPI_SUM, comm));
    case CollectiveKind::all_to_all:
      return MARU_CHECK(MpiApi, MPI_Alltoall(in, count_, type_, out, count_, type_, comm));
    case CollectiveKind::broadcast: return MARU_CHECK(MpiApi, MPI_Bcast(out, count_, type_, collective_.root, comm));
    case CollectiveKind::reduce: return reduce(in, out);
    case CollectiveKind::send_recv: return shift(in, out);
    case CollectiveKind::ping_pong: return there_and_back(in, out);
    case CollectiveKind::send: return index_ == collective_.root ? send(in) : receive(out);
    }
  }

  Verification verify() override {
    Pattern const pattern(++seed_, collective_.ranks);
    refresh(pattern);
    call();
    return check_output<T>(std::span<T const>(out_.data(), parts_.output), collective_, pattern, index_);
  }

private:
  /// Whether input and output are one buffer; a broadcast's always are.
  bool shared() const { return collective_.in_place || collective_.kind == CollectiveKind::broadcast; }

  /// Only the root may say MPI_IN_PLACE; the others send what lies in the common buffer.
  void reduce(void const* in, void* out) {
    if (shared() && index_ != collective_.root) in = out;
    MARU_CHECK(MpiApi, MPI_Reduce(in, out, count_, type_, MPI_SUM, collective_.root, comm_.get()));
  }

  /// A ring: to the next member, from the previous.
  void shift(void const* in, void* out) {
    constexpr int tag = 0;
    int const next = (index_ + 1) % collective_.ranks, previous = (index_ + collective_.ranks - 1) % collective_.ranks;
    if (shared())
      MARU_CHECK(MpiApi,
                 MPI_Sendrecv_replace(out, count_, type_, next, tag, previous, tag, comm_.get(), MPI_STATUS_IGNORE));
    else
      MARU_CHECK(MpiApi, MPI_Sendrecv(in, count_, type_, next, tag, out, count_, type_, previous, tag, comm_.get(),
                                      MPI_STATUS_IGNORE));
  }

  void send(void const* in) { MARU_CHECK(MpiApi, MPI_Send(in, count_, type_, 1 - index_, 0, comm_.get())); }
  void receive(void* out) {
    MARU_CHECK(MpiApi, MPI_Recv(out, count_, type_, 1 - index_, 0, comm_.get(), MPI_STATUS_IGNORE));
  }
  void there_and_back(void const* in, void* out) {
    if (index_ == 0) send(in);
    receive(out);
    if (index_ == 1) send(in);
  }

  /// Poisons the output, then writes the input, which may lie in it. A broadcast has an input on its root only.
  void refresh(Pattern const& pattern) {
    std::ranges::fill(out_.span(), poison<T>());
    if (collective_.kind == CollectiveKind::broadcast && index_ != collective_.root) return;
    auto const input = shared() ? out_.span().subspan(parts_.in_place, parts_.input) : in_.span();
    fill_input(input, pattern, index_);
  }

  Collective collective_;
  int index_;
  std::uint64_t seed_;
  Parts parts_;
  int count_;
  MPI_Datatype type_;
  Buffer<T> in_, out_;
  GroupCommunicator comm_;
};

/// What the question itself forbids, wherever it is asked.
std::optional<Skipped> refuse(Collective const& c) {
  if (c.dtype != Dtype::f32 && c.dtype != Dtype::f64 && c.dtype != Dtype::s32)
    return Skipped{fmt::format("MPI collectives are measured in f32, f64 and s32, not {}", name(c.dtype))};
  if (c.graph) return Skipped{"MPI has no graphs"};
  if (c.registered) return Skipped{"MPI registers no buffers"};
  if (c.ranks <= 1) return Skipped{"one rank: nothing to communicate with"};
  if (is_of_two(c.kind) && c.ranks != 2)
    return Skipped{fmt::format("{} is of two ranks, not of {}", name(c.kind), c.ranks)};
  if (is_of_two(c.kind) && c.in_place) return Skipped{fmt::format("there is no {} in place", name(c.kind))};
  if (is_rooted(c.kind) && (c.root < 0 || c.root >= c.ranks))
    return Skipped{fmt::format("root {} is not among {} ranks", c.root, c.ranks)};
  if (part_count(c) == 0) return Skipped{fmt::format("{} bytes are less than one element per rank", c.bytes)};
  // MPI 3 counts in int, and Open MPI 4 adds the ranks' counts up in int too.
  if (c.bytes / size_of(c.dtype) > static_cast<std::uint64_t>(std::numeric_limits<int>::max()))
    return Skipped{fmt::format("{} bytes are more elements than MPI counts", c.bytes)};
  return std::nullopt;
}

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const collective = std::get_if<Collective>(&operation);
  if (!collective) return Skipped{fmt::format("communicates only, and has no {}", name(operation))};
  return refuse_mpi_collective(*collective);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& c = std::get<Collective>(operation);
  if (site.members.size() != static_cast<std::size_t>(c.ranks))
    throw Error(Exit::incomplete, fmt::format("a collective of {} ranks was given {}", c.ranks, site.members.size()));
  switch (c.dtype) {
  case Dtype::f64: return std::make_unique<MpiCollective<double>>(c, site);
  case Dtype::f32: return std::make_unique<MpiCollective<float>>(c, site);
  default: return std::make_unique<MpiCollective<std::int32_t>>(c, site);
  }
}

} // namespace

std::optional<Skipped> refuse_mpi_collective(Collective const& collective) {
  if (auto refusal = refuse(collective)) return refusal;
  return refuse_mpi();
}

extern Backend const mpi_backend;
Backend const mpi_backend{
    "mpi", "cpu", "MPI collectives and a ring of sends between host buffers", false, supports, prepare, "collective"};

} // namespace maru
