// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "aws/arn.hpp"
#include "aws/kinesisvideo.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::as_text({data, size});
  if (const auto arn = aws::parse_arn(text)) {
    CHECK(arn->text() == text);
    CHECK(aws::kinesisvideo::pattern::kResourceARN.matches(text));
  }
  (void)aws::kinesisvideo::pattern::kTagKey.matches(text);
  (void)aws::kinesisvideo::pattern::kMediaType.matches(text);
  return 0;
}
