// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru {

/// What is read whole may have so many bytes, unless said otherwise.
constexpr std::size_t most_file_bytes = std::size_t{2} << 30;

/// A file in pieces, for what is too large to hold whole.
class FileReader {
public:
  /// Throws Error(usage) naming the file when it cannot be read.
  explicit FileReader(std::string path);
  ~FileReader();
  FileReader(FileReader const&) = delete;
  FileReader& operator=(FileReader const&) = delete;

  /// The next piece, which lasts until the next call; empty at the end. Of a pipe it waits for what the writers still
  /// have to say. Throws Error(usage).
  std::span<char const> next();
  /// All that is left, after what was read before. Throws Error(usage) where both together are over `most` bytes.
  std::string rest(std::size_t most, std::string before = {});

private:
  std::string path_;
  int descriptor_ = -1;
  std::vector<char> piece_;
};

/// Whole content. Throws Error(usage) naming the file when it cannot be read or holds more than `most` bytes.
std::string read_file(std::string const& path, std::size_t most = most_file_bytes);

/// Puts a file in place whole or not at all: temporary name in the same folder, flushed to disk, then renamed.
/// Throws Error(incomplete) naming the file and the system's reason; the temporary file is gone then.
void write_file(std::string const& path, std::string_view content);

/// Lets everybody read the file, whatever the umask was. Throws Error(incomplete).
void make_readable(std::string const& path);

/// Creates the folder and its parents. Throws Error(usage) when that cannot be or it cannot be written to.
void make_writable_directory(std::string const& path);

/// Throws Error(incomplete) when the file is there and cannot be removed.
void remove_file(std::string const& path);

bool is_directory(std::string const& path);
bool is_file(std::string const& path);

/// A file that is only ever appended to, line by line; each line is with the operating system when append returns.
class AppendFile {
public:
  /// Throws Error(usage) when it cannot be opened, is no plain file, or another process appends to it. With `fresh`, an
  /// existing file is refused.
  AppendFile(std::string path, bool fresh);
  ~AppendFile();
  AppendFile(AppendFile const&) = delete;
  AppendFile& operator=(AppendFile const&) = delete;

  /// Writes text and a newline in one call. Throws Error(incomplete) with the system's reason (a full disk, say);
  /// a part that was written is cut off again, so that the file ends with a whole line.
  void append(std::string_view text);

private:
  std::string path_;
  int descriptor_ = -1;
};

} // namespace maru
