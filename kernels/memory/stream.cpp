// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "kernels/buffer.hpp"
#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr double q = 3.0;

/// out[i] = formula(i), the range cut evenly and always the same way: a thread computes where it first touched.
template <class Formula> void for_each(double* out, std::size_t count, int threads, Formula const& formula) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
  for (std::size_t i = 0; i < count; ++i) out[i] = formula(i);
}

/// McCalpin's four loops, a sum and a fill. Unlike his, every kind reads its own inputs and writes one output that
/// nobody reads, so that values do not grow with repetition.
class Stream final : public Work {
public:
  Stream(Memory const& memory, Site const& site)
      : kind_(memory.kind), threads_(std::max(site.threads, 1)), x_(memory.bytes / sizeof(double)),
        y_(two_inputs() ? x_.size() : 0), out_(kind_ == MemoryKind::read ? 1 : x_.size()) {
    fill(x_, random_bits(site.seed, 0));
    fill(y_, random_bits(site.seed, 1));
    store([](std::size_t) { return poison<double>(); }); // first touch by the threads that will write
  }

  void call() override {
    auto const *const x = x_.data(), *const y = y_.data();
    switch (kind_) {
    case MemoryKind::copy: return store([x](std::size_t i) { return x[i]; });
    case MemoryKind::scale: return store([x](std::size_t i) { return q * x[i]; });
    case MemoryKind::add: return store([x, y](std::size_t i) { return x[i] + y[i]; });
    case MemoryKind::triad: return store([x, y](std::size_t i) { return x[i] + q * y[i]; });
    case MemoryKind::read: return read();
    case MemoryKind::write: return store([](std::size_t i) { return q * static_cast<double>(i & 7); });
    }
  }

  Verification verify() override {
    if (kind_ == MemoryKind::read) return verify_sum();
    // Not by for_each(): a loop that leaves out an element would leave out its poison too.
    std::ranges::fill(out_.span(), poison<double>());
    call();
    Tally tally(kind_ == MemoryKind::triad ? "one rounding" : "exact");
    tally.compared(out_.size());
    for (std::size_t i = 0; i < out_.size(); ++i) check(i, tally);
    return std::move(tally).result();
  }

private:
  bool two_inputs() const { return kind_ == MemoryKind::add || kind_ == MemoryKind::triad; }

  void read() {
    auto const* const x = x_.data();
    auto const count = x_.size();
    double sum = 0;
#pragma omp parallel for simd num_threads(threads_) schedule(static) reduction(+ : sum)
    for (std::size_t i = 0; i < count; ++i) sum += x[i];
    *out_.data() = sum;
  }

  /// Rounding errors of a sum meet random signs: about √n·u of the sum of sizes (Higham and Mary 2020). An element that
  /// was left out or read twice is larger by orders of magnitude.
  Verification verify_sum() {
    *out_.data() = poison<double>();
    call();
    long double sum = 0, size = 0;
    for (double const x : x_.span()) {
      sum += x;
      size += std::abs(x);
    }
    Tally tally("sum");
    tally.compared(x_.size());
    auto const tolerance = 0x1p-53 * std::sqrt(static_cast<double>(x_.size())) * static_cast<double>(size);
    double const error = std::abs(*out_.data() - static_cast<double>(sum));
    if (!tally.tolerates(error, tolerance))
      tally.wrong([&] { return fmt::format("the sum is {}, not {}", *out_.data(), static_cast<double>(sum)); });
    return std::move(tally).result();
  }

  template <class Formula> void store(Formula const& formula) { for_each(out_.data(), out_.size(), threads_, formula); }
  void fill(Buffer<double>& buffer, std::uint64_t seed) {
    for_each(buffer.data(), buffer.size(), threads_, [=](std::size_t i) { return random_value<double>(seed, i); });
  }

  void check(std::size_t i, Tally& tally) const {
    double const x = x_.data()[i], y = two_inputs() ? y_.data()[i] : 0, got = out_.data()[i];
    double expected = x, tolerance = 0;
    if (kind_ == MemoryKind::scale) expected = q * x;
    if (kind_ == MemoryKind::write) expected = q * static_cast<double>(i & 7);
    if (kind_ == MemoryKind::add) expected = x + y;
    if (kind_ == MemoryKind::triad) {
      // The compiler may contract multiply and add into one rounding, here and in the loop differently.
      expected = x + q * y;
      tolerance = 0x1p-52 * (std::abs(x) + std::abs(q * y));
    }
    if (!tally.tolerates(std::abs(got - expected), tolerance))
      tally.wrong([&] { return fmt::format("element {} is {}, not {}", i, got, expected); });
  }

  MemoryKind kind_;
  int threads_;
  Buffer<double> x_, y_, out_;
};

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const memory = std::get_if<Memory>(&operation);
  if (!memory) return Skipped{fmt::format("streams memory only, not {}", name(operation))};
  if (memory->space != MemorySpace::host) return Skipped{"streams the host's memory only"};
  if (memory->bytes < sizeof(double)) return Skipped{fmt::format("{} bytes hold no f64", memory->bytes)};
  return std::nullopt;
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return std::make_unique<Stream>(std::get<Memory>(operation), site);
}

} // namespace

extern Backend const stream_backend;
Backend const stream_backend{
    "stream", "cpu", "STREAM's loops, a sum and a fill over f64, ordinary stores", false, supports, prepare, "memory"};

} // namespace maru
