// SPDX-License-Identifier: Apache-2.0
// What the judges of analysis/judge*.cpp write into. Only they include it.
#pragma once

#include "analysis/judge.hpp"
#include "analysis/scores.hpp"
#include "core/measurement.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace maru {

/// What would be held against a host, did it not follow from its slow processor.
struct Excused {
  Evidence evidence;
  std::string note; ///< "late", or what of it is slow; hosts of one note are told together
  std::string whom; ///< "rank 3 on h1"
};

struct HostDocket {
  std::string_view host;
  State absolute = State::unknown, relative = State::unknown, historical = State::unknown;
  std::vector<Evidence> evidence;          ///< no passes, but in second looks
  std::vector<std::size_t> slow_processor; ///< which of it says that its own computing is slow
  std::vector<Excused> excused;            ///< of first looks

  /// Whether any of that still stands.
  bool processor_is_slow() const;
};

/// One look at a report, as it is being judged.
struct Docket {
  /// Of a first look, or with one of the second look that follows it.
  Docket(Report const& judged, JudgeOptions const& with, Docket const* before = nullptr);

  Report const& report;
  JudgeOptions const& options;
  Docket const* first; ///< null in a first look
  bool second_look;
  Measurements all;                           ///< of the records that are compared
  Scorecard peers;                            ///< of the first look
  std::set<std::string_view> suspects;        ///< of a second look: whom the first accuses
  std::set<std::string_view> judged_arrivals; ///< hosts whose lateness could have been seen
  std::vector<HostDocket> hosts;              ///< in the order of the report
  std::vector<LinkVerdict> links;
  std::vector<std::string> notes;
  bool failed_by_nobody = false; ///< a failure that no host of the report can be held to

  /// Null for a host that the report does not list.
  HostDocket* of(std::string_view host);
  std::string_view host_of(std::int64_t rank) const;
  std::string_view device_of(std::int64_t rank) const;
  /// Place on its host; -1 for a rank that the report does not list.
  std::int64_t local_of(std::int64_t rank) const;
  /// Of the accelerators of a host, or of its processor: hosts of one model are peers.
  std::string model_of(std::string_view host) const;
  /// Adds it to its host; passes are kept in second looks only, to be held against the first. `processor`: it is about
  /// the host's own computing.
  void add(HostDocket& host, Evidence evidence, bool processor = false) const;

private:
  std::unordered_map<std::string_view, std::size_t> places_;
  std::unordered_map<std::int64_t, RankInfo const*> ranks_;
  std::unordered_map<std::string_view, std::string> models_;
};

/// "h3 rank 5" and the like need no more than a note where the same is true of many.
void judge_integrity(Docket& docket);
void judge_figures(Docket& docket);
void judge_missing(Docket& docket);
/// Last: what a slow processor explains is put aside as excused, and not held against the network.
void judge_network(Docket& docket);

} // namespace maru
