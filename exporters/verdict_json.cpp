// SPDX-License-Identifier: Apache-2.0
#include "core/verdict_io.hpp"
#include "exporters/verdict_format.hpp"

namespace maru {

extern VerdictFormat const json_verdict;
VerdictFormat const json_verdict{"json", "the whole verdict, as docs/validate.md describes it", verdict_to_json};

} // namespace maru
