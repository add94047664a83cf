// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to console/: the groups of reads, and what more than one of them says of a stream.

#include <optional>

#include "api/console.hpp"

namespace api {

using Json = async::Task<aws::Outcome<std::string>>;

void add_camera_reads(Handlers& handlers, const ConsoleServices& services);
void add_storage_reads(Handlers& handlers, const ConsoleServices& services);

struct RecordingNow {
  std::optional<base::WallTime> newest_end;     // of what is durable, on the producer's clock
  std::optional<std::int64_t> bits_per_second;  // of the newest fragment, while a recording goes on
};
RecordingNow recording_now(const streams::FragmentLog& log, base::WallTime now);

}  // namespace api
