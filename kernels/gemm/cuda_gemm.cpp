// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/cuda_gemm.hpp"

#include "kernels/cuda/api.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/gemm/block_scale.hpp"
#include "kernels/gemm/cuda_verify.hpp"
#include "kernels/gemm/gemm_tolerance.hpp"
#include "kernels/random.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace maru {
namespace {

constexpr double share_of_free = 0.6;   // the rest is for workspaces and the verification
constexpr double rehearsal_share = 0.1; // several ranks on one device

/// Bytes of each part of a set, on boundaries of 256.
struct SetSizes {
  std::uint64_t a = 0, b = 0, c = 0, a_scale = 0, b_scale = 0;

  explicit SetSizes(Gemm const& g)
      : a(padded(bytes_of(g.in, product(g.m, g.k)))), b(padded(bytes_of(b_dtype(g.in), product(g.n, g.k)))),
        c(padded(bytes_of(g.out, product(g.m, g.n)))),
        a_scale(padded(static_cast<std::uint64_t>(ScaleLayout(g.in, g.m, g.k).bytes()))),
        b_scale(padded(static_cast<std::uint64_t>(ScaleLayout(g.in, g.n, g.k).bytes()))) {}
  std::uint64_t total() const { return a + b + c + a_scale + b_scale; }

private:
  static std::uint64_t product(std::int64_t rows, std::int64_t columns) {
    return static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns);
  }
  static std::uint64_t padded(std::uint64_t bytes) { return (bytes + 255) / 256 * 256; }
};

/// Bytes of device memory that sets may take. Throws Error(incomplete) when not even one fits.
std::uint64_t room_for(Gemm const& g, Site const& site) {
  std::size_t free = 0, total = 0;
  MARU_CHECK(CudaApi, cudaMemGetInfo(&free, &total));
  double const room = (site.rehearsal ? rehearsal_share : share_of_free) * static_cast<double>(free);
  auto const m = static_cast<double>(g.m), n = static_cast<double>(g.n), k = static_cast<double>(g.k);
  // In double: the product of three dimensions that each fit an int need not fit 64 bits of bits.
  double const wanted = (bits_of(g.in) * (m * k + n * k) + bits_of(g.out) * m * n) / 8;
  if (wanted > room)
    throw Error(
        Exit::incomplete,
        fmt::format("not enough device memory for matrices of {:.3f} GiB ({:.3f} GiB are free, of which {:.0f} % "
                    "may be taken)",
                    wanted / 0x1p30, static_cast<double>(free) / 0x1p30, 100 * room / static_cast<double>(free)));
  return static_cast<std::uint64_t>(room);
}

std::uint64_t l2_bytes() {
  int bytes = 0;
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, cuda_index_in_use()));
  return static_cast<std::uint64_t>(bytes);
}

class DeviceGemm final : public DeviceProduct {
public:
  DeviceGemm(Gemm const& g, Site const& site, DeviceGemmMaker const& maker)
      : g_(g), seed_(site.seed), count_(0), room_(room_for(g, site)), sizes_(g) {
    count_ = rotating_sets(sizes_.total(), l2_bytes(), room_);
    allocate();
    fill();
    lane_.wait();
    kernel_ = maker(g_, set(0), lane_.stream());
  }

  void call() override {
    kernel_->launch(set(next_), lane_.stream());
    next_ = (next_ + 1) % count_;
  }
  Verification verify() override { return verify_device_gemm(g_, set(0), *kernel_, ++seed_, lane_); }
  Lane& lane() override { return lane_; }
  std::string implementation() const override { return kernel_->name(); }
  cudaStream_t stream() const override { return lane_.stream(); }

  void refresh() override {
    next_ = 0;
    fill_operands(g_, set(0), ++seed_, false, lane_.stream());
    poison_device(set(0).c, sizes_.c, lane_.stream());
    lane_.wait();
  }
  Verification judge() override { return judge_device_gemm(g_, set(0), seed_, lane_); }

private:
  void allocate() {
    a_ = DeviceBytes(count_ * sizes_.a);
    b_ = DeviceBytes(count_ * sizes_.b);
    c_ = DeviceBytes(count_ * sizes_.c);
    if (has_tensor_scale(g_.in)) a_scale_ = DeviceBytes(sizeof(float)), b_scale_ = DeviceBytes(sizeof(float));
    if (scale_block(g_.in) == 0) return;
    a_scale_ = DeviceBytes(count_ * sizes_.a_scale);
    b_scale_ = DeviceBytes(count_ * sizes_.b_scale);
  }

  /// All sets at once, padding included.
  void fill() {
    auto const stream = lane_.stream();
    auto const values = [](DeviceBytes const& bytes, Dtype dtype) {
      return bytes.size() * 8 / static_cast<std::size_t>(bits_of(dtype));
    };
    fill_random(a_.data(), g_.in, values(a_, g_.in), random_bits(seed_, 0), stream);
    fill_random(b_.data(), b_dtype(g_.in), values(b_, b_dtype(g_.in)), random_bits(seed_, 1), stream);
    poison_device(c_.data(), c_.size(), stream);
    if (has_tensor_scale(g_.in)) {
      MARU_CHECK(CudaApi, cudaMemcpyAsync(a_scale_.data(), &f8_scale_a, sizeof(float), cudaMemcpyHostToDevice, stream));
      MARU_CHECK(CudaApi, cudaMemcpyAsync(b_scale_.data(), &f8_scale_b, sizeof(float), cudaMemcpyHostToDevice, stream));
    }
    if (scale_block(g_.in) == 0) return;
    fill_scales(a_scale_.data(), g_.in, a_scale_.size(), random_bits(seed_, 2), stream);
    fill_scales(b_scale_.data(), g_.in, b_scale_.size(), random_bits(seed_, 3), stream);
  }

  /// A scale for a whole matrix is the same in all sets: their size is 0.
  GemmOperands set(std::uint64_t i) const {
    auto const at = [&](DeviceBytes const& bytes, std::uint64_t size) { return bytes.as<char>() + i * size; };
    GemmOperands operands{at(a_, sizes_.a), at(b_, sizes_.b), at(c_, sizes_.c), nullptr, nullptr};
    if (a_scale_.size() > 0) operands.a_scale = at(a_scale_, sizes_.a_scale);
    if (b_scale_.size() > 0) operands.b_scale = at(b_scale_, sizes_.b_scale);
    return operands;
  }

  Gemm g_;
  std::uint64_t seed_;
  std::uint64_t count_, next_ = 0;
  std::uint64_t room_;
  SetSizes sizes_;
  // Launches and no graph: a graph of fewer calls than there are sets would find its inputs in the cache.
  StreamLane lane_;
  DeviceBytes a_, b_, c_, a_scale_, b_scale_;
  std::unique_ptr<DeviceGemmKernel> kernel_;
};

} // namespace

std::unique_ptr<DeviceProduct> make_device_gemm(Gemm const& shape, Site const& site, DeviceGemmMaker const& maker) {
  return std::make_unique<DeviceGemm>(shape, site, maker);
}

std::optional<Skipped> refuse_device_gemm(Operation const& operation, std::vector<std::pair<Dtype, Dtype>> const& types,
                                          int capability) {
  auto const* const g = std::get_if<Gemm>(&operation);
  if (!g) return Skipped{fmt::format("multiplies matrices only, not {}", name(operation))};
  if (std::ranges::find(types, std::pair{g->in, g->out}) == types.end())
    return Skipped{fmt::format("has no gemm from {} to {}", name(g->in), name(g->out))};
  for (auto const dimension : {g->m, g->n, g->k})
    if (dimension < 1 || dimension > std::numeric_limits<int>::max())
      return Skipped{fmt::format("a dimension of {} is outside 1 to 2147483647", dimension)};
  auto const block = scale_block(g->in);
  if (block > 0 && g->k % block != 0)
    return Skipped{
        fmt::format("{} has one scale for {} values along k, and {} is no multiple", name(g->in), block, g->k)};
  int const here = device_capability();
  if (here == 0) return Skipped{"no CUDA device is in use"};
  if (here < capability)
    return Skipped{fmt::format("needs compute capability {}.{}, and this device has {}.{}", capability / 10,
                               capability % 10, here / 10, here % 10)};
  return std::nullopt;
}

int device_capability() {
  if (cuda_uuid_in_use().empty()) return 0;
  int const device = cuda_index_in_use();
  int major = 0, minor = 0;
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  return 10 * major + minor;
}

} // namespace maru
