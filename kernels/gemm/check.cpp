// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/check.hpp"

#include "kernels/gemm/naive.hpp"
#include "kernels/random.hpp"
#include "kernels/tally.hpp"

#include <fmt/format.h>
#include <set>
#include <utility>
#include <vector>

namespace maru {
namespace {

// Tolerances, with u the unit roundoff of the output and U that of the reference's double.
//
// An inner product of k terms is off by at most γ_k |a|·|b|, γ_k = ku/(1−ku), in whatever order it is summed (Higham,
// Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1; for matrix products section 3.5). For random
// data of zero mean the error does not grow with k: it is a small multiple of u |a|·|b| (Higham and Mary, SIAM J. Sci.
// Comput. 42(5), 2020, A3427). Summed one after another its standard deviation is 0.54 u |a|·|b| for the uniform data
// here, and blocked sums are better; so 8 is 15 deviations. Short sums keep the certain bound.
constexpr double deviations = 8;

template <class Out> constexpr double roundoff = std::is_same_v<Out, float> ? 0x1p-24 : 0x1p-53;

/// For one element, by |A|·|B| at its place.
template <class Out> double element_tolerance(std::int64_t k, double magnitude) {
  if constexpr (std::is_integral_v<Out>) return 0;
  return std::min(static_cast<double>(k), deviations) * (roundoff<Out> + roundoff<double>)*magnitude;
}

/// For C_i·x against A_i·(B·x), by the row's sum of |A|·|B|. The n errors of a row meet random signs and add up as √n;
/// the check's own sums in double are off by 0.5 U (2/√k + 1/√n) of the same magnitude, worked out likewise.
template <class Out> double row_tolerance(Gemm const& g, double magnitude) {
  if constexpr (std::is_integral_v<Out>) return 0;
  double const n = 1 / std::sqrt(static_cast<double>(g.n)), k = 1 / std::sqrt(static_cast<double>(g.k));
  return deviations * magnitude * (roundoff<Out> * n + roundoff<double> * (n + k));
}

template <class T> Wide<T> dot(T const* row, std::vector<Wide<T>> const& x) {
  Wide<T> sum{};
  auto const* const values = x.data();
  std::size_t const count = x.size();
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < count; ++i) sum += widen(row[i]) * values[i];
  return sum;
}

template <class T> double dot_magnitude(T const* row, std::vector<double> const& x) {
  double sum = 0;
  auto const* const values = x.data();
  std::size_t const count = x.size();
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < count; ++i) sum += std::abs(static_cast<double>(widen(row[i]))) * values[i];
  return sum;
}

/// matrix · x by the given row product.
template <class T, class X, class Row>
std::vector<X> times(T const* matrix, std::int64_t rows, std::vector<X> const& x, Row const& row) {
  std::vector<X> result(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = row(matrix + i * x.size(), x);
  return result;
}

template <class In, class Out>
void check_element(Product<In, Out> const& p, std::int64_t i, std::int64_t j, Tally& tally) {
  auto const expected = naive_element(p.shape, p.a, p.b, i, j);
  auto const got = p.c[i * p.shape.n + j];
  double tolerance = 0;
  if constexpr (!std::is_integral_v<Out>)
    tolerance = element_tolerance<Out>(p.shape.k, naive_magnitude(p.shape, p.a, p.b, i, j));
  if (!tally.tolerates(std::abs(static_cast<double>(widen(got) - expected)), tolerance))
    tally.wrong([&] { return fmt::format("C[{},{}] is {}, not {}", i, j, got, expected); });
}

/// Which rows of C fail (Freivalds, Fast probabilistic algorithms, MFCS 1979; first in IFIP Congress 1977). One wrong
/// element of a row always shows, since ±1 cannot hide it; several cancel with probability at most 1/2 per vector.
template <class In, class Out>
std::vector<char> failing_rows(Product<In, Out> const& p, std::uint64_t seed, Tally& tally) {
  constexpr std::uint64_t vectors = 2;
  auto const& g = p.shape;
  std::vector<char> failing(static_cast<std::size_t>(g.m));
  std::vector<double> magnitudes(failing.size());
  if constexpr (!std::is_integral_v<Out>) {
    std::vector<double> const ones(static_cast<std::size_t>(g.n), 1.0);
    magnitudes = times(p.a, g.m, times(p.b, g.k, ones, dot_magnitude<In>), dot_magnitude<In>);
  }
  for (std::uint64_t vector = 0; vector < vectors; ++vector) {
    std::vector<Wide<In>> x(static_cast<std::size_t>(g.n));
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = random_bits(seed + vector, j) & 1 ? 1 : -1;
    auto const expected = times(p.a, g.m, times(p.b, g.k, x, dot<In>), dot<In>);
    auto const got = times(p.c, g.m, x, dot<Out>);
    for (std::size_t i = 0; i < failing.size(); ++i)
      if (!tally.tolerates(std::abs(static_cast<double>(got[i] - expected[i])), row_tolerance<Out>(g, magnitudes[i])))
        failing[i] = 1;
  }
  return failing;
}

/// The corners and some random places of C, each once.
std::set<std::pair<std::int64_t, std::int64_t>> sampled_places(Gemm const& g, std::uint64_t seed) {
  constexpr std::uint64_t samples = 64;
  std::set<std::pair<std::int64_t, std::int64_t>> places{{0, 0}, {0, g.n - 1}, {g.m - 1, 0}, {g.m - 1, g.n - 1}};
  for (std::uint64_t s = 0; s < samples; ++s)
    places.emplace(static_cast<std::int64_t>(random_bits(~seed, 2 * s) >> 1) % g.m,
                   static_cast<std::int64_t>(random_bits(~seed, 2 * s + 1) >> 1) % g.n);
  return places;
}

/// The certain and the sampled: every row by Freivalds' check, some elements by the definition.
template <class In, class Out> void check_large(Product<In, Out> const& p, std::uint64_t seed, Tally& tally) {
  constexpr int searched_rows = 4;
  auto const& g = p.shape;
  auto const failing = failing_rows(p, seed, tally);
  int searched = 0;
  for (std::int64_t i = 0; i < g.m; ++i) {
    if (!failing[static_cast<std::size_t>(i)]) continue;
    std::uint64_t const before = tally.wrong_so_far();
    if (searched++ < searched_rows)
      for (std::int64_t j = 0; j < g.n; ++j) check_element(p, i, j, tally);
    if (tally.wrong_so_far() == before)
      tally.wrong([&] { return fmt::format("row {} of C is off by more than its elements may be together", i); });
  }
  for (auto const& [i, j] : sampled_places(g, seed))
    if (!failing[static_cast<std::size_t>(i)]) check_element(p, i, j, tally);
}

} // namespace

template <class In, class Out> Verification check_product(Product<In, Out> const& p, std::uint64_t seed) {
  auto const& g = p.shape;
  bool const small = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k) <= naive_limit;
  Tally tally(small ? "naive" : "freivalds+naive");
  tally.compared(static_cast<std::uint64_t>(g.m) * static_cast<std::uint64_t>(g.n));
  if (small)
    for (std::int64_t i = 0; i < g.m; ++i)
      for (std::int64_t j = 0; j < g.n; ++j) check_element(p, i, j, tally);
  else
    check_large(p, seed, tally);
  return std::move(tally).result();
}

template Verification check_product(Product<double, double> const&, std::uint64_t);
template Verification check_product(Product<float, float> const&, std::uint64_t);
template Verification check_product(Product<Bf16, float> const&, std::uint64_t);
template Verification check_product(Product<std::int8_t, std::int32_t> const&, std::uint64_t);

} // namespace maru
