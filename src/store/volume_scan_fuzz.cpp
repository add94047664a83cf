// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "store/simulated_disk.hpp"
#include "store/volume_scan.hpp"

// The input is a volume file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  store::SimulatedDisk disk(1);
  auto file = disk.open("/v/file", store::FileLayer::Mode::CreateNew);
  const base::ByteView input(bytes, size);
  if (size > 0) CHECK((*file)->write_at(0, {&input, 1}));
  static_cast<void>(store::parse_volume_header(input));
  std::uint64_t last = 0;
  const auto scan = store::scan_volume(**file, std::nullopt, 0, [&](const store::RecordHeader& record) {
    CHECK(record.offset >= last && record.offset + record.header_size + record.payload_size <= size);
    last = record.offset + 1;
  });
  CHECK(scan && scan->end <= size);
  return 0;
}
