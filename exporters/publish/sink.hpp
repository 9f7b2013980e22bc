// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/metrics/metric.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace maru {

/// What became of an exposition that was handed to a sink.
struct Delivery {
  std::size_t samples = 0; ///< that arrived
  std::size_t dropped = 0; ///< that were given up; they will not be tried again
  std::string complaint;   ///< why some were dropped, in one line; empty when none were
};

/// An attempt that failed and may be repeated.
class DeliveryError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A way out for metrics. One thread of the publisher's calls it.
class Sink {
public:
  virtual ~Sink() = default;
  virtual std::string_view name() const = 0;
  /// Whether it wants every exposition, or the last one alone.
  virtual bool while_running() const = 0;
  /// Adds to the delivery what became of it, also when it throws DeliveryError half way. Blocks for a bounded time.
  virtual void deliver(Exposition const& exposition, Delivery& delivery) = 0;
  /// After the last delivery: whether it need not wait any longer.
  virtual bool done() { return true; }
};

/// User and password for a network sink; none when the user is empty.
struct Credentials {
  std::string user, password;
};
/// Reads the password from the first line of a file. Throws Error(usage).
Credentials read_credentials(std::string const& user, std::string const& password_file);

struct PullOptions {
  std::string address; ///< "127.0.0.1:0"; a port alone is one of the loopback
  std::string targets; ///< file for Prometheus' file_sd, removed at the end; empty: none
  std::string cluster; ///< a label of the target
  double linger = 0;   ///< seconds for which the last exposition waits for a reader
  Credentials credentials;
};
/// Serves the last exposition at /metrics, by prometheus-cpp's exposer. The port is opened with the first delivery, by
/// the thread that delivers, whose processors its threads inherit. Done when the last exposition was read, or after
/// the linger. `on_listening` is told the address. Throws Error(usage) for an address that is none.
std::unique_ptr<Sink> make_pull_sink(PullOptions const& options, std::function<void(std::string const&)> on_listening);
std::unique_ptr<Sink> make_remote_write_sink(std::string const& url, Credentials const& credentials);
std::unique_ptr<Sink> make_pushgateway_sink(std::string const& url, std::string const& cluster,
                                            Credentials const& credentials);

} // namespace maru
