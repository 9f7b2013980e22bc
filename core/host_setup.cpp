// SPDX-License-Identifier: Apache-2.0
#include "core/checkup.hpp"
#include "core/host_setup_fields.hpp"

namespace maru {

template <class V> void fields(V& v, Advice& x) {
  v("check", x.check, "");
  v("severity", x.severity, "");
  v("hosts", x.hosts, "");
  v("what", x.what, "");
  v("remedy", x.remedy, "");
}

template <class V> void fields(V& v, HostCheckup& x) {
  v("name", x.name, "");
  v("ranks", x.ranks, "");
  v("cpu", x.cpu, "");
  v("kernel", x.kernel, "");
  v("maru_version", x.maru_version, "");
  v("libraries", x.libraries, "");
  v("clock_skew", x.clock_skew, "");
  v("setup", x.setup, "");
}

template <class V> void fields(V& v, Checkup& x) {
  v("maru_doctor", x.maru_doctor, "");
  v("good", x.good, "");
  v("launcher", x.launcher, "");
  v("advice", x.advice, "");
  v("hosts", x.hosts, "");
}

std::string_view name(Severity severity) {
  switch (severity) {
  case Severity::failure: return "failure";
  case Severity::warning: return "warning";
  case Severity::note: break;
  }
  return "note";
}

Bytes to_cbor(HostSetup const& setup) {
  auto const raw = Json::to_cbor(encode(setup));
  auto const* first = reinterpret_cast<std::byte const*>(raw.data());
  return {first, first + raw.size()};
}

HostSetup host_setup_from_cbor(std::span<std::byte const> bytes) {
  std::span<char const> const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  HostSetup setup;
  decode(parse_tree(text, Json::input_format_t::cbor, "setup of a host"), setup, "setup of a host: ");
  return setup;
}

std::string to_json(Checkup const& checkup) { return dump(encode(checkup), 2) + "\n"; }

} // namespace maru
