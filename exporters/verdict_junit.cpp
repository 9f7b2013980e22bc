// SPDX-License-Identifier: Apache-2.0
// JUnit XML as CI systems read it: a host is a test case. What fails is a failure; what is unknown is an error, for the
// test could not be made, and CI systems count that as no pass too.
#include "exporters/text.hpp"
#include "exporters/verdict_format.hpp"
#include "exporters/verdict_text.hpp"

namespace maru {
namespace {

// XML 1.0 has no control codes, not even escaped, and neither U+FFFE nor U+FFFF.
std::string escaped(std::string_view text) {
  std::string result;
  auto const line = one_line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    auto const rest = std::string_view(line).substr(i);
    if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
      result += "\xEF\xBF\xBD";
      i += 2;
      continue;
    }
    switch (line[i]) {
    case '<': result += "&lt;"; break;
    case '>': result += "&gt;"; break;
    case '&': result += "&amp;"; break;
    case '"': result += "&quot;"; break;
    case '\'': result += "&apos;"; break;
    default: result += line[i];
    }
  }
  return result;
}

char const* element_of(State state) {
  return state == State::fail ? "failure" : state == State::unknown ? "error" : "system-out";
}

/// `body`: lines that are escaped already.
std::string testcase(std::string_view kind, std::string_view name, State state, std::string_view message,
                     std::string_view body) {
  auto const head = fmt::format("    <testcase classname=\"maru.{}\" name=\"{}\" time=\"0\"", kind, escaped(name));
  if (state == State::pass && body.empty()) return head + "/>\n";
  auto const* element = element_of(state);
  bool const bad = state == State::fail || state == State::unknown;
  return fmt::format("{}>\n      <{}{}>{}{}</{}>\n    </testcase>\n", head, element,
                     bad ? fmt::format(" type=\"{}\" message=\"{}\"", maru::name(state), escaped(message)) : "",
                     bad || message.empty() ? "" : escaped(message) + "\n", body, element);
}

std::string host_case(HostVerdict const& host) {
  std::string body = host.flaky ? "flaky: a second look cleared it\n" : "";
  for (auto const& evidence : host.evidence) body += escaped(evidence_line(evidence)) + "\n";
  return testcase("host", host.host, host.state, host.reason, body);
}

std::string property(std::string_view name, std::string_view value) {
  return value.empty() ? "" : fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, escaped(value));
}

std::string properties(Verdict const& verdict) {
  auto const rows = property("run", verdict.run) + property("plan", verdict.plan) + property("spec", verdict.spec) +
                    property("baseline", verdict.baseline) + property("thresholds", verdict.thresholds);
  return rows.empty() ? "" : "    <properties>\n" + rows + "    </properties>\n";
}

std::string junit(Verdict const& verdict) {
  std::string cases;
  std::size_t tests = verdict.hosts.size() + verdict.links.size();
  auto const failures = count_of(verdict.hosts, State::fail) + count_of(verdict.links, State::fail);
  auto errors = count_of(verdict.hosts, State::unknown) + count_of(verdict.links, State::unknown);
  for (auto const& host : verdict.hosts) cases += host_case(host);
  for (auto const& link : verdict.links)
    cases += testcase("link", link.from + " → " + link.to, link.state, link.text, "");
  // A suite without a bad case is green, even an empty one.
  if (failures + errors == 0 && (verdict.state == State::fail || verdict.state == State::unknown)) {
    cases += testcase("verdict", "the whole", State::unknown, headline(verdict), "");
    ++tests;
    ++errors;
  }
  std::string notes;
  for (auto const& note : verdict.notes) notes += escaped(note) + "\n";
  auto const counts =
      fmt::format("name=\"maru validate\" tests=\"{}\" failures=\"{}\" errors=\"{}\"", tests, failures, errors);
  return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {0}>\n  <testsuite {0} skipped=\"0\" "
                     "time=\"0\">\n{1}{2}    <system-out>{3}\n{4}</system-out>\n  </testsuite>\n</testsuites>\n",
                     counts, properties(verdict), cases, escaped(headline(verdict)), notes);
}

} // namespace

extern VerdictFormat const junit_verdict;
VerdictFormat const junit_verdict{"junit", "JUnit XML: a test case for each host and each bad link", junit};

} // namespace maru
