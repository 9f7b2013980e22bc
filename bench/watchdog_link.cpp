// SPDX-License-Identifier: Apache-2.0
#include "bench/watchdog_link.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

namespace maru {
namespace {

struct SocketApi {
  static bool ok(int status) { return status >= 0; }
  static std::string text(int) { return std::strerror(errno); }
};

struct Datagram {
  std::uint64_t token;
  std::uint64_t step;
  std::uint32_t rank;
  std::uint32_t spare;
};

constexpr std::size_t most_addresses = 8;

/// Where one monitor can be reached: all its IPv4 addresses, since which of them the others see is not known.
struct Address {
  std::uint64_t token = 0;
  std::uint32_t port = 0; // network byte order, as in sockaddr_in
  std::uint32_t count = 0;
  std::uint32_t hosts[most_addresses] = {};
};

void add_interfaces(Address& address) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return;
  for (auto const* entry = list; entry && address.count < most_addresses; entry = entry->ifa_next) {
    if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET) continue;
    if ((entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
    address.hosts[address.count++] = reinterpret_cast<sockaddr_in const*>(entry->ifa_addr)->sin_addr.s_addr;
  }
  ::freeifaddrs(list);
}

} // namespace

SignLink::SignLink(World& world, std::vector<int> monitors, bool one_host) {
  MARU_CHECK(SocketApi, socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  bool const listens = std::find(monitors.begin(), monitors.end(), world.rank()) != monitors.end();
  Address mine;
  if (listens) {
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(one_host ? INADDR_LOOPBACK : INADDR_ANY);
    MARU_CHECK(SocketApi, ::bind(socket_, reinterpret_cast<sockaddr const*>(&local), sizeof local));
    socklen_t length = sizeof local;
    MARU_CHECK(SocketApi, ::getsockname(socket_, reinterpret_cast<sockaddr*>(&local), &length));
    std::random_device random;
    mine.token = (static_cast<std::uint64_t>(random()) << 32) | random();
    mine.port = local.sin_port;
    mine.hosts[mine.count++] = htonl(INADDR_LOOPBACK);
    if (!one_host) add_interfaces(mine);
  }
  for (int const monitor : monitors) {
    auto const raw = std::as_bytes(std::span(&mine, 1));
    Bytes bytes(raw.begin(), raw.end());
    world.broadcast(bytes, monitor);
    Address address;
    std::copy_n(bytes.begin(), sizeof address, reinterpret_cast<std::byte*>(&address));
    if (monitor == monitors.front()) token_ = address.token; // one token for the run: the first monitor's
    for (std::uint32_t i = 0; i < address.count; ++i) {
      sockaddr_in target{};
      target.sin_family = AF_INET;
      target.sin_port = static_cast<in_port_t>(address.port);
      target.sin_addr.s_addr = address.hosts[i];
      targets_.push_back(target);
    }
  }
}

SignLink::~SignLink() { ::close(socket_); }

void SignLink::send(std::uint32_t rank, std::uint64_t step) {
  Datagram const datagram{token_, step, rank, 0};
  for (auto const& target : targets_)
    ::sendto(socket_, &datagram, sizeof datagram, MSG_DONTWAIT, reinterpret_cast<sockaddr const*>(&target),
             sizeof target);
}

void SignLink::receive(std::size_t most, std::function<void(std::uint32_t, std::uint64_t)> const& sign) {
  Datagram datagram{};
  for (std::size_t i = 0; i < most; ++i) {
    auto const got = ::recv(socket_, &datagram, sizeof datagram, MSG_DONTWAIT);
    if (got < 0 && errno != ECONNREFUSED) return; // refused: an answer to an earlier datagram, there may be more
    if (got == static_cast<ssize_t>(sizeof datagram) && datagram.token == token_) sign(datagram.rank, datagram.step);
  }
}

} // namespace maru
