// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operation.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace maru {

/// What a vendor's datasheet promises of one device. Rates are dense (half of what is printed "with sparsity"), of
/// whatever unit is fastest for the type: tensor cores where they take it (also f64 where they do), else the vector
/// units (f32). A field of 0 is a figure that the sources do not give.
struct Peak {
  std::string_view device;     ///< the model's name, as the CUDA driver writes it
  std::string_view source;     ///< title of the vendor's document
  double f64 = 0, f32 = 0;     ///< operations per second
  double tf32 = 0, half = 0;   ///< half: f16 and bf16, f32 sums
  double f8 = 0, s8 = 0;       ///< f8: e4m3, e5m2 and mxf8
  double f4 = 0;               ///< nvf4
  double vector_clock = 0;     ///< hertz, of the f64 and f32 figures
  double tensor_clock = 0;     ///< hertz, of the others; vendors rate tensor cores at another clock than vector units
  double memory_bandwidth = 0; ///< bytes per second of the device's own memory, reads and writes together
  double nvlink_bandwidth = 0; ///< bytes per second in one direction, all links together
  double host_bandwidth = 0;   ///< bytes per second in one direction between host and device: PCIe, or NVLink-C2C
  bool scales_8_bits = false;  ///< whether its tensor cores take mxf8
};

std::span<Peak const> peaks();
/// By the driver's name for the model, exactly: a part of a device (MIG) or a sibling is another device. Null when it
/// is not in the table.
Peak const* find_peak(std::string_view model);

std::optional<double> peak_rate(Peak const& peak, Dtype dtype);
/// Hertz that peak_rate stands for. Absent where no source names it.
std::optional<double> peak_clock(Peak const& peak, Dtype dtype);

} // namespace maru
