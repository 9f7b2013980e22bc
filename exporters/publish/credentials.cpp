// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/publish/sink.hpp"

#include <fmt/format.h>

namespace maru {

Credentials read_credentials(std::string const& user, std::string const& password_file) {
  if (user.empty() && password_file.empty()) return {};
  if (user.empty() || password_file.empty())
    throw Error(Exit::usage, "--auth-user and --auth-password-file are for each other; one is missing");
  constexpr std::size_t most = 4096;
  auto const text = read_file(password_file, most);
  auto password = text.substr(0, text.find_first_of("\r\n"));
  if (password.empty()) throw Error(Exit::usage, fmt::format("{}: the first line is no password", password_file));
  return {user, std::move(password)};
}

} // namespace maru
