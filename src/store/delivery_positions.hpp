// SPDX-License-Identifier: Apache-2.0
#pragma once
// How far each stream's fragments have been delivered: what a restart goes on from. docs/formats/metadata.md shows the
// table.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/fragment.hpp"

namespace store {

struct DeliveryPosition {
  StreamKey stream;
  std::string kind;       // a stream configuration's
  FragmentNumber number;  // everything up to it is settled
  std::optional<base::WallTime> last_image;
  friend bool operator==(const DeliveryPosition&, const DeliveryPosition&) = default;
};

// Thread-safe and synchronous: call it on a disk worker. What save() wrote outlives a kill of the process; a power cut
// may take the last of it, and what follows is delivered again.
class DeliveryPositions {
 public:
  virtual ~DeliveryPositions() = default;
  virtual base::Result<std::vector<DeliveryPosition>> load() = 0;
  virtual base::Result<void> save(const DeliveryPosition& position) = 0;
  virtual base::Result<void> forget(StreamKey stream, const std::string& kind) = 0;
};

// Makes or migrates the file at `path`.
base::Result<std::unique_ptr<DeliveryPositions>> open_sqlite_delivery_positions(const std::string& path);

}  // namespace store
