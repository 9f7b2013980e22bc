// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/probe.hpp"

#include <string>
#include <vector>

namespace maru {

/// The ranks of a run, as far as it matters who is held against whom.
struct Roster {
  std::vector<std::string> host_of_rank;
  std::vector<std::string> model_of_rank = {}; ///< of its device, else of its processor; empty: all are alike
};

/// Cases that ask suspects again, each beside or together with a host that is under no suspicion. `suspects` are worst
/// first; where there are more of them than other hosts, the least suspicious are left out. Nothing where nobody is
/// under suspicion, or everybody is. Others are of the suspect's own model, as far as there are good ones of it; a host
/// is of its first rank's model. Pure, and the same on every rank.
/// - what each rank or each host does alone: on the suspects and on as many others, at least three if there are
/// - what all hosts do together: each suspect's ranks with those of one other host, and two others as a control
/// - the link map: each suspect with up to eight others, one after another, while others are paired as controls, and
///   suspects with one another; pairs within hosts as before
/// Nothing of searches, of tests of the measuring, and of layouts over many hosts.
std::vector<Case> second_look(std::vector<Case> const& first_look, Roster const& roster,
                              std::vector<std::string> const& suspects);

/// More rounds of a link map of which only some were measured: each suspect with others, so that a slow host can be
/// told from a slow link. Nothing where all rounds were measured.
std::vector<Case> further_rounds(std::vector<Case> const& cases, Roster const& roster,
                                 std::vector<std::string> const& suspects);

} // namespace maru
