// SPDX-License-Identifier: Apache-2.0
// validate PROGRAM FILE [HOSTS] [GPUS] [SAMPLES] [ROUNDS]: a fleet with a slow GPU, a slow memory and a slow network
// among its hosts, and 1 % noise. Says how long its verdict takes and how much memory: in memory, and by PROGRAM (maru)
// as a user meets it, in every format. Every stage is a process of its own. Fails when other hosts fail than those
// three.
#include "analysis/findings.hpp"
#include "analysis/judge.hpp"
#include "core/file.hpp"
#include "core/report_io.hpp"
#include "tests/unit/fleet.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maru {
namespace {

struct Asked {
  std::string program, file;
  std::size_t hosts = 512, gpus = 8, samples = 0;
  int rounds = 3;
};

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// ---- the fleet

Fleet fleet_of(Asked const& asked) {
  Fleet fleet;
  fleet.hosts = asked.hosts;
  fleet.ranks_per_host = asked.gpus;
  fleet.slow_gemm = {{asked.hosts / 30, 1.15}};
  fleet.slow_memory = {{asked.hosts / 3, 1.12}};
  fleet.slow_network = {{asked.hosts * 4 / 5, 4}};
  return fleet;
}

std::vector<std::string> planted(Asked const& asked) {
  return {fleet_host(asked.hosts / 30), fleet_host(asked.hosts / 3), fleet_host(asked.hosts * 4 / 5)};
}

void furnish(Record& record, Report const& report, std::size_t samples) {
  auto& time = *record.time;
  auto const& first = report.ranks[static_cast<std::size_t>(record.group.ranks.front())];
  time.mean = time.median * 1.0003;
  time.min = time.median * 0.994;
  time.max = time.median * 1.07;
  time.p90 = time.median * 1.004;
  time.p99 = time.median * 1.02;
  record.stop = Stop::converged;
  record.verification.checked = true;
  record.verification.elements = 1 << 20;
  record.verification.method = "exact";
  record.spread = spread_of({first.rank, first.host, time.median});
  if (record.group.ranks.size() > 1) {
    auto& arrival = record.arrival.emplace();
    arrival.iterations = 20;
    arrival.clock_error = 1.7e-6;
    arrival.transfer = time.median * 0.93;
    arrival.lateness = time.median * 0.011;
    arrival.lateness_error = 2.3e-6;
    arrival.last_share = 0.15;
  }
  for (std::size_t i = 0; i < samples; ++i) {
    record.samples.at.push_back(1.25 + 3.1 * time.median * static_cast<double>(i));
    record.samples.seconds.push_back(time.median * (1 + 1e-3 * static_cast<double>((7 * i) % 13)));
  }
}

/// With all that a run writes beside the figures, for reading that is what costs.
Report made(Asked const& asked) {
  auto report = make_report(fleet_of(asked));
  for (auto& rank : report.ranks) {
    rank.cpus = "0-11,96-107";
    rank.device_bus = "0000:1a:00.0";
    rank.driver = "580.95.05, CUDA 13.0";
  }
  for (auto& record : report.records) furnish(record, report, asked.samples);
  return report;
}

// ---- stages

struct Used {
  double wall = 0, processor = 0, mebibytes = 0;
  int code = 0;
};

double seconds_of(timeval const& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// What a child used from its start to its end; this process stays small, for a child inherits the peak of its parent.
Used in_child(std::function<int()> const& act) {
  Used used;
  std::fflush(nullptr);
  auto const begin = Clock::now();
  auto const child = ::fork();
  if (child < 0) throw std::runtime_error("no child process could be made");
  if (child == 0) {
    int code = 99;
    try {
      code = act();
    } catch (std::exception const& error) {
      fmt::print(stderr, "{}\n", error.what());
    }
    std::fflush(nullptr);
    ::_exit(code);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child) throw std::runtime_error("the child process was lost");
  used.wall = seconds_since(begin);
  used.processor = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  used.mebibytes = static_cast<double>(usage.ru_maxrss) / 1024;
  used.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return used;
}

/// Median, shortest and longest of so many times the same.
void tell(std::string const& what, std::vector<Used> used) {
  auto const row = [&](double Used::*field) {
    std::sort(used.begin(), used.end(), [&](Used const& a, Used const& b) { return a.*field < b.*field; });
    return fmt::format("{:8.2f} ({:.2f}–{:.2f})", used[used.size() / 2].*field, used.front().*field,
                       used.back().*field);
  };
  std::string const wall = row(&Used::wall), processor = row(&Used::processor);
  row(&Used::mebibytes);
  fmt::print("{:<34} {:<26} s  processor {:<26} s  peak {:.0f} MiB\n", what, wall, processor, used.back().mebibytes);
  std::fflush(stdout);
}

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

int write_report(Asked const& asked) {
  auto begin = Clock::now();
  auto report = made(asked);
  auto const records = report.records.size();
  fmt::print("{} hosts × {} GPUs: {} records, made in {:.2f} s\n", asked.hosts, asked.gpus, records,
             seconds_since(begin));
  begin = Clock::now();
  conclude(report);
  fmt::print("findings and link maps of the run: {:.2f} s\n", seconds_since(begin));
  begin = Clock::now();
  write_file(asked.file, to_json(report));
  fmt::print("report.json: {:.0f} MB, written in {:.2f} s\n",
             static_cast<double>(std::filesystem::file_size(asked.file)) / 1e6, seconds_since(begin));
  return 0;
}

bool as_planted(std::vector<std::string> const& failing, Asked const& asked, std::string_view who) {
  if (failing == planted(asked)) return true;
  fmt::print(stderr, "{}: {} hosts fail, the planted three should\n", who, failing.size());
  return false;
}

int judge_in_memory(Asked const& asked) {
  auto const report = made(asked);
  JudgeOptions options;
  options.specs = specs_for(report);
  std::vector<Used> used;
  bool good = true;
  for (int round = 0; round < asked.rounds; ++round) {
    auto const begin = Clock::now();
    auto const before = processor_seconds();
    auto const verdict = judge(report, options);
    used.push_back({seconds_since(begin), processor_seconds() - before, 0, 0});
    std::vector<std::string> failing;
    for (auto const& host : verdict.hosts)
      if (host.state == State::fail) failing.push_back(host.host);
    good = as_planted(failing, asked, "judge") && good;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  for (auto& one : used) one.mebibytes = static_cast<double>(usage.ru_maxrss) / 1024;
  tell("judge, in memory", used);
  return good ? 0 : 1;
}

/// The program's own words, as a shell would start it.
int run_program(Asked const& asked, char const* format) {
  int const out = ::open((asked.file + ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0 || ::dup2(out, STDOUT_FILENO) < 0) return 98;
  ::execl(asked.program.c_str(), asked.program.c_str(), "validate", asked.file.c_str(), "--format", format, nullptr);
  return 97;
}

std::vector<std::string> first_words(std::string const& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    words.push_back(text.substr(at, text.find_first_of(" \n", at) - at));
  return words;
}

bool validate(Asked const& asked, char const* format, int rounds) {
  std::vector<Used> used;
  for (int round = 0; round < rounds; ++round) used.push_back(in_child([&] { return run_program(asked, format); }));
  auto const text = read_file(asked.file + ".out");
  tell(fmt::format("maru validate --format {}, {} kB", format, text.size() / 1000), used);
  bool const failed = std::all_of(used.begin(), used.end(), [](Used const& one) { return one.code == 1; });
  if (!failed) fmt::print(stderr, "maru validate ended with {}, and 1 was to be expected\n", used.back().code);
  return failed && (std::string_view(format) != "drain" || as_planted(first_words(text), asked, "maru validate"));
}

int perform(Asked const& asked) {
  bool good = in_child([&] { return write_report(asked); }).code == 0;
  good = in_child([&] { return judge_in_memory(asked); }).code == 0 && good;
  good = good && validate(asked, "table", asked.rounds) && validate(asked, "drain", 1);
  for (auto const* format : {"json", "junit", "slurm", "hostfile"}) good = good && validate(asked, format, 1);
  std::filesystem::remove(asked.file + ".out");
  fmt::print("{}\n", good ? "exactly the three planted hosts fail" : "WRONG");
  return good ? 0 : 1;
}

} // namespace
} // namespace maru

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "usage: validate PROGRAM FILE [HOSTS] [GPUS] [SAMPLES] [ROUNDS]\n"), 2;
  auto const number = [&](int at, int otherwise) { return argc > at ? std::atoi(argv[at]) : otherwise; };
  maru::Asked asked{argv[1], argv[2]};
  asked.hosts = static_cast<std::size_t>(number(3, 512));
  asked.gpus = static_cast<std::size_t>(number(4, 8));
  asked.samples = static_cast<std::size_t>(number(5, 0));
  asked.rounds = number(6, 3);
  return maru::perform(asked);
}
