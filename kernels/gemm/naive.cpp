// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/naive.hpp"

#include "kernels/gemm/gemm_work.hpp"

namespace maru {
namespace {

template <class In, class Out> class NaiveGemm {
public:
  NaiveGemm(Matrices<In, Out>& matrices, int) : matrices_(matrices) {}
  void operator()() { naive_gemm(matrices_.shape, matrices_.a.data(), matrices_.b.data(), matrices_.c.data()); }

private:
  Matrices<In, Out>& matrices_;
};

template <class In, class Out> std::unique_ptr<Work> make(Gemm const& shape, Site const& site) {
  return std::make_unique<GemmWork<In, Out, NaiveGemm<In, Out>>>(shape, site);
}

std::optional<Skipped> supports(Operation const& operation) {
  return refuse_gemm(
      operation,
      {{Dtype::f64, Dtype::f64}, {Dtype::f32, Dtype::f32}, {Dtype::bf16, Dtype::f32}, {Dtype::s8, Dtype::s32}});
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& shape = std::get<Gemm>(operation);
  switch (shape.in) {
  case Dtype::f64: return make<double, double>(shape, site);
  case Dtype::f32: return make<float, float>(shape, site);
  case Dtype::bf16: return make<Bf16, float>(shape, site);
  default: return make<std::int8_t, std::int32_t>(shape, site);
  }
}

} // namespace

extern Backend const naive_backend;
Backend const naive_backend{
    "naive", "cpu", "three plain loops on one thread, the reference of every gemm", true, supports, prepare, "gemm"};

} // namespace maru
