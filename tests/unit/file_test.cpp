// SPDX-License-Identifier: Apache-2.0
#include "core/file.hpp"

#include "core/error.hpp"

#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
protected:
  File() {
    fs::remove_all(folder_);
    make_writable_directory(folder_ + "/deep/er");
  }
  ~File() override { fs::remove_all(folder_); }
  std::string path(std::string const& name) const { return folder_ + "/" + name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_ = testing::TempDir() + "maru_file_test." + std::to_string(::getpid()); // ctest runs them at once
};

Exit code_of(auto action) {
  try {
    action();
    return Exit::good;
  } catch (Error const& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    return error.code();
  }
}

TEST_F(File, ComesBackByteForByte) {
  std::string const content("a\0b\n\xff", 5);
  write_file(path("f"), content);
  EXPECT_EQ(read_file(path("f")), content);
  write_file(path("f"), "");
  EXPECT_EQ(read_file(path("f")), "");
  EXPECT_EQ(files(), 2U) << "a temporary file is left";
}

TEST_F(File, IsLeftAsItWasWhereItCannotBeReplaced) {
  fs::create_directory(path("d"));
  write_file(path("d/inner"), "x");
  EXPECT_EQ(code_of([&] { write_file(path("d"), "new"); }), Exit::incomplete);
  EXPECT_EQ(code_of([&] { write_file(path("none/f"), "new"); }), Exit::incomplete);
  EXPECT_EQ(read_file(path("d/inner")), "x");
  EXPECT_EQ(files(), 2U) << "a temporary file is left";
}

TEST_F(File, ThatCannotBeReadIsAFaultOfWhoAsked) {
  EXPECT_EQ(code_of([&] { read_file(path("none")); }), Exit::usage);
  EXPECT_EQ(code_of([&] { read_file(folder_); }), Exit::usage);
}

// Whoever reads /dev/stdin has the writers' pipe, and they may be slow.
TEST_F(File, APipeIsReadToItsEnd) {
  for (int const flags : {0, O_NONBLOCK}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | flags), 0);
    std::thread writer([&] {
      for (std::string const part : {"one ", "two ", "three"}) {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        EXPECT_EQ(::write(ends[1], part.data(), part.size()), static_cast<ssize_t>(part.size()));
      }
      ::close(ends[1]);
    });
    std::string content;
    EXPECT_EQ(code_of([&] { content = read_file("/proc/self/fd/" + std::to_string(ends[0])); }), Exit::good);
    EXPECT_EQ(content, "one two three");
    writer.join();
    ::close(ends[0]);
  }
}

TEST_F(File, APipeThatNobodyWritesToIsEmpty) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(path("pipe")), "");
}

TEST_F(File, FoldersAreToldFromFiles) {
  write_file(path("f"), "x");
  EXPECT_TRUE(is_file(path("f")));
  EXPECT_FALSE(is_directory(path("f")));
  EXPECT_TRUE(is_directory(path("deep/er")));
  EXPECT_FALSE(is_file(path("none")));
  EXPECT_EQ(code_of([&] { make_writable_directory(path("f")); }), Exit::usage);
  EXPECT_EQ(code_of([&] { make_writable_directory(path("f/g")); }), Exit::usage);
  EXPECT_EQ(code_of([&] { make_writable_directory("/proc/maru"); }), Exit::usage);
  EXPECT_EQ(code_of([&] { make_writable_directory(path("deep")); }), Exit::good);
}

TEST_F(File, AppendsWholeLines) {
  {
    AppendFile file(path("log"), true);
    file.append("one");
    EXPECT_EQ(read_file(path("log")), "one\n");
    file.append("two\nthree");
  }
  AppendFile(path("log"), false).append("four");
  EXPECT_EQ(read_file(path("log")), "one\ntwo\nthree\nfour\n");
  EXPECT_EQ(code_of([&] { AppendFile again(path("log"), true); }), Exit::usage);
  EXPECT_EQ(code_of([&] { AppendFile none(path("none/log"), false); }), Exit::usage);
}

TEST_F(File, AFullDiskIsSaidSo) {
  if (!fs::exists("/dev/full")) GTEST_SKIP();
  AppendFile file("/dev/full", false);
  EXPECT_EQ(code_of([&] { file.append("x"); }), Exit::incomplete);
}

} // namespace
} // namespace maru
