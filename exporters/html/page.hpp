// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "core/verdict.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace maru {

// What a page shows of a run: few enough numbers to draw, whatever the number of ranks. Values are SI; pretty forms are
// the page's own.

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

/// What a spec asks of a question: a floor.
struct Expected {
  std::string question; ///< question() and the kind of group, as page_key() writes it
  std::string figure;   ///< as in Figure::name
  double least = 0;
  std::string source; ///< whose figure it is, and where it stands
};

/// One figure of one question over all groups of a kind that answered it.
struct PageFigure {
  std::string name; ///< as in Figure::name; or "sm_clock", "power", "temperature", "energy": of one device
  double median = 0;
  /// 95 %. Of a single group its own; of six groups and more that of the median over them, by order statistics.
  std::optional<Interval> ci;
  std::array<double, 5> spread{}; ///< over the groups: least, 5 %, 95 %, greatest, and how many groups there are
  std::int64_t worst_rank = -1;   ///< first rank of the worst group, where there are several
  std::string worst_host;
  std::vector<double> by_host; ///< of each host of the page its worst group within that host; no_value without any
};

struct PageQuestion {
  std::string probe, operation, backend, group;
  Labels labels;
  std::size_t ranks = 0; ///< of a group
  std::size_t ok = 0, wrong = 0, failed = 0, skipped = 0, checked = 0;
  std::size_t noisy = 0; ///< of those that were timed: the interval's half width is above a tenth of the median
  std::vector<std::pair<std::string, std::size_t>> doubts; ///< why figures must not be used, and of how many records
  bool doubtful = false;                                   ///< true of all figures that are shown
  std::string reason;                                      ///< of the first that is not ok
  std::vector<PageFigure> figures;
  std::optional<double> began, ended; ///< seconds since the run's start
  double intensity = 0;               ///< operations per byte, where both are known
  std::optional<double> datasheet;    ///< of one group's devices together, in the unit of the rate
  std::string datasheet_source;
  std::optional<Expected> expected;
};

struct PageEvidence {
  std::string judgement, text;
  State state = State::unknown;
  std::int64_t rank = -1;
};

struct PageHost {
  std::string name;
  State state = State::unknown;
  bool flaky = false;
  std::string reason;
  std::vector<PageEvidence> evidence; ///< the worst few
};

/// A rank that is named as the last to arrive in some record.
struct PageLate {
  std::int64_t rank = 0;
  std::string host;
  double lateness = 0, error = 0; ///< seconds; median over those records, the largest of them
  double share = 0;               ///< of the iterations
  std::size_t records = 0;
};

struct PageLinkNode {
  std::string name, host;
  double out = 1, in = 1, explains = 0;
};
/// A link, or the worst of all between two blocks of nodes.
struct PageLink {
  std::size_t row = 0, column = 0;
  double value = 0, expected = 0;
  std::string from, to;
  std::size_t links = 1;
};
struct PageLinkMap {
  std::string scope, figure, backend;
  double usual = 0;
  std::size_t nodes = 0;                       ///< of the whole map
  std::vector<std::string> rows;               ///< a node each, or the first of a block
  std::vector<std::vector<std::string>> hosts; ///< of each row
  std::vector<PageLink> cells;
  std::vector<PageLinkNode> worst; ///< those that explain most, first
};

struct Page {
  RunInfo run;
  ClockQuality clock;
  std::size_t host_count = 0, rank_count = 0;
  std::vector<std::string> models; ///< of devices, else of processors; with their number
  std::string cores;               ///< "2 cores", where all hosts have as many

  State state = State::unknown;
  std::string headline, spec, baseline, thresholds;
  std::array<std::size_t, 4> states{}; ///< hosts by State
  std::vector<std::string> notes;
  std::vector<Finding> findings;
  std::vector<LinkVerdict> bad_links;
  std::vector<PageHost> hosts; ///< in the report's order; not all of a large fleet

  std::vector<PageQuestion> questions;
  std::vector<PageLate> late;
  std::size_t late_count = 0, arrivals = 0; ///< ranks that were named, records that could have
  std::vector<PageLinkMap> links;
  std::vector<std::string> cut;      ///< what was not run, and why
  std::vector<std::string> lost;     ///< ranks
  std::vector<std::string> left_out; ///< what is not in the page: "questions 2000 3100"
};

/// What bounds a page. Those that are left out are counted on it.
struct PageLimits {
  std::size_t hosts = 1024;
  std::size_t host_values = 800000; ///< figures of all hosts together; with more questions there are fewer hosts
  std::size_t least_hosts = 64;
  std::size_t questions = 2000;
  std::size_t link_rows = 40;
  std::size_t late = 40;
  std::size_t lines = 200; ///< findings, notes, bad links, each
  std::size_t evidence = 8;
};

struct PageSource {
  Report const& report;
  Verdict const& verdict;
  std::vector<Expected> expected = {};
};

/// Pure. Wants the report's link maps and ceilings.
Page make_page(PageSource const& source, PageLimits const& limits = {});

/// One name for the question of a record over all groups of a kind; the rounds of link maps are one kind.
std::string page_key(Record const& record);

// The parts of make_page.
std::vector<PageHost> page_hosts(PageSource const& source, std::size_t most, PageLimits const& limits);
/// `hosts` in the order of PageFigure::by_host.
std::vector<PageQuestion> page_questions(PageSource const& source, PageLimits const& limits);
void add_host_values(std::vector<PageQuestion>& questions, Report const& report, std::vector<PageHost> const& hosts);
void add_late(Page& page, Report const& report, PageLimits const& limits);
std::vector<PageLinkMap> page_links(Report const& report, PageLimits const& limits);

} // namespace maru
