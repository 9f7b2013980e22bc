// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maru {

/// What one place gave for one metric before.
struct Past {
  std::string metric; ///< Metric::name
  std::string host;
  std::int64_t local_rank = -1;
  std::string device_uuid;
  std::vector<double> values;
};

} // namespace maru
