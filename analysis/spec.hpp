// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// The least that a healthy device, or a host of them, must show in its best record of those that the floor is for: a
/// small matrix is slow on any device.
struct Floor {
  std::string what;                          ///< in words: "gemm bf16"
  std::string probe, operation, group_kind;  ///< as in Metric; empty: any
  std::map<std::string, std::string> labels; ///< that the question must have: {"dtype", "bf16"}
  double least = 0;                          ///< SI: FLOP/s, bytes per second, or seconds
  std::string source;                        ///< who says so
};

/// What is asked of one kind of device, or of hosts ("cpu").
struct Spec {
  std::string name;
  std::vector<std::string> models; ///< as the driver writes them; empty: processors, whatever their model
  std::vector<Floor> floors;
};

/// Whether the floor is for this question.
bool is_for(Floor const& floor, Metric const& metric);

/// Those that come with the program, by name: a100, b200, cpu, gb200, gh200, h100, h200.
std::vector<std::string> builtin_specs();
/// Throws Error(usage) with origin, line and the fault for anything that is no spec.
Spec parse_spec(std::string_view toml, std::string const& origin);
/// A built-in one by name, otherwise a TOML file. Throws Error(usage).
Spec load_spec(std::string const& name_or_file);
/// The built-in one for a model of accelerator, or with an empty model for processors; null when there is none.
Spec const* find_spec(std::string_view model);

} // namespace maru
