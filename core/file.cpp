// SPDX-License-Identifier: Apache-2.0
#include "core/file.hpp"

#include "core/error.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maru {
namespace {

class Descriptor {
public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  int get() const { return value_; }

private:
  int value_;
};

std::string reason() { return std::strerror(errno); }

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    auto const written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Whether there is sense in asking again: a file of the kernel that says so of itself would say it for ever.
bool wait_for_more(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return false;
  if (S_ISREG(status.st_mode)) {
    errno = EAGAIN;
    return false;
  }
  pollfd wanted{descriptor, POLLIN, 0};
  return ::poll(&wanted, 1, -1) >= 0 || errno == EINTR;
}

} // namespace

FileReader::FileReader(std::string path)
    : path_(std::move(path)),
      descriptor_(
          ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) { // a pipe without a writer must not hold us up
  if (descriptor_ < 0) throw Error(Exit::usage, fmt::format("{}: {}", path_, reason()));
  piece_.resize(std::size_t{1} << 18);
}

FileReader::~FileReader() { ::close(descriptor_); }

std::span<char const> FileReader::next() {
  for (;;) {
    auto const got = ::read(descriptor_, piece_.data(), piece_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (errno == EAGAIN && wait_for_more(descriptor_)) continue;
      throw Error(Exit::usage, fmt::format("{}: {}", path_, reason()));
    }
    return {piece_.data(), static_cast<std::size_t>(got)};
  }
}

std::string FileReader::rest(std::size_t most, std::string before) {
  auto content = std::move(before);
  for (auto piece = next(); !piece.empty(); piece = next()) {
    content.append(piece.data(), piece.size());
    if (content.size() > most)
      throw Error(Exit::usage, fmt::format("{}: larger than the {} bytes that can be read", path_, most));
  }
  return content;
}

std::string read_file(std::string const& path, std::size_t most) { return FileReader(path).rest(most); }

namespace {

// A device or a pipe takes what it is given; renaming a file over it would take it away from everybody.
void write_through(std::string const& path, std::string_view content) {
  Descriptor const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0 || !write_all(file.get(), content))
    throw Error(Exit::incomplete, fmt::format("cannot write {}: {}", path, reason()));
}

} // namespace

void write_file(std::string const& path, std::string_view content) {
  std::error_code error;
  auto const status = std::filesystem::status(path, error); // of what a link leads to
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
      !std::filesystem::is_directory(status))
    return write_through(path, content);
  auto const temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  ::unlink(temporary.c_str()); // of a process of this number that was killed, or a link that somebody laid there
  auto const fail = [&](std::string const& why) {
    ::unlink(temporary.c_str());
    throw Error(Exit::incomplete, fmt::format("cannot write {}: {}", path, why));
  };
  {
    Descriptor const file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (file.get() < 0 || !write_all(file.get(), content) || ::fsync(file.get()) != 0) fail(reason());
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail(reason());
}

void make_readable(std::string const& path) {
  if (::chmod(path.c_str(), 0644) != 0)
    throw Error(Exit::incomplete, fmt::format("cannot change the mode of {}: {}", path, reason()));
}

void make_writable_directory(std::string const& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw Error(Exit::usage, fmt::format("cannot create {}: {}", path, error.message()));
  if (!is_directory(path)) throw Error(Exit::usage, fmt::format("{} is not a directory", path));
  // Root may pass access(2) on a read-only mount and fail later: creating a file is the only sure test.
  auto const trial = fmt::format("{}/.maru.{}.tmp", path, ::getpid());
  Descriptor const file(::open(trial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) throw Error(Exit::usage, fmt::format("cannot write to {}: {}", path, reason()));
  ::unlink(trial.c_str());
}

void remove_file(std::string const& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    throw Error(Exit::incomplete, fmt::format("cannot remove {}: {}", path, reason()));
}

bool is_directory(std::string const& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool is_file(std::string const& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

AppendFile::AppendFile(std::string path, bool fresh) : path_(std::move(path)) {
  descriptor_ = ::open(
      path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (fresh ? O_EXCL : 0), 0644);
  if (descriptor_ < 0) throw Error(Exit::usage, fmt::format("cannot open {}: {}", path_, reason()));
  // Where the file system has no locks, one that is not granted is not a second run.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  throw Error(Exit::usage, fmt::format("{} is being written by another run", path_));
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view text) {
  auto const before = ::lseek(descriptor_, 0, SEEK_END);
  if (write_all(descriptor_, std::string(text) + "\n")) return;
  auto const why = reason();
  if (before >= 0 && ::ftruncate(descriptor_, before) != 0) ::lseek(descriptor_, 0, SEEK_END);
  throw Error(Exit::incomplete, fmt::format("cannot write {}: {}", path_, why));
}

} // namespace maru
