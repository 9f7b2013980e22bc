// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/labels.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace maru {

/// Element types, named as in the field: f = IEEE float, bf = bfloat, s = signed integer, then the width in bits.
enum class Dtype { f64, f32, bf16, s8, s32 };

std::string_view name(Dtype dtype);
std::size_t size_of(Dtype dtype);
/// Takes our names and the common ones (float, double, float32, int32, int8, bfloat16 …).
std::optional<Dtype> parse_dtype(std::string_view text);

/// C[m,n] = A[m,k] · B[k,n], row-major, no accumulation into C.
struct Gemm {
  Dtype in = Dtype::f32;
  Dtype out = Dtype::f32;
  std::int64_t m = 0, n = 0, k = 0;
};

/// STREAM's four loops over f64 arrays (McCalpin 1995): copy c=a, scale b=q·c, add c=a+b, triad a=b+q·c.
enum class MemoryKind { copy, scale, add, triad };
struct Memory {
  MemoryKind kind = MemoryKind::copy;
  std::uint64_t bytes = 0; ///< of each array
};

enum class CollectiveKind { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, reduce, send_recv };
struct Collective {
  CollectiveKind kind = CollectiveKind::all_reduce;
  Dtype dtype = Dtype::f32;
  std::uint64_t bytes = 0; ///< asked size S in nccl-tests' sense: count·size for n ranks together where data is divided
  bool in_place = false;
  int root = 0;
  int ranks = 1;
};

/// Keeps a core busy for a random time of known median: what the measuring loop itself is tested with.
struct Spin {
  double seconds = 1e-4; ///< median of one call
  double noise = 0;      ///< sigma of the log-normal factor on each call
};

using Operation = std::variant<Gemm, Memory, Collective, Spin>;

/// What one call costs. Rates are these divided by time.
struct Cost {
  double flops = 0; ///< gemm: 2·m·n·k (each multiply and each add is one)
  double bytes = 0; ///< memory: moved, writes counted once as STREAM does; collective: the size S that algbw uses
  double bus_bytes =
      0; ///< collective: S × bus factor, what each rank's link must carry (nccl-tests' doc/PERFORMANCE.md)
};
Cost cost(Operation const& operation);

/// Wire bytes over S: all_reduce 2(n−1)/n; all_gather, reduce_scatter, all_to_all (n−1)/n; the others 1.
double bus_factor(CollectiveKind kind, int ranks);

/// Whether the size S is divided among the ranks (all_gather, reduce_scatter, all_to_all).
bool is_divided(CollectiveKind kind);
/// Whether the root means anything for it (broadcast, reduce).
bool is_rooted(CollectiveKind kind);
/// Whether it adds values up (all_reduce, reduce, reduce_scatter).
bool is_reduction(CollectiveKind kind);
/// Elements of one rank's part: S / size / (ranks if divided), rounded down; 0 when S is too small.
std::uint64_t part_count(Collective const& collective);

std::string_view name(MemoryKind kind);
std::string_view name(CollectiveKind kind);
std::optional<MemoryKind> parse_memory_kind(std::string_view text);
std::optional<CollectiveKind> parse_collective_kind(std::string_view text);

/// The operation's own name: "gemm", "triad", "all_reduce", "spin".
std::string_view name(Operation const& operation);
/// "gemm", "memory", "collective" or "spin": what a backend is for.
std::string_view family(Operation const& operation);
/// The operation's labels, without its name and without the group.
Labels labels(Operation const& operation);

} // namespace maru
