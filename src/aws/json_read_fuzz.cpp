// SPDX-License-Identifier: Apache-2.0
// Any text through the decoders of the largest inputs; what decodes must encode to something that decodes to the same.
#include <cstddef>
#include <cstdint>

#include "aws/archived_media.hpp"
#include "aws/json.hpp"
#include "aws/kinesisvideo.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"

namespace {
template <class T>
void round_trip(std::string_view text) {
  const auto first = aws::decode<T>(text);
  if (!first) return;
  const std::string encoded = aws::encode(*first);
  const auto second = aws::decode<T>(encoded);
  CHECK(second.has_value());
  CHECK(aws::encode(*second) == encoded);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::as_text({data, size});
  round_trip<aws::kinesisvideo::CreateStreamInput>(text);
  round_trip<aws::kinesisvideo::CreateSignalingChannelInput>(text);
  round_trip<aws::kinesisvideo::UpdateImageGenerationConfigurationInput>(text);
  round_trip<aws::archived_media::GetMediaForFragmentListInput>(text);
  round_trip<aws::archived_media::ListFragmentsInput>(text);
  return 0;
}
