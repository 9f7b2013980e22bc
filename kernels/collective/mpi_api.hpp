// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <array>
#include <cstdint>
#include <mpi.h>
#include <span>
#include <string>
#include <vector>

namespace maru {

/// For MARU_CHECK.
struct MpiApi {
  static bool ok(int status) { return status == MPI_SUCCESS; }
  static std::string text(int status) {
    std::array<char, MPI_MAX_ERROR_STRING + 1> text{};
    int length = 0;
    MPI_Error_string(status, text.data(), &length);
    return {text.data(), static_cast<std::size_t>(length)};
  }
};

/// An own communicator of some world ranks. Its members create it together; the others take no part. Its calls return
/// their errors instead of ending the job.
class GroupCommunicator {
public:
  explicit GroupCommunicator(std::span<std::int64_t const> world_ranks) {
    std::vector<int> const ranks(world_ranks.begin(), world_ranks.end());
    Group world, members;
    MARU_CHECK(MpiApi, MPI_Comm_group(MPI_COMM_WORLD, &world.handle));
    MARU_CHECK(MpiApi, MPI_Group_incl(world.handle, static_cast<int>(ranks.size()), ranks.data(), &members.handle));
    MARU_CHECK(MpiApi, MPI_Comm_create_group(MPI_COMM_WORLD, members.handle, 0, &handle_));
    MARU_CHECK(MpiApi, MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN));
  }
  GroupCommunicator(GroupCommunicator const&) = delete;
  GroupCommunicator& operator=(GroupCommunicator const&) = delete;
  ~GroupCommunicator() {
    // Work that outlives MPI has nothing left to free.
    int finalized = 0;
    if (handle_ != MPI_COMM_NULL && MPI_Finalized(&finalized) == MPI_SUCCESS && !finalized) MPI_Comm_free(&handle_);
  }

  MPI_Comm get() const { return handle_; }

private:
  struct Group {
    MPI_Group handle = MPI_GROUP_NULL;
    ~Group() {
      if (handle != MPI_GROUP_NULL) MPI_Group_free(&handle);
    }
  };
  MPI_Comm handle_ = MPI_COMM_NULL;
};

} // namespace maru
