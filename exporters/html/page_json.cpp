// SPDX-License-Identifier: Apache-2.0
#include "exporters/html/json_writer.hpp"
#include "exporters/html/render.hpp"

#include <variant>

namespace maru {
namespace {

constexpr int digits_of_hosts = 4; // many, and shown with three

void write(JsonWriter& out, Interval const& interval) {
  out.begin('[').number(interval.low).number(interval.high).end(']');
}

void write(JsonWriter& out, Labels const& labels) {
  out.key("labels").begin('{');
  for (auto const& [name, value] : labels.entries()) {
    out.key(name);
    if (auto const* text = std::get_if<std::string>(&value))
      out.text(*text);
    else if (auto const* whole = std::get_if<std::int64_t>(&value))
      out.number(static_cast<double>(*whole), 17);
    else
      out.number(std::get<double>(value), 17);
  }
  out.end('}');
}

void write(JsonWriter& out, PageFigure const& figure) {
  out.begin('{').member("name", figure.name).member("median", figure.median);
  if (figure.ci) write(out.key("ci"), *figure.ci);
  out.list("spread", figure.spread, [&](double value) { out.number(value); });
  if (figure.worst_rank >= 0)
    out.member("worst_rank", static_cast<double>(figure.worst_rank)).member("worst_host", figure.worst_host);
  if (!figure.by_host.empty())
    out.list("by_host", figure.by_host, [&](double value) { out.number(value, digits_of_hosts); });
  out.end('}');
}

void write(JsonWriter& out, PageQuestion const& question) {
  out.begin('{')
      .member("probe", question.probe)
      .member("operation", question.operation)
      .member("backend", question.backend)
      .member("group", question.group);
  write(out, question.labels);
  for (auto const& [name, number] : {std::pair{"ranks", question.ranks},
                                     {"ok", question.ok},
                                     {"wrong", question.wrong},
                                     {"failed", question.failed},
                                     {"skipped", question.skipped},
                                     {"checked", question.checked},
                                     {"noisy", question.noisy}})
    if (number > 0) out.key(name).count(number);
  if (!question.doubts.empty()) {
    out.key("doubts").begin('{');
    for (auto const& [name, number] : question.doubts) out.key(name).count(number);
    out.end('}');
  }
  if (question.doubtful) out.key("doubtful").flag(true);
  if (!question.reason.empty()) out.member("reason", question.reason);
  if (question.began) out.member("began", *question.began).member("ended", *question.ended);
  if (question.intensity > 0) out.member("intensity", question.intensity);
  if (question.datasheet)
    out.member("datasheet", *question.datasheet).member("datasheet_source", question.datasheet_source);
  if (auto const& floor = question.expected)
    out.key("expected")
        .begin('{')
        .member("figure", floor->figure)
        .member("least", floor->least)
        .member("source", floor->source)
        .end('}');
  out.list("figures", question.figures, [&](PageFigure const& figure) { write(out, figure); });
  out.end('}');
}

void write(JsonWriter& out, PageHost const& host) {
  out.begin('{').member("name", host.name).member("state", name(host.state));
  if (host.flaky) out.key("flaky").flag(true);
  if (!host.reason.empty()) out.member("reason", host.reason);
  if (!host.evidence.empty())
    out.list("evidence", host.evidence, [&](PageEvidence const& evidence) {
      out.begin('{')
          .member("judgement", evidence.judgement)
          .member("state", name(evidence.state))
          .member("text", evidence.text)
          .member("rank", static_cast<double>(evidence.rank))
          .end('}');
    });
  out.end('}');
}

void write(JsonWriter& out, PageLinkMap const& map) {
  out.begin('{')
      .member("scope", map.scope)
      .member("figure", map.figure)
      .member("backend", map.backend)
      .member("usual", map.usual)
      .member("nodes", static_cast<double>(map.nodes));
  out.list("rows", map.rows, [&](std::string const& row) { out.text(row); });
  out.list("hosts", map.hosts, [&](std::vector<std::string> const& hosts) {
    out.begin('[');
    for (auto const& host : hosts) out.text(host);
    out.end(']');
  });
  out.list("cells", map.cells, [&](PageLink const& cell) {
    out.begin('[').count(cell.row).count(cell.column).number(cell.value).number(cell.expected);
    if (cell.links > 1) out.count(cell.links).text(cell.from).text(cell.to);
    out.end(']');
  });
  out.list("worst", map.worst, [&](PageLinkNode const& node) {
    out.begin('{')
        .member("name", node.name)
        .member("host", node.host)
        .member("out", node.out)
        .member("in", node.in)
        .member("explains", node.explains)
        .end('}');
  });
  out.end('}');
}

void write_run(JsonWriter& out, Page const& page) {
  auto const& run = page.run;
  out.key("run")
      .begin('{')
      .member("id", run.id)
      .member("version", run.maru_version)
      .member("plan", run.plan)
      .member("launcher", run.launcher)
      .member("mpi", run.mpi)
      .key("started")
      .number(run.started, 13)
      .key("finished")
      .number(run.finished, 13)
      .key("complete")
      .flag(run.complete)
      .member("incomplete_reason", run.incomplete_reason)
      .member("clock", page.clock.method)
      .member("clock_error", page.clock.error)
      .key("hosts")
      .count(page.host_count)
      .key("ranks")
      .count(page.rank_count);
  out.list("models", page.models, [&](std::string const& model) { out.text(model); });
  out.end('}');
}

void write_verdict(JsonWriter& out, Page const& page) {
  out.key("verdict")
      .begin('{')
      .member("state", name(page.state))
      .member("headline", page.headline)
      .member("spec", page.spec)
      .member("baseline", page.baseline)
      .member("thresholds", page.thresholds);
  out.key("states").begin('{');
  for (auto const state : {State::pass, State::warn, State::unknown, State::fail})
    out.key(name(state)).count(page.states[static_cast<std::size_t>(state)]);
  out.end('}');
  out.list("notes", page.notes, [&](std::string const& note) { out.text(note); });
  out.list("links", page.bad_links, [&](LinkVerdict const& link) {
    out.begin('{')
        .member("from", link.from)
        .member("to", link.to)
        .member("figure", link.figure)
        .member("state", name(link.state))
        .member("text", link.text)
        .end('}');
  });
  out.list("findings", page.findings, [&](Finding const& finding) {
    out.begin('{')
        .member("kind", finding.kind)
        .member("severity", finding.severity)
        .member("text", finding.text)
        .end('}');
  });
  out.end('}');
}

void write(JsonWriter& out, Page const& page) {
  out.begin('{');
  write_run(out, page);
  write_verdict(out, page);
  out.list("hosts", page.hosts, [&](PageHost const& host) { write(out, host); });
  out.list("questions", page.questions, [&](PageQuestion const& question) { write(out, question); });
  out.list("late", page.late, [&](PageLate const& late) {
    out.begin('{')
        .member("rank", static_cast<double>(late.rank))
        .member("host", late.host)
        .member("lateness", late.lateness)
        .member("error", late.error)
        .member("share", late.share)
        .key("records")
        .count(late.records)
        .end('}');
  });
  out.key("late_count").count(page.late_count).key("arrivals").count(page.arrivals);
  out.list("links", page.links, [&](PageLinkMap const& map) { write(out, map); });
  out.list("cut", page.cut, [&](std::string const& line) { out.text(line); });
  out.list("lost", page.lost, [&](std::string const& line) { out.text(line); });
  out.list("left_out", page.left_out, [&](std::string const& line) { out.text(line); });
  out.end('}');
}

std::string_view word(Change change) {
  switch (change) {
  case Change::none: return "none";
  case Change::better: return "better";
  case Change::worse: return "worse";
  case Change::unknown: return "unknown";
  }
  return "";
}

void write(JsonWriter& out, Difference const& one) {
  out.begin('{')
      .member("probe", one.probe)
      .member("operation", one.operation)
      .member("backend", one.backend)
      .member("group", one.group)
      .member("figure", one.figure);
  write(out, one.labels);
  out.member("before", one.before).member("after", one.after).member("ratio", one.ratio);
  if (one.ci) write(out.key("ci"), *one.ci);
  out.key("places").count(one.places).member("change", word(one.change)).end('}');
}

} // namespace

std::string page_json(PageSet const& set) {
  JsonWriter out;
  out.begin('{').member("lang", set.language);
  out.list("names", set.names, [&](std::string const& name) { out.text(name); });
  out.list("pages", set.pages, [&](Page const& page) { write(out, page); });
  if (set.comparison) {
    auto const& all = *set.comparison;
    out.key("comparison").begin('{');
    out.list("differences", all.differences, [&](Difference const& one) { write(out, one); });
    out.key("only_before").count(all.only_before).key("only_after").count(all.only_after);
    out.key("same_hosts").flag(all.same_hosts).end('}');
  }
  out.end('}');
  return out.take();
}

} // namespace maru
