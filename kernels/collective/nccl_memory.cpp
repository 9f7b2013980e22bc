// SPDX-License-Identifier: Apache-2.0
#include "kernels/collective/nccl_memory.hpp"

#include <fmt/format.h>

namespace maru {

NcclBytes::NcclBytes(std::size_t size, NcclCommunicator& communicator, bool registered)
    : communicator_(communicator), size_(size) {
  if (size == 0) return;
  if (!registered) {
    plain_ = DeviceBytes(size);
    return;
  }
  if (auto const status = ncclMemAlloc(&own_, size); status != ncclSuccess)
    throw Error(Exit::incomplete, fmt::format("not enough device memory for {:.3f} GiB: {}",
                                              static_cast<double>(size) / 0x1p30, NcclApi::text(status)));
  try {
    communicator.use([&](ncclComm_t comm) { MARU_CHECK(NcclApi, ncclCommRegister(comm, own_, size, &registration_)); });
  } catch (...) {
    ncclMemFree(own_);
    throw;
  }
}

/// Failures here were reported by an earlier call. A communicator that failed took its registrations along.
NcclBytes::~NcclBytes() {
  if (registration_ && !communicator_.failed()) try {
      communicator_.use([&](ncclComm_t comm) { ncclCommDeregister(comm, registration_); });
    } catch (Error const&) {
    }
  if (own_) ncclMemFree(own_);
}

} // namespace maru
