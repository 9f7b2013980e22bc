// SPDX-License-Identifier: Apache-2.0
// The endpoint of prometheus-cpp (civetweb) over a snapshot that is made before anybody asks for it. Two idle
// connections would block its usual two threads for 30 s: hence eight, and a short limit for a request. It speaks
// neither TLS (the library crashes) nor IPv6: that is for a proxy.
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/metrics/metric.hpp"
#include "exporters/publish/sink.hpp"

#include <atomic>
#include <chrono>
#include <fmt/format.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

namespace maru {
namespace {

using Clock = std::chrono::steady_clock;

prometheus::MetricFamily family_of(MetricFamily const& family) {
  bool const counts = family.row->type == MetricType::counter;
  prometheus::MetricFamily result;
  result.name = sample_name(*family.row);
  result.help = family.row->help;
  result.type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  for (auto const& sample : family.samples) {
    auto& metric = result.metric.emplace_back();
    for (auto const& label : sample.series) metric.label.push_back({label.name, label.value});
    (counts ? metric.counter.value : metric.gauge.value) = sample.value;
  }
  return result;
}

class Snapshot : public prometheus::Collectable {
public:
  void replace(Exposition const& exposition) {
    std::vector<prometheus::MetricFamily> families;
    for (auto const& family : exposition) families.push_back(family_of(family));
    std::lock_guard const lock(mutex_);
    families_ = std::move(families);
    reads_ = 0;
  }
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::lock_guard const lock(mutex_);
    ++reads_;
    return families_;
  }
  std::size_t reads() const {
    std::lock_guard const lock(mutex_);
    return reads_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<prometheus::MetricFamily> families_;
  mutable std::size_t reads_ = 0; ///< since it was replaced
};

/// "9400", "127.0.0.1:9400" → the address with a host. Only digits and dots: the library would take lists and letters
/// for other things.
std::string checked_address(std::string const& text) {
  auto const colon = text.rfind(':');
  auto const host = colon == text.npos ? std::string("127.0.0.1") : text.substr(0, colon);
  auto const port = colon == text.npos ? text : text.substr(colon + 1);
  bool const plain = !host.empty() && !port.empty() && port.size() <= 5 &&
                     host.find_first_not_of("0123456789.") == host.npos &&
                     port.find_first_not_of("0123456789") == port.npos && std::stoi(port) <= 65535;
  if (!plain) throw Error(Exit::usage, fmt::format("--listen {}: expected IPv4:PORT, such as 127.0.0.1:9400", text));
  return host + ":" + port;
}

// Constant in time over what is compared, as far as its length.
bool same(std::string const& a, std::string const& b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

class PullSink : public Sink {
public:
  PullSink(PullOptions options, std::function<void(std::string const&)> on_listening)
      : options_(std::move(options)), on_listening_(std::move(on_listening)) {
    options_.address = checked_address(options_.address);
  }
  ~PullSink() override {
    if (target_written_) try {
        remove_file(options_.targets);
      } catch (Error const&) { // nothing is left to be done about it
      }
  }

  std::string_view name() const override { return "pull"; }
  bool while_running() const override { return true; }

  void deliver(Exposition const& exposition, Delivery& delivery) override {
    snapshot_->replace(exposition);
    if (!exposer_) open();
    write_target();
    delivery.samples += series_count(exposition);
    delivered_ = Clock::now();
  }

  bool done() override {
    std::chrono::duration<double> const waited = Clock::now() - delivered_;
    return !exposer_ || snapshot_->reads() > 0 || waited.count() >= options_.linger;
  }

private:
  void open() {
    try {
      exposer_ = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
          "listening_ports", options_.address, "num_threads", "8", "request_timeout_ms", "2000"});
    } catch (std::exception const& error) {
      throw DeliveryError(fmt::format("cannot listen on {}: {}", options_.address, error.what()));
    }
    if (!options_.credentials.user.empty())
      exposer_->RegisterAuth([wanted = options_.credentials](std::string const& user, std::string const& password) {
        return same(user, wanted.user) && same(password, wanted.password);
      });
    exposer_->RegisterCollectable(snapshot_);
    auto const ports = exposer_->GetListeningPorts();
    if (!ports.empty())
      options_.address = options_.address.substr(0, options_.address.rfind(':') + 1) + std::to_string(ports.front());
    if (on_listening_) on_listening_(options_.address);
  }

  void write_target() {
    if (options_.targets.empty() || target_written_) return;
    nlohmann::json labels = {{"job", "maru"}};
    if (!options_.cluster.empty()) labels["cluster"] = options_.cluster;
    nlohmann::json const file = {{{"targets", {options_.address}}, {"labels", labels}}};
    try {
      write_file(options_.targets, file.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
      make_readable(options_.targets);
    } catch (Error const& error) {
      throw DeliveryError(error.what());
    }
    target_written_ = true;
  }

  PullOptions options_;
  std::function<void(std::string const&)> on_listening_;
  std::shared_ptr<Snapshot> snapshot_ = std::make_shared<Snapshot>();
  std::unique_ptr<prometheus::Exposer> exposer_;
  bool target_written_ = false;
  Clock::time_point delivered_;
};

} // namespace

std::unique_ptr<Sink> make_pull_sink(PullOptions const& options, std::function<void(std::string const&)> on_listening) {
  return std::make_unique<PullSink>(options, std::move(on_listening));
}

} // namespace maru
