// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/sample_verdict.hpp"

#include <string>

namespace maru {
namespace {

HostVerdict host(std::string name, State state, std::string reason = {}) {
  HostVerdict result;
  result.host = std::move(name);
  result.state = result.absolute = result.relative = state;
  result.reason = std::move(reason);
  return result;
}

Evidence evidence(std::string judgement, State state, std::string text, std::int64_t rank, double value,
                  double expected) {
  Evidence result;
  result.judgement = std::move(judgement);
  result.state = state;
  result.text = std::move(text);
  result.rank = rank;
  result.value = value;
  result.expected = expected;
  return result;
}

LinkVerdict link(std::string from, std::string to, State state, std::string text, double value, double expected) {
  LinkVerdict result;
  result.from = std::move(from);
  result.to = std::move(to);
  result.state = state;
  result.text = std::move(text);
  result.value = value;
  result.expected = expected;
  return result;
}

} // namespace

Verdict sample_verdict() {
  Verdict verdict;
  verdict.state = State::fail;
  verdict.run = "20261122T040212-5f3a";
  verdict.plan = "standard";
  verdict.spec = "h200 for NVIDIA H200";
  verdict.baseline = "3 runs of history, the latest 20261115T040007-11c2";
  verdict.thresholds = "relative 5 % and 5 sigma, historical 5 %, links 20 %";
  verdict.notes = {"all_reduce of 8 GiB in a node of 8 was not asked for: that floor was not judged"};

  auto slow = host("h17", State::fail, "rank 140, GPU 4: gemm bf16: 612 TFLOP/s, 13 % below 47 peers");
  slow.historical = State::warn;
  slow.evidence = {
      evidence("relative", State::fail, "gemm bf16: 612 TFLOP/s, 13 % below 47 peers (8.1 sigma)", 140, 612e12, 703e12),
      evidence("absolute", State::fail, "gemm bf16: 612 TFLOP/s, the floor is 635.6", 140, 612e12, 635.6e12),
      evidence("historical", State::warn, "gemm bf16: 12 % below its median of 3 runs", 140, 612e12, 695e12)};
  slow.evidence.front().device_uuid = "GPU-1c3f0d6e";
  auto wrong = host("h44", State::fail, "rank 353: gemm f8e4m3: 3 of 67108864 elements wrong");
  wrong.relative = State::pass;
  wrong.evidence = {evidence("integrity", State::fail, "gemm f8e4m3: 3 of 67108864 elements wrong", 353, 0, 0)};
  auto silent = host("h60", State::unknown, "rank 480 was lost before anything was measured");
  auto busy = host("h61", State::unknown, "rank 480 was lost before anything was measured");
  auto warm = host("h90", State::warn, "device memory: 4 % below 47 peers");
  warm.absolute = State::pass;
  warm.evidence = {
      evidence("relative", State::warn, "device memory: 4 % below 47 peers (4.2 sigma)", 722, 3.9e12, 4.06e12)};
  auto cleared = host("h9", State::pass);
  cleared.flaky = true;
  cleared.evidence = {
      evidence("relative", State::fail, "first look: gemm bf16: 640 TFLOP/s, 9 % below 47 peers", 72, 640e12, 703e12),
      evidence("relative", State::pass, "second look: gemm bf16: 701 TFLOP/s", 72, 701e12, 703e12)};
  verdict.hosts = {host("h1", State::pass), host("h2", State::pass), cleared, slow, wrong, silent, busy, warm};
  verdict.links = {
      link("h1", "h2", State::fail, "bandwidth 21 GB/s, its ends foretell 46", 21e9, 46e9),
      link("rank 3 on h1", "rank 5 on h1", State::warn, "latency 4.1 us, its ends foretell 3.2", 4.1e-6, 3.2e-6)};
  return verdict;
}

Verdict hostile_verdict() {
  std::string const attack =
      "\"; rm -rf $HOME; `reboot` $(id) \\ ' ! | & \n scontrol shutdown #\r\x1b[2J\x7f\xc2\x9b]]> <b>\xff";
  Verdict verdict;
  verdict.state = State::fail;
  verdict.run = verdict.plan = verdict.spec = verdict.baseline = verdict.thresholds = attack;
  verdict.notes = {attack};
  for (auto const& name : {attack, std::string("$(reboot)"), std::string("h1\nreboot"), std::string("-oProxyCommand=x"),
                           std::string("h 2"), std::string(300, 'h'), std::string(), std::string("good.example_1")})
    for (auto const state : {State::pass, State::fail, State::unknown, State::warn}) {
      verdict.hosts.push_back(host(name, state, state == State::pass ? "" : attack));
      verdict.hosts.back().evidence = {evidence(attack, state, attack, 1, 0, 0)};
      verdict.hosts.back().evidence.front().device_uuid = attack;
      verdict.hosts.back().flaky = state == State::warn;
    }
  verdict.links = {link(attack, attack, State::fail, attack, 0, 0)};
  return verdict;
}

Verdict large_verdict(std::size_t hosts, std::size_t failing) {
  Verdict verdict;
  verdict.state = failing ? State::fail : State::pass;
  for (std::size_t i = 0; i < hosts; ++i) {
    auto const state = i < failing ? State::fail : i < 2 * failing ? State::unknown : State::pass;
    auto const number = std::to_string(i);
    verdict.hosts.push_back(host("node" + number, state, state == State::pass ? "" : "reason " + number));
    if (state == State::fail)
      verdict.hosts.back().evidence.assign(100, evidence("relative", State::fail, "slow", 1, 1, 2));
  }
  return verdict;
}

} // namespace maru
