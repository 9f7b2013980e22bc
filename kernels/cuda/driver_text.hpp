// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>

namespace maru {

/// "13.0" from the way CUDA counts versions, 13000.
inline std::string cuda_version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// What is known when the CUDA runtime cannot give a device.
struct DriverState {
  int error = 0;                           ///< cudaError_t
  std::string_view text;                   ///< the runtime's own words for it
  int driver = 0;                          ///< newest CUDA that the driver knows, as 13000; 0 when there is no driver
  int runtime = 0;                         ///< version of the runtime
  bool driver_found = true;                ///< libcuda.so.1 can be loaded
  std::optional<std::string_view> visible; ///< CUDA_VISIBLE_DEVICES
};

/// Why there is no device, in one line. The numbers are cudaError_t's, which never change their meaning: 35 is also
/// what the runtime says when there is no driver at all.
inline std::string why_no_device(DriverState const& state) {
  auto const said = " (CUDA error " + std::to_string(state.error) + ", " + std::string(state.text) + ")";
  auto const runtime = "CUDA runtime " + cuda_version_text(state.runtime);
  auto const hidden = state.visible ? "CUDA_VISIBLE_DEVICES=\"" + std::string(*state.visible) + "\"" : std::string();
  switch (state.error) {
  case 34: return "the libcuda.so.1 found first is the toolkit's stub and not a driver";
  case 35:
    if (!state.driver_found) return "no NVIDIA driver: libcuda.so.1 was not found";
    if (state.driver == 0) return "libcuda.so.1 is there but the NVIDIA driver does not answer" + said;
    return "the NVIDIA driver knows CUDA up to " + cuda_version_text(state.driver) + ", too old for the " + runtime;
  case 46: return "the device is in exclusive mode and another process has it, or its mode prohibits computing";
  case 100:
    if (state.visible) return "the driver shows no device; " + hidden + " may hide them";
    return "the driver is there and finds no device";
  case 101:
    if (state.visible) return "no such device; " + hidden + " names none that exists";
    return "no such device";
  case 802: return "the system is not ready: on machines with NVSwitch the fabric manager has to run";
  case 803: return "the driver's library and its kernel module are of different versions: reload the module or reboot";
  case 804: return "the CUDA compatibility package does not support this device with its driver" + said;
  default: return "CUDA cannot start" + said;
  }
}

/// The driver's own version from the text of /proc/driver/nvidia/version ("580.159.04"): the first word of two or three
/// numbers with points between. Empty when there is none.
inline std::string driver_release(std::string_view text) {
  auto const is_number = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t at = 0; at < text.size();) {
    auto const end = std::min(text.find_first_of(" \t\n", at), text.size());
    auto const word = text.substr(at, end - at);
    auto const points = std::count(word.begin(), word.end(), '.');
    bool const plain = std::all_of(word.begin(), word.end(), [&](char c) { return is_number(c) || c == '.'; });
    if (plain && (points == 1 || points == 2) && word.size() > 3 && is_number(word.front()) && is_number(word.back()))
      return std::string(word);
    at = end + 1;
  }
  return {};
}

/// 16 bytes as NVML and nvidia-smi write them: "GPU-" or "MIG-" and the groups 8-4-4-4-12 in hexadecimal.
inline std::string gpu_uuid_text(std::string_view kind, char const (&bytes)[16]) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text(kind);
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    auto const byte = static_cast<unsigned char>(bytes[i]);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

} // namespace maru
