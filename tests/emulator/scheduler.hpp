// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace maru::emulator {

struct Cluster;
struct Thread;

/// Lets all threads of the cluster run to their end. Throws Failure.
void run_cluster(Cluster& cluster, std::function<void()> const& kernel);
std::uint64_t seed();
/// threadIdx and its like, for the thread that runs next.
void set_builtins(Thread const& thread);

} // namespace maru::emulator
