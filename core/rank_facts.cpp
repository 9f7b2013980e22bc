// SPDX-License-Identifier: Apache-2.0
#include "core/rank_facts.hpp"

#include "core/json_tree.hpp"

namespace maru {

template <class V> void fields(V& v, RankFacts& x) {
  v("rank", x.rank, "");
  v("host", x.host, "");
  v("pid", x.pid, "");
  v("maru_version", x.maru_version, "");
  v("plan_digest", x.plan_digest, "");
  v("clock_id", x.clock_id, "");
  v("usable_cpus", x.usable_cpus, "");
  v("cores", x.cores, "");
  v("launched", x.launched, "");
  v("launcher", x.launcher, "");
  v("device_kind", x.device_kind, "");
  v("device_reason", x.device_reason, "");
  v("devices", x.devices, "");
  v("device_l2_bytes", x.device_l2_bytes, "");
  v("device_memory_bytes", x.device_memory_bytes, "");
  v("libraries", x.libraries, "");
}

template <class V> void fields(V& v, DeviceShare& x) {
  v("visible", x.visible, "");
  v("l2_bytes", x.l2_bytes, "");
  v("memory_bytes", x.memory_bytes, "");
}

template <class V> void fields(V& v, Assembly& x) {
  v("fault", x.fault, "");
  v("hosts", x.hosts, "");
  v("numbers", x.numbers, "");
  v("threads", x.threads, "");
  v("models", x.models, "");
  v("stream_bytes", x.stream_bytes, "");
  v("memory_bytes", x.memory_bytes, "");
  v("run_id", x.run_id, "");
  v("started_monotonic", x.started_monotonic, "");
  v("device", x.device, "");
}

namespace {

template <class T> Bytes pack(T const& value) {
  auto const raw = Json::to_cbor(encode(value));
  auto const* first = reinterpret_cast<std::byte const*>(raw.data());
  return {first, first + raw.size()};
}

template <class T> T unpack(std::span<std::byte const> bytes) {
  std::span<char const> const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  T value;
  decode(parse_tree(text, Json::input_format_t::cbor, "facts of a rank"), value, "facts of a rank: ");
  return value;
}

} // namespace

Bytes to_cbor(RankFacts const& facts) { return pack(facts); }
RankFacts rank_facts_from_cbor(std::span<std::byte const> bytes) { return unpack<RankFacts>(bytes); }
Bytes to_cbor(Assembly const& assembly) { return pack(assembly); }
Assembly assembly_from_cbor(std::span<std::byte const> bytes) { return unpack<Assembly>(bytes); }

} // namespace maru
