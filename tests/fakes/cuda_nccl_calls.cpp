// SPDX-License-Identifier: Apache-2.0
// The calls of the fake NCCL: checked as NCCL's documents ask, then done by MPI on a copy of the input.
#include "tests/fakes/cuda_fake.hpp"
#include "tests/fakes/cuda_nccl.hpp"

#include <array>
#include <cstring>
#include <utility>

using namespace fake_nccl;

namespace {

struct Event {
  std::uint64_t type;
  void* parent;
  int rank, padding;
  std::array<std::byte, 88> rest;
};
static_assert(sizeof(Event) == 112);

struct Type {
  MPI_Datatype mpi;
  std::size_t size;
};
Type type_of(ncclDataType_t type) {
  switch (type) {
  case ncclFloat32: return {MPI_FLOAT, 4};
  case ncclFloat64: return {MPI_DOUBLE, 8};
  default: return {MPI_INT32_T, 4};
  }
}

struct Part {
  void const* data;
  std::size_t bytes;
};
bool overlap(Part a, Part b) {
  auto const begin = reinterpret_cast<std::uintptr_t>(a.data), other = reinterpret_cast<std::uintptr_t>(b.data);
  return begin < other + b.bytes && other < begin + a.bytes;
}

/// What NCCL says of its arguments. `in_place`: the addresses are those that the documents name for it.
ncclResult_t check(ncclComm_t comm, Part in, Part out, bool in_place) {
  if (!lives(comm)) return refuse(ncclInvalidArgument, "the communicator does not live");
  if (comm->state != ncclSuccess) return refuse(ncclInvalidUsage, "the communicator is not ready");
  if (in.bytes && !maru_fake_owns(in.data, in.bytes)) return refuse(ncclInvalidArgument, "send buffer out of bounds");
  if (out.bytes && !maru_fake_owns(out.data, out.bytes))
    return refuse(ncclInvalidArgument, "receive buffer out of bounds");
  if (in.bytes && out.bytes && overlap(in, out) && !in_place) return refuse(ncclInvalidArgument, "buffers overlap");
  return ncclSuccess;
}

/// An event of the plug-in interface as NCCL 2.28 fills it in.
void report(std::uint64_t type, int channels) {
  if (!profiler() || !(event_mask & static_cast<int>(type))) return;
  Event event{};
  event.type = type;
  auto* const bytes = reinterpret_cast<std::byte*>(&event);
  static char const *const algorithm = "RING", *const protocol = "SIMPLE";
  bytes[type == 2 ? 0x50 : 0x3c] = static_cast<std::byte>(channels);
  if (type == 2) {
    std::memcpy(bytes + 0x58, &algorithm, sizeof algorithm);
    std::memcpy(bytes + 0x60, &protocol, sizeof protocol);
  }
  void* handle = nullptr;
  profiler()->start(nullptr, &handle, &event);
  tell("reported");
}

int group_depth = 0;
std::vector<std::function<void()>> group_calls;

/// Enqueues the call, whose work is `action(input copied, output)`.
ncclResult_t enqueue(ncclComm_t comm, cudaStream_t stream, Part in, Part out, std::size_t element,
                     std::function<void(void const*, void*)> action) {
  std::function<void()> const work = [=] {
    std::vector<std::byte> copy(in.bytes);
    if (in.bytes) std::memcpy(copy.data(), in.data, in.bytes);
    action(copy.data(), const_cast<void*>(out.data));
    auto* const end = static_cast<unsigned char*>(const_cast<void*>(out.data)) + out.bytes;
    if (out.bytes >= element && faulty("CORRUPT")) end[-1] ^= 1U;
    if (++comm->calls == 3 && faulty("LATE")) {
      comm->state = refuse(ncclRemoteError, "a peer is gone");
      maru_fake_hang(&comm->aborted);
    }
  };
  maru_fake_run(stream, &work);
  return ncclSuccess;
}

} // namespace

extern "C" {

ncclResult_t ncclAllReduce(void const* in, void* out, size_t count, ncclDataType_t type, ncclRedOp_t, ncclComm_t comm,
                           cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const from{in, count * size}, to{out, count * size};
  if (auto const status = check(comm, from, to, in == out); status != ncclSuccess) return status;
  report(2, comm->channels);
  return enqueue(comm, stream, from, to, size, [=, mpi = mpi](void const* data, void* result) {
    MPI_Allreduce(data, result, static_cast<int>(count), mpi, MPI_SUM, comm->comm);
  });
}

ncclResult_t ncclAllGather(void const* in, void* out, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const from{in, count * size}, to{out, count * size * static_cast<std::size_t>(comm->size)};
  bool const in_place = in == static_cast<std::byte*>(out) + from.bytes * static_cast<std::size_t>(comm->rank);
  if (auto const status = check(comm, from, to, in_place); status != ncclSuccess) return status;
  report(2, comm->channels);
  return enqueue(comm, stream, from, to, size, [=, mpi = mpi](void const* data, void* result) {
    MPI_Allgather(data, static_cast<int>(count), mpi, result, static_cast<int>(count), mpi, comm->comm);
  });
}

ncclResult_t ncclReduceScatter(void const* in, void* out, size_t count, ncclDataType_t type, ncclRedOp_t,
                               ncclComm_t comm, cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const from{in, count * size * static_cast<std::size_t>(comm->size)}, to{out, count * size};
  bool const in_place = out == static_cast<std::byte const*>(in) + to.bytes * static_cast<std::size_t>(comm->rank);
  if (auto const status = check(comm, from, to, in_place); status != ncclSuccess) return status;
  report(2, comm->channels);
  return enqueue(comm, stream, from, to, size, [=, mpi = mpi](void const* data, void* result) {
    MPI_Reduce_scatter_block(data, result, static_cast<int>(count), mpi, MPI_SUM, comm->comm);
  });
}

ncclResult_t ncclAlltoAll(void const* in, void* out, size_t count, ncclDataType_t type, ncclComm_t comm,
                          cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const from{in, count * size * static_cast<std::size_t>(comm->size)}, to{out, from.bytes};
  if (auto const status = check(comm, from, to, false); status != ncclSuccess) return status;
  report(4, 2);
  return enqueue(comm, stream, from, to, size, [=, mpi = mpi](void const* data, void* result) {
    MPI_Alltoall(data, static_cast<int>(count), mpi, result, static_cast<int>(count), mpi, comm->comm);
  });
}

ncclResult_t ncclBroadcast(void const* in, void* out, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                           cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  bool const sends = comm->rank == root;
  Part const from{in, sends ? count * size : 0}, to{out, count * size};
  if (auto const status = check(comm, from, to, in == out); status != ncclSuccess) return status;
  report(2, comm->channels);
  return enqueue(comm, stream, from, to, size, [=, mpi = mpi](void const* data, void* result) {
    if (sends) std::memcpy(result, data, from.bytes);
    MPI_Bcast(result, static_cast<int>(count), mpi, root, comm->comm);
  });
}

ncclResult_t ncclReduce(void const* in, void* out, size_t count, ncclDataType_t type, ncclRedOp_t, int root,
                        ncclComm_t comm, cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const from{in, count * size}, to{out, comm->rank == root ? count * size : 0};
  if (auto const status = check(comm, from, to, in == out); status != ncclSuccess) return status;
  report(2, comm->channels);
  return enqueue(comm, stream, from, to, size, [=, mpi = mpi](void const* data, void* result) {
    MPI_Reduce(data, result, static_cast<int>(count), mpi, MPI_SUM, root, comm->comm);
  });
}

// Sends before receives: a group's sends must not wait for their receivers. Alone a call goes at once, as long as two
// ranks can only mean one another; more would wait in a circle.
ncclResult_t ncclSend(void const* in, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const from{in, count * size};
  if (auto const status = check(comm, from, {}, false); status != ncclSuccess) return status;
  if (group_depth == 0 && comm->size != 2) return refuse(ncclInvalidUsage, "a lone send would wait for ever here");
  report(4, 2);
  auto const call = [=, mpi = mpi] {
    enqueue(comm, stream, from, {}, 1, [=](void const* data, void*) {
      auto* const kept = new std::vector<std::byte>(from.bytes); // freed never: MPI may still read it
      std::memcpy(kept->data(), data, from.bytes);
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Isend(kept->data(), static_cast<int>(count), mpi, peer, 0, comm->comm, &request);
      MPI_Request_free(&request);
    });
  };
  if (group_depth == 0)
    call();
  else
    group_calls.insert(group_calls.begin(), call);
  return ncclSuccess;
}
ncclResult_t ncclRecv(void* out, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  auto const [mpi, size] = type_of(type);
  Part const to{out, count * size};
  if (auto const status = check(comm, {}, to, false); status != ncclSuccess) return status;
  if (group_depth == 0 && comm->size != 2) return refuse(ncclInvalidUsage, "a lone receive would wait for ever here");
  auto const call = [=, mpi = mpi, size = size] {
    enqueue(comm, stream, {}, to, size, [=](void const*, void* result) {
      MPI_Recv(result, static_cast<int>(count), mpi, peer, 0, comm->comm, MPI_STATUS_IGNORE);
    });
  };
  if (group_depth == 0)
    call();
  else
    group_calls.emplace_back(call);
  return ncclSuccess;
}
ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  if (--group_depth > 0) return ncclSuccess;
  for (auto const& call : std::exchange(group_calls, {})) call();
  return ncclSuccess;
}

} // extern "C"
