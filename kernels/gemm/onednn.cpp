// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/gemm/gemm_work.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <unordered_map>

namespace maru {
namespace {

using dnnl::memory;

memory::data_type type_of(Dtype dtype) {
  switch (dtype) {
  case Dtype::bf16: return memory::data_type::bf16;
  case Dtype::s8: return memory::data_type::s8;
  case Dtype::s32: return memory::data_type::s32;
  default: return memory::data_type::f32;
  }
}

/// Row-major on all three sides: the layout BLAS gets, and the one a caller's data has. Weights in a layout of oneDNN's
/// own choice are 10-20 % faster at bf16, but somebody has to bring them there.
memory::desc row_major(std::int64_t rows, std::int64_t columns, Dtype dtype) {
  return {{rows, columns}, type_of(dtype), memory::format_tag::ab};
}

dnnl::matmul::desc description(Gemm const& g) {
  return {row_major(g.m, g.k, g.in), row_major(g.k, g.n, g.in), row_major(g.m, g.n, g.out)};
}

/// Its exceptions are no std::runtime_error of ours, and their text is only a status.
template <class Body> auto guarded(std::string_view what, Body&& body) {
  try {
    return body();
  } catch (dnnl::error const& error) {
    throw Error(Exit::incomplete,
                fmt::format("oneDNN {} failed: {} (status {})", what, error.what(), static_cast<int>(error.status)));
  }
}

template <class In, class Out> class DnnlGemm {
public:
  DnnlGemm(Matrices<In, Out>& matrices, int threads) : threads_(threads) {
    guarded("matmul", [&] { create(matrices); });
  }

  void operator()() {
    // A primitive is compiled for the number of threads at its creation, and OpenMP keeps that number per thread.
    omp_set_num_threads(threads_);
    guarded("matmul", [&] {
      multiply_.execute(stream_, arguments_);
      stream_.wait();
    });
  }

private:
  void create(Matrices<In, Out>& matrices) {
    omp_set_num_threads(threads_);
    engine_ = dnnl::engine(dnnl::engine::kind::cpu, 0);
    stream_ = dnnl::stream(engine_);
    dnnl::matmul::primitive_desc const primitive(description(matrices.shape), engine_);
    multiply_ = dnnl::matmul(primitive);
    arguments_ = {{DNNL_ARG_SRC, memory(primitive.src_desc(), engine_, matrices.a.data())},
                  {DNNL_ARG_WEIGHTS, memory(primitive.weights_desc(), engine_, matrices.b.data())},
                  {DNNL_ARG_DST, memory(primitive.dst_desc(), engine_, matrices.c.data())}};
  }

  int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul multiply_;
  std::unordered_map<int, memory> arguments_;
};

std::optional<Skipped> supports(Operation const& operation) {
  if (auto refusal =
          refuse_gemm(operation, {{Dtype::bf16, Dtype::f32}, {Dtype::s8, Dtype::s32}, {Dtype::f32, Dtype::f32}}))
    return refusal;
  auto const& g = std::get<Gemm>(operation);
  return guarded("engine", [&]() -> std::optional<Skipped> {
    dnnl::engine const engine(dnnl::engine::kind::cpu, 0);
    dnnl::matmul::primitive_desc const primitive(description(g), engine, true);
    if (!primitive) return Skipped{fmt::format("oneDNN has no {} matmul for this CPU", name(g.in))};
    if (std::string_view(primitive.impl_info_str()).starts_with("ref"))
      return Skipped{fmt::format("oneDNN has only its reference code for a {} matmul on this CPU", name(g.in))};
    return std::nullopt;
  });
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& shape = std::get<Gemm>(operation);
  if (shape.in == Dtype::f32) return std::make_unique<GemmWork<float, float, DnnlGemm<float, float>>>(shape, site);
  if (shape.in == Dtype::bf16) return std::make_unique<GemmWork<Bf16, float, DnnlGemm<Bf16, float>>>(shape, site);
  return std::make_unique<GemmWork<std::int8_t, std::int32_t, DnnlGemm<std::int8_t, std::int32_t>>>(shape, site);
}

} // namespace

extern Backend const onednn_backend;
Backend const onednn_backend{
    "onednn", "cpu", "oneDNN matmul: bf16 to f32, s8 to s32, f32; all row-major", false, supports, prepare, "gemm"};

} // namespace maru
