// SPDX-License-Identifier: Apache-2.0
#include "core/checkup.hpp"
#include "core/host_setup_fields.hpp"
#include "core/json_tree.hpp"

namespace maru {

template <class V> void fields(V& v, Advice& x) {
  v("check", x.check, "short word, the same in every run");
  v("severity", x.severity, "failure, warning or note");
  v("hosts", x.hosts, "whom it concerns; empty for the job");
  v("what", x.what, "what was found");
  v("remedy", x.remedy, "what to do about it");
}

template <class V> void fields(V& v, HostCheckup& x) {
  v("name", x.name, "host name");
  v("ranks", x.ranks, "processes that the launcher started on it");
  v("cpu", x.cpu, "processor model");
  v("kernel", x.kernel, "operating system kernel");
  v("maru_version", x.maru_version, "of the program on it");
  v("libraries", x.libraries, "of its accelerators");
  v("clock_skew", x.clock_skew, "of CLOCK_REALTIME against the hosts' median, seconds");
  v("setup", x.setup, "as its first rank sees it");
}

template <class V> void fields(V& v, Checkup& x) {
  v("maru_doctor", x.maru_doctor, "version of this form");
  v("good", x.good, "whether nothing would prevent a run");
  v("launcher", x.launcher, "what started the processes");
  v("advice", x.advice, "failures first");
  v("hosts", x.hosts, "each of them");
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
