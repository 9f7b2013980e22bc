// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "core/report_io.hpp"

#include <span>
#include <string>
#include <vector>

namespace maru {

/// What each rank knows about itself before anything is timed; gathered once, judged on rank 0.
struct RankFacts {
  RankInfo rank;
  HostInfo host;
  std::int64_t pid = 0;
  std::string maru_version;
  std::string plan_digest;
  std::string clock_id;      ///< the kernel whose clock it reads; also tells two machines of one name apart
  std::string usable_cpus;   ///< what the operating system would let it use, were it not bound
  std::int64_t cores = 1;    ///< physical cores among the hardware threads that it may run on
  std::int64_t launched = 0; ///< ranks that the launcher says it started; 0 when it says nothing
  std::string launcher;
  std::string device_kind;              ///< "cuda"; empty when it computes with the host
  std::string device_reason;            ///< why it has no device; empty when it has
  std::int64_t devices = 0;             ///< that it sees
  std::int64_t device_l2_bytes = 0;     ///< of the one that it uses
  std::int64_t device_memory_bytes = 0; ///< of that one
  std::string libraries;                ///< versions of the accelerator's libraries
};

Bytes to_cbor(RankFacts const& facts);
RankFacts rank_facts_from_cbor(std::span<std::byte const> bytes);

/// The accelerators of all ranks, as the least of them. Zero without any.
struct DeviceShare {
  std::int64_t visible = 0;      ///< devices that a rank sees
  std::int64_t l2_bytes = 0;     ///< second-level cache
  std::int64_t memory_bytes = 0; ///< of a device, divided by the ranks that use it
};

/// What rank 0 made of all the facts, for every rank.
struct Assembly {
  std::string fault;                 ///< one line, when the ranks must not be timed like this
  std::vector<std::string> hosts;    ///< of each rank
  std::vector<std::int64_t> numbers; ///< what the report calls each rank
  std::vector<std::int64_t> threads; ///< of each rank
  std::vector<std::string> models;   ///< of each rank's device, else of its processor; empty where all are alike
  std::int64_t stream_bytes = 0;     ///< bytes of each array that defeats the caches
  std::int64_t memory_bytes = 0;     ///< of a host, divided by its ranks; the least of all, 0 when not known
  std::string run_id;
  double started_monotonic = 0; ///< start of the run on rank 0's CLOCK_MONOTONIC
  DeviceShare device;           ///< what every rank can count on
};

Bytes to_cbor(Assembly const& assembly);
Assembly assembly_from_cbor(std::span<std::byte const> bytes);

} // namespace maru
