// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/api.hpp"
#include "kernels/gemm/block_scale.hpp"
#include "kernels/gemm/cublaslt_names.hpp"
#include "kernels/gemm/cuda_methods.hpp"
#include "kernels/gemm/gemm_tolerance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cublasLt.h>
#include <fmt/format.h>

// Block scales came with CUDA 12.8.
#define MARU_BLOCK_SCALES (CUBLAS_VER_MAJOR > 12 || (CUBLAS_VER_MAJOR == 12 && CUBLAS_VER_MINOR >= 8))

namespace maru {
namespace {

struct CublasLtApi {
  static bool ok(cublasStatus_t status) { return status == CUBLAS_STATUS_SUCCESS; }
  static std::string text(cublasStatus_t status) {
    return fmt::format("{}: {}", cublasLtGetStatusName(status), cublasLtGetStatusString(status));
  }
};

template <class T, cublasStatus_t (*destroy)(T)> class Handle {
public:
  Handle() = default;
  ~Handle() {
    if (value_) destroy(value_);
  }
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;
  T* out() { return &value_; }
  T get() const { return value_; }

private:
  T value_ = nullptr;
};
using Library = Handle<cublasLtHandle_t, cublasLtDestroy>;
using Descriptor = Handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType_t type_of(Dtype dtype) {
  switch (dtype) {
  case Dtype::f64: return CUDA_R_64F;
  case Dtype::f32:
  case Dtype::tf32: return CUDA_R_32F;
  case Dtype::f16: return CUDA_R_16F;
  case Dtype::bf16: return CUDA_R_16BF;
  case Dtype::mxf8:
  case Dtype::f8e4m3: return CUDA_R_8F_E4M3;
  case Dtype::f8e5m2: return CUDA_R_8F_E5M2;
  case Dtype::s8: return CUDA_R_8I;
  case Dtype::s32: return CUDA_R_32I;
  case Dtype::nvf4:
#if MARU_BLOCK_SCALES
    return CUDA_R_4F_E2M1;
#else
    break;
#endif
  }
  throw Error(Exit::incomplete, fmt::format("this cuBLASLt has no {}", name(dtype)));
}

/// The accumulator, the type of alpha and beta, and their values.
struct Arithmetic {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType_t scale = CUDA_R_32F;
  alignas(double) std::array<char, sizeof(double)> one{}, zero{};

  explicit Arithmetic(Dtype in) {
    auto const put = [this](auto value) {
      std::copy_n(reinterpret_cast<char const*>(&value), sizeof value, one.data());
    };
    if (in == Dtype::f64) {
      compute = CUBLAS_COMPUTE_64F, scale = CUDA_R_64F, put(1.0);
    } else if (in == Dtype::s8) {
      compute = CUBLAS_COMPUTE_32I, scale = CUDA_R_32I, put(std::int32_t{1});
    } else {
      if (in == Dtype::tf32) compute = CUBLAS_COMPUTE_32F_FAST_TF32;
      put(1.0F);
    }
  }
};

/// Sums of f8e4m3 stay in the tensor core from end to end, as in a training's forward pass; those of f8e5m2 are brought
/// to f32 on the way, as in its backward pass (Transformer Engine's defaults).
bool accumulates_fast(Dtype in) { return in == Dtype::f8e4m3; }

std::uint64_t workspace_bytes() { return std::uint64_t{device_capability() >= 90 ? 64U : 32U} << 20; }

/// One product as cuBLASLt describes it. It thinks in columns, and a row-major matrix of r × c is the column-major one
/// of c × r, its transpose. So of C = A·B, with B stored as its transpose [n,k], the library sees
///     Cᵀ[n,m] = (X[k,n])ᵀ · Y[k,m],   X = our B as it lies in memory, Y = our A,
/// that is, its first matrix is our B, transposed, its second our A, not transposed: "TN", which fp8 asks for. All
/// leading dimensions are the rows' lengths: k, k and n.
class Product {
public:
  explicit Product(Gemm const& g) : g_(g), arithmetic_(g.in) {
    MARU_CHECK(CublasLtApi, cublasLtCreate(library_.out()));
    MARU_CHECK(CublasLtApi, cublasLtMatmulDescCreate(operation_.out(), arithmetic_.compute, arithmetic_.scale));
    set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t{CUBLAS_OP_T});
    if (accumulates_fast(g.in)) set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
#if MARU_BLOCK_SCALES
    if (scale_block(g.in) > 0) {
      auto const mode = static_cast<std::int32_t>(g.in == Dtype::mxf8 ? CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0
                                                                      : CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3);
      set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, mode);
      set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, mode);
    }
#endif
    create(first_, b_dtype(g.in), g.k, g.n);
    create(second_, g.in, g.k, g.m);
    create(result_, g.out, g.n, g.m);
  }

  /// The heuristic's answers, best first; `status` is why there is none.
  std::vector<cublasLtMatmulHeuristicResult_t> candidates(std::uint64_t workspace, cublasStatus_t& status) {
    constexpr int most = 16;
    Preference preference;
    MARU_CHECK(CublasLtApi, cublasLtMatmulPreferenceCreate(preference.out()));
    auto const prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
      MARU_CHECK(CublasLtApi, cublasLtMatmulPreferenceSetAttribute(preference.get(), which, &value, sizeof value));
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace);
    // Parts of k that meet in a 16-bit output would be rounded one more time each.
    if (bits_of(g_.out) == 16)
      prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    std::vector<cublasLtMatmulHeuristicResult_t> found(most);
    int count = 0;
    status = cublasLtMatmulAlgoGetHeuristic(library_.get(), operation_.get(), first_.get(), second_.get(),
                                            result_.get(), result_.get(), preference.get(), most, found.data(), &count);
    found.resize(status == CUBLAS_STATUS_SUCCESS ? static_cast<std::size_t>(count) : 0);
    std::erase_if(found, [](auto const& answer) { return answer.state != CUBLAS_STATUS_SUCCESS; });
    if (found.empty() && status == CUBLAS_STATUS_SUCCESS) status = CUBLAS_STATUS_NOT_SUPPORTED;
    return found;
  }

  void use_scales(void const* a_scale, void const* b_scale) {
    if (a_scale == a_scale_ && b_scale == b_scale_) return;
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, b_scale);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, a_scale);
    a_scale_ = a_scale, b_scale_ = b_scale;
  }

  cublasStatus_t run(cublasLtMatmulAlgo_t const& algorithm, GemmOperands const& operands, DeviceBytes const& workspace,
                     cudaStream_t stream) {
    use_scales(operands.a_scale, operands.b_scale);
    return cublasLtMatmul(library_.get(), operation_.get(), arithmetic_.one.data(), operands.b, first_.get(),
                          operands.a, second_.get(), arithmetic_.zero.data(), operands.c, result_.get(), operands.c,
                          result_.get(), &algorithm, workspace.data(), workspace.size(), stream);
  }

private:
  template <class T> void set(cublasLtMatmulDescAttributes_t which, T const& value) {
    MARU_CHECK(CublasLtApi, cublasLtMatmulDescSetAttribute(operation_.get(), which, &value, sizeof value));
  }
  void create(Layout& layout, Dtype dtype, std::int64_t rows, std::int64_t columns) {
    MARU_CHECK(CublasLtApi, cublasLtMatrixLayoutCreate(layout.out(), type_of(dtype), static_cast<std::uint64_t>(rows),
                                                       static_cast<std::uint64_t>(columns), rows));
  }

  Gemm g_;
  Arithmetic arithmetic_;
  Library library_;
  Descriptor operation_;
  Layout first_, second_, result_;
  void const* a_scale_ = nullptr;
  void const* b_scale_ = nullptr;
};

/// "algo 66 tile 128x256 cluster 2x1 stages 64x4 split-k 1"
std::string describe(cublasLtMatmulAlgo_t const& algorithm) {
  auto const get = [&]<class T>(cublasLtMatmulAlgoConfigAttributes_t which, T value) {
    std::size_t written = 0;
    auto const status = cublasLtMatmulAlgoConfigGetAttribute(&algorithm, which, &value, sizeof value, &written);
    return status == CUBLAS_STATUS_SUCCESS ? static_cast<int>(value) : -1;
  };
  auto const cluster = get(CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, std::uint16_t{});
  return fmt::format("algo {} tile {} cluster {} stages {} split-k {}", get(CUBLASLT_ALGO_CONFIG_ID, std::int32_t{}),
                     extent_text(tile_extent(get(CUBLASLT_ALGO_CONFIG_TILE_ID, std::uint32_t{}))),
                     cluster == 0 ? "auto" : extent_text(cluster_extent(cluster)),
                     stages_text(get(CUBLASLT_ALGO_CONFIG_STAGES_ID, std::uint32_t{})),
                     get(CUBLASLT_ALGO_CONFIG_SPLITK_NUM, std::int32_t{}));
}

/// Seconds between two events on a stream.
class Stopwatch {
public:
  explicit Stopwatch(cudaStream_t stream) : stream_(stream) {
    MARU_CHECK(CudaApi, cudaEventCreate(&begin_));
    auto const status = cudaEventCreate(&end_);
    if (status != cudaSuccess) cudaEventDestroy(begin_);
    MARU_CHECK(CudaApi, status);
  }
  ~Stopwatch() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  Stopwatch(Stopwatch const&) = delete;
  Stopwatch& operator=(Stopwatch const&) = delete;

  template <class Run> double seconds(Run const& run) {
    MARU_CHECK(CudaApi, cudaEventRecord(begin_, stream_));
    run();
    MARU_CHECK(CudaApi, cudaEventRecord(end_, stream_));
    MARU_CHECK(CudaApi, cudaEventSynchronize(end_));
    float milliseconds = 0;
    MARU_CHECK(CudaApi, cudaEventElapsedTime(&milliseconds, begin_, end_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

private:
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

class CublasLtKernel final : public DeviceGemmKernel {
public:
  CublasLtKernel(Gemm const& g, GemmOperands const& operands, cudaStream_t stream)
      : fast_(accumulates_fast(g.in)), product_(g), workspace_(workspace_bytes()) {
    product_.use_scales(operands.a_scale, operands.b_scale);
    choose(operands, stream);
  }

  void launch(GemmOperands const& operands, cudaStream_t stream) override {
    MARU_CHECK(CublasLtApi, product_.run(algorithm_, operands, workspace_, stream));
  }
  std::string name() const override {
    return fmt::format("{}{} (rank {} of {} tried)", describe(algorithm_), fast_ ? " fast accumulation" : "", rank_,
                       tried_);
  }

private:
  struct Candidate {
    cublasLtMatmulAlgo_t algorithm;
    std::size_t rank;
    double seconds;
  };

  /// The heuristic orders by a model; what it puts first is not always the fastest. All are timed in turn, and in turn
  /// again, so that a clock that rises or falls meanwhile favours none.
  void choose(GemmOperands const& operands, cudaStream_t stream) {
    constexpr double budget = 3; // seconds for all together
    constexpr int rounds = 4;
    double const begun = monotonic_seconds();
    auto const late = [&] { return monotonic_seconds() - begun > budget; };
    Stopwatch watch(stream);
    auto tried = try_once(operands, stream, watch, late);
    tried_ = tried.size();
    for (int round = 0; round < rounds; ++round)
      for (auto& candidate : tried) {
        if (late()) break;
        double const seconds = time(candidate, operands, stream, watch);
        candidate.seconds = round == 0 ? seconds : std::min(candidate.seconds, seconds);
      }
    auto const best = std::ranges::min_element(tried, {}, &Candidate::seconds);
    algorithm_ = best->algorithm;
    rank_ = best->rank;
  }

  /// The first run of each, which loads its kernel. Those that the library refuses after all are left out.
  template <class Late> std::vector<Candidate> try_once(GemmOperands const& operands, cudaStream_t stream,
                                                        Stopwatch& watch, Late const& late) {
    auto status = CUBLAS_STATUS_SUCCESS;
    std::vector<Candidate> tried;
    std::size_t rank = 0;
    for (auto const& answer : product_.candidates(workspace_.size(), status)) {
      ++rank;
      if (!tried.empty() && late()) break;
      auto said = CUBLAS_STATUS_SUCCESS;
      double const seconds = watch.seconds([&] { said = product_.run(answer.algo, operands, workspace_, stream); });
      if (said == CUBLAS_STATUS_SUCCESS)
        tried.push_back({answer.algo, rank, seconds});
      else
        status = said;
    }
    if (tried.empty()) throw Error(Exit::incomplete, fmt::format("cuBLASLt cannot: {}", CublasLtApi::text(status)));
    return tried;
  }

  /// Seconds per run of about a millisecond of runs: one alone would be timed with its launch.
  double time(Candidate const& candidate, GemmOperands const& operands, cudaStream_t stream, Stopwatch& watch) {
    double const runs = std::clamp(std::floor(1e-3 / std::max(candidate.seconds, 1e-6)), 1.0, 50.0);
    double const seconds = watch.seconds([&] {
      for (int i = 0; i < static_cast<int>(runs); ++i)
        MARU_CHECK(CublasLtApi, product_.run(candidate.algorithm, operands, workspace_, stream));
    });
    return seconds / runs;
  }

  bool fast_;
  Product product_;
  DeviceBytes workspace_;
  cublasLtMatmulAlgo_t algorithm_{};
  std::size_t rank_ = 0, tried_ = 0;
};

std::vector<std::pair<Dtype, Dtype>> const& known_types() {
  static std::vector<std::pair<Dtype, Dtype>> const types {
    {Dtype::f64, Dtype::f64}, {Dtype::f32, Dtype::f32}, {Dtype::tf32, Dtype::f32}, {Dtype::f16, Dtype::f16},
        {Dtype::f16, Dtype::f32}, {Dtype::bf16, Dtype::bf16}, {Dtype::bf16, Dtype::f32}, {Dtype::s8, Dtype::s32},
        {Dtype::f8e4m3, Dtype::bf16}, {Dtype::f8e5m2, Dtype::bf16},
#if MARU_BLOCK_SCALES
        {Dtype::mxf8, Dtype::bf16}, {Dtype::nvf4, Dtype::bf16},
#endif
  };
  return types;
}

int capability_for(Dtype in) { return scale_block(in) > 0 ? 100 : has_tensor_scale(in) ? 89 : 80; }

std::optional<Skipped> refuse_dimensions(Gemm const& g) {
  // "Optimal requirements" of its tensor cores' table, which are no wish but a condition for fp8.
  if (has_tensor_scale(g.in) || scale_block(g.in) > 0)
    for (auto const& [name, value] : {std::pair{"m", g.m}, {"n", g.n}, {"k", g.k}})
      if (value % 16 != 0)
        return Skipped{fmt::format("cuBLASLt takes fp8 in multiples of 16 only, and {} is {}", name, value)};
  if (g.in == Dtype::nvf4 && g.k % 32 != 0)
    return Skipped{fmt::format("rows of nvf4 begin on boundaries of 16 bytes, and k = {} is no multiple of 32", g.k)};
  return std::nullopt;
}

/// Asks the heuristic, which looks at no data: nothing is allocated but the library's own handle.
std::optional<Skipped> supports(Operation const& operation) {
  auto const* const g = std::get_if<Gemm>(&operation);
  if (auto refusal = refuse_device_gemm(operation, known_types(), g ? capability_for(g->in) : 0)) return refusal;
  if (auto refusal = refuse_dimensions(*g)) return refusal;
  Product product(*g);
  if (scale_block(g->in) > 0) {
    auto* const anywhere = reinterpret_cast<void const*>(std::uintptr_t{256}); // only its alignment is looked at
    product.use_scales(anywhere, anywhere);
  }
  auto status = CUBLAS_STATUS_SUCCESS;
  if (!product.candidates(workspace_bytes(), status).empty()) return std::nullopt;
  return Skipped{fmt::format("cuBLASLt has no way from {} to {} at {} x {} x {} on this device: {}", name(g->in),
                             name(g->out), g->m, g->n, g->k, CublasLtApi::text(status))};
}

std::unique_ptr<DeviceGemmKernel> make(Gemm const& shape, GemmOperands const& operands, cudaStream_t stream) {
  return std::make_unique<CublasLtKernel>(shape, operands, stream);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return make_device_gemm(std::get<Gemm>(operation), site, make);
}

} // namespace

std::string cublaslt_version() {
  auto const version = cublasLtGetVersion();
  return fmt::format("cuBLASLt {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

extern CudaGemmMethod const cublaslt_method;
CudaGemmMethod const cublaslt_method{"cublaslt", supports, make};

extern Backend const cublaslt_backend;
Backend const cublaslt_backend{"cublaslt", "cuda",   "NVIDIA's library, the fastest of its candidates for the shape",
                               false,      supports, prepare,
                               "gemm"};

} // namespace maru
