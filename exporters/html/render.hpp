// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/comparison.hpp"
#include "exporters/html/page.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// One report, or two that are compared.
struct PageSet {
  std::vector<Page> pages;        ///< at least one
  std::vector<std::string> names; ///< of the reports as they were given
  std::optional<Comparison> comparison = {};
  std::string language = "en"; ///< one of page_languages()
};

/// The page as one HTML file that loads nothing: data, script and style are in it, and its policy forbids all else.
/// Pure.
std::string render_page(PageSet const& set);
/// The data alone, as it stands in the page.
std::string page_json(PageSet const& set);

std::vector<std::string> page_languages();
/// Whether a file that begins like this is such a page, so that it may be replaced.
bool is_page(std::string_view beginning);

} // namespace maru
