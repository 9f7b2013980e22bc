// SPDX-License-Identifier: Apache-2.0
#include "core/world.hpp"

#include <array>
#include <cstdlib>
#include <unistd.h>

namespace maru {
namespace {

class SoloWorld final : public World {
public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void barrier() override {}
  void broadcast(Bytes&, int) override {}
  std::vector<Bytes> gather(std::span<std::byte const> bytes) override { return {{bytes.begin(), bytes.end()}}; }
  void all_reduce_max(std::span<double>) override {}
  void send(int, std::span<std::byte const> bytes) override { self_.assign(bytes.begin(), bytes.end()); }
  void receive(int, std::span<std::byte> bytes) override { std::copy_n(self_.begin(), bytes.size(), bytes.begin()); }
  std::unique_ptr<World> split(int) override { return solo_world(); }
  [[noreturn]] void abort(int code) noexcept override { ::_exit(code); }

private:
  Bytes self_;
};

} // namespace

bool World::all_agree(bool mine) {
  std::array<double, 1> against{mine ? 0.0 : 1.0};
  all_reduce_max(against);
  return against[0] == 0.0;
}

std::string World::broadcast_text(std::string text, int root) {
  auto const raw = std::as_bytes(std::span(text));
  Bytes bytes(raw.begin(), raw.end());
  broadcast(bytes, root);
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

std::vector<std::string> World::gather_text(std::string const& text) {
  std::vector<std::string> texts;
  for (auto const& bytes : gather(std::as_bytes(std::span(text))))
    texts.emplace_back(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  return texts;
}

std::unique_ptr<World> solo_world() { return std::make_unique<SoloWorld>(); }

} // namespace maru
