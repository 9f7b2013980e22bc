// SPDX-License-Identifier: Apache-2.0
// OpenBLAS and MPI at the same time. MPI moves on only while it is called, and only the thread that started it may call
// it: that is the thread that measures. So either it multiplies too, tile by tile, and asks MPI in between (taken = 0),
// or it does nothing but ask, and a thread beside it multiplies with what threads are left (taken > 0).
#include "core/backend.hpp"
#include "kernels/collective/mpi_flight.hpp"
#include "kernels/gemm/blas.hpp"
#include "kernels/gemm/gemm_work.hpp"
#include "kernels/tally.hpp"

#include <exception>
#include <fmt/format.h>
#include <functional>
#include <semaphore>
#include <thread>

namespace maru {
namespace {

constexpr std::int64_t tiles = 16, least_tile_rows = 32; // shorter ones multiply at a lower rate

/// A thread that does one thing whenever it is told to.
class Helper {
public:
  explicit Helper(std::function<void()> action) : action_(std::move(action)), thread_([this] { run(); }) {}
  Helper(Helper const&) = delete;
  Helper& operator=(Helper const&) = delete;
  ~Helper() {
    ending_ = true;
    begin_.release();
    thread_.join();
  }

  void begin() { begin_.release(); }
  void wait() {
    done_.acquire();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

private:
  void run() {
    for (;;) {
      begin_.acquire();
      if (ending_) return;
      try {
        action_();
      } catch (...) {
        failure_ = std::current_exception();
      }
      done_.release();
    }
  }

  std::function<void()> action_;
  bool ending_ = false;
  std::exception_ptr failure_;
  std::binary_semaphore begin_{0}, done_{0};
  std::thread thread_;
};

/// One of the two alone.
class Alone final : public Work {
public:
  explicit Alone(std::function<void()> action) : action_(std::move(action)) {}
  void call() override { action_(); }
  Verification verify() override { return {}; }

private:
  std::function<void()> action_;
};

template <class T> class OpenblasMpi final : public Work {
public:
  OpenblasMpi(Overlap const& overlap, Site const& site)
      : threads_(std::max(site.threads, 1)), left_(threads_ - overlap.taken), seed_(site.seed),
        matrices_(overlap.gemm, seed_), flight_(make_flight(overlap.collective, site)),
        compute_([this] { multiply_rows(0, matrices_.shape.m, threads_); }), communicate_([this] {
          flight_->begin();
          finish();
        }) {
    use_blas_threads(threads_);
    if (overlap.taken > 0) helper_.emplace([this] { multiply_whole(); });
  }

  void call() override {
    ++calls_;
    if (helper_)
      beside_the_product();
    else
      between_tiles();
  }

  std::vector<Work*> beside() override { return {&compute_, &communicate_}; }

  std::vector<double> take_parts() override {
    auto const calls = static_cast<double>(std::max<std::uint64_t>(calls_, 1));
    std::vector<double> means{computing_ / calls, communicating_ / calls};
    calls_ = 0;
    computing_ = communicating_ = 0;
    return means;
  }

  Verification verify() override {
    matrices_.refresh(++seed_);
    flight_->refresh();
    call();
    auto const multiplied =
        check_product(Product<T, T>{matrices_.shape, matrices_.a.data(), matrices_.b.data(), matrices_.c.data()},
                      random_bits(seed_, 2));
    return merge(multiplied, flight_->check());
  }

private:
  void multiply_rows(std::int64_t first, std::int64_t count, int threads) {
    auto const& shape = matrices_.shape;
    use_blas_threads(threads);
    multiply<T>({count, shape.n, shape.k}, {matrices_.a.data() + first * shape.k, shape.k},
                {matrices_.b.data(), shape.n}, {matrices_.c.data() + first * shape.n, shape.n});
  }

  /// On the helper's thread.
  void multiply_whole() {
    double const begun = monotonic_seconds();
    multiply_rows(0, matrices_.shape.m, left_);
    computing_ += monotonic_seconds() - begun;
  }

  void finish() {
    while (!flight_->is_over()) {
    }
  }

  void beside_the_product() {
    helper_->begin();
    double const begun = monotonic_seconds();
    flight_->begin();
    finish();
    communicating_ += monotonic_seconds() - begun;
    helper_->wait();
  }

  void between_tiles() {
    auto const rows = matrices_.shape.m, tile = std::max((rows + tiles - 1) / tiles, least_tile_rows);
    double const begun = monotonic_seconds();
    flight_->begin();
    double const begun_computing = monotonic_seconds();
    double over = 0;
    for (std::int64_t first = 0; first < rows; first += tile) {
      multiply_rows(first, std::min(tile, rows - first), threads_);
      if (over == 0 && flight_->is_over()) over = monotonic_seconds();
    }
    computing_ += monotonic_seconds() - begun_computing;
    if (over == 0) {
      finish();
      over = monotonic_seconds();
    }
    communicating_ += over - begun;
  }

  int threads_, left_;
  std::uint64_t seed_, calls_ = 0;
  double computing_ = 0, communicating_ = 0; ///< seconds in the calls since take_parts()
  Matrices<T, T> matrices_;
  std::unique_ptr<CollectiveFlight> flight_;
  Alone compute_, communicate_;
  std::optional<Helper> helper_; // ends first
};

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const overlap = std::get_if<Overlap>(&operation);
  if (!overlap) return Skipped{fmt::format("multiplies and communicates at once, and has no {}", name(operation))};
  if (auto refusal = refuse_gemm(overlap->gemm, {{Dtype::f64, Dtype::f64}, {Dtype::f32, Dtype::f32}})) return refusal;
  if (auto refusal = refuse_flight(overlap->collective)) return refusal;
  if (overlap->taken >= overlap->threads)
    return Skipped{
        fmt::format("{} of a rank's {} threads taken: none is left to multiply", overlap->taken, overlap->threads)};
  return std::nullopt;
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& overlap = std::get<Overlap>(operation);
  if (overlap.gemm.in == Dtype::f64) return std::make_unique<OpenblasMpi<double>>(overlap, site);
  return std::make_unique<OpenblasMpi<float>>(overlap, site);
}

} // namespace

extern Backend const overlap_mpi_backend;
Backend const overlap_mpi_backend{
    "overlap_mpi", "cpu", "OpenBLAS and non-blocking MPI collectives at once", false, supports, prepare, "overlap"};

} // namespace maru
