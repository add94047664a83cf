// SPDX-License-Identifier: Apache-2.0
#pragma once
// The files of a volume directory: their names, and the recovery of what an earlier process left.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/file_layer.hpp"
#include "store/volume_store.hpp"

namespace store {

// "volume-000000000000001f.tgv" in the directory.
std::string volume_path(const std::string& directory, std::uint64_t number);

// Scans every volume past what is known of it, makes what it finds durable, cuts torn tails. Gives the highest volume
// number there is.
base::Result<std::uint64_t> recover_volumes(const std::string& directory, FileLayer& layer,
                                            std::span<const VolumeMark> known, RecoveredRecords& recovered,
                                            const TakeRecovered& take);

// A new volume with a durable header and directory entry, ready for records at kBlock.
struct NewVolume {
  std::unique_ptr<File> file;
  std::uint64_t number = 0;
  std::uint64_t salt = 0;
};
base::Result<NewVolume> create_volume(const FileVolumeOptions& options, FileLayer& layer, base::Random& random,
                                      std::uint64_t number);

}  // namespace store
