// SPDX-License-Identifier: Apache-2.0
#include "analysis/peaks.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace maru {
namespace {

constexpr double tera = 1e12, giga = 1e9, mega = 1e6;

// Clocks. Hopper's are in the tables of "NVIDIA H100 Tensor Core GPU Architecture": 1830 MHz (SXM) and 1620 MHz (PCIe)
// for tensor cores up to TF32, 1980 and 1755 MHz for f64 and f32. H200 and GH200 have the same 132 multiprocessors and
// the same rates, hence the same clocks; that of the NVL cards' tensor rates is 835.5e12 / (132 · 4096) from that
// document's operations per multiprocessor and clock. "NVIDIA A100 Tensor Core GPU Architecture" has 1410 MHz for all.
// For the Blackwell devices of data centres no document names the clock of the rates, so there is none here.

constexpr auto a100_sheet = "NVIDIA A100 Tensor Core GPU datasheet";
constexpr auto h100_sheet = "NVIDIA H100 Tensor Core GPU datasheet";
constexpr auto h200_sheet = "NVIDIA H200 Tensor Core GPU datasheet";
constexpr auto gh200_sheet = "NVIDIA GH200 Grace Hopper Superchip datasheet";

constexpr Peak a100(std::string_view device, double memory) {
  return {.device = device,
          .source = a100_sheet,
          .f64 = 19.5 * tera,
          .f32 = 19.5 * tera,
          .tf32 = 156 * tera,
          .half = 312 * tera,
          .s8 = 624 * tera,
          .vector_clock = 1410 * mega,
          .tensor_clock = 1410 * mega,
          .memory_bandwidth = memory,
          .nvlink_bandwidth = 300 * giga, // of 600 in both directions; the PCIe cards need a bridge for it
          .host_bandwidth = 32 * giga};
}

// The full-power Hopper: 66.9, 494.7, 989.4 and 1978.9 before the datasheets' rounding.
constexpr Peak hopper(std::string_view device, std::string_view source, double memory, double host) {
  return {.device = device,
          .source = source,
          .f64 = 66.9 * tera,
          .f32 = 66.9 * tera,
          .tf32 = 494.7 * tera,
          .half = 989.4 * tera,
          .f8 = 1978.9 * tera,
          .s8 = 1978.9 * tera,
          .vector_clock = 1980 * mega,
          .tensor_clock = 1830 * mega,
          .memory_bandwidth = memory,
          .nvlink_bandwidth = 450 * giga,
          .host_bandwidth = host};
}

constexpr Peak hopper_nvl(std::string_view device, std::string_view source, double memory, double nvlink) {
  return {.device = device,
          .source = source,
          .f64 = 60 * tera,
          .f32 = 60 * tera,
          .tf32 = 417.5 * tera,
          .half = 835.5 * tera,
          .f8 = 1670.5 * tera,
          .s8 = 1670.5 * tera,
          .vector_clock = 1785 * mega,
          .tensor_clock = 1545 * mega,
          .memory_bandwidth = memory,
          .nvlink_bandwidth = nvlink,
          .host_bandwidth = 64 * giga};
}

constexpr Peak h100_pcie{.device = "NVIDIA H100 PCIe",
                         .source = "NVIDIA H100 Tensor Core GPU Architecture",
                         .f64 = 51.2 * tera,
                         .f32 = 51.2 * tera,
                         .tf32 = 378 * tera,
                         .half = 756 * tera,
                         .f8 = 1513 * tera,
                         .s8 = 1513 * tera,
                         .vector_clock = 1755 * mega,
                         .tensor_clock = 1620 * mega,
                         .memory_bandwidth = 2039 * giga,
                         .nvlink_bandwidth = 300 * giga,
                         .host_bandwidth = 64 * giga};

// An HGX board's figures over its 8 devices, or a rack's over its 72. The boards' memory is 7.7 TB/s a device, the
// racks' 8; a superchip's host link is NVLink-C2C, 900 GB/s in both directions.
constexpr Peak blackwell(std::string_view device, std::string_view source, double scale, double f64, double f32,
                         double f4, double memory, double host) {
  return {.device = device,
          .source = source,
          .f64 = f64,
          .f32 = f32,
          .tf32 = 1125 * scale * tera,
          .half = 2250 * scale * tera,
          .f8 = 4500 * scale * tera,
          .f4 = f4,
          .memory_bandwidth = memory,
          .nvlink_bandwidth = 900 * giga,
          .host_bandwidth = host,
          .scales_8_bits = true};
}
constexpr double board = 1, rack = 2500.0 / 2250.0;

constexpr Peak with_s8(Peak peak, double rate) {
  peak.s8 = rate;
  return peak;
}

constexpr Peak l40s{.device = "NVIDIA L40S",
                    .source = "NVIDIA L40S datasheet",
                    .f32 = 91.6 * tera,
                    .tf32 = 183 * tera,
                    .half = 366.5 * tera, // half of the sparse 733; the sheet's dense 362.05 is the L40's sparse figure
                    .f8 = 733 * tera,
                    .s8 = 733 * tera,
                    .vector_clock = 2520 * mega,
                    .tensor_clock = 2520 * mega,
                    .memory_bandwidth = 864 * giga,
                    .host_bandwidth = 32 * giga};

constexpr Peak rtx_pro_6000{.device = "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
                            .source = "NVIDIA RTX Blackwell PRO GPU Architecture",
                            .f64 = 1.97 * tera,
                            .f32 = 126 * tera,
                            .tf32 = 251.9 * tera,
                            .half = 503.8 * tera,
                            .f8 = 1007.6 * tera,
                            .s8 = 1007.6 * tera,
                            .f4 = 2015.2 * tera,
                            .vector_clock = 2617 * mega,
                            .tensor_clock = 2617 * mega,
                            .memory_bandwidth = 1792 * giga,
                            .host_bandwidth = 64 * giga,
                            .scales_8_bits = true};

// The datasheets of the other two editions give one tensor figure, that of f4.
constexpr Peak rtx_pro_6000_of(std::string_view edition, std::string_view source, double f32, double f4,
                               double memory) {
  return {.device = edition,
          .source = source,
          .f32 = f32,
          .f4 = f4,
          .memory_bandwidth = memory,
          .host_bandwidth = 64 * giga,
          .scales_8_bits = true};
}

constexpr std::array table{
    a100("NVIDIA A100-SXM4-40GB", 1555 * giga),
    a100("NVIDIA A100-SXM4-80GB", 2039 * giga),
    a100("NVIDIA A100-PCIE-40GB", 1555 * giga),
    a100("NVIDIA A100 80GB PCIe", 1935 * giga),
    hopper("NVIDIA H100 80GB HBM3", h100_sheet, 3.35 * tera, 64 * giga),
    h100_pcie,
    hopper_nvl("NVIDIA H100 NVL", h100_sheet, 3.938 * tera, 300 * giga),
    hopper("NVIDIA H200", h200_sheet, 4.8 * tera, 64 * giga),
    hopper_nvl("NVIDIA H200 NVL", h200_sheet, 4.8 * tera, 450 * giga),
    hopper("NVIDIA GH200 120GB", gh200_sheet, 4 * tera, 450 * giga), // 120 and 480 GB are the host's memory
    hopper("NVIDIA GH200 480GB", gh200_sheet, 4 * tera, 450 * giga),
    hopper("NVIDIA GH200 144G HBM3e", gh200_sheet, 4.9 * tera, 450 * giga),
    with_s8(
        blackwell("NVIDIA B200", "NVIDIA HGX B200 datasheet", board, 37 * tera, 75 * tera, 9000 * tera, 7.7 * tera, 0),
        4500 * tera),
    with_s8(blackwell("NVIDIA GB200", "NVIDIA GB200 NVL72 datasheet", rack, 40 * tera, 80 * tera, 10000 * tera,
                      8 * tera, 450 * giga),
            5000 * tera),
    blackwell("NVIDIA B300 SXM6 AC", "NVIDIA HGX B300 datasheet", board, 1.25 * tera, 75 * tera, 13500 * tera,
              7.7 * tera, 0),
    blackwell("NVIDIA GB300", "NVIDIA GB300 NVL72 datasheet", rack, 1.39 * tera, 80 * tera, 15000 * tera, 8 * tera,
              450 * giga),
    l40s,
    rtx_pro_6000,
    rtx_pro_6000_of("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
                    "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition datasheet", 110 * tera, 1755.5 * tera,
                    1792 * giga),
    rtx_pro_6000_of("NVIDIA RTX PRO 6000 Blackwell Server Edition",
                    "NVIDIA RTX PRO 6000 Blackwell Server Edition datasheet", 120 * tera, 2000 * tera, 1597 * giga),
};

// Other names of a row's device.
constexpr std::array aliases{
    std::pair<std::string_view, std::string_view>{"NVIDIA B300", "NVIDIA B300 SXM6 AC"},
};

std::optional<double> known(double value) { return value > 0 ? std::optional(value) : std::nullopt; }

bool is_vector(Dtype dtype) { return dtype == Dtype::f64 || dtype == Dtype::f32; }

} // namespace

std::span<Peak const> peaks() { return table; }

Peak const* find_peak(std::string_view model) {
  for (auto const& [other, row] : aliases)
    if (model == other) model = row;
  auto const found = std::find_if(table.begin(), table.end(), [&](Peak const& peak) { return peak.device == model; });
  return found == table.end() ? nullptr : &*found;
}

std::optional<double> peak_rate(Peak const& peak, Dtype dtype) {
  switch (dtype) {
  case Dtype::f64: return known(peak.f64);
  case Dtype::f32: return known(peak.f32);
  case Dtype::tf32: return known(peak.tf32);
  case Dtype::f16:
  case Dtype::bf16: return known(peak.half);
  case Dtype::f8e4m3:
  case Dtype::f8e5m2: return known(peak.f8);
  case Dtype::mxf8: return peak.scales_8_bits ? known(peak.f8) : std::nullopt;
  case Dtype::nvf4: return known(peak.f4);
  case Dtype::s8: return known(peak.s8);
  case Dtype::s32: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> peak_clock(Peak const& peak, Dtype dtype) {
  if (!peak_rate(peak, dtype)) return std::nullopt;
  return known(is_vector(dtype) ? peak.vector_clock : peak.tensor_clock);
}

} // namespace maru
