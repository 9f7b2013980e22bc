// SPDX-License-Identifier: Apache-2.0
// A libnvidia-ml.so.1 with one device that follows a script. MARU_FAKE_NVML names a file of lines "TIME KEY VALUE":
// from TIME on (seconds since the file was first read) KEY is VALUE. A KEY that is a function's name makes that
// function return VALUE; the other keys and what they are without a script stand in `defaults`. With
// MARU_FAKE_NVML_OLD it has only what a driver of 2019 had.
#include "collectors/nvml_abi.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace maru::nvml;
using Clock = std::chrono::steady_clock;

std::map<std::string, std::string> const defaults{
    {"uuid", "GPU-00000000-0000-0000-0000-000000000001"},
    {"bus", "0000:3b:00.0"},
    {"driver", "580.159.04"},
    {"version", "13.580.159.04"},
    {"sm_clock", "1980"},         // MHz
    {"memory_clock", "3201"},     // MHz
    {"power", "500000"},          // mW
    {"field_status", "0"},        // of the one field
    {"field_type", "1"},          // unsigned int
    {"power_limit", "700000"},    // mW
    {"energy", "1000000"},        // mJ at the time of its line …
    {"energy_rate", "500000"},    // … and mW from there on
    {"temperature", "60"},        //
    {"reasons", "0"},             //
    {"gpu_utilization", "100"},   //
    {"memory_utilization", "40"}, //
    {"ecc_corrected", "3"},       //
    {"ecc_uncorrected", "0"},     //
    {"rows_corrected", "0"},      //
    {"rows_uncorrected", "0"},    //
    {"rows_pending", "0"},        //
    {"rows_failed", "0"},         //
    {"pcie_width", "16"},         //
    {"pcie_generation", "5"},     //
    {"links", "18"},              // that exist
    {"links_up", "18"},           //
    {"processes", "1"},           //
    {"mig", "0"},                 //
    {"gpm_supported", "1"},       //
    {"delay", "0"},               // seconds that each reading of a clock takes
};

struct Script {
  struct Line {
    double time;
    std::string value;
  };
  std::string path;
  std::map<std::string, std::vector<Line>> lines;
  Clock::time_point begin;
  std::map<std::string, int> calls;
};

std::mutex mutex;
Script& script() {
  static Script current;
  char const* variable = std::getenv("MARU_FAKE_NVML");
  std::string const path = variable ? variable : "";
  if (path == current.path && current.begin != Clock::time_point{}) return current;
  current = {.path = path, .lines = {}, .begin = Clock::now(), .calls = {}};
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    std::istringstream words(text);
    double time = 0;
    std::string key, value;
    if (words >> time >> key >> value) current.lines[key].push_back({time, value});
  }
  return current;
}

double seconds() { return std::chrono::duration<double>(Clock::now() - script().begin).count(); }

Script::Line line_of(std::string const& key) {
  Script::Line found{0, ""};
  if (auto const known = defaults.find(key); known != defaults.end()) found.value = known->second;
  for (auto const& line : script().lines[key])
    if (line.time <= seconds()) found = line;
  return found;
}
std::string text_of(std::string const& key) {
  std::lock_guard const lock(mutex);
  return line_of(key).value;
}
double number(std::string const& key) {
  auto const text = text_of(key);
  return text.starts_with("0x") ? static_cast<double>(std::strtoull(text.c_str(), nullptr, 16))
                                : std::strtod(text.c_str(), nullptr);
}

/// Counts the call; what the script says it returns.
Status called(char const* function) {
  std::lock_guard const lock(mutex);
  ++script().calls[function];
  return std::atoi(line_of(function).value.c_str());
}

template <class T> Status give(char const* function, char const* key, T* out) {
  auto const status = called(function);
  if (status == success) *out = static_cast<T>(number(key));
  return status;
}
Status give_text(char const* function, char const* key, char* out, unsigned length) {
  auto const status = called(function);
  auto const text = text_of(key);
  if (text.size() >= length) return insufficient_size;
  if (status == success) std::strcpy(out, text.c_str());
  return status;
}

int the_device = 0;
Device handle() { return reinterpret_cast<Device>(&the_device); }
constexpr Status not_found = 6;

Status find(char const* function, char const* key, char const* name, Device* out) {
  auto const status = called(function);
  if (status != success) return status;
  if (text_of(key) != name) return not_found;
  *out = handle();
  return success;
}

} // namespace

namespace maru::nvml {
struct SampleOpaque {
  double time = -1;
};
} // namespace maru::nvml

extern "C" {
// NOLINTBEGIN(readability-identifier-naming): the names are NVML's

/// For tests: how often a function was called since the script was read.
int maru_fake_nvml_calls(char const* function) {
  std::lock_guard const lock(mutex);
  return script().calls[function];
}

Status nvmlInit_v2() { return called(__func__); }
Status nvmlShutdown() { return called(__func__); }
char const* nvmlErrorString(Status status) {
  switch (status) {
  case success: return "Success";
  case not_supported: return "Not Supported";
  case no_permission: return "Insufficient Permissions";
  case not_found: return "Not Found";
  case 9: return "Driver Not Loaded";
  case 15: return "GPU is lost";
  default: return "Unknown Error";
  }
}
Status nvmlSystemGetDriverVersion(char* out, unsigned length) { return give_text(__func__, "driver", out, length); }
Status nvmlSystemGetNVMLVersion(char* out, unsigned length) { return give_text(__func__, "version", out, length); }
Status nvmlDeviceGetHandleByUUID(char const* uuid, Device* out) { return find(__func__, "uuid", uuid, out); }
Status nvmlDeviceGetHandleByPciBusId_v2(char const* bus, Device* out) { return find(__func__, "bus", bus, out); }

Status nvmlDeviceGetClockInfo(Device, int type, unsigned* out) {
  std::this_thread::sleep_for(std::chrono::duration<double>(number("delay")));
  return give(__func__, type == clock_sm ? "sm_clock" : "memory_clock", out);
}
Status nvmlDeviceGetMaxClockInfo(Device, int type, unsigned* out) {
  auto const status = called(__func__);
  *out = type == clock_sm ? 1980 : 3201;
  return status;
}
Status nvmlDeviceGetPowerUsage(Device, unsigned* out) { return give(__func__, "power", out); }
Status nvmlDeviceGetEnforcedPowerLimit(Device, unsigned* out) { return give(__func__, "power_limit", out); }
Status nvmlDeviceGetTemperature(Device, int, unsigned* out) { return give(__func__, "temperature", out); }
Status nvmlDeviceGetUtilizationRates(Device, Utilization* out) {
  *out = {static_cast<unsigned>(number("gpu_utilization")), static_cast<unsigned>(number("memory_utilization"))};
  return called(__func__);
}
Status nvmlDeviceGetTotalEccErrors(Device, int error, int, unsigned long long* out) {
  return give(__func__, error == error_uncorrected ? "ecc_uncorrected" : "ecc_corrected", out);
}
Status nvmlDeviceGetCurrPcieLinkWidth(Device, unsigned* out) { return give(__func__, "pcie_width", out); }
Status nvmlDeviceGetCurrPcieLinkGeneration(Device, unsigned* out) { return give(__func__, "pcie_generation", out); }
Status nvmlDeviceGetMaxPcieLinkWidth(Device, unsigned* out) { return *out = 16, called(__func__); }
Status nvmlDeviceGetMaxPcieLinkGeneration(Device, unsigned* out) { return *out = 5, called(__func__); }
Status nvmlDeviceGetNvLinkState(Device, unsigned link, int* out) {
  auto const status = called(__func__);
  if (status == success && link >= number("links")) return invalid_argument;
  *out = link < number("links_up");
  return status;
}

/// Entries are never asked for: a pointer to them is the caller's mistake.
static Status count_processes(char const* function, unsigned* count, void* entries) {
  auto const status = called(function);
  if (status != success) return status;
  if (*count != 0 || entries) return invalid_argument;
  *count = static_cast<unsigned>(number("processes"));
  return *count == 0 ? success : insufficient_size;
}

#ifdef MARU_FAKE_NVML_OLD
Status nvmlDeviceGetComputeRunningProcesses(Device, unsigned* count, void* entries) {
  return count_processes(__func__, count, entries);
}
Status nvmlDeviceGetCurrentClocksThrottleReasons(Device, unsigned long long* out) {
  return give(__func__, "reasons", out);
}
#else
Status nvmlDeviceGetComputeRunningProcesses_v3(Device, unsigned* count, void* entries) {
  return count_processes(__func__, count, entries);
}
Status nvmlDeviceGetCurrentClocksEventReasons(Device, unsigned long long* out) {
  return give(__func__, "reasons", out);
}
Status nvmlDeviceGetTotalEnergyConsumption(Device, unsigned long long* out) {
  auto const status = called(__func__);
  double const rate = number("energy_rate");
  std::lock_guard const lock(mutex);
  auto const line = line_of("energy");
  *out = static_cast<unsigned long long>(std::strtod(line.value.c_str(), nullptr) + rate * (seconds() - line.time));
  return status;
}
Status nvmlDeviceGetTemperatureV(Device, Temperature* out) {
  if (out->version != temperature_version || out->sensor != sensor_die) return 25;
  return give(__func__, "temperature", &out->celsius);
}
Status nvmlDeviceGetFieldValues(Device, int count, FieldValue* out) {
  auto const status = called(__func__);
  if (count != 1 || out->field != field_power_instant || out->scope != 0) return invalid_argument;
  out->status = static_cast<Status>(number("field_status"));
  out->type = static_cast<ValueType>(static_cast<int>(number("field_type")));
  // A wrong half of the union must show.
  std::memset(&out->value, 0xee, sizeof out->value);
  if (out->type == ValueType::u64)
    out->value.u64 = static_cast<unsigned long long>(number("power"));
  else
    out->value.u32 = static_cast<unsigned>(number("power"));
  return status;
}
Status nvmlDeviceGetRemappedRows(Device, unsigned* corrected, unsigned* uncorrected, unsigned* pending,
                                 unsigned* failed) {
  *corrected = static_cast<unsigned>(number("rows_corrected"));
  *uncorrected = static_cast<unsigned>(number("rows_uncorrected"));
  *pending = static_cast<unsigned>(number("rows_pending"));
  *failed = static_cast<unsigned>(number("rows_failed"));
  return called(__func__);
}
Status nvmlDeviceGetMigMode(Device, unsigned* current, unsigned* pending) {
  *pending = 0;
  return give(__func__, "mig", current);
}

Status nvmlGpmQueryDeviceSupport(Device, GpmSupport* out) {
  if (out->version != 1) return 25;
  return give(__func__, "gpm_supported", &out->supported);
}
Status nvmlGpmSampleAlloc(Sample* out) {
  auto const status = called(__func__);
  if (status == success) *out = new SampleOpaque;
  return status;
}
Status nvmlGpmSampleFree(Sample sample) {
  delete sample;
  return called(__func__);
}
Status nvmlGpmSampleGet(Device, Sample sample) {
  auto const status = called(__func__);
  std::lock_guard const lock(mutex);
  if (status == success) sample->time = seconds();
  return status;
}
/// "gpm_ID" is a metric's value, "gpm_ID_status" its status.
Status nvmlGpmMetricsGet(GpmQuery* query) {
  auto const status = called(__func__);
  if (status != success) return status;
  if (query->version != 1 || !query->first || !query->second) return invalid_argument;
  if (query->first->time < 0 || query->second->time < query->first->time + 0.099) return invalid_argument;
  for (unsigned i = 0; i < query->count; ++i) {
    auto const key = "gpm_" + std::to_string(query->metrics[i].id);
    query->metrics[i].value = number(key);
    query->metrics[i].status = static_cast<Status>(number(key + "_status"));
  }
  return success;
}
#endif
// NOLINTEND(readability-identifier-naming)
}
