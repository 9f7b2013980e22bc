// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace maru {

/// Whether a path is on a file system of several hosts (NFS, SMB, Lustre …), where the shared memory that write-ahead
/// logging needs is not shared. A path that is not there yet is judged by its folder.
bool on_network_file_system(std::string const& path);

/// The same by statfs's number for the kind of file system.
bool is_network_file_system(unsigned long kind);

} // namespace maru
