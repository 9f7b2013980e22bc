// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/driver_text.hpp"

#include <gtest/gtest.h>

namespace maru {
namespace {

bool holds(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

DriverState state(int error) {
  DriverState result;
  result.error = error;
  result.text = "their words";
  result.driver = 12040;
  result.runtime = 13000;
  return result;
}

TEST(DriverText, TellsAMissingDriverFromAnOldOne) {
  auto missing = state(35);
  missing.driver_found = false;
  missing.driver = 0;
  EXPECT_TRUE(holds(why_no_device(missing), "libcuda.so.1 was not found")) << why_no_device(missing);
  auto silent = state(35);
  silent.driver = 0;
  EXPECT_TRUE(holds(why_no_device(silent), "does not answer")) << why_no_device(silent);
  auto const old = why_no_device(state(35));
  EXPECT_TRUE(holds(old, "12.4") && holds(old, "13.0") && holds(old, "too old")) << old;
}

TEST(DriverText, NamesTheVariableThatHidesDevices) {
  auto hidden = state(100);
  EXPECT_FALSE(holds(why_no_device(hidden), "CUDA_VISIBLE_DEVICES"));
  hidden.visible = "";
  EXPECT_TRUE(holds(why_no_device(hidden), "CUDA_VISIBLE_DEVICES=\"\"")) << why_no_device(hidden);
  auto wrong = state(101);
  wrong.visible = "7";
  EXPECT_TRUE(holds(why_no_device(wrong), "CUDA_VISIBLE_DEVICES=\"7\"")) << why_no_device(wrong);
}

TEST(DriverText, SaysWhatToDo) {
  EXPECT_TRUE(holds(why_no_device(state(34)), "stub"));
  EXPECT_TRUE(holds(why_no_device(state(46)), "exclusive mode"));
  EXPECT_TRUE(holds(why_no_device(state(802)), "fabric manager"));
  EXPECT_TRUE(holds(why_no_device(state(803)), "reboot"));
}

TEST(DriverText, IsOneLineWithTheirWordsWhereOursEnd) {
  for (int const error : {1, 3, 34, 35, 46, 100, 101, 802, 803, 804, 999}) {
    auto const text = why_no_device(state(error));
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.find('\n'), text.npos);
  }
  EXPECT_TRUE(holds(why_no_device(state(999)), "CUDA error 999, their words"));
}

TEST(DriverText, WritesVersions) {
  EXPECT_EQ(cuda_version_text(13000), "13.0");
  EXPECT_EQ(cuda_version_text(12080), "12.8");
}

TEST(DriverText, ReadsTheDriversRelease) {
  EXPECT_EQ(driver_release("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sat Feb 17 22:55:48 UTC 2024\n"
                           "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n"),
            "535.161.08");
  EXPECT_EQ(driver_release("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65  Release Build\n"),
            "580.65");
  EXPECT_EQ(driver_release(""), "");
  EXPECT_EQ(driver_release("no number at all 1 22 1.2.3.4 v5.6"), "");
}

TEST(DriverText, WritesUuidsAsTheDriverDoes) {
  char const bytes[16] = {0x01,
                          0x23,
                          0x45,
                          0x67,
                          static_cast<char>(0x89),
                          static_cast<char>(0xab),
                          static_cast<char>(0xcd),
                          static_cast<char>(0xef),
                          0x00,
                          0x11,
                          0x22,
                          0x33,
                          0x44,
                          0x55,
                          0x66,
                          0x77};
  EXPECT_EQ(gpu_uuid_text("GPU", bytes), "GPU-01234567-89ab-cdef-0011-223344556677");
}

} // namespace
} // namespace maru
