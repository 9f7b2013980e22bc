// SPDX-License-Identifier: Apache-2.0
#include "bench/plan.hpp"
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

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
    return error.what();
  }
  return "no error";
}

std::string plan_fault(std::string_view toml) {
  auto fault = fault_of([&] { parse_plan(toml, "p.toml"); });
  EXPECT_EQ(fault.find('\n'), std::string::npos);
  return fault;
}

ProbeContext context() {
  static std::vector<Backend const*> const backends(builtin_backends().begin(), builtin_backends().end());
  return {backends, 1 << 20};
}

class BuiltinPlan : public testing::TestWithParam<std::string> {};
TEST_P(BuiltinPlan, ParsesAndListsCases) {
  auto const plan = load_plan(GetParam());
  EXPECT_EQ(plan.name, GetParam());
  EXPECT_TRUE(plan.budget);
  for (auto const& request : plan.requests) EXPECT_FALSE(list_cases(request, context()).empty());
}
TEST_P(BuiltinPlan, SurvivesTheJournal) {
  auto const plan = load_plan(GetParam());
  auto const again = parse_plan(plan_to_toml(plan), "journal");
  EXPECT_EQ(plan_digest(again), plan_digest(plan));
  EXPECT_EQ(again.budget, plan.budget);
}
INSTANTIATE_TEST_SUITE_P(All, BuiltinPlan, testing::ValuesIn(builtin_plans()));

class EveryProbe : public testing::TestWithParam<Probe const*> {};
TEST_P(EveryProbe, DefaultsGiveDistinctCases) {
  auto const cases = list_cases({.probe = GetParam()->name, .parameters = {}}, context());
  ASSERT_FALSE(cases.empty());
  std::set<std::string> keys;
  for (auto const& item : cases) {
    EXPECT_TRUE(keys.insert(key(item)).second) << key(item);
    EXPECT_TRUE(item.backend || !item.skip_reason.empty());
    EXPECT_EQ(item.probe, GetParam()->name);
  }
}
TEST_P(EveryProbe, NonsenseInAnyParameterIsUsage) {
  for (auto const& parameter : GetParam()->parameters)
    EXPECT_NE(fault_of([&] {
                list_cases({GetParam()->name, {{parameter.key, {"\x01nonsense"}}}}, context());
              }),
              "no error")
        << parameter.key;
}
INSTANTIATE_TEST_SUITE_P(All, EveryProbe, testing::ValuesIn(probes().begin(), probes().end()),
                         [](auto const& probe) { return std::string(probe.param->name); });

TEST(Backends, OneThatFailsToAnswerIsPassedOver) {
  static Backend const broken{
      "broken",
      "cpu",
      "",
      false,
      [](Operation const&) -> std::optional<Skipped> { throw Error(Exit::incomplete, "its library does not start"); },
      nullptr,
      "gemm"};
  std::vector<Backend const*> backends{&broken};
  Case item;
  item.operation = Gemm{.m = 1, .n = 1, .k = 1};
  choose_backend(item, "auto", {backends, 1 << 20});
  EXPECT_FALSE(item.backend);
  EXPECT_EQ(item.skip_reason, "broken: its library does not start");
  backends.push_back(builtin_backends().front());
  item.skip_reason.clear();
  choose_backend(item, "auto", {backends, 1 << 20});
  EXPECT_EQ(item.backend, builtin_backends().front());
}

TEST(Backends, AHostDoesNotAnswerForADevice) {
  static Backend const device{
      "device", "test", "", false, [](Operation const&) -> std::optional<Skipped> {
                                return Skipped{"not this type"}; },
      nullptr,  "gemm"};
  std::vector<Backend const*> const backends{&device, builtin_backends().front()};
  ProbeContext context{backends, 1 << 20};
  context.device.visible = 1;
  Case item;
  item.operation = Gemm{.m = 1, .n = 1, .k = 1};
  choose_backend(item, "auto", context);
  EXPECT_FALSE(item.backend);
  EXPECT_EQ(item.skip_reason, "device: not this type");
  choose_backend(item, builtin_backends().front()->name, context);
  EXPECT_EQ(item.backend, builtin_backends().front()) << "by name it does";
}

TEST(Plan, FaultsSayWhere) {
  EXPECT_THAT(plan_fault("budget = "), HasSubstr("p.toml:1:"));
  EXPECT_THAT(plan_fault("budgte = \"5m\"\n"), HasSubstr("did you mean 'budget'"));
  EXPECT_THAT(plan_fault("\n[[probe]]\nname = \"gem\"\n"),
              HasSubstr("p.toml:2: unknown probe 'gem'; did you mean 'gemm'?"));
  EXPECT_THAT(plan_fault("[[probe]]\nname = \"gemm\"\nsizse = [1]\n"), HasSubstr("did you mean 'sizes'"));
  EXPECT_THAT(plan_fault("[[probe]]\nsizes = [1]\n"), HasSubstr("without a name"));
  EXPECT_THAT(plan_fault("name = \"x\"\n"), HasSubstr("asks for no probe"));
  EXPECT_THAT(plan_fault("probe = 3\n"), HasSubstr("[[probe]]"));
  EXPECT_THAT(plan_fault("precision = \"200%\"\n"), HasSubstr("between 0 and 100 %"));
  EXPECT_THAT(plan_fault("iterations = 0\n"), HasSubstr("between 1"));
  EXPECT_THAT(plan_fault("check = 1\n"), HasSubstr("true or false"));
  EXPECT_THAT(plan_fault("[[probe]]\nname = \"gemm\"\nsizes = []\n"), HasSubstr("empty list"));
  EXPECT_THAT(plan_fault("[[probe]]\nname = \"gemm\"\nsizes = [[1]]\n"), HasSubstr("expected text, a number"));
  EXPECT_THAT(fault_of([] { load_plan("quik"); }), HasSubstr("did you mean 'quick'"));
  EXPECT_THAT(fault_of([] { load_plan("/nowhere/p.toml"); }), HasSubstr("/nowhere/p.toml"));
}

TEST(Plan, DeepKeysAreRefusedAndNotFollowed) {
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) deep += ".a";
  for (auto const& text : {deep + " = 1\n", "[" + deep + "]\n", "x = {" + deep + " = 1}\n"})
    EXPECT_THAT(plan_fault(text), HasSubstr("dots in a line"));
}

TEST(Plan, DigestIsOfTheQuestionsNotOfTheBudget) {
  auto plan = load_plan("quick");
  auto const digest = plan_digest(plan);
  plan.budget = 1;
  EXPECT_EQ(plan_digest(plan), digest);
  plan.precision = 0.5;
  EXPECT_NE(plan_digest(plan), digest);
  plan = load_plan("quick");
  plan.requests.front().parameters["sizes"] = {"77"};
  EXPECT_NE(plan_digest(plan), digest);
}

TEST(Plan, TextThatTomlWouldMisread) {
  Plan plan;
  plan.name = "a \"quoted\" \\ name\n\x1b[31m\x7f";
  plan.requests.push_back({"gemm", {{"sizes", {"64", "1x2x3"}}}});
  EXPECT_EQ(parse_plan(plan_to_toml(plan), "x").name, plan.name);
}

TEST(Collectives, SizesAsInNcclTests) {
  auto const sizes = [](Parameters parameters) {
    parameters["operations"] = {"all_reduce"};
    parameters["places"] = {"out"};
    std::vector<std::int64_t> result;
    for (auto const& item : list_cases({"collectives", parameters}, context()))
      result.push_back(static_cast<std::int64_t>(std::get<Collective>(item.operation).bytes));
    return result;
  };
  using testing::ElementsAre;
  EXPECT_THAT(sizes({{"min_bytes", {"1K"}}, {"max_bytes", {"8K"}}}), ElementsAre(1024, 2048, 4096, 8192));
  EXPECT_THAT(sizes({{"min_bytes", {"8"}}, {"max_bytes", {"20"}}, {"step_bytes", {"4"}}}), ElementsAre(8, 12, 16, 20));
  EXPECT_THAT(sizes({{"min_bytes", {"1"}}, {"max_bytes", {"3"}}, {"factor", {"1.1"}}}), ElementsAre(1, 2, 3));
  EXPECT_THAT(fault_of([&] { sizes({{"min_bytes", {"1G"}}, {"max_bytes", {"1M"}}}); }), "-b 1G is larger than -e 1M");
  EXPECT_THAT(fault_of([&] { sizes({{"factor", {"1"}}}); }), HasSubstr("-f"));
  EXPECT_THAT(fault_of([&] { sizes({{"step_bytes", {"1"}}, {"max_bytes", {"1T"}}}); }), HasSubstr("over 100000 sizes"));
}

TEST(RequestByName, ProbesAndOperations) {
  EXPECT_EQ(request_by_name("gemm").probe, "gemm");
  EXPECT_EQ(request_by_name("all_reduce").probe, "collectives");
  EXPECT_EQ(request_by_name("triad").parameters.at("operations"), std::vector<std::string>{"triad"});
  EXPECT_THAT(fault_of([] { request_by_name("gem"); }), HasSubstr("did you mean 'gemm'?"));
}

TEST(Suggest, NearestOrNone) {
  EXPECT_EQ(nearest("colectives", {"gemm", "collectives"}), "collectives");
  EXPECT_EQ(nearest("xyz", {"gemm", "collectives"}), "");
  EXPECT_EQ(nearest(std::string(100000, 'a'), {"gemm"}), "");
}

} // namespace
} // namespace maru
