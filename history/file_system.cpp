// SPDX-License-Identifier: Apache-2.0
#include "history/file_system.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sys/vfs.h>

namespace maru {

bool is_network_file_system(unsigned long kind) {
  // From linux/magic.h and the file systems' own sources.
  constexpr std::array kinds{
      0x6969UL,     // NFS
      0x517bUL,     // SMB
      0xff534d42UL, // CIFS
      0xfe534d42UL, // SMB 2
      0x5346414fUL, // AFS
      0x00c36400UL, // Ceph
      0x0bd00bd0UL, // Lustre
      0x47504653UL, // GPFS
      0x19830326UL, // BeeGFS
      0xaad7aaeaUL, // PanFS
      0x01021997UL, // 9P
      0x65735546UL, // FUSE: may be a network's (GlusterFS, WekaFS, s3fs), and costs little where it is not
  };
  return std::find(kinds.begin(), kinds.end(), kind & 0xffffffffUL) != kinds.end();
}

bool on_network_file_system(std::string const& path) {
  auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  struct statfs where {};
  if (::statfs(path.c_str(), &where) != 0 && ::statfs(folder.c_str(), &where) != 0) return false;
  return is_network_file_system(static_cast<unsigned long>(where.f_type));
}

} // namespace maru
