// SPDX-License-Identifier: Apache-2.0
#include "core/backend.hpp"
#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace maru {
namespace {

/// Busy for seconds · exp(noise · z), z standard normal: the median is `seconds` exactly, whatever the noise.
class SpinWork final : public Work {
public:
  SpinWork(Spin const& spin, std::uint64_t seed) : spin_(spin), seed_(seed) {}

  void call() override { wait(duration()); }

  Verification verify() override {
    double const asked = duration(), start = monotonic_seconds();
    wait(asked);
    double const took = monotonic_seconds() - start;
    Tally tally("duration");
    tally.compared(1);
    if (!tally.tolerates(asked - took, 0)) tally.wrong([&] { return fmt::format("took {} s of {} s", took, asked); });
    return std::move(tally).result();
  }

private:
  static void wait(double seconds) {
    double const start = monotonic_seconds();
    while (monotonic_seconds() - start < seconds) {
    }
  }

  /// Box and Muller, A note on the generation of random normal deviates, 1958: the cosine of the pair.
  double duration() {
    auto const uniform = [this] { return (random_value<double>(seed_, next_++) + 1) / 2; };
    double const radius = std::sqrt(-2 * std::log1p(-uniform()));
    double const z = radius * std::cos(2 * std::numbers::pi * uniform());
    return spin_.seconds * std::exp(spin_.noise * z);
  }

  Spin spin_;
  std::uint64_t seed_;
  std::uint64_t next_ = 0;
};

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const spin = std::get_if<Spin>(&operation);
  if (!spin) return Skipped{fmt::format("only spins, and has no {}", name(operation))};
  if (!(spin->seconds > 0 && std::isfinite(spin->seconds)) || !(spin->noise >= 0 && std::isfinite(spin->noise)))
    return Skipped{fmt::format("cannot spin for {} s with noise {}", spin->seconds, spin->noise)};
  return std::nullopt;
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return std::make_unique<SpinWork>(std::get<Spin>(operation), site.seed);
}

} // namespace

extern Backend const spin_backend;
Backend const spin_backend{"spin",  "cpu", "busy for a time of known median: tests the measuring", false, supports,
                           prepare, "spin"};

} // namespace maru
