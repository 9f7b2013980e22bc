// SPDX-License-Identifier: Apache-2.0
// A vendor's module as small as it can be: one backend that can do nothing and says so.
#include "core/module.hpp"

namespace {

std::optional<maru::Skipped> supports(maru::Operation const&) { return maru::Skipped{"a module for tests"}; }
std::unique_ptr<maru::Work> prepare(maru::Operation const&, maru::Site const&) { return nullptr; }

maru::Backend const backend{"test", "test-device", "for tests", true, supports, prepare, "gemm"};
maru::Backend const* const backends[] = {&backend};
maru::ModuleTable const table{.abi = maru::module_abi, .name = "test", .backends = backends, .backend_count = 1};

} // namespace

extern "C" maru::ModuleTable const* maru_module() { return &table; }
