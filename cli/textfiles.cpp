// SPDX-License-Identifier: Apache-2.0
#include "cli/textfiles.hpp"

#include "bench/wiring.hpp"
#include "cli/terminal.hpp"
#include "collectors/launcher.hpp"
#include "core/error.hpp"
#include "core/rank_facts.hpp"
#include "core/work.hpp"
#include "exporters/metrics/expose.hpp"
#include "exporters/publish/textfile.hpp"

#include <cstring>
#include <fmt/format.h>
#include <set>

namespace maru {
namespace {

void send_text(World& world, int to, std::string const& text) {
  auto const size = static_cast<std::uint64_t>(text.size());
  world.send(to, std::as_bytes(std::span(&size, 1)));
  world.send(to, std::as_bytes(std::span(text.data(), text.size())));
}

std::string receive_text(World& world) {
  std::uint64_t size = 0;
  world.receive(0, std::as_writable_bytes(std::span(&size, 1)));
  std::string text(size, '\0');
  world.receive(0, std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

std::string text_for(Exposition const& all, std::string const& host, bool with_run) {
  auto text = with_run ? prometheus_text(only(all, Tier::run)) : std::string();
  return text + prometheus_text(only(all, host));
}

// Empty when it could be written.
std::string write(std::string const& directory, std::string const& host, std::string const& text) {
  try {
    write_textfile(directory, host, text);
    return {};
  } catch (Error const& error) {
    return fmt::format("{}: {}", host, error.what());
  }
}

} // namespace

SinkHealth write_textfiles(World& world, std::string const& directory, Exposition const& exposition) {
  SinkHealth health;
  health.sink = "textfile";
  auto const begun = monotonic_seconds();
  auto const own = gather_own_facts(world.rank(), "none").host.name;
  auto const hosts = world.gather_text(own);
  std::string leaders(static_cast<std::size_t>(world.size()), '\0');
  std::set<std::string_view> seen;
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) leaders[rank] = seen.insert(hosts[rank]).second ? 1 : 0;
  leaders = world.broadcast_text(leaders);
  std::string text;
  if (world.rank() == 0) {
    text = text_for(exposition, own, true);
    for (std::size_t rank = 1; rank < hosts.size(); ++rank)
      if (leaders[rank]) send_text(world, static_cast<int>(rank), text_for(exposition, hosts[rank], false));
  } else if (leaders[static_cast<std::size_t>(world.rank())]) {
    text = receive_text(world);
  }
  auto const failure = text.empty() ? std::string() : write(directory, own, text);
  auto const failures = world.gather_text(failure);
  for (std::size_t rank = 0; rank < failures.size(); ++rank) {
    if (!leaders[rank]) continue;
    auto const of_run = rank == 0 ? series_count(only(exposition, Tier::run)) : 0;
    auto const samples = static_cast<double>(of_run + series_count(only(exposition, hosts[rank])));
    (failures[rank].empty() ? health.samples : health.dropped) += samples;
    if (failures[rank].empty()) continue;
    health.failures += 1;
    say("metrics: textfile: " + failures[rank]);
  }
  health.seconds = monotonic_seconds() - begun;
  return health;
}

} // namespace maru
