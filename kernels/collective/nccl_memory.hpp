// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/collective/nccl_communicator.hpp"
#include "kernels/cuda/buffer.hpp"

#include <cstddef>

namespace maru {

/// Device memory of a collective: plain, or allocated by NCCL and registered with the communicator, so that peers and
/// network cards reach it without a copy between.
class NcclBytes {
public:
  NcclBytes(std::size_t size, NcclCommunicator& communicator, bool registered);
  ~NcclBytes();
  NcclBytes(NcclBytes const&) = delete;
  NcclBytes& operator=(NcclBytes const&) = delete;

  void* data() const { return own_ ? own_ : plain_.data(); }
  template <class T> T* as() const { return static_cast<T*>(data()); }
  std::size_t size() const { return size_; }

private:
  NcclCommunicator& communicator_;
  std::size_t size_;
  DeviceBytes plain_;
  void* own_ = nullptr;
  void* registration_ = nullptr;
};

} // namespace maru
