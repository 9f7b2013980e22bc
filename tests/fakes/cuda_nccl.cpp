// SPDX-License-Identifier: Apache-2.0
// An NCCL over MPI and the fake CUDA runtime: communicators form as slowly as their ranks come, calls are checked as
// NCCL's documents ask and then done by MPI. Faults, each for the world ranks that a list like "0,2" or "all" names:
//   MARU_FAKE_NCCL_ABSENT never joins a communicator
//   MARU_FAKE_NCCL_REFUSE cannot initialise
//   MARU_FAKE_NCCL_CORRUPT the last element of each result is wrong
//   MARU_FAKE_NCCL_LATE the third collective hangs on the device, and an error comes after that
// MARU_FAKE_NCCL_LOG names a file to which each rank adds a line per communicator and per event that it reports. Two
// ranks on one device of one host (of one NCCL_HOSTID) are refused, as NCCL does.
#include "tests/fakes/cuda_nccl.hpp"

#include "tests/fakes/cuda_fake.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <random>
#include <set>
#include <unistd.h>
#include <utility>

using namespace fake_nccl;

namespace {

struct UniqueId {
  std::uint64_t number;
  int root; ///< world rank that made it
};

std::set<ncclComm_t> alive;
std::string last_error;

// Asked once: what follows may come from another thread, or after MPI.
int world_rank() {
  static int const known = [] {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
  }();
  return known;
}

} // namespace

namespace fake_nccl {

int event_mask = 0;

bool faulty(char const* fault) {
  char const* const list = std::getenv((std::string("MARU_FAKE_NCCL_") + fault).c_str());
  if (!list) return false;
  return std::string(list) == "all" ||
         ("," + std::string(list) + ",").find("," + std::to_string(world_rank()) + ",") != std::string::npos;
}

ncclResult_t refuse(ncclResult_t status, std::string text) {
  last_error = std::move(text);
  return status;
}

bool lives(ncclComm_t comm) { return alive.contains(comm); }

void tell(std::string const& line) {
  if (char const* const path = std::getenv("MARU_FAKE_NCCL_LOG"))
    std::ofstream(path, std::ios::app) << "rank " + std::to_string(world_rank()) + " " + line + "\n" << std::flush;
}

Profiler const* profiler() {
  static Profiler const* const found = []() -> Profiler const* {
    char const* const path = std::getenv("NCCL_PROFILER_PLUGIN");
    void* const library = path ? ::dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    return library ? static_cast<Profiler const*>(::dlsym(library, "ncclProfiler_v5")) : nullptr;
  }();
  return found;
}

} // namespace fake_nccl

namespace {

void joined(ncclComm& comm) {
  comm.state = ncclSuccess;
  alive.insert(&comm);
  void* context = nullptr;
  if (profiler()) profiler()->begin(&context, 0, &event_mask, nullptr, 1, comm.size, comm.rank, nullptr);
}

void form(ncclComm& comm) {
  int here = 0;
  MPI_Status status;
  if (comm.rank == 0)
    while (static_cast<int>(comm.cards.size()) < comm.size) {
      MPI_Iprobe(MPI_ANY_SOURCE, comm.tag, MPI_COMM_WORLD, &here, &status);
      if (!here) return;
      Card card{};
      MPI_Recv(&card, sizeof card, MPI_BYTE, status.MPI_SOURCE, comm.tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      comm.cards.push_back(card);
      if (static_cast<int>(comm.cards.size()) < comm.size) continue;
      std::sort(comm.cards.begin(), comm.cards.end(), [](Card const& a, Card const& b) { return a.rank < b.rank; });
      for (auto const& to : comm.cards)
        if (to.rank != 0)
          MPI_Send(comm.cards.data(), static_cast<int>(comm.cards.size() * sizeof(Card)), MPI_BYTE, to.world_rank,
                   comm.tag + 1, MPI_COMM_WORLD);
    }
  else {
    MPI_Iprobe(comm.root, comm.tag + 1, MPI_COMM_WORLD, &here, &status);
    if (!here) return;
    comm.cards.resize(static_cast<std::size_t>(comm.size));
    MPI_Recv(comm.cards.data(), static_cast<int>(comm.cards.size() * sizeof(Card)), MPI_BYTE, comm.root, comm.tag + 1,
             MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  std::set<std::pair<std::uint64_t, int>> devices;
  std::vector<int> members;
  for (auto const& card : comm.cards) {
    members.push_back(card.world_rank);
    if (!devices.emplace(card.host, card.device).second) {
      comm.state = refuse(ncclInvalidUsage, "Duplicate GPU detected");
      return;
    }
  }
  MPI_Group world = MPI_GROUP_NULL, group = MPI_GROUP_NULL;
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_incl(world, comm.size, members.data(), &group);
  MPI_Comm_create_group(MPI_COMM_WORLD, group, comm.tag, &comm.comm);
  tell("joined " + std::to_string(comm.size));
  joined(comm);
}

void divide(ncclComm& parent) {
  int all_here = 0;
  MPI_Test(&parent.barrier, &all_here, MPI_STATUS_IGNORE);
  if (!all_here) return;
  auto* const part = new ncclComm;
  MPI_Comm_split(parent.comm, parent.color, parent.key, &part->comm);
  MPI_Comm_rank(part->comm, &part->rank);
  MPI_Comm_size(part->comm, &part->size);
  part->blocking = parent.part_blocking;
  part->channels = parent.part_channels;
  tell("split " + std::to_string(part->size) + " of " + std::to_string(parent.size));
  joined(*part);
  *std::exchange(parent.part, nullptr) = part;
  parent.state = ncclSuccess;
}

} // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}
char const* ncclGetErrorString(ncclResult_t status) {
  switch (status) {
  case ncclSuccess: return "no error";
  case ncclSystemError: return "unhandled system error";
  case ncclInvalidArgument: return "invalid argument";
  case ncclInvalidUsage: return "invalid usage";
  case ncclRemoteError: return "remote process exited or there was a network error";
  case ncclInProgress: return "NCCL operation in progress";
  default: return "unknown result code";
  }
}
char const* ncclGetLastError(ncclComm_t) { return last_error.c_str(); }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  UniqueId const made{std::random_device{}(), world_rank()};
  std::memcpy(id->internal, &made, sizeof made);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* result, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
  if (faulty("REFUSE")) return refuse(ncclSystemError, "no socket interface found");
  UniqueId made{};
  std::memcpy(&made, id.internal, sizeof made);
  auto* const comm = *result = new ncclComm;
  comm->rank = rank;
  comm->size = size;
  comm->root = made.root;
  comm->tag = 20000 + 2 * static_cast<int>(made.number % 5000);
  comm->blocking = config->blocking != 0;
  if (comm->blocking) return refuse(ncclInvalidUsage, "the fake forms communicators that do not block only");
  if (faulty("ABSENT")) {
    comm->rank = -1; // nothing comes of it
    return ncclInProgress;
  }
  char const* const host = std::getenv("NCCL_HOSTID");
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  Card card{rank, world_rank(), 0, std::hash<std::string>{}(host ? host : name)};
  cudaGetDevice(&card.device);
  if (rank == 0)
    comm->cards.push_back(card);
  else
    MPI_Send(&card, sizeof card, MPI_BYTE, made.root, comm->tag, MPI_COMM_WORLD);
  return ncclInProgress;
}

ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* part, ncclConfig_t* config) {
  if (!alive.contains(comm) || comm->state != ncclSuccess)
    return refuse(ncclInvalidArgument, "the parent is not ready");
  *part = nullptr;
  comm->color = color;
  comm->key = key;
  comm->part = part;
  comm->part_blocking = config->blocking != 0;
  comm->part_channels = config->maxCTAs == NCCL_CONFIG_UNDEF_INT ? 16 : std::min(16, config->maxCTAs);
  comm->state = ncclInProgress;
  MPI_Ibarrier(comm->comm, &comm->barrier);
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  if (comm->state == ncclInProgress && comm->part)
    divide(*comm);
  else if (comm->state == ncclInProgress && comm->rank >= 0)
    form(*comm);
  *state = comm->state;
  return ncclSuccess;
}

// They keep the memory and the communicator of MPI: MPI may have ended, and another thread must not call it.
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (alive.erase(comm) == 0) return refuse(ncclInvalidArgument, "destroyed twice");
  tell("destroyed " + std::to_string(comm->size));
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  alive.erase(comm);
  comm->aborted = true;
  return ncclSuccess;
}

ncclResult_t ncclMemAlloc(void** data, size_t size) {
  return cudaMalloc(data, size) == cudaSuccess ? ncclSuccess : refuse(ncclUnhandledCudaError, "out of memory");
}
ncclResult_t ncclMemFree(void* data) { return cudaFree(data) == cudaSuccess ? ncclSuccess : ncclInvalidArgument; }
ncclResult_t ncclCommRegister(ncclComm_t comm, void* data, size_t size, void** handle) {
  if (!alive.contains(comm) || !maru_fake_owns(data, size)) return refuse(ncclInvalidArgument, "not to be registered");
  *handle = data;
  return ncclSuccess;
}
ncclResult_t ncclCommDeregister(ncclComm_t comm, void* handle) {
  return alive.contains(comm) && maru_fake_owns(handle, 1) ? ncclSuccess : ncclInvalidArgument;
}

} // extern "C"
