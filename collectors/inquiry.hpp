// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report_io.hpp"

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

namespace maru {

/// The answer to an inquiry, or why there is none: exactly one of the two.
struct Reply {
  std::optional<Bytes> bytes;
  std::string fault; ///< "does not answer in 5 s"
};

/// A question to the system that may never be answered: of a file system whose server is gone, of a driver that hangs.
/// A process of its own asks it, for a thread that hangs in the kernel keeps its process from ending. That process is
/// killed when this one ends; one that cannot be killed is left behind, and holds nothing that anybody waits for.
class Inquiry {
public:
  /// Asks at once. `answer` runs in a copy of this process: only before MPI is started and threads of ours are.
  Inquiry(double seconds, std::function<Bytes()> const& answer);
  ~Inquiry();
  Inquiry(Inquiry const&) = delete;
  Inquiry& operator=(Inquiry const&) = delete;

  /// Waits until `seconds` have passed since it was asked. To be called once.
  Reply reply();

private:
  std::string end_of_process() const;

  double seconds_, begun_;
  pid_t process_ = -1;
  int pipe_ = -1;
  std::string fault_; ///< why it could not be asked
};

} // namespace maru
