// SPDX-License-Identifier: Apache-2.0
#include "exporters/html/render.hpp"

#include "core/version.hpp"
#include "exporters/html/assets.hpp"
#include "exporters/html/json_writer.hpp"

#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::string_view beginning = "<!DOCTYPE html>\n<!-- A report of maru";

std::string_view asset(std::string_view name) {
  for (auto const& one : page_asset_table)
    if (one.name == name) return one.text;
  return {};
}

// What a browser shows that runs no scripts.
std::string plain(Page const& page) {
  auto text = fmt::format("<h1>{}</h1>\n", html_text(page.headline));
  for (auto const& host : page.hosts)
    if (host.state != State::pass) text += fmt::format("<p>{}: {}</p>\n", html_text(host.name), html_text(host.reason));
  return text;
}

} // namespace

std::vector<std::string> page_languages() { return {"en", "ko"}; }

bool is_page(std::string_view text) { return text.starts_with(beginning); }

std::string render_page(PageSet const& set) {
  std::string body;
  for (auto const& page : set.pages) body += plain(page);
  auto const& first = set.pages.front();
  std::string html;
  html += fmt::format("{} {}; docs/report-page.md says how it is made. -->\n", beginning, version);
  html += fmt::format("<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n", html_text(set.language));
  html += fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", asset("policy"));
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n";
  html += fmt::format("<title>{} · maru</title>\n", html_text(first.headline));
  html += fmt::format("<style>{}</style>\n</head>\n<body>\n<main id=\"page\">\n{}</main>\n", asset("style"), body);
  html += fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n", page_json(set));
  html += fmt::format("<script>{}</script>\n</body>\n</html>\n", asset("script"));
  return html;
}

} // namespace maru
