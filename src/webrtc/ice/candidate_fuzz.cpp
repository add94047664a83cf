// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"
#include "webrtc/ice/candidate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto candidate = webrtc::ice::parse_candidate(base::as_text({bytes, size}));
  if (candidate && !webrtc::ice::parse_candidate(webrtc::ice::write_candidate(*candidate))) __builtin_trap();
  return 0;
}
