// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"

namespace maru {
extern Collector const pm_sampling_collector; // collectors/cupti_pm_sampling.cpp
std::unique_ptr<Tracer> cupti_tracer();       // collectors/cupti_activity.cpp
std::string cupti_version();
} // namespace maru

extern "C" maru::ModuleTable const* maru_module() {
  static maru::Collector const* const collectors[] = {&maru::pm_sampling_collector};
  static maru::ModuleTable const table{.name = "cuda_cupti",
                                       .collectors = collectors,
                                       .collector_count = 1,
                                       .tracer = maru::cupti_tracer,
                                       .version = maru::cupti_version};
  return &table;
}
