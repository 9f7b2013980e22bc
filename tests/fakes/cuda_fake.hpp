// SPDX-License-Identifier: Apache-2.0
// What the fake CUDA runtime offers to the fakes of libraries that work on its streams.
#pragma once

#include <atomic>
#include <cstddef>
#include <cuda_runtime_api.h>
#include <functional>

extern "C" {
/// Does it now, or whenever the graph that the stream is being captured into is launched.
cudaError_t maru_fake_run(cudaStream_t stream, std::function<void()> const* action);
/// Whether all of these bytes were allocated, and not freed since.
bool maru_fake_owns(void const* data, std::size_t size);
/// From here on whoever waits for the device waits until this is true.
void maru_fake_hang(std::atomic<bool> const* until);
/// Remembers the status as the thread's last error, and gives it back.
cudaError_t maru_fake_result(cudaError_t status);
}
