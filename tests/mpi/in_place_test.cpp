// SPDX-License-Identifier: Apache-2.0
// A result is right with or without a buffer of its own, so verifying cannot tell whether "in place" was. What reaches
// MPI can: this program puts itself between, by MPI's own profiling interface.
#include "core/backend.hpp"
#include "tests/mpi/main.hpp"

#include <mpi.h>
#include <numeric>
#include <string>

namespace {

std::string seen; ///< the last call of interest, and whether it was in place

int note(char const* call, bool in_place, MPI_Datatype type, int status) {
  if (type == MPI_FLOAT) seen = std::string(call) + (in_place ? " in place" : "");
  return status;
}

} // namespace

int MPI_Allreduce(void const* in, void* out, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return note("all_reduce", in == MPI_IN_PLACE, type, PMPI_Allreduce(in, out, n, type, op, comm));
}
int MPI_Reduce(void const* in, void* out, int n, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm) {
  return note("reduce", in == MPI_IN_PLACE || in == out, type, PMPI_Reduce(in, out, n, type, op, root, comm));
}
int MPI_Reduce_scatter_block(void const* in, void* out, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return note("reduce_scatter", in == MPI_IN_PLACE, type, PMPI_Reduce_scatter_block(in, out, n, type, op, comm));
}
int MPI_Allgather(void const* in, int n, MPI_Datatype type, void* out, int m, MPI_Datatype to, MPI_Comm comm) {
  return note("all_gather", in == MPI_IN_PLACE, to, PMPI_Allgather(in, n, type, out, m, to, comm));
}
int MPI_Alltoall(void const* in, int n, MPI_Datatype type, void* out, int m, MPI_Datatype to, MPI_Comm comm) {
  return note("all_to_all", in == MPI_IN_PLACE, to, PMPI_Alltoall(in, n, type, out, m, to, comm));
}
int MPI_Sendrecv(void const* in, int n, MPI_Datatype type, int to, int tag, void* out, int m, MPI_Datatype from_type,
                 int from, int from_tag, MPI_Comm comm, MPI_Status* status) {
  return note("send_recv", false, type,
              PMPI_Sendrecv(in, n, type, to, tag, out, m, from_type, from, from_tag, comm, status));
}
int MPI_Sendrecv_replace(void* buffer, int n, MPI_Datatype type, int to, int tag, int from, int from_tag, MPI_Comm comm,
                         MPI_Status* status) {
  return note("send_recv", true, type, PMPI_Sendrecv_replace(buffer, n, type, to, tag, from, from_tag, comm, status));
}

namespace maru {
namespace {

TEST(InPlace, ReachesMpi) {
  std::vector<std::int64_t> members(static_cast<std::size_t>(world->size()));
  std::iota(members.begin(), members.end(), std::int64_t{0});
  if (members.size() == 1) GTEST_SKIP() << "one rank: nothing to communicate with";
  for (auto const* backend : builtin_backends()) {
    if (std::string_view(backend->name) != "mpi") continue;
    for (auto const kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
                            CollectiveKind::all_to_all, CollectiveKind::reduce, CollectiveKind::send_recv})
      for (bool const in_place : {false, true}) {
        Collective const question{.kind = kind, .bytes = 1200, .in_place = in_place, .ranks = world->size()};
        auto const work = backend->prepare(question, {.members = members, .index = world->rank(), .group = world});
        work->call();
        EXPECT_EQ(seen, std::string(name(kind)) + (in_place ? " in place" : ""));
      }
  }
}

} // namespace
} // namespace maru
