// SPDX-License-Identifier: Apache-2.0
#include "collectors/inquiry.hpp"

#include "core/work.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

constexpr double grace = 0.5; // seconds, to take what was answered in time and is looked at late
constexpr std::byte answered{1}, failed{0};

void write_all(int descriptor, void const* data, std::size_t size) {
  auto const* next = static_cast<char const*>(data);
  while (size > 0) {
    auto const written = ::write(descriptor, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

// A launcher and a shell's pipe wait until the last process has let go of them, and this one may never end.
int let_go_of_all_but(int pipe) {
  constexpr int kept = 3;
  int const nothing = ::open("/dev/null", O_RDWR);
  for (int descriptor = 0; descriptor < kept; ++descriptor) ::dup2(nothing, descriptor);
  if (pipe != kept) ::dup2(pipe, kept);
  ::close_range(kept + 1, ~0U, 0);
  return kept;
}

[[noreturn]] void answer_and_end(int pipe, pid_t asker, std::function<Bytes()> const& answer) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != asker) ::_exit(1); // it has ended already
  pipe = let_go_of_all_but(pipe);
  try {
    auto const bytes = answer();
    write_all(pipe, &answered, 1);
    write_all(pipe, bytes.data(), bytes.size());
  } catch (std::exception const& error) {
    write_all(pipe, &failed, 1);
    write_all(pipe, error.what(), std::strlen(error.what()));
  }
  ::_exit(0);
}

} // namespace

Inquiry::Inquiry(double seconds, std::function<Bytes()> const& answer)
    : seconds_(seconds), begun_(monotonic_seconds()) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fault_ = fmt::format("cannot be asked: {}", std::strerror(errno));
    return;
  }
  auto const self = ::getpid();
  process_ = ::fork();
  if (process_ == 0) answer_and_end(ends[1], self, answer);
  if (process_ < 0) fault_ = fmt::format("cannot be asked: {}", std::strerror(errno));
  ::close(ends[1]);
  pipe_ = ends[0];
}

Inquiry::~Inquiry() {
  if (pipe_ >= 0) ::close(pipe_);
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, WNOHANG);
}

Reply Inquiry::reply() {
  if (!fault_.empty()) return {std::nullopt, fault_};
  Bytes bytes;
  double const until = std::max(begun_ + seconds_, monotonic_seconds() + grace);
  for (;;) {
    pollfd wanted{pipe_, POLLIN, 0};
    double const left = until - monotonic_seconds();
    auto const ready = left > 0 ? ::poll(&wanted, 1, static_cast<int>(std::ceil(left * 1e3))) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return {std::nullopt, fmt::format("does not answer in {:.3g} s", seconds_)};
    std::array<std::byte, 1 << 14> piece{};
    auto const got = ::read(pipe_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
  }
  if (bytes.empty()) return {std::nullopt, end_of_process()};
  bool const good = bytes.front() == answered;
  bytes.erase(bytes.begin());
  if (good) return {std::move(bytes), {}};
  return {std::nullopt, std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size())};
}

// It has let go of its end of the pipe, and so is ending; but that may take for ever, too.
std::string Inquiry::end_of_process() const {
  int status = 0;
  for (double const until = monotonic_seconds() + grace; monotonic_seconds() < until;) {
    if (::waitpid(process_, &status, WNOHANG) == process_) {
      if (WIFSIGNALED(status)) return fmt::format("ends whoever asks: {}", ::strsignal(WTERMSIG(status)));
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return "ends whoever asks";
}

} // namespace maru
