// SPDX-License-Identifier: Apache-2.0
// Results at rest, for Prometheus: reads reports and journals anew when they change, and serves what is known of all of
// them. Of hosts and devices that several runs measured the last run counts.
#include "analysis/expectations.hpp"
#include "analysis/findings.hpp"
#include "bench/stop_signal.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "core/journal.hpp"
#include "core/units.hpp"
#include "core/work.hpp"
#include "exporters/metrics/expose.hpp"
#include "exporters/publish/publisher.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <thread>

namespace maru {
namespace {

struct Arguments {
  std::vector<std::string> paths;
  std::string listen = "127.0.0.1:9400", targets, every = "5s", user, password_file;
};

using FileTime = std::filesystem::file_time_type;

/// When a run's files last changed; FileTime::min() when there are none.
FileTime changed(std::string const& path) {
  auto latest = FileTime::min();
  std::error_code error;
  for (auto const& file : {path, path + "/report.json", journal_path(path)}) {
    auto const time = std::filesystem::last_write_time(file, error);
    if (!error) latest = std::max(latest, time);
  }
  return latest;
}

double unix_time(FileTime time) {
  auto const since = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

/// What is served of one path.
class Served {
public:
  explicit Served(std::string path) : path_(std::move(path)) {}

  /// Whether it was read anew. What cannot be read is said once for each change, and what was known stays.
  bool refresh() {
    auto const now = changed(path_);
    if (read_at_ && now == *read_at_) return false;
    read_at_ = now;
    try {
      exposition_ = expose_run(unix_time(now));
      return true;
    } catch (std::exception const& error) {
      say(fmt::format("maru: {}", error.what()));
      return false;
    }
  }

  Exposition const& exposition() const { return exposition_; }
  double ended() const { return ended_; }

private:
  Exposition expose_run(double now) {
    bool const running = has_only_journal(path_);
    auto report = read_run(path_);
    ExposeOptions options;
    if (running) {
      report.lost.clear(); // only a journal: whether somebody is lost is for the age of its last line to say
      options.now = now;
    }
    conclude(report);
    if (!running) options.opinion = opinion(report);
    ended_ = running ? now : report.run.finished;
    return expose(report, options);
  }

  std::string path_;
  std::optional<FileTime> read_at_;
  Exposition exposition_;
  double ended_ = 0;
};

Exposition all_of(std::vector<Served> const& served) {
  std::vector<Served const*> newest_first;
  for (auto const& one : served) newest_first.push_back(&one);
  std::stable_sort(newest_first.begin(), newest_first.end(),
                   [](Served const* a, Served const* b) { return a->ended() > b->ended(); });
  std::vector<Exposition const*> parts;
  for (auto const* one : newest_first) parts.push_back(&one->exposition());
  return merged(parts);
}

Exit serve(Arguments const& a) {
  auto const every = parse_duration(a.every, "--every");
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(make_pull_sink({a.listen, a.targets, {}, 0, read_credentials(a.user, a.password_file)},
                                 [](auto const& address) { say(fmt::format("metrics: http://{}/metrics", address)); }));
  std::vector<Served> served(a.paths.begin(), a.paths.end());
  for (std::size_t i = 0; i < served.size(); ++i)
    if (!served[i].refresh() && a.paths.size() == 1) return Exit::usage;
  StopSignal const stop;
  PublisherOptions options;
  options.complain = [](std::string const& text) { say("metrics: " + text); };
  Publisher publisher(std::move(sinks), options);
  publisher.publish(all_of(served));
  while (!StopSignal::requested()) {
    auto const until = monotonic_seconds() + every;
    while (!StopSignal::requested() && monotonic_seconds() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    bool fresh = false;
    for (auto& one : served) fresh = one.refresh() || fresh;
    if (fresh) publisher.publish(all_of(served));
  }
  return Exit::good;
}

void add(CLI::App& program, Exit& code) {
  auto* app = program.add_subcommand("serve", "serve the metrics of runs at rest, and of those that go on");
  auto const a = std::make_shared<Arguments>();
  app->add_option("DIR", a->paths, "folders of runs")->required()->type_name("");
  add_value(*app, "--listen", a->listen, "IPv4:PORT", "where [127.0.0.1:9400]; port 0 is any free one");
  add_value(*app, "--targets", a->targets, "FILE", "for file_sd: where it listens, as long as it does");
  add_value(*app, "--every", a->every, "TIME", "how often to look for changes [5s]");
  add_value(*app, "--auth-user", a->user, "NAME", "ask readers for a name");
  add_value(*app, "--auth-password-file", a->password_file, "FILE", "and for the password in its first line");
  app->callback([a, &code] { code = serve(*a); });
}

} // namespace

extern Command const serve_command;
Command const serve_command{"serve", add};

} // namespace maru
