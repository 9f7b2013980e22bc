// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/world.hpp"

#include <climits>
#include <fmt/format.h>
#include <mpi.h>
#include <numeric>
#include <unistd.h>

namespace maru {
namespace {

struct MpiApi {
  static bool ok(int status) { return status == MPI_SUCCESS; }
  static std::string text(int status) {
    char buffer[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(status, buffer, &length);
    return {buffer, static_cast<std::size_t>(length)};
  }
};

constexpr int tag = 4711;

int count_of(std::size_t bytes) {
  if (bytes > INT_MAX) throw Error(Exit::incomplete, fmt::format("a message of {} bytes is too long for MPI", bytes));
  return static_cast<int>(bytes);
}

class MpiWorld final : public World {
public:
  /// Takes over a communicator; MPI_COMM_WORLD also brings MPI's own life with it.
  explicit MpiWorld(MPI_Comm comm) : comm_(comm) {
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }

  ~MpiWorld() override {
    if (comm_ == MPI_COMM_WORLD)
      MPI_Finalize();
    else
      MPI_Comm_free(&comm_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void barrier() override { MARU_CHECK(MpiApi, MPI_Barrier(comm_)); }

  void broadcast(Bytes& bytes, int root) override {
    std::uint64_t size = bytes.size();
    MARU_CHECK(MpiApi, MPI_Bcast(&size, 1, MPI_UINT64_T, root, comm_));
    bytes.resize(size);
    MARU_CHECK(MpiApi, MPI_Bcast(bytes.data(), count_of(size), MPI_BYTE, root, comm_));
  }

  std::vector<Bytes> gather(std::span<std::byte const> bytes) override {
    int const mine = count_of(bytes.size());
    std::vector<int> counts(rank_ == 0 ? static_cast<std::size_t>(size_) : 0);
    MARU_CHECK(MpiApi, MPI_Gather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, comm_));
    std::vector<int> offsets(counts.size());
    std::size_t total = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      offsets[i] = static_cast<int>(total);
      total += static_cast<std::size_t>(counts[i]);
    }
    // Agreed, since only rank 0 knows the total.
    if (!all_agree(total <= INT_MAX)) throw Error(Exit::incomplete, "a gather of over 2 GiB is too long for MPI");
    Bytes flat(total);
    MARU_CHECK(MpiApi, MPI_Gatherv(bytes.data(), mine, MPI_BYTE, flat.data(), counts.data(), offsets.data(), MPI_BYTE,
                                   0, comm_));
    std::vector<Bytes> all;
    for (std::size_t i = 0; i < counts.size(); ++i)
      all.emplace_back(flat.begin() + offsets[i], flat.begin() + offsets[i] + counts[i]);
    return all;
  }

  void all_reduce_max(std::span<double> values) override {
    MARU_CHECK(MpiApi, MPI_Allreduce(MPI_IN_PLACE, values.data(), count_of(values.size()), MPI_DOUBLE, MPI_MAX, comm_));
  }

  void send(int to, std::span<std::byte const> bytes) override {
    MARU_CHECK(MpiApi, MPI_Send(bytes.data(), count_of(bytes.size()), MPI_BYTE, to, tag, comm_));
  }

  void receive(int from, std::span<std::byte> bytes) override {
    MARU_CHECK(MpiApi, MPI_Recv(bytes.data(), count_of(bytes.size()), MPI_BYTE, from, tag, comm_, MPI_STATUS_IGNORE));
  }

  std::unique_ptr<World> split(int color) override {
    MPI_Comm part = MPI_COMM_NULL;
    MARU_CHECK(MpiApi, MPI_Comm_split(comm_, color, rank_, &part));
    return std::make_unique<MpiWorld>(part);
  }

  [[noreturn]] void abort(int code) noexcept override {
    MPI_Abort(comm_, code);
    ::_exit(code);
  }

  std::string transport() const override {
    char buffer[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(buffer, &length);
    std::string text(buffer, static_cast<std::size_t>(length));
    return text.substr(0, text.find_first_of(",\n"));
  }

private:
  MPI_Comm comm_;
  int rank_ = 0;
  int size_ = 1;
};

} // namespace

std::unique_ptr<World> mpi_world() {
  int provided = 0;
  MARU_CHECK(MpiApi, MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
  return std::make_unique<MpiWorld>(MPI_COMM_WORLD);
}

} // namespace maru
