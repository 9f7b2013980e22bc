// SPDX-License-Identifier: Apache-2.0
#include "exporters/publish/http.hpp"

#include "core/error.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <memory>

namespace maru {
namespace {

constexpr long connect_milliseconds = 3000;
constexpr long all_milliseconds = 10000;
constexpr std::size_t most_answer = 4096;

struct Library {
  Library() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~Library() { curl_global_cleanup(); }
};

std::size_t keep(char* data, std::size_t, std::size_t size, void* target) {
  auto& body = *static_cast<std::string*>(target);
  body.append(data, std::min(size, most_answer - body.size()));
  return size;
}

template <class Value> void set(CURL* handle, CURLoption option, Value value) {
  if (auto const code = curl_easy_setopt(handle, option, value); code != CURLE_OK)
    throw DeliveryError(fmt::format("libcurl: {}", curl_easy_strerror(code)));
}

using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

Headers list_of(std::vector<std::string> const& headers) {
  curl_slist* list = nullptr;
  for (auto const& header : headers) list = curl_slist_append(list, header.c_str());
  return {list, curl_slist_free_all};
}

} // namespace

HttpAnswer send(HttpRequest const& request) {
  static Library const library;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> const owner(curl_easy_init(), curl_easy_cleanup);
  if (!owner) throw DeliveryError("libcurl: no handle");
  auto* const handle = owner.get();
  auto const headers = list_of(request.headers);
  HttpAnswer answer;
  char reason[CURL_ERROR_SIZE] = "";
  set(handle, CURLOPT_ERRORBUFFER, reason);
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(handle, CURLOPT_POSTFIELDS, request.body.data());
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds);
  set(handle, CURLOPT_TIMEOUT_MS, all_milliseconds);
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_WRITEFUNCTION, keep);
  set(handle, CURLOPT_WRITEDATA, &answer.body);
  if (!request.credentials.user.empty()) {
    set(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(handle, CURLOPT_USERNAME, request.credentials.user.c_str());
    set(handle, CURLOPT_PASSWORD, request.credentials.password.c_str());
  }
  if (auto const code = curl_easy_perform(handle); code != CURLE_OK)
    throw DeliveryError(*reason ? std::string(reason) : std::string(curl_easy_strerror(code)));
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

void check_url(std::string const& url, std::string_view what) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> const parsed(curl_url(), curl_url_cleanup);
  bool good = parsed && curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK;
  char* scheme = nullptr;
  good = good && curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
  std::unique_ptr<char, decltype(&curl_free)> const owner(scheme, curl_free);
  if (!good || (std::string_view(scheme) != "http" && std::string_view(scheme) != "https"))
    throw Error(Exit::usage, fmt::format("{} {}: expected a URL such as http://127.0.0.1:9090/…", what, url));
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string result;
  for (char const c : text) {
    if (plain.find(c) != plain.npos)
      result += c;
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

} // namespace maru
