// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/measurement.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// The least that a healthy device, or a host of them, must show in its best record of those that the floor is for: one
/// slow record among many is for other judgements. Where the unit is seconds, it is the most.
struct Floor {
  std::string what;                          ///< in words: "gemm bf16"
  std::string probe, operation, backend;     ///< as in Metric; empty: any
  std::string group_kind;                    ///< likewise
  std::int64_t ranks = 0;                    ///< of the group; 0: any number
  std::map<std::string, std::string> labels; ///< that the question must have: {"dtype", "bf16"}
  std::map<std::string, double> sizes; ///< labels that must be at least this: {"m", 4096}; small ones are slow anywhere
  double least = 0;                    ///< SI, in `unit`
  Unit unit = Unit::none;              ///< flop_per_second, byte_per_second or second
  std::string source;                  ///< who says so, and which part of the figure was taken
};

/// What is asked of one kind of device, or of hosts ("cpu").
struct Spec {
  std::string name;
  std::vector<std::string> models; ///< as the driver writes them; empty: processors, whatever their model
  std::vector<Floor> floors;
};

/// Whether the floor is for this question, when a group of so many ranks answered it. With 0 the number is not known,
/// and a floor for a certain number is for none.
bool is_for(Floor const& floor, Metric const& metric, std::size_t ranks = 0);

/// Whether the spec is for what answered there: its model, or any processor.
bool is_for(Spec const& spec, Place const& place);
/// The strictest of the spec's floors for this question in this unit; null when there is none.
Floor const* floor_for(Spec const& spec, Metric const& metric, std::size_t ranks);

/// Those that come with the program, by name: a100, b200, cpu, gb200, gh200, h100, h200.
std::vector<std::string> builtin_specs();
/// A built-in spec's TOML text. Throws Error(usage) for another name.
std::string_view builtin_spec_text(std::string_view name);
/// Throws Error(usage) with origin, line and the fault for anything that is no spec.
Spec parse_spec(std::string_view toml, std::string const& origin);
/// A built-in one by name, otherwise a TOML file. Throws Error(usage).
Spec load_spec(std::string const& name_or_file);
/// The built-in one for a model of accelerator, by the driver's name exactly, or with an empty model the one for
/// processors; null when there is none.
Spec const* find_spec(std::string_view model);

} // namespace maru
