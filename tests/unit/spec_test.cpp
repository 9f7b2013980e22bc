// SPDX-License-Identifier: Apache-2.0
#include "analysis/spec.hpp"

#include "analysis/peaks.hpp"
#include "core/error.hpp"
#include "tests/unit/golden.hpp"

#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru {
namespace {

using testing::HasSubstr;

std::string fault_of(std::function<void()> const& action) {
  try {
    action();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), Exit::usage);
    std::string const fault = error.what();
    for (char const c : fault) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << fault;
    return fault;
  }
  return "no error";
}

std::string spec_fault(std::string_view toml) {
  return fault_of([&] { parse_spec(toml, "s.toml"); });
}

/// The datasheet's figure that no measurement can exceed, for what the built-in floors ask; 0 when there is none.
double ceiling(Floor const& floor, Peak const& peak) {
  auto const text = [&](char const* key) {
    auto const found = floor.labels.find(key);
    return found == floor.labels.end() ? std::string() : found->second;
  };
  if (floor.operation == "gemm") return peak_rate(peak, *parse_dtype(text("dtype"))).value_or(0);
  if (floor.operation == "peer") return peak.nvlink_bandwidth;
  // In the switch, data is summed on its way, so that the bus rate of an all-reduce can exceed a link's: nearly twice.
  if (floor.operation == "all_reduce") return 2 * peak.nvlink_bandwidth;
  return text("space") == "device" ? peak.memory_bandwidth : peak.host_bandwidth;
}

class BuiltinSpec : public testing::TestWithParam<std::string> {};

TEST_P(BuiltinSpec, ParsesAndNamesItsSources) {
  auto const spec = load_spec(GetParam());
  EXPECT_EQ(spec.name, GetParam());
  EXPECT_FALSE(spec.floors.empty());
  for (auto const& floor : spec.floors) {
    EXPECT_GT(floor.source.size(), 20U) << floor.what;
    EXPECT_GT(floor.least, 0) << floor.what;
    EXPECT_FALSE(floor.group_kind.empty()) << floor.what;
    EXPECT_FALSE(floor.sizes.empty()) << floor.what << ": small ones are slow anywhere";
    EXPECT_EQ(floor.group_kind == "node", floor.ranks > 0) << floor.what << ": the source is of so many devices";
  }
}

TEST_P(BuiltinSpec, AsksForLessThanTheDatasheet) {
  for (auto const& spec = load_spec(GetParam()); auto const& model : spec.models) {
    auto const* peak = find_peak(model);
    ASSERT_TRUE(peak) << model;
    for (auto const& floor : spec.floors) {
      EXPECT_LT(floor.least, 0.9 * ceiling(floor, *peak)) << model << ": " << floor.what;
      // A slip of the unit would be a thousandth.
      EXPECT_GT(floor.least, 0.05 * ceiling(floor, *peak)) << model << ": " << floor.what;
    }
  }
}

TEST_P(BuiltinSpec, IsFoundByItsModels) {
  auto const spec = load_spec(GetParam());
  for (auto const& model : spec.models) {
    ASSERT_TRUE(find_spec(model)) << model;
    EXPECT_EQ(find_spec(model)->name, spec.name);
  }
}

std::string shown(Floor const& floor) {
  if (floor.unit == Unit::flop_per_second)
    return floor.least >= 1e12 ? fmt::format("{:.6g} TFLOP/s", floor.least / 1e12)
                               : fmt::format("{:.6g} GFLOP/s", floor.least / 1e9);
  return fmt::format("{:.6g} GB/s", floor.least / 1e9);
}

// The page cannot say anything else than the files.
TEST_P(BuiltinSpec, IsInTheDocumentation) {
  auto const page = read_file(source_file("docs/specs.md"));
  auto const spec = load_spec(GetParam());
  for (auto const& model : spec.models) EXPECT_THAT(page, HasSubstr(model));
  for (auto const& floor : spec.floors)
    EXPECT_THAT(page,
                HasSubstr(fmt::format("| {} | {} | {} | {} |", spec.name, floor.what, shown(floor), floor.source)));
}

INSTANTIATE_TEST_SUITE_P(All, BuiltinSpec, testing::ValuesIn(builtin_specs()));

TEST(Spec, IsOfOneModelExactly) {
  EXPECT_EQ(find_spec("NVIDIA H200")->name, "h200");
  EXPECT_EQ(find_spec("")->name, "cpu");
  for (auto const* model : {"NVIDIA H200 NVL", "NVIDIA H100 PCIe", "NVIDIA H200 MIG 1g.18gb", "nvidia h200", "cpu"})
    EXPECT_EQ(find_spec(model), nullptr) << model;
}

TEST(Spec, OfAnotherMakersDevice) {
  auto const spec = parse_spec(R"(
name = "our-npu"
models = ["Example NPU 9"]
[[floor]]
what = "gemm bf16"
operation = "gemm"
dtype = "bfloat16"
m = 4096
flops = "300T"
source = "acceptance test of 2026"
[[floor]]
what = "latency"
operation = "spin"
seconds = "20us"
source = "ours"
[[floor]]
what = "memory of the host"
operation = "triad"
space = "host"
size_bytes = "64M"
bytes_per_second = 2.5e11
source = "ours"
)",
                               "npu.toml");
  EXPECT_EQ(spec.name, "our-npu");
  EXPECT_THAT(spec.models, testing::ElementsAre("Example NPU 9"));
  ASSERT_EQ(spec.floors.size(), 3U);
  EXPECT_EQ(spec.floors[0].least, 300e12);
  EXPECT_EQ(spec.floors[0].unit, Unit::flop_per_second);
  EXPECT_EQ(spec.floors[0].labels.at("dtype"), "bf16");
  EXPECT_EQ(spec.floors[0].sizes.at("m"), 4096);
  EXPECT_EQ(spec.floors[1].least, 20e-6);
  EXPECT_EQ(spec.floors[1].unit, Unit::second);
  EXPECT_EQ(spec.floors[2].least, 2.5e11);
  EXPECT_EQ(spec.floors[2].labels.at("space"), "") << "as the question has it";
}

Metric gemm_metric() {
  Metric metric;
  metric.probe = metric.operation = "gemm";
  metric.backend = "cublaslt";
  metric.labels = labels(Gemm{.in = Dtype::bf16, .out = Dtype::bf16, .m = 8192, .n = 8192, .k = 8192});
  metric.group_kind = "rank";
  metric.unit = Unit::flop_per_second;
  return metric;
}

TEST(IsFor, AsksForEverythingThatTheFloorNames) {
  auto const floor = load_spec("h200").floors.front();
  ASSERT_EQ(floor.what, "gemm bf16");
  EXPECT_TRUE(is_for(floor, gemm_metric()));
  EXPECT_TRUE(is_for(floor, gemm_metric(), 1));
  auto const changed = [&](auto change) {
    auto metric = gemm_metric();
    change(metric);
    return is_for(floor, metric, 1);
  };
  EXPECT_FALSE(changed([](Metric& m) { m.operation = "tensor_issue"; }));
  EXPECT_FALSE(changed([](Metric& m) { m.backend = "tiled"; }));
  EXPECT_FALSE(changed([](Metric& m) { m.group_kind = "node"; }));
  EXPECT_FALSE(changed([](Metric& m) { m.unit = Unit::second; }));
  EXPECT_FALSE(changed([](Metric& m) { m.labels.set("dtype", std::string("f16")); }));
  EXPECT_FALSE(changed([](Metric& m) { m.labels.set("n", std::int64_t{64}); })) << "too small to be fast";
  EXPECT_FALSE(changed([](Metric& m) { m.labels = {}; }));
  EXPECT_TRUE(changed([](Metric& m) { m.probe = "gemm_peak"; })) << "the floor names no probe";
}

TEST(IsFor, AFloorOfEightDevicesIsNotForFour) {
  auto const spec = load_spec("h200");
  auto const& floor = spec.floors.back();
  ASSERT_EQ(floor.operation, "all_reduce");
  Metric metric;
  metric.operation = floor.operation;
  metric.backend = "nccl";
  metric.labels = labels(Collective{.bytes = 1 << 30});
  metric.group_kind = "node";
  metric.unit = Unit::byte_per_second;
  EXPECT_TRUE(is_for(floor, metric, 8));
  EXPECT_FALSE(is_for(floor, metric, 4));
  EXPECT_FALSE(is_for(floor, metric)) << "not known";
}

TEST(Spec, FaultsSayWhere) {
  std::string const floor = "[[floor]]\nwhat = \"x\"\noperation = \"gemm\"\nsource = \"y\"\n";
  EXPECT_THAT(spec_fault("name = "), HasSubstr("s.toml:1:"));
  EXPECT_THAT(spec_fault(""), HasSubstr("s.toml: asks for no floor"));
  EXPECT_THAT(spec_fault("floor = 3\n"), HasSubstr("s.toml:1: write [[floor]]"));
  EXPECT_THAT(spec_fault("modles = [\"x\"]\n"), HasSubstr("s.toml:1: unknown key 'modles'; did you mean 'models'?"));
  EXPECT_THAT(spec_fault("models = []\n"), HasSubstr("s.toml:1: models: expected a list"));
  EXPECT_THAT(spec_fault("models = \"x\"\n"), HasSubstr("expected a list"));
  EXPECT_THAT(spec_fault(floor + "dtpye = \"f32\"\n"),
              HasSubstr("s.toml:5: unknown key 'dtpye'; did you mean 'dtype'?"));
  EXPECT_THAT(spec_fault(floor + "flops = \"fast\"\n"), HasSubstr("s.toml:5: flops: 'fast' is not a rate"));
  EXPECT_THAT(spec_fault(floor + "flops = -1\n"), HasSubstr("out of range"));
  EXPECT_THAT(spec_fault(floor + "flops = nan\n"), HasSubstr("not a rate"));
  EXPECT_THAT(spec_fault(floor + "flops = 1\nseconds = 1\n"), HasSubstr("one of flops"));
  EXPECT_THAT(spec_fault(floor), HasSubstr("s.toml:1: x: without flops"));
  EXPECT_THAT(spec_fault(floor + "flops = [1]\n"), HasSubstr("s.toml:5: flops: expected text"));
  EXPECT_THAT(spec_fault(floor + "dtype = \"f33\"\nflops = 1\n"),
              HasSubstr("s.toml:5: dtype: 'f33' is no element type"));
  EXPECT_THAT(spec_fault(floor + "group = \"nodes\"\nflops = 1\n"), HasSubstr("did you mean 'node'"));
  EXPECT_THAT(spec_fault(floor + "space = \"devise\"\nflops = 1\n"), HasSubstr("did you mean 'device'"));
  EXPECT_THAT(spec_fault(floor + "ranks = 0\nflops = 1\n"), HasSubstr("between 1"));
  EXPECT_THAT(spec_fault("[[floor]]\nwhat = \"x\"\noperation = \"gemm\"\nflops = 1\n"), HasSubstr("without a source"));
  EXPECT_THAT(spec_fault("[[floor]]\nwhat = \"x\"\noperation = \"gem\"\nflops = 1\nsource = \"y\"\n"),
              HasSubstr("no operation: 'gem'"));
  EXPECT_THAT(spec_fault("[[floor]]\noperation = \"gemm\"\nflops = 1\nsource = \"y\"\n"), HasSubstr("without what"));
  EXPECT_THAT(fault_of([] { load_spec("h20"); }), HasSubstr("unknown spec 'h20'; did you mean 'h200'?"));
  EXPECT_THAT(fault_of([] { load_spec("/nowhere/s.toml"); }), HasSubstr("/nowhere/s.toml"));
  EXPECT_THAT(fault_of([] { builtin_spec_text("x"); }), HasSubstr("unknown spec"));
}

TEST(Spec, HostileTextIsOneLine) {
  EXPECT_THAT(spec_fault("\"a\\nb\\u001b[2J\" = 1\n"), HasSubstr("unknown key"));
  EXPECT_THAT(spec_fault("name = \"a\\nb\"\n"), HasSubstr("s.toml:1: name: a control character"));
  EXPECT_THAT(spec_fault("models = [\"\\u009b\"]\n"), HasSubstr("a control character"));
  EXPECT_THAT(spec_fault("[[floor]]\nwhat = \"\"\"\nx\ny\"\"\"\n"), HasSubstr("a control character"));
  EXPECT_NE(spec_fault("\xff\xfe"), "no error");
  EXPECT_THAT(spec_fault(std::string((1 << 20) + 1, ' ')), HasSubstr("larger than 1 MiB"));
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) deep += ".a";
  for (auto const& text : {deep + " = 1\n", "[" + deep + "]\n", "x = {" + deep + " = 1}\n"})
    EXPECT_THAT(spec_fault(text), HasSubstr("dots in a line"));
  EXPECT_NE(spec_fault("x = " + std::string(100000, '[')), "no error");
}

} // namespace
} // namespace maru
