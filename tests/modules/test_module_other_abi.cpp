// SPDX-License-Identifier: Apache-2.0
#include "core/module.hpp"

namespace {
maru::ModuleTable const table{.abi = maru::module_abi + 1, .name = "old", .backends = nullptr, .backend_count = 0};
}

extern "C" maru::ModuleTable const* maru_module() { return &table; }
