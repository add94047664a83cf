// SPDX-License-Identifier: Apache-2.0
#pragma once
// Walks the records of a volume, past whatever is damaged.

#include <cstdint>
#include <functional>
#include <optional>

#include "base/result.hpp"
#include "store/file_layer.hpp"
#include "store/volume_record.hpp"

namespace store {

struct VolumeScan {
  std::uint64_t end = kBlock;          // after the last whole record; what follows is a torn tail or unused space
  std::uint64_t records = 0;           // whole records: header and payload checksums are right
  std::uint64_t damaged_payloads = 0;  // header right, payload not
  std::uint64_t damaged_places = 0;    // times the next record had to be searched for, the unused tail excepted
  std::optional<std::uint64_t> salt;   // of the volume; unknown if its header is damaged and it has no record
};

// Visits every whole record that begins at `from` or later, in order. `salt` is unknown if the volume's own header is
// damaged: then the first record that is right in itself gives it. Fails only when the file cannot be read.
base::Result<VolumeScan> scan_volume(File& file, std::optional<std::uint64_t> salt, std::uint64_t from,
                                     const std::function<void(const RecordHeader&)>& visit);

}  // namespace store
