// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/labels.hpp"
#include "core/transformer.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace maru {

/// Element types, named as in the field: f = IEEE float, bf = bfloat, s = signed integer, then the width in bits.
/// tf32 is f32 in memory, of which a tensor core uses 19 bits. f8e4m3 and f8e5m2 (Micikevicius et al. 2022) go with one
/// f32 scale per matrix; mxf8 is f8e4m3 with a ue8m0 scale per 32 elements (OCP Microscaling 1.0), nvf4 is f4e2m1 with
/// a ue4m3 scale per 16.
enum class Dtype { f64, f32, tf32, f16, bf16, f8e4m3, f8e5m2, mxf8, nvf4, s8, s32 };

std::string_view name(Dtype dtype);
/// Bits of one element, scales left out.
int bits_of(Dtype dtype);
/// Bytes of `count` elements, scales left out; rounded up.
std::uint64_t bytes_of(Dtype dtype, std::uint64_t count);
/// Bytes of one element; 1 for types that are smaller.
std::size_t size_of(Dtype dtype);
/// Takes our names and the common ones (float, double, float32, half, int32, int8, bfloat16, fp8 …).
std::optional<Dtype> parse_dtype(std::string_view text);

/// C[m,n] = A[m,k] · B[k,n], row-major, no accumulation into C.
struct Gemm {
  Dtype in = Dtype::f32;
  Dtype out = Dtype::f32;
  std::int64_t m = 0, n = 0, k = 0;
};

/// STREAM's four loops over f64 arrays (McCalpin 1995): copy c=a, scale b=q·c, add c=a+b, triad a=b+q·c; and one-sided
/// read (a sum) and write (a constant).
enum class MemoryKind { copy, scale, add, triad, read, write };
/// Which memory: the host's, a device's, or a device's second-level cache (arrays that stay in it).
enum class MemorySpace { host, device, l2 };
struct Memory {
  MemoryKind kind = MemoryKind::copy;
  std::uint64_t bytes = 0; ///< of each array
  MemorySpace space = MemorySpace::host;
};

/// Copies between memories: host to device, device to host, both at once (two streams), and from this rank's device to
/// the one `offset` places further among those of its host.
enum class TransferKind { host_to_device, device_to_host, both_ways, peer };
struct Transfer {
  TransferKind kind = TransferKind::host_to_device;
  std::uint64_t bytes = 0; ///< in each direction
  int offset = 0;          ///< of peer
};

/// Tensor-core instructions on registers and shared memory alone: no device memory, so nothing but their issue and the
/// clock bounds the rate.
struct TensorIssue {
  Dtype in = Dtype::bf16;
  double flops = 2e12; ///< about so many per call; the work says how many exactly
};

/// The last two are of two ranks: a message there and back (both wait for it in turn), and messages from the root to
/// the other in one direction only.
enum class CollectiveKind {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  broadcast,
  reduce,
  send_recv,
  ping_pong,
  send
};
struct Collective {
  CollectiveKind kind = CollectiveKind::all_reduce;
  Dtype dtype = Dtype::f32;
  std::uint64_t bytes = 0; ///< asked size S in nccl-tests' sense: count·size for n ranks together where data is divided
  bool in_place = false;
  int root = 0;
  int ranks = 1;
  bool graph = false;      ///< replayed from a device's graph instead of launched call by call
  bool registered = false; ///< buffers registered with the library beforehand
};

/// A matrix product and a collective that do not depend on one another, at the same time.
struct Overlap {
  Gemm gemm;             ///< on every rank
  Collective collective; ///< of the group
  int taken = 0; ///< threads of a host that the product leaves to the collective; multiprocessors of a device that the
                 ///< collective may take, 0: as many as its library wants
  int threads = 1; ///< that each rank has; filled in where it is run
};

/// One step of training: `layers` layers of a transformer forward and backward over `sequences` sequences of `tokens`
/// tokens on every replica, then Adam over the weights. Each replica is `tp` ranks that share every layer (Shoeybi et
/// al. 2019): neighbours in the group. The `dp` replicas add their gradients up. Embedding and output layer are left
/// out.
struct Step {
  Transformer model;
  Dtype dtype = Dtype::f32;
  std::int64_t layers = 1;
  int tp = 1, dp = 1;
  std::int64_t sequences = 1, tokens = 256;
  int ranks = 1;                 ///< of the group; filled in where it is run
  std::int64_t memory_bytes = 0; ///< that a rank may use, on every rank the same; filled in where it is run, 0: unknown
};

/// Keeps a core busy for a random time of known median: what the measuring loop itself is tested with.
struct Spin {
  double seconds = 1e-4; ///< median of one call
  double noise = 0;      ///< sigma of the log-normal factor on each call
};

using Operation = std::variant<Gemm, Memory, Transfer, TensorIssue, Collective, Overlap, Step, Spin>;

/// What one call costs. Rates are these divided by time.
struct Cost {
  /// gemm: 2·m·n·k (each multiply and each add is one); overlap: that of all ranks; step: 3 × layer_flops of all layers
  /// and replicas
  double flops = 0;
  double bytes = 0; ///< memory: moved, writes counted once as STREAM does; collective: the size S that algbw uses
  double bus_bytes =
      0; ///< collective: S × bus factor, what each rank's link must carry (nccl-tests' doc/PERFORMANCE.md)
};
Cost cost(Operation const& operation);

/// Wire bytes over S: all_reduce 2(n−1)/n; all_gather, reduce_scatter, all_to_all (n−1)/n; the others 1. A ping_pong's
/// S is counted both ways.
double bus_factor(CollectiveKind kind, int ranks);

/// Whether the size S is divided among the ranks (all_gather, reduce_scatter, all_to_all).
bool is_divided(CollectiveKind kind);
/// Whether the root means anything for it (broadcast, reduce, send).
bool is_rooted(CollectiveKind kind);
/// Whether it adds values up (all_reduce, reduce, reduce_scatter).
bool is_reduction(CollectiveKind kind);
/// Whether it is an exchange of exactly two ranks (ping_pong, send).
bool is_of_two(CollectiveKind kind);
/// Elements of one rank's part: S / size / (ranks if divided), rounded down; 0 when S is too small.
std::uint64_t part_count(Collective const& collective);

std::string_view name(MemoryKind kind);
std::string_view name(MemorySpace space);
std::string_view name(TransferKind kind);
std::string_view name(CollectiveKind kind);
std::optional<MemoryKind> parse_memory_kind(std::string_view text);
std::optional<MemorySpace> parse_memory_space(std::string_view text);
std::optional<TransferKind> parse_transfer_kind(std::string_view text);
std::optional<CollectiveKind> parse_collective_kind(std::string_view text);

/// The operation's own name: "gemm", "triad", "host_to_device", "all_reduce", "overlap", "step", "spin".
std::string_view name(Operation const& operation);
/// "gemm", "memory", "device_memory", "transfer", "tensor_issue", "collective", "overlap", "step" or
/// "spin": what a backend is for.
std::string_view family(Operation const& operation);
/// The operation's labels, without its name and without the group.
Labels labels(Operation const& operation);

} // namespace maru
