// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"
#include "sessions/signaling_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto message = sessions::parse_client_message(base::as_text({bytes, size}));
  if (!message) return 0;
  (void)sessions::parse_description_payload(message->payload);
  (void)sessions::parse_candidate_payload(message->payload);
  return 0;
}
