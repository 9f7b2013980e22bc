// SPDX-License-Identifier: Apache-2.0
// The fields of a verdict, told as in report_fields.hpp.
#pragma once

#include "core/verdict.hpp"

namespace maru {

template <class V> void fields(V& v, Evidence& x) {
  v("judgement", x.judgement, "integrity, absolute, relative, historical, arrival or network");
  v("state", x.state, "what it says of the host");
  v("what", x.what, "the question, by all that makes it: the same in a first and a second look");
  v("text", x.text, "one line");
  v("rank", x.rank, "world rank; -1 when it is of several");
  v("device_uuid", x.device_uuid, "accelerator's unique id; empty without one");
  v("value", x.value, "what was measured, SI; 0 where there is nothing to compare");
  v("expected", x.expected, "what was expected, likewise");
}

template <class V> void fields(V& v, HostVerdict& x) {
  v("host", x.host, "host name");
  v("state", x.state, "pass, warn, unknown or fail: the worst of what follows");
  v("absolute", x.absolute, "against floors");
  v("relative", x.relative, "against peers");
  v("historical", x.historical, "against its own past");
  v("reason", x.reason, "why it is no pass, in one line; empty on a pass");
  v("flaky", x.flaky, "it was a suspect, and a second look cleared it");
  v("evidence", x.evidence, "all that is no pass, worst first");
}

template <class V> void fields(V& v, LinkVerdict& x) {
  v("from", x.from, "the sending end: a host, or a rank on its host");
  v("to", x.to, "the receiving end");
  v("figure", x.figure, "bandwidth or latency");
  v("backend", x.backend, "who transferred");
  v("state", x.state, "warn, unknown or fail");
  v("text", x.text, "one line");
  v("value", x.value, "what was measured, SI");
  v("expected", x.expected, "what its two ends' own effects foretell, SI");
}

template <class V> void fields(V& v, Verdict& x) {
  v("state", x.state, "pass, warn, unknown or fail: the worst of hosts and links");
  v("run", x.run, "id of the run that was judged");
  v("plan", x.plan, "its plan");
  v("spec", x.spec, "the floors that were used; empty without any");
  v("baseline", x.baseline, "what the past was taken from; empty without any");
  v("thresholds", x.thresholds, "as they were used, in one line");
  v("notes", x.notes, "what was not judged, and why");
  v("links", x.links, "those that are no pass, worst first");
  v("hosts", x.hosts, "all of them, in the order of the report");
}

} // namespace maru
