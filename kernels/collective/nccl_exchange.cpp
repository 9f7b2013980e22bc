// SPDX-License-Identifier: Apache-2.0
#include "kernels/collective/nccl_exchange.hpp"

#include "kernels/buffer.hpp"
#include "kernels/collective/nccl_memory.hpp"
#include "kernels/collective/pattern.hpp"
#include "kernels/cuda/api.hpp"

#include <fmt/format.h>

// NCCL has it since 2.28. Weak: the library found at run time may be older than the header of the build.
extern "C" __attribute__((weak)) ncclResult_t ncclAlltoAll(void const*, void*, std::size_t, ncclDataType_t, ncclComm_t,
                                                           cudaStream_t);

namespace maru {
namespace {

template <class T> constexpr ncclDataType_t nccl_type() {
  if constexpr (std::is_same_v<T, double>)
    return ncclFloat64;
  else if constexpr (std::is_same_v<T, float>)
    return ncclFloat32;
  else
    return ncclInt32;
}

/// The calls of a group reach NCCL together, however many of them it refuses.
template <class Calls> ncclResult_t grouped(Calls const& calls) {
  if (auto const status = ncclGroupStart(); status != ncclSuccess) return status;
  auto const status = calls();
  auto const ended = ncclGroupEnd();
  return status == ncclSuccess ? ended : status;
}

template <class T> class Exchange final : public NcclExchange {
public:
  Exchange(Collective const& collective, Site const& site, NcclCommunicator& communicator,
           StreamLane::Priority priority)
      : collective_(collective), index_(site.index), seed_(site.seed), pattern_(seed_, collective.ranks),
        parts_(parts_of(collective, index_)), communicator_(communicator),
        in_(bytes(collective.in_place ? 0 : parts_.input), communicator, collective.registered),
        out_(bytes(parts_.buffer), communicator, collective.registered),
        lane_(communicator, collective.graph ? StreamLane::Mode::graphs : StreamLane::Mode::launches, priority) {
    fill();
  }

  void enqueue() override {
    communicator_.use([&](ncclComm_t comm) { check_call<NcclApi>(enqueue(comm), function(), __FILE__, __LINE__); });
  }
  NcclLane& lane() override { return lane_; }

  void refresh() override {
    pattern_ = Pattern(++seed_, collective_.ranks);
    fill();
  }
  Verification check() override {
    Buffer<T> result(parts_.output);
    copy(result.data(), output(), bytes(result.size()));
    return check_output<T>(result.span(), collective_, pattern_, index_);
  }

  char const* function() const override {
    switch (collective_.kind) {
    case CollectiveKind::all_reduce: return "ncclAllReduce";
    case CollectiveKind::all_gather: return "ncclAllGather";
    case CollectiveKind::reduce_scatter: return "ncclReduceScatter";
    case CollectiveKind::all_to_all: return ncclAlltoAll ? "ncclAlltoAll" : "send/recv group";
    case CollectiveKind::broadcast: return "ncclBroadcast";
    case CollectiveKind::reduce: return "ncclReduce";
    case CollectiveKind::send_recv: return "send/recv group";
    case CollectiveKind::ping_pong: return "send, recv";
    case CollectiveKind::send: return index_ == collective_.root ? "ncclSend" : "ncclRecv";
    }
    return "";
  }

private:
  static std::size_t bytes(std::uint64_t count) { return static_cast<std::size_t>(count) * sizeof(T); }

  /// Where the input lies. NCCL knows "in place" by the addresses: a part of the one buffer is the other.
  T* input() const { return collective_.in_place ? out_.template as<T>() + parts_.in_place : in_.template as<T>(); }
  /// Where the result lies: for reduce_scatter in place at the rank's own part, not at the beginning as MPI has it.
  T* output() const {
    bool const own_part = collective_.in_place && collective_.kind == CollectiveKind::reduce_scatter;
    return out_.template as<T>() + (own_part ? static_cast<std::uint64_t>(index_) * parts_.count : 0);
  }

  ncclResult_t enqueue(ncclComm_t comm) {
    T *const in = input(), *const out = output();
    auto const count = static_cast<std::size_t>(parts_.count);
    auto const stream = lane_.stream();
    switch (collective_.kind) {
    case CollectiveKind::all_reduce: return ncclAllReduce(in, out, count, type, ncclSum, comm, stream);
    case CollectiveKind::all_gather: return ncclAllGather(in, out, count, type, comm, stream);
    case CollectiveKind::reduce_scatter: return ncclReduceScatter(in, out, count, type, ncclSum, comm, stream);
    case CollectiveKind::all_to_all: return exchange(in, out, comm);
    case CollectiveKind::broadcast: return ncclBroadcast(in, out, count, type, collective_.root, comm, stream);
    case CollectiveKind::reduce: return ncclReduce(in, out, count, type, ncclSum, collective_.root, comm, stream);
    case CollectiveKind::send_recv: return shift(in, out, comm);
    case CollectiveKind::ping_pong: return there_and_back(in, out, comm);
    case CollectiveKind::send: return index_ == collective_.root ? send(in, comm) : receive(out, comm);
    }
    return ncclInvalidArgument;
  }

  ncclResult_t exchange(T const* in, T* out, ncclComm_t comm) {
    auto const count = static_cast<std::size_t>(parts_.count);
    if (ncclAlltoAll) return ncclAlltoAll(in, out, count, type, comm, lane_.stream());
    return grouped([&] {
      auto status = ncclSuccess;
      for (int peer = 0; peer < collective_.ranks && status == ncclSuccess; ++peer) {
        auto const offset = static_cast<std::size_t>(peer) * count;
        status = ncclSend(in + offset, count, type, peer, comm, lane_.stream());
        if (status == ncclSuccess) status = ncclRecv(out + offset, count, type, peer, comm, lane_.stream());
      }
      return status;
    });
  }

  /// A ring: to the next member, from the previous.
  ncclResult_t shift(T const* in, T* out, ncclComm_t comm) {
    auto const count = static_cast<std::size_t>(parts_.count);
    int const next = (index_ + 1) % collective_.ranks, previous = (index_ + collective_.ranks - 1) % collective_.ranks;
    return grouped([&] {
      auto const status = ncclSend(in, count, type, next, comm, lane_.stream());
      return status == ncclSuccess ? ncclRecv(out, count, type, previous, comm, lane_.stream()) : status;
    });
  }

  ncclResult_t send(T const* in, ncclComm_t comm) {
    return ncclSend(in, static_cast<std::size_t>(parts_.count), type, 1 - index_, comm, lane_.stream());
  }
  ncclResult_t receive(T* out, ncclComm_t comm) {
    return ncclRecv(out, static_cast<std::size_t>(parts_.count), type, 1 - index_, comm, lane_.stream());
  }
  /// Not in one group: the answer begins when the message has come.
  ncclResult_t there_and_back(T const* in, T* out, ncclComm_t comm) {
    auto const first = index_ == 0 ? send(in, comm) : receive(out, comm);
    if (first != ncclSuccess) return first;
    return index_ == 0 ? receive(out, comm) : send(in, comm);
  }

  /// Poisons the output, then writes the input, which may lie in it. A broadcast has an input on its root only.
  void fill() {
    poison_device(out_.data(), out_.size(), lane_.stream());
    if (collective_.kind == CollectiveKind::broadcast && index_ != collective_.root) return lane_.wait();
    Buffer<T> values(parts_.input);
    fill_input(values.span(), pattern_, index_);
    copy(input(), values.data(), bytes(values.size()));
  }

  void copy(void* to, void const* from, std::size_t size) {
    if (size == 0) return;
    MARU_CHECK(CudaApi, cudaMemcpyAsync(to, from, size, cudaMemcpyDefault, lane_.stream()));
    lane_.wait();
  }

  static constexpr ncclDataType_t type = nccl_type<T>();

  Collective collective_;
  int index_;
  std::uint64_t seed_;
  Pattern pattern_;
  Parts parts_;
  NcclCommunicator& communicator_;
  NcclBytes in_, out_;
  NcclLane lane_; // ends before the buffers that its stream and its graph use
};

} // namespace

std::unique_ptr<NcclExchange> make_nccl_exchange(Collective const& c, Site const& site, NcclCommunicator& communicator,
                                                 StreamLane::Priority priority) {
  switch (c.dtype) {
  case Dtype::f64: return std::make_unique<Exchange<double>>(c, site, communicator, priority);
  case Dtype::f32: return std::make_unique<Exchange<float>>(c, site, communicator, priority);
  default: return std::make_unique<Exchange<std::int32_t>>(c, site, communicator, priority);
  }
}

void check_members(Collective const& c, Site const& site) {
  if (site.members.size() != static_cast<std::size_t>(c.ranks) || !site.group)
    throw Error(Exit::incomplete, fmt::format("a collective of {} ranks was given {}", c.ranks, site.members.size()));
}

std::optional<Skipped> refuse_exchange(Collective const& c) {
  if (c.dtype != Dtype::f32 && c.dtype != Dtype::f64 && c.dtype != Dtype::s32)
    return Skipped{fmt::format("NCCL collectives are measured in f32, f64 and s32, not {}", name(c.dtype))};
  if (c.ranks <= 1) return Skipped{"one rank: nothing to communicate with"};
  if (is_of_two(c.kind) && c.ranks != 2)
    return Skipped{fmt::format("{} is of two ranks, not of {}", name(c.kind), c.ranks)};
  if (is_of_two(c.kind) && c.in_place) return Skipped{fmt::format("there is no {} in place", name(c.kind))};
  if (is_rooted(c.kind) && (c.root < 0 || c.root >= c.ranks))
    return Skipped{fmt::format("root {} is not among {} ranks", c.root, c.ranks)};
  if (part_count(c) == 0) return Skipped{fmt::format("{} bytes are less than one element per rank", c.bytes)};
  // It would write over what it has not sent yet.
  if (c.in_place && (c.kind == CollectiveKind::all_to_all || c.kind == CollectiveKind::send_recv))
    return Skipped{fmt::format("NCCL has no {} in place", name(c.kind))};
  return std::nullopt;
}

std::string answer_text(NcclExchange const& exchange, std::optional<NcclChoice> const& choice) {
  if (!choice) return exchange.function();
  auto const chosen = choice->text();
  return choice->algorithm.empty() ? fmt::format("{} {}", exchange.function(), chosen) : chosen;
}

} // namespace maru
