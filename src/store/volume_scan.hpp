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
  std::uint64_t hollow_payloads =
      0;  // header right, every whole block of the payload is zeros: its space was given back
  std::uint64_t damaged_places = 0;   // times the next record had to be searched for, the unused tail excepted
  std::optional<std::uint64_t> salt;  // of the volume; unknown if its header is damaged and it has no record
};

enum class PayloadCheck : std::uint8_t { Checksum, None };

// The whole blocks of a record's payload, which a hole may take; size 0 if there is none.
struct PayloadBlocks {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
PayloadBlocks payload_blocks(std::uint64_t offset, std::uint64_t header_size, std::uint64_t payload_size);

// Visits every whole record that begins at `from` or later, in order. `salt` is unknown if the volume's own header is
// damaged: then the first record that is right in itself gives it. Without a check of the payloads the headers alone
// count, and only they are read. Fails only when the file cannot be read.
base::Result<VolumeScan> scan_volume(File& file, std::optional<std::uint64_t> salt, std::uint64_t from,
                                     const std::function<void(const RecordHeader&)>& visit,
                                     PayloadCheck check = PayloadCheck::Checksum);

}  // namespace store
