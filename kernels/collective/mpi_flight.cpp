// SPDX-License-Identifier: Apache-2.0
#include "kernels/collective/mpi_flight.hpp"

#include "kernels/buffer.hpp"
#include "kernels/collective/mpi_api.hpp"
#include "kernels/collective/mpi_type.hpp"
#include "kernels/collective/pattern.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace maru {
namespace {

template <class T> class MpiFlight final : public CollectiveFlight {
public:
  MpiFlight(Collective const& collective, Site const& site)
      : collective_(collective), index_(site.index), seed_(site.seed), parts_(parts_of(collective, index_)),
        count_(static_cast<int>(parts_.count)), in_(parts_.input), out_(parts_.buffer), comm_(site.members) {
    refresh();
  }
  // A call in flight writes into the buffers.
  ~MpiFlight() override {
    if (in_flight()) MPI_Waitall(2, requests_, MPI_STATUSES_IGNORE);
  }

  void begin() override {
    void const* const in = in_.data();
    void* const out = out_.data();
    auto const comm = comm_.get();
    auto* const request = &requests_[0];
    switch (collective_.kind) {
    case CollectiveKind::all_reduce:
      return MARU_CHECK(MpiApi, MPI_Iallreduce(in, out, count_, type_, MPI_SUM, comm, request));
    case CollectiveKind::all_gather:
      return MARU_CHECK(MpiApi, MPI_Iallgather(in, count_, type_, out, count_, type_, comm, request));
    case CollectiveKind::reduce_scatter:
      return MARU_CHECK(MpiApi, MPI_Ireduce_scatter_block(in, out, count_, type_, MPI_SUM, comm, request));
    case CollectiveKind::all_to_all:
      return MARU_CHECK(MpiApi, MPI_Ialltoall(in, count_, type_, out, count_, type_, comm, request));
    case CollectiveKind::broadcast:
      return MARU_CHECK(MpiApi, MPI_Ibcast(out, count_, type_, collective_.root, comm, request));
    case CollectiveKind::reduce:
      return MARU_CHECK(MpiApi, MPI_Ireduce(in, out, count_, type_, MPI_SUM, collective_.root, comm, request));
    default: return shift(in, out);
    }
  }

  bool is_over() override {
    int over = 0;
    MARU_CHECK(MpiApi, MPI_Testall(2, requests_, &over, MPI_STATUSES_IGNORE));
    return over != 0;
  }

  void refresh() override {
    Pattern const pattern(++seed_, collective_.ranks);
    std::ranges::fill(out_.span(), poison<T>());
    if (collective_.kind != CollectiveKind::broadcast) fill_input(in_.span(), pattern, index_);
    if (collective_.kind == CollectiveKind::broadcast && index_ == collective_.root)
      fill_input(out_.span().subspan(parts_.in_place, parts_.input), pattern, index_);
  }

  Verification check() override {
    Pattern const pattern(seed_, collective_.ranks);
    return check_output<T>(std::span<T const>(out_.data(), parts_.output), collective_, pattern, index_);
  }

private:
  bool in_flight() const { return requests_[0] != MPI_REQUEST_NULL || requests_[1] != MPI_REQUEST_NULL; }

  /// A ring: to the next member, from the previous.
  void shift(void const* in, void* out) {
    int const next = (index_ + 1) % collective_.ranks, previous = (index_ + collective_.ranks - 1) % collective_.ranks;
    MARU_CHECK(MpiApi, MPI_Irecv(out, count_, type_, previous, 0, comm_.get(), &requests_[0]));
    MARU_CHECK(MpiApi, MPI_Isend(in, count_, type_, next, 0, comm_.get(), &requests_[1]));
  }

  Collective collective_;
  int index_;
  std::uint64_t seed_;
  Parts parts_;
  int count_;
  MPI_Datatype type_ = mpi_type<T>();
  Buffer<T> in_, out_;
  GroupCommunicator comm_;
  MPI_Request requests_[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
};

void add_up(std::span<float> values, MPI_Comm comm) {
  constexpr std::size_t most = std::size_t{1} << 30; // MPI counts in int
  for (std::size_t done = 0; done < values.size(); done += most) {
    auto const part = values.subspan(done, std::min(most, values.size() - done));
    MARU_CHECK(MpiApi,
               MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_FLOAT, MPI_SUM, comm));
  }
}

} // namespace

std::optional<Skipped> refuse_mpi() {
  int started = 0, ended = 0;
  MARU_CHECK(MpiApi, MPI_Initialized(&started));
  MARU_CHECK(MpiApi, MPI_Finalized(&ended));
  if (!started || ended) return Skipped{"not started under MPI"};
  return std::nullopt;
}

std::optional<Skipped> refuse_flight(Collective const& c) {
  if (is_of_two(c.kind)) return Skipped{fmt::format("a {} is not begun and finished apart here", name(c.kind))};
  if (c.in_place) return Skipped{"collectives beside a product are out of place"};
  return refuse_mpi_collective(c);
}

std::unique_ptr<CollectiveFlight> make_flight(Collective const& c, Site const& site) {
  if (site.members.size() != static_cast<std::size_t>(c.ranks))
    throw Error(Exit::incomplete, fmt::format("a collective of {} ranks was given {}", c.ranks, site.members.size()));
  switch (c.dtype) {
  case Dtype::f64: return std::make_unique<MpiFlight<double>>(c, site);
  case Dtype::f32: return std::make_unique<MpiFlight<float>>(c, site);
  default: return std::make_unique<MpiFlight<std::int32_t>>(c, site);
  }
}

Summation mpi_summation(std::span<std::int64_t const> members) {
  if (members.size() < 2) return [](std::span<float>) {};
  return
      [comm = std::make_shared<GroupCommunicator>(members)](std::span<float> values) { add_up(values, comm->get()); };
}

} // namespace maru
