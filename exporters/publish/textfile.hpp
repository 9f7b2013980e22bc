// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace maru {

/// The host's file in a folder that node_exporter's textfile collector reads.
std::string textfile_path(std::string_view directory, std::string_view hostname);

/// Puts it in place whole, readable for all. Throws Error(incomplete).
void write_textfile(std::string_view directory, std::string_view hostname, std::string_view text);

} // namespace maru
