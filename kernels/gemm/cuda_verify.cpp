// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/cuda_verify.hpp"

#include "kernels/cuda/api.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/gemm/block_scale.hpp"
#include "kernels/gemm/cuda_reference.hpp"
#include "kernels/minifloat.hpp"
#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <vector>

namespace maru {
namespace {

constexpr std::uint64_t repeats = 100;
constexpr std::uint64_t fewest_repeats = 4; // of a kernel that would take longer than this:
constexpr double repeats_budget = 3;        // seconds
constexpr double band_bytes = 0x1p28;       // of references at once
constexpr std::uint64_t sampled = 32;       // places beside the corners where the reference is checked

struct Place {
  std::int64_t row = 0, column = 0;
};

std::vector<Place> sampled_places(Gemm const& g, std::uint64_t seed) {
  std::vector<Place> places{{0, 0}, {0, g.n - 1}, {g.m - 1, 0}, {g.m - 1, g.n - 1}};
  auto const below = [&](std::uint64_t i, std::int64_t n) {
    return static_cast<std::int64_t>(random_bits(~seed, i) % static_cast<std::uint64_t>(n));
  };
  for (std::uint64_t s = 0; s < sampled; ++s) places.push_back({below(2 * s, g.m), below(2 * s + 1, g.n)});
  return places;
}

/// Copies that are over when they return.
class Download {
public:
  explicit Download(StreamLane& lane) : lane_(lane) {}
  std::vector<unsigned char> bytes(void const* from, std::size_t count) {
    std::vector<unsigned char> to(count);
    copy(to.data(), from, count);
    return to;
  }
  template <class T> T value(void const* from) {
    T to{};
    copy(&to, from, sizeof to);
    return to;
  }

private:
  void copy(void* to, void const* from, std::size_t count) {
    MARU_CHECK(CudaApi, cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToHost, lane_.stream()));
    lane_.wait();
  }
  StreamLane& lane_;
};

std::uint64_t bytes_before(Dtype dtype, std::int64_t count) {
  return bytes_of(dtype, static_cast<std::uint64_t>(count));
}

/// Row `row` of a matrix whose rows run along k, as the numbers it stands for.
std::vector<double> host_row(Download& download, Dtype dtype, void const* matrix, void const* scales, std::int64_t rows,
                             std::int64_t k, std::int64_t row) {
  auto const raw =
      download.bytes(static_cast<char const*>(matrix) + bytes_before(dtype, row * k), bytes_before(dtype, k));
  std::vector<double> values(static_cast<std::size_t>(k));
  for (std::size_t l = 0; l < values.size(); ++l) values[l] = decode(dtype, raw.data(), l);
  ScaleLayout const layout(dtype, rows, k);
  if (layout.bytes() == 0) return values;
  // A row of tiles holds all scales of 128 rows.
  auto const begin = layout.index(row / 128 * 128, 0);
  auto const codes =
      download.bytes(static_cast<char const*>(scales) + begin, static_cast<std::size_t>(layout.tiles) * 512);
  for (std::int64_t l = 0; l < k; ++l)
    values[static_cast<std::size_t>(l)] *=
        decode_scale(dtype, codes[static_cast<std::size_t>(layout.index(row, l / scale_block(dtype)) - begin)]);
  return values;
}

/// One product, finished, held against the reference.
class Judge {
public:
  Judge(Gemm const& g, GemmOperands const& operands, StreamLane& lane, std::uint64_t seed, bool exact)
      : g_(g), operands_(operands), lane_(lane), download_(lane), exact_(exact || g.out == Dtype::s32),
        tolerance_(gemm_tolerance(g)), places_(sampled_places(g, seed)) {}

  void run() {
    double const row_bytes = 8 * static_cast<double>(g_.n);
    auto const rows = std::clamp(static_cast<std::int64_t>(band_bytes / row_bytes), std::int64_t{1}, g_.m);
    DeviceBytes const references(static_cast<std::size_t>(rows * g_.n) * sizeof(double));
    DeviceBytes const result(sizeof(Comparison));
    for (std::int64_t first = 0; first < g_.m; first += rows)
      judge_rows(first, std::min(rows, g_.m - first), references.as<double>(), result.as<Comparison>());
    if (wrong_ == 0) judge_norm();
  }

  std::uint64_t wrong() const { return wrong_; }
  double max_error() const { return max_error_; }
  std::string const& detail() const { return detail_; }

private:
  void judge_rows(std::int64_t first, std::int64_t rows, double* references, Comparison* result) {
    reference_gemm(g_, operands_, first, rows, references, Dtype::f64, lane_.stream());
    Comparison sums;
    MARU_CHECK(CudaApi, cudaMemcpyAsync(result, &sums, sizeof sums, cudaMemcpyHostToDevice, lane_.stream()));
    auto const* const out = static_cast<char const*>(operands_.c) + bytes_before(g_.out, first * g_.n);
    compare({.out = out,
             .out_type = g_.out,
             .reference = references,
             .count = static_cast<std::uint64_t>(rows * g_.n),
             .relative = tolerance_.relative,
             .absolute = tolerance_.absolute,
             .exact = exact_},
            result, lane_.stream());
    sums = download_.value<Comparison>(result);
    error_squares_ += sums.error_squares;
    reference_squares_ += sums.reference_squares;
    max_error_ = std::max(max_error_, std::min(sums.largest_ratio, Tally::beyond));
    if (sums.wrong > 0) {
      max_error_ = exact_ ? Tally::beyond : std::max(max_error_, 1.0);
      note(sums.wrong, [&] { return describe(sums, first, out, references); });
    }
    for (auto const& place : places_)
      if (place.row >= first && place.row < first + rows)
        check_reference(place, references + (place.row - first) * g_.n + place.column);
  }

  template <class Describe> void note(std::uint64_t count, Describe&& describe) {
    if (wrong_ == 0) detail_ = fmt::format("{} ({})", describe(), cuda_uuid_in_use());
    wrong_ += count;
  }

  std::string describe(Comparison const& sums, std::int64_t first, char const* out, double const* references) {
    auto const i = static_cast<std::int64_t>(sums.first);
    auto const raw = download_.bytes(out + bytes_before(g_.out, i), size_of(g_.out));
    auto const expected = download_.value<double>(references + i);
    return fmt::format("C[{},{}] is {}, not {}{}", first + i / g_.n, i % g_.n, decode(g_.out, raw.data(), 0), expected,
                       exact_ ? " exactly" : "");
  }

  /// ‖out − ref‖ tells of an error that is small everywhere, such as a lost piece of k.
  void judge_norm() {
    if (exact_) return;
    double const elements = static_cast<double>(g_.m) * static_cast<double>(g_.n);
    double const error = std::sqrt(error_squares_ / elements), bound = tolerance_.norm * tolerance_.size;
    max_error_ = std::max(max_error_, std::min(error / bound, Tally::beyond));
    if (error <= bound) return;
    note(1, [&] {
      return fmt::format("|C - reference| / |reference| is {:.3g}, more than {:.3g}, though each element is near",
                         std::sqrt(error_squares_ / reference_squares_), tolerance_.norm);
    });
  }

  /// The reference's own error: in runs of 64 terms, rounded to nearest, by the rule of gemm_tolerance.hpp; and that of
  /// the sum here.
  double reference_tolerance() const {
    if (exact_) return 0;
    double const k = static_cast<double>(g_.k), run = std::sqrt(std::min(k, 64.0));
    return 8 * tolerance_.size * ((g_.in == Dtype::f64 ? 0x1p-53 : 0x1p-24) * run + 0x1p-53 * std::sqrt(k));
  }

  void check_reference(Place const& place, double const* reference) {
    auto const b_type = b_dtype(g_.in);
    auto const a = host_row(download_, g_.in, operands_.a, operands_.a_scale, g_.m, g_.k, place.row);
    auto const b = host_row(download_, b_type, operands_.b, operands_.b_scale, g_.n, g_.k, place.column);
    double expected = 0;
    for (std::size_t l = 0; l < a.size(); ++l) expected += a[l] * b[l];
    if (has_tensor_scale(g_.in)) expected *= static_cast<double>(f8_scale_a) * static_cast<double>(f8_scale_b);
    auto const got = download_.value<double>(reference);
    if (std::abs(got - expected) <= reference_tolerance()) return;
    max_error_ = Tally::beyond;
    note(1, [&] {
      return fmt::format("the device's own reference of C[{},{}] is {}, not {}", place.row, place.column, got,
                         expected);
    });
  }

  Gemm const& g_;
  GemmOperands const& operands_;
  StreamLane& lane_;
  Download download_;
  bool exact_;
  GemmTolerance tolerance_;
  std::vector<Place> places_;
  double error_squares_ = 0, reference_squares_ = 0, max_error_ = 0;
  std::uint64_t wrong_ = 0;
  std::string detail_;
};

struct Repeated {
  std::uint64_t repeats = 0;
  Differences differences;
};

/// Runs the product again on the same input and compares with the output that lies there.
Repeated repeat(GemmOperands const& operands, std::uint64_t out_bytes, DeviceGemmKernel& kernel, StreamLane& lane) {
  std::uint64_t const words = (out_bytes + 3) / 4; // the matrix is followed by padding, poisoned alike
  DeviceBytes const first(words * 4), result(sizeof(Differences));
  Repeated done;
  auto const stream = lane.stream();
  MARU_CHECK(CudaApi,
             cudaMemcpyAsync(result.data(), &done.differences, sizeof(Differences), cudaMemcpyHostToDevice, stream));
  MARU_CHECK(CudaApi, cudaMemcpyAsync(first.data(), operands.c, words * 4, cudaMemcpyDeviceToDevice, stream));
  double const begun = monotonic_seconds();
  while (done.repeats < repeats) {
    poison_device(operands.c, words * 4, stream);
    kernel.launch(operands, stream);
    count_differences(first.data(), operands.c, words, done.repeats++, result.as<Differences>(), stream);
    if (done.repeats % fewest_repeats != 0) continue;
    lane.wait();
    if (monotonic_seconds() - begun > repeats_budget) break;
  }
  done.differences = Download(lane).value<Differences>(result.data());
  return done;
}

std::string describe(Repeated const& done, Gemm const& g, std::uint64_t out_bytes) {
  std::uint64_t const words = (out_bytes + 3) / 4;
  auto const element = static_cast<std::int64_t>(done.differences.first % words * 4 / size_of(g.out));
  return fmt::format("repeat {} of {} on the same input differs first, at C[{},{}]; {} words differ in all: the device "
                     "corrupts data, or the kernel adds up in no fixed order ({})",
                     done.differences.first / words + 1, done.repeats, element / g.n, element % g.n,
                     done.differences.words, cuda_uuid_in_use());
}

} // namespace

void fill_operands(Gemm const& g, GemmOperands const& operands, std::uint64_t seed, bool units, cudaStream_t stream) {
  auto* const fill = units ? &fill_units : static_cast<decltype(&fill_units)>(fill_random);
  // The operands are those of a Work of ours, which made them writable.
  fill(const_cast<void*>(operands.a), g.in, static_cast<std::size_t>(g.m * g.k), random_bits(seed, 0), stream);
  fill(const_cast<void*>(operands.b), b_dtype(g.in), static_cast<std::size_t>(g.n * g.k), random_bits(seed, 1), stream);
}

Verification judge_device_gemm(Gemm const& g, GemmOperands const& operands, std::uint64_t seed, StreamLane& lane) {
  Judge judged(g, operands, lane, seed, false);
  judged.run();
  Verification result;
  result.checked = true;
  result.elements = static_cast<std::uint64_t>(g.m * g.n);
  result.wrong = judged.wrong();
  result.max_error = judged.max_error();
  result.method = "device naive";
  result.detail = judged.detail();
  return result;
}

Verification verify_device_gemm(Gemm const& g, GemmOperands const& operands, DeviceGemmKernel& kernel,
                                std::uint64_t seed, StreamLane& lane) {
  auto const stream = lane.stream();
  auto const out_bytes = bytes_before(g.out, g.m * g.n);
  Verification result;
  result.checked = true;
  result.elements = static_cast<std::uint64_t>(g.m * g.n);
  result.method = "device naive";
  auto const judge = [&](bool units) {
    fill_operands(g, operands, seed, units, stream);
    poison_device(operands.c, (out_bytes + 3) / 4 * 4, stream);
    kernel.launch(operands, stream);
    lane.wait();
    Judge judged(g, operands, lane, seed, units);
    judged.run();
    if (result.detail.empty()) result.detail = judged.detail();
    result.wrong = std::max(result.wrong, judged.wrong());
    result.max_error = std::max(result.max_error, judged.max_error());
  };
  if (g.out != Dtype::s32 && sums_are_exact(g)) {
    judge(true);
    result.method += " + exact units";
  }
  judge(false);
  auto const repeated = repeat(operands, out_bytes, kernel, lane);
  result.method += fmt::format(" + {} repeats", repeated.repeats);
  if (repeated.differences.words == 0) return result;
  if (result.detail.empty()) result.detail = describe(repeated, g, out_bytes);
  result.wrong = std::max<std::uint64_t>(result.wrong, repeated.differences.words);
  result.max_error = Tally::beyond;
  return result;
}

} // namespace maru
