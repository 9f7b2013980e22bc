// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/cuda_gemm.hpp"
#include "kernels/gemm/cuda_reference.hpp"

namespace maru {
namespace {

class NaiveKernel final : public DeviceGemmKernel {
public:
  explicit NaiveKernel(Gemm const& shape) : shape_(shape) {}
  void launch(GemmOperands const& operands, cudaStream_t stream) override {
    reference_gemm(shape_, operands, 0, shape_.m, operands.c, shape_.out, stream);
  }
  std::string name() const override { return "tile 64x64, sums of 64 terms added up in f64"; }

private:
  Gemm shape_;
};

std::optional<Skipped> supports(Operation const& operation) {
  std::vector<std::pair<Dtype, Dtype>> types;
  if (auto const* const g = std::get_if<Gemm>(&operation); g && has_reference(g->in, g->out))
    types.emplace_back(g->in, g->out);
  return refuse_device_gemm(operation, types, 80);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  return make_device_gemm(std::get<Gemm>(operation), site, [](Gemm const& shape, GemmOperands const&, cudaStream_t) {
    return std::make_unique<NaiveKernel>(shape);
  });
}

} // namespace

extern Backend const cuda_naive_backend;
Backend const cuda_naive_backend{
    "cuda_naive", "cuda", "plain loops on the device's ordinary cores, every type", true, supports, prepare, "gemm"};

} // namespace maru
