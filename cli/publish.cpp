// SPDX-License-Identifier: Apache-2.0
#include "cli/publish.hpp"

#include "analysis/expectations.hpp"
#include "bench/stop_signal.hpp"
#include "cli/series_estimate.hpp"
#include "cli/terminal.hpp"
#include "cli/textfiles.hpp"
#include "core/units.hpp"
#include "core/work.hpp"
#include "exporters/metrics/expose.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <sys/sysinfo.h>

namespace maru {
namespace {

constexpr double most_of_the_time = 0.01; // that rank 0 may spend on looks at a run that goes on

/// Those of rank 0's host that no rank is bound to: what answers scrapes must not run on what is measured. Empty when
/// there are none.
std::vector<int> free_processors(Report const& planned) {
  std::set<std::int64_t> used;
  for (auto const& rank : planned.ranks)
    if (rank.host == planned.ranks.front().host)
      for (auto const processor : parse_ranks(rank.cpus)) used.insert(processor);
  std::vector<int> free;
  for (int i = 0; i < ::get_nprocs_conf(); ++i)
    if (!used.contains(i)) free.push_back(i);
  return free;
}

} // namespace

void add_publish_options(CLI::App& app, PublishArguments& a) {
  auto const add = [&](char const* name, std::string& target, char const* kind, char const* help) {
    add_value(app, name, target, kind, help)->group("Metrics");
  };
  add("--listen", a.listen, "IPv4:PORT", "serve them for Prometheus; port 0 is any free one");
  add("--targets", a.targets, "FILE", "for file_sd: where it listens, as long as it does");
  add("--linger", a.linger, "TIME", "serve the last results until read, or so long [30s]");
  add("--remote-write", a.remote_write, "URL", "send them, during the run and at its end");
  add("--pushgateway", a.pushgateway, "URL", "put those of the run there at its end");
  add("--textfile", a.textfile, "DIR", "of node_exporter, on each host, at the run's end");
  add("--publish-every", a.every, "TIME", "during a run [5s]");
  add("--max-series", a.max_series, "N", "more than that are refused beforehand [100000]");
  add("--auth-user", a.user, "NAME", "for --listen, --remote-write and --pushgateway");
  add("--auth-password-file", a.password_file, "FILE", "whose first line is the password");
}

RunPublisher::RunPublisher(PublishArguments const& arguments, bool leads) : arguments_(arguments) {
  linger_ = arguments.linger == "0" ? 0 : parse_duration(arguments.linger, "--linger");
  every_ = parse_duration(arguments.every, "--publish-every");
  most_series_ =
      static_cast<std::size_t>(parse_integer(arguments.max_series, "--max-series", 1, std::int64_t{1} << 32));
  if (!arguments.targets.empty() && arguments.listen.empty())
    throw Error(Exit::usage, "--targets says where --listen listens, and that is missing");
  if (leads) credentials_ = read_credentials(arguments.user, arguments.password_file);
}

void RunPublisher::check_series(Report const& planned) const {
  auto const counts = estimate_series(planned);
  std::size_t sum = 0;
  for (auto const& [metric, count] : counts) sum += count;
  if (sum <= most_series_) return;
  auto const largest =
      std::max_element(counts.begin(), counts.end(), [](auto const& x, auto const& y) { return x.second < y.second; });
  throw Error(Exit::usage,
              fmt::format("the run would have up to {} series, {} of them {}; --max-series is {}. Ask fewer questions, "
                          "or allow more",
                          sum, largest->second, largest->first, most_series_));
}

bool RunPublisher::asked() const {
  auto const& a = arguments_;
  return !a.listen.empty() || !a.remote_write.empty() || !a.pushgateway.empty() || !a.textfile.empty();
}

void RunPublisher::start(Report const& planned) {
  auto const& a = arguments_;
  check_series(planned);
  std::vector<std::unique_ptr<Sink>> sinks;
  if (!a.listen.empty())
    sinks.push_back(
        make_pull_sink({a.listen, a.targets, planned.run.cluster, linger_, credentials_},
                       [](auto const& address) { say(fmt::format("metrics: http://{}/metrics", address)); }));
  if (!a.remote_write.empty()) sinks.push_back(make_remote_write_sink(a.remote_write, credentials_));
  if (!a.pushgateway.empty()) sinks.push_back(make_pushgateway_sink(a.pushgateway, planned.run.cluster, credentials_));
  if (sinks.empty()) return;
  PublisherOptions options;
  options.processors = free_processors(planned);
  options.complain = [](std::string const& text) { say("metrics: " + text); };
  publisher_ = std::make_unique<Publisher>(std::move(sinks), std::move(options));
  auto begun = planned;
  begun.records.clear();
  begun.links.clear();
  publish(begun);
}

bool RunPublisher::due() const { return publisher_ && monotonic_seconds() >= next_; }

Exposition RunPublisher::exposition(Report const& report, double now, Opinion const& judged) const {
  ExposeOptions options;
  options.now = now;
  options.sinks = finished_;
  if (publisher_)
    for (auto& sink : publisher_->health()) options.sinks.push_back(std::move(sink));
  options.opinion = judged;
  return expose(report, options);
}

void RunPublisher::publish(Report const& report) {
  if (!publisher_) return;
  auto const begun = monotonic_seconds();
  publisher_->publish(exposition(report, unix_seconds(), {}));
  auto const spent = monotonic_seconds() - begun;
  next_ = begun + std::max(every_, spent / most_of_the_time);
}

void RunPublisher::finish(World& world, Report const& report) {
  if (!asked()) return;
  bool const leads = world.rank() == 0;
  auto const judged = leads ? opinion(report) : Opinion();
  if (!arguments_.textfile.empty()) {
    auto const health =
        write_textfiles(world, arguments_.textfile, leads ? exposition(report, 0, judged) : Exposition());
    if (leads) finished_.push_back(health);
  }
  if (!publisher_) return;
  StopSignal const stop;
  publisher_->finish(exposition(report, 0, judged), StopSignal::requested);
  for (auto const& sink : publisher_->health())
    if (sink.failures > 0 || sink.dropped > 0)
      say(fmt::format("metrics: {}: {:.0f} attempts failed, {:.0f} samples arrived, {:.0f} were dropped", sink.sink,
                      sink.failures, sink.samples, sink.dropped));
}

} // namespace maru
