// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads the clock that the test picture of `tidegate camera` has burnt in: when a picture was taken.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace client {

// How old a picture is that shows `clock` ("12:34:56.789", UTC) and was there at `seen`. The clock has no date: an age
// is between -12 and 12 hours. Nothing when it is no time of day.
std::optional<base::Duration> age_of(std::string_view clock, base::WallTime seen);

// Decodes H.264 for one viewer, or key frames of any viewers of one stream. On one thread.
class ClockReader {
 public:
  static base::Result<std::unique_ptr<ClockReader>> open();
  ~ClockReader();

  // The next access unit in decoding order; the age of the picture at `seen`. Nothing when no picture comes out or its
  // clock cannot be read. With `alone` the access unit is a key frame that has no relation to what was read before.
  std::optional<base::Duration> read(base::ByteView access_unit, base::WallTime seen, bool alone);

 private:
  struct Parts;
  explicit ClockReader(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace client
