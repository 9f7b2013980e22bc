// SPDX-License-Identifier: Apache-2.0
#include "core/operation.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

constexpr CollectiveKind collectives[] = {
    CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
    CollectiveKind::all_to_all, CollectiveKind::broadcast,  CollectiveKind::reduce,
    CollectiveKind::send_recv,  CollectiveKind::ping_pong,  CollectiveKind::send};

TEST(Cost, OfAMatrixMultiplicationIsTwoPerElementAndStep) {
  auto const c = cost(Gemm{.in = Dtype::s8, .out = Dtype::s32, .m = 2, .n = 3, .k = 5});
  EXPECT_EQ(c.flops, 60);
  EXPECT_EQ(c.bytes, 2 * 5 + 5 * 3 + 4 * 2 * 3);
  EXPECT_EQ(c.bus_bytes, 0);
  EXPECT_EQ(cost(Gemm{.m = 1 << 20, .n = 1 << 20, .k = 1 << 20}).flops, 2.0 * (1LL << 60)); // beyond 64 bits
}

TEST(Cost, OfMemoryCountsAsStreamDoes) {
  EXPECT_EQ(cost(Memory{MemoryKind::copy, 800}).bytes, 1600);
  EXPECT_EQ(cost(Memory{MemoryKind::scale, 800}).bytes, 1600);
  EXPECT_EQ(cost(Memory{MemoryKind::add, 800}).bytes, 2400);
  EXPECT_EQ(cost(Memory{MemoryKind::triad, 800}).bytes, 2400);
}

// nccl-tests' doc/PERFORMANCE.md
TEST(BusFactor, IsNcclTests) {
  EXPECT_EQ(bus_factor(CollectiveKind::all_reduce, 4), 1.5);
  for (auto const kind : {CollectiveKind::all_gather, CollectiveKind::reduce_scatter, CollectiveKind::all_to_all})
    EXPECT_EQ(bus_factor(kind, 4), 0.75);
  for (auto const kind : {CollectiveKind::broadcast, CollectiveKind::reduce, CollectiveKind::send_recv})
    EXPECT_EQ(bus_factor(kind, 4), 1);
  EXPECT_EQ(bus_factor(CollectiveKind::all_reduce, 1), 0);
}

TEST(Cost, OfACollectiveIsWhatIsMovedAndNotWhatWasAsked) {
  auto const gather =
      cost(Collective{.kind = CollectiveKind::all_gather, .dtype = Dtype::f64, .bytes = 1000, .ranks = 4});
  EXPECT_EQ(gather.bytes, 992); // 31 elements for each of 4 ranks
  EXPECT_EQ(gather.bus_bytes, 744);
  EXPECT_EQ(cost(Collective{.bytes = 1002, .ranks = 4}).bytes, 1000);
  EXPECT_EQ(cost(Collective{.kind = CollectiveKind::ping_pong, .bytes = 1000, .ranks = 2}).bytes, 2000);
  EXPECT_EQ(cost(Collective{.kind = CollectiveKind::send, .bytes = 1000, .ranks = 2}).bytes, 1000);
  EXPECT_EQ(cost(Collective{.kind = CollectiveKind::all_to_all, .bytes = 8, .ranks = 4}).bytes, 0);
}

TEST(Names, ComeBack) {
  for (auto const kind : collectives) EXPECT_EQ(parse_collective_kind(name(kind)), kind);
  for (auto const kind :
       {MemoryKind::copy, MemoryKind::scale, MemoryKind::add, MemoryKind::triad, MemoryKind::read, MemoryKind::write})
    EXPECT_EQ(parse_memory_kind(name(kind)), kind);
  for (auto const space : {MemorySpace::host, MemorySpace::device, MemorySpace::l2})
    EXPECT_EQ(parse_memory_space(name(space)), space);
  for (auto const kind :
       {TransferKind::host_to_device, TransferKind::device_to_host, TransferKind::both_ways, TransferKind::peer})
    EXPECT_EQ(parse_transfer_kind(name(kind)), kind);
  for (auto const dtype : {Dtype::f64, Dtype::f32, Dtype::tf32, Dtype::f16, Dtype::bf16, Dtype::f8e4m3, Dtype::f8e5m2,
                           Dtype::mxf8, Dtype::nvf4, Dtype::s8, Dtype::s32})
    EXPECT_EQ(parse_dtype(name(dtype)), dtype);
  EXPECT_EQ(parse_dtype("double"), Dtype::f64);
  EXPECT_EQ(parse_dtype("int32"), Dtype::s32);
  for (auto const* text : {"", "F32", "f12", "all_reduce ", "?"}) {
    EXPECT_FALSE(parse_dtype(text)) << text;
    EXPECT_FALSE(parse_collective_kind(text)) << text;
  }
}

TEST(Cost, OfOneSidedLoopsAndTransfers) {
  EXPECT_EQ(cost(Memory{.kind = MemoryKind::read, .bytes = 800}).bytes, 800);
  EXPECT_EQ(cost(Memory{.kind = MemoryKind::triad, .bytes = 800, .space = MemorySpace::device}).bytes, 2400);
  EXPECT_EQ(cost(Transfer{.kind = TransferKind::both_ways, .bytes = 800}).bytes, 1600);
  EXPECT_EQ(cost(Transfer{.kind = TransferKind::peer, .bytes = 800, .offset = 1}).bytes, 800);
}

TEST(Cost, OfSmallTypesCountsBits) {
  EXPECT_EQ(bytes_of(Dtype::nvf4, 3), 2U) << "two to a byte, rounded up";
  EXPECT_EQ(size_of(Dtype::nvf4), 1U);
  // A and B of half a byte each, C of two.
  EXPECT_EQ(cost(Gemm{.in = Dtype::nvf4, .out = Dtype::bf16, .m = 4, .n = 6, .k = 8}).bytes, 16 + 24 + 48);
}

TEST(Labels, SayWhatWasAskedAndNotWhoAnswers) {
  EXPECT_EQ(labels(Gemm{.in = Dtype::bf16, .out = Dtype::f32, .m = 1, .n = 2, .k = 3}).line(),
            "dtype=bf16 out=f32 m=1 n=2 k=3");
  EXPECT_EQ(
      labels(Collective{.kind = CollectiveKind::reduce, .bytes = 8, .in_place = true, .root = 2, .ranks = 4}).line(),
      "dtype=f32 size_bytes=8 in_place=1 root=2");
  EXPECT_EQ(labels(Collective{.bytes = 8, .ranks = 2}), labels(Collective{.bytes = 8, .ranks = 4}));
  EXPECT_EQ(labels(Memory{MemoryKind::triad, 64}).line(), "dtype=f64 size_bytes=64");
}

TEST(Operation, KnowsItsNameAndFamily) {
  EXPECT_EQ(name(Operation(Gemm{})), "gemm");
  EXPECT_EQ(name(Operation(Memory{MemoryKind::triad, 8})), "triad");
  EXPECT_EQ(family(Operation(Memory{})), "memory");
  EXPECT_EQ(name(Operation(Collective{.kind = CollectiveKind::all_to_all})), "all_to_all");
  EXPECT_EQ(family(Operation(Collective{})), "collective");
  EXPECT_EQ(family(Operation(Spin{})), "spin");
}

} // namespace
} // namespace maru
