// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cupti.h>

#if CUPTI_API_VERSION >= 130000
#include <cstdint>
#include <cupti_pmsampling.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace maru {

/// Plays one device and the part of CUPTI that needs one, while it lives; without it the calls reach the libraries.
/// What only reads memory (the walk over records, the choice of metrics) is CUPTI's own.
class FakeCupti {
public:
  FakeCupti();
  ~FakeCupti();
  FakeCupti(FakeCupti const&) = delete;
  FakeCupti& operator=(FakeCupti const&) = delete;
  static FakeCupti* current();

  /// A kernel that runs on the device from start to end.
  void launch(std::uint64_t start, std::uint64_t end);
  void complete_buffer();
  /// What a call returns: the error planted for it, once, else success. Notes the call.
  CUptiResult answer(std::string const& call);

  std::map<std::string, CUptiResult> plant; ///< errors of the next such calls
  std::vector<std::string> calls;
  std::uint32_t api = 130001;
  int devices = 8; ///< how many there are; less than 0: the call for that fails
  int device = 0;

  // activity
  CUpti_BuffersCallbackRequestFunc request = nullptr;
  CUpti_BuffersCallbackCompleteFunc complete = nullptr;
  std::set<CUpti_ActivityKind> enabled, ever_enabled;
  std::size_t dropped = 0, refused = 0, dirty = 0;
  std::set<std::uint8_t*> buffers; ///< that were handed over
  std::uint32_t flush_flag = 0;

  // sampling
  std::string chip = "GH100";
  bool sampling = false; ///< between enable and disable
  bool started = false;
  CUpti_PmSampling_SetConfig_Params config{};
  std::vector<std::string> metrics;
  struct Sample {
    std::uint64_t start, end;
    std::vector<double> values;
  };
  std::vector<Sample> samples;
  CUpti_PmSampling_DecodeStopReason stop_reason = CUPTI_PM_SAMPLING_DECODE_STOP_REASON_END_OF_RECORDS;
  std::uint64_t now = 1000; ///< CUPTI's clock, nanoseconds; steps on by 1000 when read

private:
  std::uint8_t* buffer_ = nullptr;
  std::size_t size_ = 0, used_ = 0;
};

} // namespace maru
#endif
