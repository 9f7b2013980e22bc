// SPDX-License-Identifier: Apache-2.0
// Prometheus' remote write 1.0. A server answers 400 to a whole request when one sample of it is older than what it
// has, and nothing of that request is kept: so nothing is sent twice, and a refused request is halved until the samples
// that are to blame stand alone.
#include "exporters/publish/http.hpp"
#include "exporters/publish/sink.hpp"
#include <remote_write.pb.h>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <snappy.h>
#include <unordered_map>

namespace maru {
namespace {

constexpr std::size_t most_in_request = 2000;

struct Item {
  std::string key; ///< the series' identity
  std::string name;
  Sample const* sample;
  std::int64_t milliseconds;
};

/// The last sample of a series.
struct Sent {
  std::int64_t milliseconds;
  double value;
};

std::int64_t milliseconds(double seconds) { return std::llround(seconds * 1000); }

std::string key_of(std::string const& name, Series const& series) {
  std::string key = name;
  for (auto const& label : series) key.append(1, '\x01').append(label.name).append(1, '\x02').append(label.value);
  return key;
}

std::string body_of(std::span<Item const> items) {
  remote_write::WriteRequest request;
  for (auto const& item : items) {
    auto labels = item.sample->series;
    labels.push_back({"__name__", item.name});
    std::sort(labels.begin(), labels.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    auto* const series = request.add_timeseries();
    for (auto& label : labels) {
      auto* const written = series->add_labels();
      written->set_name(std::move(label.name));
      written->set_value(std::move(label.value));
    }
    auto* const sample = series->add_samples();
    sample->set_value(item.sample->value);
    sample->set_timestamp(item.milliseconds);
  }
  auto const raw = request.SerializeAsString();
  std::string packed;
  snappy::Compress(raw.data(), raw.size(), &packed);
  return packed;
}

bool may_recover(long status) { return status == 429 || status >= 500; }

class RemoteWriteSink : public Sink {
public:
  RemoteWriteSink(std::string url, Credentials credentials)
      : url_(std::move(url)), credentials_(std::move(credentials)) {}

  std::string_view name() const override { return "remote_write"; }
  bool while_running() const override { return true; }

  void deliver(Exposition const& exposition, Delivery& delivery) override {
    auto const items = fresh(exposition);
    for (std::size_t begin = 0; begin < items.size(); begin += most_in_request)
      write(std::span(items).subspan(begin, std::min(most_in_request, items.size() - begin)), delivery);
  }

private:
  /// What is newer than the last sample of its series that was sent.
  std::vector<Item> fresh(Exposition const& exposition) const {
    std::vector<Item> items;
    for (auto const& family : exposition)
      for (auto const& sample : family.samples) {
        auto const name = sample_name(*family.row);
        Item item{key_of(name, sample.series), name, &sample, milliseconds(sample.time)};
        auto const sent = sent_.find(item.key);
        // A run may end in the millisecond in which it was last looked at; the server takes one value for each.
        if (sent != sent_.end() && sent->second.milliseconds == item.milliseconds && sent->second.value != sample.value)
          ++item.milliseconds;
        if (sent == sent_.end() || sent->second.milliseconds < item.milliseconds) items.push_back(std::move(item));
      }
    return items;
  }

  void write(std::span<Item const> items, Delivery& delivery) {
    auto const body = body_of(items);
    auto const answer = send({.method = "POST",
                              .url = url_,
                              .headers = {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                                          "X-Prometheus-Remote-Write-Version: 0.1.0"},
                              .body = body,
                              .credentials = credentials_});
    auto const words = fmt::format("{} answers {}: {}", url_, answer.status,
                                   std::string_view(answer.body).substr(0, answer.body.find('\n')));
    if (may_recover(answer.status)) throw DeliveryError(words);
    bool const accepted = answer.status >= 200 && answer.status < 300;
    if (answer.status == 400 && items.size() > 1) {
      write(items.first(items.size() / 2), delivery);
      write(items.subspan(items.size() / 2), delivery);
      return;
    }
    for (auto const& item : items) sent_[item.key] = {item.milliseconds, item.sample->value};
    (accepted ? delivery.samples : delivery.dropped) += items.size();
    if (!accepted) delivery.complaint = words;
  }

  std::string url_;
  Credentials credentials_;
  std::unordered_map<std::string, Sent> sent_; ///< or refused for good
};

} // namespace

std::unique_ptr<Sink> make_remote_write_sink(std::string const& url, Credentials const& credentials) {
  check_url(url, "--remote-write");
  return std::make_unique<RemoteWriteSink>(url, credentials);
}

} // namespace maru
