// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <nccl.h>
#include <string>

namespace maru {

/// For MARU_CHECK. The last error is NCCL's own account of what happened ("Duplicate GPU detected …").
struct NcclApi {
  static bool ok(ncclResult_t status) { return status == ncclSuccess; }
  static std::string text(ncclResult_t status) {
    std::string text = std::string("NCCL: ") + ncclGetErrorString(status);
    char const* const last = ncclGetLastError(nullptr);
    if (!last) return text;
    std::string account(last);
    while (!account.empty() && account.back() == '\n') account.pop_back();
    return account.empty() ? text : text + " (" + account + ")";
  }
};

/// For calls on communicators that answer at once and go on by themselves.
struct NcclStartApi {
  static bool ok(ncclResult_t status) { return status == ncclSuccess || status == ncclInProgress; }
  static std::string text(ncclResult_t status) { return NcclApi::text(status); }
};

} // namespace maru
