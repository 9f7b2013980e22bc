// SPDX-License-Identifier: Apache-2.0
// The Pushgateway: the run tier alone, for its content costs it dearly and it never forgets. One group per cluster,
// which the next run replaces (PUT); neither run nor host is in the group's key, so nothing accumulates.
#include "exporters/metrics/expose.hpp"
#include "exporters/publish/http.hpp"
#include "exporters/publish/sink.hpp"

#include <fmt/format.h>

namespace maru {
namespace {

std::string base64url(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string result;
  unsigned buffer = 0;
  int bits = 0;
  for (char const c : text) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) result += digits[(buffer >> (bits - 6)) & 63];
  }
  if (bits > 0) result += digits[(buffer << (6 - bits)) & 63];
  return result;
}

// A slash ends a part of the path whether it is encoded or not, hence the gateway's own form for such values.
std::string grouping(std::string_view label, std::string_view value) {
  if (value.find('/') != value.npos) return fmt::format("/{}@base64/{}", label, base64url(value));
  return fmt::format("/{}/{}", label, percent_encoded(value));
}

// Labels of the group must not be in the text with other values.
Exposition without_cluster(Exposition exposition) {
  for (auto& family : exposition)
    for (auto& sample : family.samples)
      std::erase_if(sample.series, [](MetricLabel const& label) { return label.name == "cluster"; });
  return exposition;
}

class PushgatewaySink : public Sink {
public:
  PushgatewaySink(std::string const& url, std::string const& cluster, Credentials credentials)
      : url_(url.substr(0, url.find_last_not_of('/') + 1) + "/metrics/job/maru"), credentials_(std::move(credentials)) {
    if (!cluster.empty()) url_ += grouping("cluster", cluster);
  }

  std::string_view name() const override { return "pushgateway"; }
  bool while_running() const override { return false; }

  void deliver(Exposition const& exposition, Delivery& delivery) override {
    auto const mine = without_cluster(only(exposition, Tier::run));
    auto const body = prometheus_text(mine);
    auto const answer = send({.method = "PUT",
                              .url = url_,
                              .headers = {"Content-Type: text/plain; version=0.0.4"},
                              .body = body,
                              .credentials = credentials_});
    if (answer.status >= 200 && answer.status < 300) {
      delivery.samples += series_count(mine);
      return;
    }
    auto const words = fmt::format("{} answers {}: {}", url_, answer.status,
                                   std::string_view(answer.body).substr(0, answer.body.find('\n')));
    if (answer.status == 429 || answer.status >= 500) throw DeliveryError(words);
    delivery.dropped += series_count(mine);
    delivery.complaint = words;
  }

private:
  std::string url_;
  Credentials credentials_;
};

} // namespace

std::unique_ptr<Sink> make_pushgateway_sink(std::string const& url, std::string const& cluster,
                                            Credentials const& credentials) {
  check_url(url, "--pushgateway");
  return std::make_unique<PushgatewaySink>(url, cluster, credentials);
}

} // namespace maru
