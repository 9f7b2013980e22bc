// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

#include <array>

namespace maru {
namespace {

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  std::vector<Case> result;
  for (auto const& duration : parameters.at("durations"))
    for (auto const& noise_text : parameters.at("noise")) {
      double const noise = parse_number(noise_text, "spin noise");
      if (noise < 0 || noise > 2) throw Error(Exit::usage, "spin noise: not between 0 and 2");
      Case item;
      item.operation = Spin{.seconds = parse_duration(duration, "spin duration"), .noise = noise};
      item.max_iterations = 1000;
      choose_backend(item, single(parameters, "backend"), context);
      result.push_back(std::move(item));
    }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"durations", "100us,1ms", "median of one call"},
    ProbeParameter{"noise", "0.05", "sigma of the log-normal factor on each call"},
    ProbeParameter{"backend", "auto", "spin"},
};

} // namespace

extern Probe const spin_probe;
Probe const spin_probe{"spin", "known duration and noise: a test of the measuring itself", parameters, cases};

} // namespace maru
