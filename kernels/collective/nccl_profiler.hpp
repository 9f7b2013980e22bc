// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace maru {

/// What NCCL chose for a call: "RING", "SIMPLE", 16. A call made of sends and receives has channels only.
struct NcclChoice {
  std::string algorithm;
  std::string protocol;
  int channels = 0;

  /// "RING/SIMPLE 16 channels"
  std::string text() const;
};

/// Has NCCL load this library as its profiler plug-in, unless the environment already names one. Before the first
/// communicator.
void offer_nccl_profiler();

/// Listens to what NCCL chooses for the calls of this process while it lives; one at a time. Outside of its life NCCL
/// is told to report nothing, which costs a call one comparison.
class NcclListener {
public:
  NcclListener();
  ~NcclListener();
  NcclListener(NcclListener const&) = delete;
  NcclListener& operator=(NcclListener const&) = delete;

  /// Nothing when NCCL did not load the plug-in, or did not speak to it.
  std::optional<NcclChoice> heard() const;
};

} // namespace maru
