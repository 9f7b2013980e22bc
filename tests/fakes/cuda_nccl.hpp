// SPDX-License-Identifier: Apache-2.0
// What the two halves of the fake NCCL share: communicators (cuda_nccl.cpp) and calls on them (cuda_nccl_calls.cpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <mpi.h>
#include <nccl.h>
#include <string>
#include <vector>

/// A member presents itself to the maker of the id.
struct Card {
  int rank, world_rank, device;
  std::uint64_t host;
};

struct ncclComm {
  int rank = 0, size = 0, tag = 0;
  bool blocking = true;
  ncclResult_t state = ncclInProgress;
  std::atomic<bool> aborted{false};
  MPI_Comm comm = MPI_COMM_NULL;
  int calls = 0;
  int channels = 16; ///< of a collective that NCCL has an algorithm for
  // While it forms: the id's maker collects cards, then sends them all to all.
  int root = 0;
  std::vector<Card> cards;
  // While it is divided.
  MPI_Request barrier = MPI_REQUEST_NULL;
  int color = 0, key = 0;
  ncclComm_t* part = nullptr;
  bool part_blocking = true;
  int part_channels = 16;
};

namespace fake_nccl {

/// Of the plug-in interface v5, as far as it is used here.
struct Profiler {
  char const* name;
  int (*begin)(void**, std::uint64_t, int*, char const*, int, int, int, void*);
  int (*start)(void*, void**, void*);
};
/// Whether this rank has the fault.
bool faulty(char const* fault);
/// Notes the text as the last error.
ncclResult_t refuse(ncclResult_t status, std::string text);
/// Adds a line to the log.
void tell(std::string const& line);
bool lives(ncclComm_t comm);
/// Null when NCCL_PROFILER_PLUGIN names none.
Profiler const* profiler();
/// The plug-in's.
extern int event_mask;

} // namespace fake_nccl
