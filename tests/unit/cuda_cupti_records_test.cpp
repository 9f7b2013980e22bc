// SPDX-License-Identifier: Apache-2.0
// Buffers as CUPTI would fill them, of every version of the records that CUDA 9 to 13 write.
#include "collectors/cupti_records.hpp"

#if CUPTI_API_VERSION >= 130000 // older headers lack the newest versions
#include <array>
#include <cstdlib>
#include <cstring>
#include <cupti_activity_deprecated.h>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace maru {
namespace {

// Several versions have no member of this name.
template <class R>
concept HasNode = requires(R r) {
  r.graphNodeId;
};
template <class R>
concept HasCorrelation = requires(R r) {
  r.correlationId;
};
template <class R>
concept IsKernel = requires(R r) {
  r.blockX;
};
template <class R>
concept IsOverhead = requires(R r) {
  r.overheadKind;
};

template <class R> constexpr CUpti_ActivityKind kind_of() {
  if constexpr (IsKernel<R>)
    return CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
  else if constexpr (requires(R r) { r.dstDeviceId; })
    return CUPTI_ACTIVITY_KIND_MEMCPY2;
  else if constexpr (requires(R r) { r.copyKind; })
    return CUPTI_ACTIVITY_KIND_MEMCPY;
  else if constexpr (requires(R r) { r.memoryKind; })
    return CUPTI_ACTIVITY_KIND_MEMSET;
  else if constexpr (requires(R r) { r.graphId; })
    return CUPTI_ACTIVITY_KIND_GRAPH_TRACE;
  else
    return CUPTI_ACTIVITY_KIND_OVERHEAD;
}

/// Every byte that is not set below is 0xee, so that a field read at the wrong place shows.
template <class R> R record_of(std::uint64_t start, std::uint64_t end) {
  R r;
  std::memset(&r, 0xee, sizeof(r));
  r.kind = kind_of<R>();
  r.start = start;
  r.end = end;
  if constexpr (IsOverhead<R>) {
    r.overheadKind = CUPTI_ACTIVITY_OVERHEAD_CUPTI_INSTRUMENTATION;
    r.objectKind = CUPTI_ACTIVITY_OBJECT_THREAD;
    r.objectId.pt.processId = 77;
    r.objectId.pt.threadId = 3;
  } else {
    r.deviceId = 3;
    r.streamId = 13;
  }
  if constexpr (HasCorrelation<R>) r.correlationId = 17;
  if constexpr (IsKernel<R>) r.name = "_ZN4maru4spinIfEEvPT_y";
  if constexpr (requires { r.bytes; }) r.bytes = std::uint64_t{5} << 32;
  if constexpr (requires { r.copyKind; }) r.copyKind = CUPTI_ACTIVITY_MEMCPY_KIND_HTOD;
  if constexpr (HasNode<R>) r.graphNodeId = (std::uint64_t{2} << 32) + 19;
  if constexpr (kind_of<R>() == CUPTI_ACTIVITY_KIND_GRAPH_TRACE) r.graphId = 23;
  return r;
}

/// Sizes of records by kind, of the versions that a test walks over.
std::map<CUpti_ActivityKind, std::size_t> sizes;

/// As cuptiActivityGetNextRecord does, for other versions than the library's own.
CUptiResult next_of_sizes(std::uint8_t* buffer, std::size_t valid, CUpti_Activity** record) {
  auto const size_at = [](std::uint8_t const* at) {
    CUpti_ActivityKind kind{};
    std::memcpy(&kind, at, sizeof(kind));
    return sizes.contains(kind) ? sizes[kind] : 0;
  };
  auto* at = *record ? reinterpret_cast<std::uint8_t*>(*record) : buffer;
  if (*record) at += size_at(at);
  auto const left = static_cast<std::size_t>(buffer + valid - at);
  if (left < sizeof(CUpti_ActivityKind)) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  auto const size = size_at(at);
  if (size == 0) return CUPTI_ERROR_INVALID_KIND;
  if (left < size) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = reinterpret_cast<CUpti_Activity*>(at);
  return CUPTI_SUCCESS;
}

class Buffer {
public:
  template <class R> Buffer& add(R const& record) {
    sizes[record.kind] = sizeof(R);
    auto const at = bytes_.size();
    bytes_.resize(at + sizeof(R));
    std::memcpy(&bytes_[at], &record, sizeof(R));
    return *this;
  }
  Buffer& cut(std::size_t bytes) {
    bytes_.resize(bytes_.size() - bytes);
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }
  std::uint8_t* data() { return bytes_.data(); }

private:
  std::vector<std::uint8_t> bytes_;
};

template <class R> class CuptiRecords : public testing::Test {};
using Versions =
    testing::Types<CUpti_ActivityKernel4, CUpti_ActivityKernel5, CUpti_ActivityKernel6, CUpti_ActivityKernel7,
                   CUpti_ActivityKernel8, CUpti_ActivityKernel9, CUpti_ActivityKernel10, CUpti_ActivityMemcpy,
                   CUpti_ActivityMemcpy3, CUpti_ActivityMemcpy4, CUpti_ActivityMemcpy5, CUpti_ActivityMemcpy6,
                   CUpti_ActivityMemcpyPtoP, CUpti_ActivityMemcpyPtoP2, CUpti_ActivityMemcpyPtoP3,
                   CUpti_ActivityMemcpyPtoP4, CUpti_ActivityMemset, CUpti_ActivityMemset2, CUpti_ActivityMemset3,
                   CUpti_ActivityMemset4, CUpti_ActivityOverhead, CUpti_ActivityOverhead2, CUpti_ActivityOverhead3,
                   CUpti_ActivityGraphTrace, CUpti_ActivityGraphTrace2>;
TYPED_TEST_SUITE(CuptiRecords, Versions);

struct Expected {
  SpanKind kind;
  char const* name;
  bool bytes;
};
Expected expected(CUpti_ActivityKind kind) {
  switch (kind) {
  case CUPTI_ACTIVITY_KIND_MEMCPY:
  case CUPTI_ACTIVITY_KIND_MEMCPY2: return {SpanKind::memcpy, "HtoD", true};
  case CUPTI_ACTIVITY_KIND_MEMSET: return {SpanKind::memset, "memset", true};
  case CUPTI_ACTIVITY_KIND_OVERHEAD: return {SpanKind::overhead, "instrumentation", false};
  case CUPTI_ACTIVITY_KIND_GRAPH_TRACE: return {SpanKind::kernel, "graph 23", false};
  default: return {SpanKind::kernel, "void maru::spin<float>(float*, unsigned long long)", false};
  }
}

template <class R> void check(Span const& span, std::uint64_t start, std::uint64_t end) {
  auto const [kind, name, bytes] = expected(kind_of<R>());
  EXPECT_EQ(span.kind, kind);
  EXPECT_EQ(span.name, name);
  EXPECT_EQ(span.start, start);
  EXPECT_EQ(span.end, end);
  EXPECT_EQ(span.device, 3);
  EXPECT_EQ(span.bytes, bytes ? std::uint64_t{5} << 32 : 0);
  EXPECT_EQ(span.graph_node, HasNode<R> ? (std::uint64_t{2} << 32) + 19 : 0);
  EXPECT_EQ(span.stream, IsOverhead<R> ? 0 : 13);
  if constexpr (HasCorrelation<R>) {
    EXPECT_EQ(span.correlation, 17U);
  } else {
    EXPECT_EQ(span.correlation, 0U);
  }
}

TYPED_TEST(CuptiRecords, AreReadWhole) {
  Buffer buffer;
  buffer.add(record_of<TypeParam>(3000, 4000)).add(record_of<TypeParam>(1000, 1000));
  ActivityDecoder decoder(next_of_sizes);
  decoder.buffer(buffer.data(), buffer.size());
  auto const log = decoder.take();
  ASSERT_EQ(log.spans.size(), 2U);
  check<TypeParam>(log.spans[0], 1000, 1000); // by start
  check<TypeParam>(log.spans[1], 3000, 4000);
  EXPECT_EQ(log.untimed + log.malformed + log.dropped + decoder.unknown(), 0U);
  EXPECT_TRUE(decoder.take().spans.empty());
}

TYPED_TEST(CuptiRecords, WithoutTimesAreUntimed) {
  Buffer buffer;
  buffer.add(record_of<TypeParam>(0, 0)).add(record_of<TypeParam>(5, 0)).add(record_of<TypeParam>(5, 6));
  ActivityDecoder decoder(next_of_sizes);
  decoder.buffer(buffer.data(), buffer.size());
  auto const log = decoder.take();
  EXPECT_EQ(log.spans.size(), 1U);
  EXPECT_EQ(log.untimed, 2U);
  EXPECT_EQ(log.malformed, 0U);
}

TYPED_TEST(CuptiRecords, ThatEndBeforeTheyStartAreMalformed) {
  Buffer buffer;
  buffer.add(record_of<TypeParam>(6, 5)).add(record_of<TypeParam>(5, 6));
  ActivityDecoder decoder(next_of_sizes);
  decoder.buffer(buffer.data(), buffer.size());
  auto const log = decoder.take();
  EXPECT_EQ(log.spans.size(), 1U);
  EXPECT_EQ(log.malformed, 1U);
}

TYPED_TEST(CuptiRecords, CutOffAreMalformed) {
  for (std::size_t cut = 1; cut < sizeof(TypeParam); ++cut) {
    Buffer buffer;
    buffer.add(record_of<TypeParam>(5, 6)).add(record_of<TypeParam>(7, 8)).cut(cut);
    ActivityDecoder decoder(next_of_sizes);
    decoder.buffer(buffer.data(), buffer.size());
    auto const log = decoder.take();
    ASSERT_EQ(log.spans.size(), 1U) << cut;
    ASSERT_EQ(log.malformed, 1U) << cut;
    ASSERT_EQ(log.untimed, 0U) << cut;
  }
  Buffer alone;
  alone.add(record_of<TypeParam>(5, 6)).cut(8);
  ActivityDecoder decoder(next_of_sizes);
  decoder.buffer(alone.data(), alone.size());
  EXPECT_EQ(decoder.take().malformed, 1U);
}

TYPED_TEST(CuptiRecords, ShorterThanTheirFirstVersionAreMalformed) {
  auto const record = record_of<TypeParam>(5, 6);
  ActivityDecoder decoder(next_of_sizes);
  EXPECT_FALSE(decoder.record(reinterpret_cast<CUpti_Activity const*>(&record), 32));
  EXPECT_EQ(decoder.take().malformed, 1U);
  EXPECT_TRUE(decoder.record(reinterpret_cast<CUpti_Activity const*>(&record), sizeof(record)));
}

/// The library's own walk, over the records of its own headers.
Buffer mixed() {
  Buffer buffer;
  auto kernel = record_of<CUpti_ActivityKernel10>(50, 60);
  auto overhead = record_of<CUpti_ActivityOverhead3>(10, 20);
  overhead.overheadData = nullptr;
  CUpti_ActivityMarker2 marker{};
  marker.kind = CUPTI_ACTIVITY_KIND_MARKER;
  return buffer.add(kernel)
      .add(record_of<CUpti_ActivityMemcpy6>(40, 50))
      .add(marker)
      .add(record_of<CUpti_ActivityMemset4>(30, 40))
      .add(overhead)
      .add(record_of<CUpti_ActivityMemcpyPtoP4>(0, 0))
      .add(record_of<CUpti_ActivityGraphTrace2>(70, 80));
}

TEST(CuptiBuffers, MixedKindsAreSortedAndOthersCounted) {
  auto buffer = mixed();
  ActivityDecoder decoder;
  decoder.buffer(buffer.data(), buffer.size());
  EXPECT_EQ(decoder.unknown(), 1U);
  auto const log = decoder.take();
  ASSERT_EQ(log.spans.size(), 5U);
  EXPECT_EQ(log.untimed, 1U);
  EXPECT_EQ(log.malformed, 0U);
  std::array const kinds{SpanKind::overhead, SpanKind::memset, SpanKind::memcpy, SpanKind::kernel, SpanKind::kernel};
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(log.spans[i].kind, kinds[i]) << i;
  EXPECT_EQ(log.spans[0].correlation, 17U);
  EXPECT_EQ(discard_records(buffer.data(), buffer.size()), 7U);
}

TEST(CuptiBuffers, CutOffAnywhereLoseOnlyTheLastRecord) {
  auto const whole = mixed().size();
  for (std::size_t left = 0; left < whole; ++left) {
    auto buffer = mixed();
    buffer.cut(whole - left);
    ActivityDecoder decoder;
    decoder.buffer(buffer.data(), buffer.size());
    auto const log = decoder.take();
    auto const records = discard_records(buffer.data(), buffer.size());
    ASSERT_EQ(log.spans.size() + log.untimed + decoder.unknown(), records) << left;
    bool const at_border =
        left == 0 || left == 216 || left == 312 || left == 368 || left == 456 || left == 512 || left == 608;
    ASSERT_EQ(log.malformed, at_border ? 0U : 1U) << left;
  }
}

TEST(CuptiBuffers, WhatIsNoRecordEndsThem) {
  auto buffer = mixed();
  buffer.data()[216] = 0xff;
  buffer.data()[217] = 0xff;
  ActivityDecoder decoder;
  decoder.buffer(buffer.data(), buffer.size());
  auto const log = decoder.take();
  EXPECT_EQ(log.spans.size(), 1U);
  EXPECT_EQ(log.malformed, 1U);
  decoder.buffer(buffer.data(), 0);
  EXPECT_EQ(decoder.take().malformed, 0U);
}

std::string name_of(char const* name) {
  auto kernel = record_of<CUpti_ActivityKernel10>(1, 2);
  kernel.name = name;
  ActivityDecoder decoder;
  return decoder.record(reinterpret_cast<CUpti_Activity const*>(&kernel), sizeof(kernel))->name;
}

TEST(CuptiNames, AreReadable) {
  EXPECT_EQ(name_of(nullptr), "(unnamed)");
  EXPECT_EQ(name_of("_Z4initPii"), "init(int*, int)");
  EXPECT_EQ(name_of("f"), "f") << "read as a type it would be a float";
  EXPECT_EQ(name_of("_Zbroken"), "_Zbroken");
  EXPECT_EQ(name_of("ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)"),
            "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)");
}

TEST(CuptiNames, OfCopiesAndOverheads) {
  ActivityDecoder decoder;
  auto copy = record_of<CUpti_ActivityMemcpy6>(1, 2);
  auto const copy_of = [&](std::uint8_t kind) {
    copy.copyKind = kind;
    return decoder.record(reinterpret_cast<CUpti_Activity const*>(&copy), sizeof(copy))->name;
  };
  EXPECT_EQ(copy_of(CUPTI_ACTIVITY_MEMCPY_KIND_DTOH), "DtoH");
  EXPECT_EQ(copy_of(CUPTI_ACTIVITY_MEMCPY_KIND_DTOD), "DtoD");
  EXPECT_EQ(copy_of(CUPTI_ACTIVITY_MEMCPY_KIND_HTOH), "HtoH");
  EXPECT_EQ(copy_of(CUPTI_ACTIVITY_MEMCPY_KIND_PTOP), "PtoP");
  EXPECT_EQ(copy_of(CUPTI_ACTIVITY_MEMCPY_KIND_ATOD), "AtoD");
  EXPECT_EQ(copy_of(99), "copy");
  auto overhead = record_of<CUpti_ActivityOverhead3>(1, 2);
  auto const overhead_of = [&](int kind) {
    std::memcpy(&overhead.overheadKind, &kind, sizeof(kind));
    return decoder.record(reinterpret_cast<CUpti_Activity const*>(&overhead), sizeof(overhead))->name;
  };
  EXPECT_EQ(overhead_of(CUPTI_ACTIVITY_OVERHEAD_DRIVER_COMPILER), "driver compiler");
  EXPECT_EQ(overhead_of(CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH), "buffer flush");
  EXPECT_EQ(overhead_of(CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING), "lazy function loading");
  EXPECT_EQ(overhead_of(CUPTI_ACTIVITY_OVERHEAD_UVM_ACTIVITY_INIT), "unified memory set-up");
  EXPECT_EQ(overhead_of(99 << 16), "unknown overhead");
  EXPECT_EQ(overhead_of(2), "unknown overhead");
  overhead.objectKind = CUPTI_ACTIVITY_OBJECT_CONTEXT;
  EXPECT_EQ(decoder.record(reinterpret_cast<CUpti_Activity const*>(&overhead), sizeof(overhead))->device, 0);
}

/// The address sanitizer sees it when the memory is not freed, or is freed twice.
TEST(CuptiBuffers, FreeWhatRecordsOwn) {
  auto overhead = record_of<CUpti_ActivityOverhead3>(1, 2);
  overhead.overheadKind = CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL;
  auto const fill = [&](Buffer& buffer) {
    for (int i = 0; i < 2; ++i) {
      overhead.overheadData = std::malloc(32);
      buffer.add(overhead);
    }
  };
  Buffer read, discarded;
  fill(read);
  fill(discarded);
  ActivityDecoder decoder;
  decoder.buffer(read.data(), read.size());
  EXPECT_EQ(decoder.take().spans.size(), 2U);
  EXPECT_EQ(discard_records(discarded.data(), discarded.size()), 2U);
}

} // namespace
} // namespace maru
#endif
