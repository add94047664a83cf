// SPDX-License-Identifier: Apache-2.0
#include "webrtc/sdp/negotiation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = base::as_text({bytes, size});
  webrtc::sdp::OfferOptions offer;
  if (webrtc::sdp::read_answer(text, offer)) {
  }
  webrtc::sdp::AnswerOptions options;
  options.transport = {
      "ufrag",
      "passwordpasswordpassword",
      "E6:7E:17:26:AA:8E:B8:78:14:B5:CF:15:F4:25:26:EC:AF:90:59:E9:5B:F2:12:55:97:36:A4:D7:05:97:74:73",
      {}};
  options.like_c_sdk = size % 2 != 0;
  const auto answer = webrtc::sdp::answer_offer(text, options);
  // What we write we can read.
  if (answer && !webrtc::sdp::parse_description(answer->text)) __builtin_trap();
  return 0;
}
