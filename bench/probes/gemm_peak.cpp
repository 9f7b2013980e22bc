// SPDX-License-Identifier: Apache-2.0
// The highest rate of matrix multiplication over all shapes: a coarse grid, then steps along the edges that become
// finer. A brute-force search of the same range takes days.
#include "bench/probe.hpp"
#include "bench/probes/gemm_cases.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace maru {
namespace {

constexpr std::array steps{2.0, 1.5, 1.25, 1.125};
constexpr std::int64_t granule = 128; // tiles of tensor cores are multiples of it
constexpr double worth_it = 1.002;    // below it a step forward is noise

std::vector<GemmShape> coarse_grid(bool device) {
  std::int64_t const unit = device ? 2048 : 256;
  std::vector<GemmShape> grid;
  for (std::int64_t const edge : {unit, 2 * unit, 4 * unit, 8 * unit})
    for (std::int64_t const depth : {2 * unit, 4 * unit}) grid.push_back({edge, edge, depth});
  grid.push_back({8 * unit, 4 * unit, 2 * unit});
  grid.push_back({4 * unit, 8 * unit, 2 * unit});
  return grid;
}

// Checking a product of 32768 takes a device without tensor cores for the type a quarter of a minute.
std::int64_t largest_edge(Dtype dtype, bool device) {
  if (!device) return 4096;
  return dtype == Dtype::f64 || dtype == Dtype::f32 ? 16384 : 32768;
}

std::vector<GemmShape> neighbours(GemmShape const& shape, double step, Dtype dtype, bool device) {
  std::int64_t const least = device ? 1024 : 128, most = largest_edge(dtype, device);
  std::vector<GemmShape> result;
  for (auto const edge : {&GemmShape::m, &GemmShape::n, &GemmShape::k})
    for (double const factor : {step, 1 / step}) {
      auto next = shape;
      double const wanted = static_cast<double>(shape.*edge) * factor / static_cast<double>(granule);
      next.*edge = granule * std::llround(wanted);
      if (next.*edge >= least && next.*edge <= most && !(next == shape)) result.push_back(next);
    }
  return result;
}

/// The search for one dtype and backend, replayed from what is known: the same on every rank, and after resuming.
class Search {
public:
  Search(Dtype dtype, std::string const& backend, ProbeContext const& context, std::map<std::string, double> rates)
      : dtype_(dtype), backend_(backend), context_(context), rates_(std::move(rates)) {}

  /// What to measure next; nothing when the finest step leads no further, or nothing could be measured at all.
  std::vector<Case> next() {
    if (auto unknown = unknown_of(coarse_grid(context_.has_device())); !unknown.empty()) return unknown;
    consider(coarse_grid(context_.has_device()));
    if (best_rate_ <= 0) return {};
    for (double const step : steps) do {
        auto const around = neighbours(best_, step, dtype_, context_.has_device());
        if (auto unknown = unknown_of(around); !unknown.empty()) return unknown;
        if (!consider(around)) break;
      } while (true);
    return {};
  }

private:
  Case case_of(GemmShape const& shape) const {
    auto item = gemm_case(dtype_, shape, backend_, context_);
    item.probe = "gemm_peak";
    item.max_iterations = 30;
    return item;
  }

  std::vector<Case> unknown_of(std::vector<GemmShape> const& shapes) const {
    std::vector<Case> result;
    for (auto const& shape : shapes)
      if (auto item = case_of(shape); !rates_.contains(key(item))) result.push_back(std::move(item));
    return result;
  }

  bool consider(std::vector<GemmShape> const& shapes) {
    double const before = best_rate_;
    for (auto const& shape : shapes)
      if (double const rate = rates_.at(key(case_of(shape))); rate > worth_it * best_rate_) {
        best_ = shape;
        best_rate_ = rate;
      }
    return best_rate_ > before;
  }

  Dtype dtype_;
  std::string const& backend_;
  ProbeContext const& context_;
  std::map<std::string, double> rates_;
  GemmShape best_;
  double best_rate_ = 0;
};

std::vector<Case> further(Parameters const& parameters, ProbeContext const& context,
                          std::map<std::string, double> const& rates) {
  std::vector<Case> result;
  for (auto const dtype : gemm_dtypes(parameters.at("dtypes"), context.has_device()))
    for (auto const& backend : parameters.at("backend"))
      for (auto& item : Search(dtype, backend, context, rates).next()) result.push_back(std::move(item));
  return result;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  return further(parameters, context, {});
}

constexpr std::array parameters{
    ProbeParameter{"dtypes", "auto", "element types, such as bf16; auto: all that are usual here"},
    ProbeParameter{"backend", "auto", "cublaslt, wgmma, openblas, onednn …"},
};

} // namespace

extern Probe const gemm_peak_probe;
Probe const gemm_peak_probe{.name = "gemm_peak",
                            .help = "the best rate of matrix multiplication over all shapes, by search",
                            .parameters = parameters,
                            .cases = cases,
                            .further = further};

} // namespace maru
