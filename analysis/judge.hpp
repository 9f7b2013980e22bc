// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "analysis/spec.hpp"
#include "core/past.hpp"
#include "core/report.hpp"
#include "core/verdict.hpp"

#include <string>
#include <vector>

namespace maru {

/// Beyond chance and large enough to matter: a figure must be worse by both to fail.
struct Thresholds {
  double sigmas = 6;        ///< robust, of the peers or of the past
  double effect = 0.05;     ///< part of the median of peers or past that a rate must miss
  double link_effect = 0.2; ///< the same of bandwidths in the link map; latencies must be 1 + 5 times that the usual
  double late = 100e-6;     ///< seconds by which a rank must be late; less is a warning
  std::size_t least_peers = 4;
};
/// "peers and past: 6 sigmas and 5 %; links: …": in one line.
std::string describe(Thresholds const& thresholds);

struct JudgeOptions {
  Thresholds thresholds;
  std::vector<Spec> specs; ///< floors; the one for a place is chosen by its model
  std::vector<Past> past;
  std::string baseline;                    ///< what `past` was taken from, in words; empty without any
  std::vector<std::string> not_comparable; ///< hosts that it is no past of, and why, in one line each
};

/// The health of each host of a report. Pure. Four kinds of evidence that can fail a host, and each judges by itself:
/// - integrity: wrong results and growing ECC counters always fail; ranks that were lost make their host unknown
/// - absolute: the best of a place's figures is below a floor of its model's spec
/// - relative: a place is worse than the median of the places of its model, by its own interval, by `sigmas` and by
///   `effect`; late ranks and hosts that send or receive slowly to all others as well
/// - historical: the same against the place's own past
/// A host passes when something judged it and nothing is against it. A category that half its peers answered and it
/// did not, or not validly, makes it unknown. Where a host's processor is slow, its lateness and its slow messages
/// follow from that and are not held against its network. Slow links are told apart from slow hosts.
///
/// Where the report has a second look, what was against a host in the first and is not in the second makes it flaky: a
/// warning with both figures.
Verdict judge(Report const& report, JudgeOptions const& options);

/// Hosts that something in the first look is against, most first, which measuring again may clear. With `network_only`
/// by the link map alone.
std::vector<std::string> suspects(Report const& report, JudgeOptions const& options, bool network_only);

/// The built-in specs for the models of a report.
std::vector<Spec> specs_for(Report const& report);

} // namespace maru
