// SPDX-License-Identifier: Apache-2.0
#include "bench/probe.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "core/units.hpp"

#include <array>

namespace maru {
namespace {

/// How many places further the partner of a peer copy is: every other device of the host, or what was asked for.
std::vector<int> offsets(Parameters const& parameters, ProbeContext const& context) {
  std::vector<int> result;
  auto const& texts = parameters.at("offsets");
  if (texts == std::vector<std::string>{"auto"}) {
    result.push_back(1); // at least one question, so that its refusal says why
    for (int offset = 2; offset < context.device.visible; ++offset) result.push_back(offset);
    return result;
  }
  for (auto const& text : texts)
    result.push_back(static_cast<int>(parse_integer(text, "transfers: offset", 1, 1 << 10)));
  return result;
}

std::vector<Case> cases(Parameters const& parameters, ProbeContext const& context) {
  auto const partners = offsets(parameters, context);
  std::vector<Case> result;
  for (auto const& size : parameters.at("sizes")) {
    auto const bytes = parse_bytes(size, "transfer size");
    if (bytes == 0) throw Error(Exit::usage, "transfer size: must be at least 1");
    for (auto const& operation : parameters.at("operations")) {
      auto const kind = parse_transfer_kind(operation);
      if (!kind)
        throw Error(Exit::usage,
                    unknown("transfer", operation, {"host_to_device", "device_to_host", "both_ways", "peer"}));
      auto const peers = *kind == TransferKind::peer ? partners : std::vector<int>{0};
      for (int const offset : peers) {
        Case item;
        item.operation = Transfer{.kind = *kind, .bytes = bytes, .offset = offset};
        choose_backend(item, single(parameters, "backend"), context);
        result.push_back(std::move(item));
      }
    }
  }
  return result;
}

constexpr std::array parameters{
    ProbeParameter{"operations", "host_to_device,device_to_host,both_ways,peer", "directions; peer: to another device"},
    ProbeParameter{"sizes", "256M", "bytes in each direction"},
    ProbeParameter{"offsets", "auto", "peer: so many devices further; auto: to each other one"},
    ProbeParameter{"backend", "auto", "cuda_copy …"},
};

} // namespace

extern Probe const transfers_probe;
Probe const transfers_probe{.name = "transfers",
                            .help = "copies between host and device, and between devices, on every rank at once",
                            .parameters = parameters,
                            .cases = cases,
                            .for_devices = true};

} // namespace maru
