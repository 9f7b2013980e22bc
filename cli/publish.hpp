// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"
#include "core/report.hpp"
#include "core/world.hpp"
#include "exporters/publish/publisher.hpp"

#include <memory>
#include <string>

namespace maru {

/// The options by which metrics leave the program, as text; empty: that way is not used.
struct PublishArguments {
  std::string listen, targets, linger = "30s";
  std::string remote_write, pushgateway, textfile;
  std::string user, password_file;
  std::string every = "5s", max_series = "100000";
};

void add_publish_options(CLI::App& app, PublishArguments& arguments);

/// The metrics of one run on their way out. Without any way asked for it does nothing; start, due and publish are for
/// rank 0.
class RunPublisher {
public:
  /// Only the rank that `leads` needs the file with the password. Throws Error(usage).
  RunPublisher(PublishArguments const& arguments, bool leads);

  /// Whether there is any way out; nothing need be planned without.
  bool asked() const;
  /// Before anything is measured. Throws Error(usage) with the count of the largest metric when the report that is
  /// planned has more series than allowed, and for an address or URL that is none.
  void start(Report const& planned);
  /// Whether it is time for another look at a run that goes on.
  bool due() const;
  void publish(Report const& report);
  /// Collective: the last look at rank 0's report, which is concluded. Writes textfiles on every host; rank 0 waits for
  /// readers and for what failed, as long as the options say.
  void finish(World& world, Report const& report);

private:
  void check_series(Report const& planned) const;
  Exposition exposition(Report const& report, double now, Opinion const& judged) const;

  PublishArguments arguments_;
  double linger_ = 0, every_ = 0;
  std::size_t most_series_ = 0;
  Credentials credentials_;
  std::unique_ptr<Publisher> publisher_;
  std::vector<SinkHealth> finished_; ///< ways out that are no longer used
  double next_ = 0;                  ///< on the monotonic clock
};

} // namespace maru
