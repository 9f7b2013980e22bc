// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/world.hpp"

#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <string>
#include <vector>

namespace maru {

/// Datagrams from every rank to the monitors. Losing some is harmless: the next says the same.
class SignLink {
public:
  /// Collective. Monitors listen on a port of the kernel's choosing: on loopback when all ranks share a host,
  /// otherwise on all interfaces, where datagrams without the run's random token are dropped.
  SignLink(World& world, std::vector<int> monitors, bool one_host);
  ~SignLink();
  SignLink(SignLink const&) = delete;
  SignLink& operator=(SignLink const&) = delete;

  void send(std::uint32_t rank, std::uint64_t step);
  /// At most `most` datagrams of those that have arrived.
  void receive(std::size_t most, std::function<void(std::uint32_t rank, std::uint64_t step)> const& sign);

private:
  int socket_ = -1;
  std::uint64_t token_ = 0;
  std::vector<sockaddr_in> targets_;
};

} // namespace maru
