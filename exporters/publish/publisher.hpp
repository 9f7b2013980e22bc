// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporters/metrics/metric_source.hpp"
#include "exporters/publish/sink.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace maru {

struct PublisherOptions {
  double deadline = 15;        ///< seconds after the end in which what failed is tried again
  std::vector<int> processors; ///< that its threads may use; empty: all
  /// A word for the terminal, once per sink and kind of trouble; called from the publisher's threads, one at a time.
  std::function<void(std::string const&)> complain;
};

/// Hands expositions to sinks, each on a thread of its own: whoever publishes never waits, nor one sink for another. A
/// sink that fails is tried again after 1, 2, 4 … 60 s, with the newest exposition; its failures are counted.
class Publisher {
public:
  Publisher(std::vector<std::unique_ptr<Sink>> sinks, PublisherOptions options);
  /// Ends at once, whatever is undelivered.
  ~Publisher();
  Publisher(Publisher const&) = delete;
  Publisher& operator=(Publisher const&) = delete;

  /// The newest exposition replaces one that no sink has had yet.
  void publish(Exposition exposition);
  /// The last one, for all sinks. Returns when every sink has had it and is done, or the deadline is over and what is
  /// undelivered was counted as dropped; at once when `stop` says so.
  void finish(Exposition exposition, std::function<bool()> const& stop);

  /// From the start every sink is there, at zero.
  std::vector<SinkHealth> health() const;

private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

} // namespace maru
