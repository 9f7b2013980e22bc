// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/publish/sink.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace maru {

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<std::string> headers; ///< "Name: value"
  std::string_view body;
  Credentials credentials;
};

struct HttpAnswer {
  long status = 0;
  std::string body; ///< at most 4 KiB
};

/// One request. No redirects, http and https only, and no more than ten seconds in all. Throws DeliveryError when there
/// is no answer.
HttpAnswer send(HttpRequest const& request);

/// Throws Error(usage) naming `what` for anything that is no http or https URL with a host.
void check_url(std::string const& url, std::string_view what);

/// The part of a URL that a value makes, by RFC 3986.
std::string percent_encoded(std::string_view text);

} // namespace maru
