// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "webrtc/sdp/negotiation.hpp"

namespace webrtc::sdp {
namespace {

const char* const kFingerprint =
    "E6:7E:17:26:AA:8E:B8:78:14:B5:CF:15:F4:25:26:EC:AF:90:59:E9:5B:F2:12:55:97:36:A4:D7:05:97:74:73";

std::string read_shape(const std::string& name) {
  std::ifstream file(std::string(TIDEGATE_SOURCE_DIR) + "/tests/fuzz_corpus/webrtc_sdp_description/" + name);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

OfferOptions usual_offer() {
  OfferOptions options;
  options.transport = {
      "abcdefgh", "abcdefghijklmnopqrstuvwx", kFingerprint, {"candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host"}};
  options.session_id = 4711;
  options.video_source = {1111, 1112, "tidegate", "tidegate"};
  options.audio_source = {2222, 0, "tidegate", "tidegate"};
  return options;
}
AnswerOptions usual_answer() {
  AnswerOptions options;
  options.transport = {"zyxwvuts", "zyxwvutszyxwvutszyxwvuts", kFingerprint, {}};
  options.video_source = {3333, 3334, "camera", "camera"};
  options.audio_source = {4444, 0, "camera", "camera"};
  return options;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  EXPECT_NE(text.find(from), std::string::npos) << from;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string error_of(std::string_view answer, const OfferOptions& offer = usual_offer()) {
  const auto session = read_answer(answer, offer);
  return session ? "no error" : session.error().message;
}

TEST(SdpOffer, IsWhatItIs) {
  OfferOptions options = usual_offer();
  const std::string offer = write_offer(options);
  EXPECT_EQ(offer,
            "v=0\r\n"
            "o=- 4711 2 IN IP4 127.0.0.1\r\n"
            "s=-\r\n"
            "t=0 0\r\n"
            "a=group:BUNDLE 0 1\r\n"
            "a=msid-semantic: WMS\r\n"
            "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n"
            "c=IN IP4 0.0.0.0\r\n"
            "a=rtcp:9 IN IP4 0.0.0.0\r\n"
            "a=candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host\r\n"
            "a=ice-ufrag:abcdefgh\r\n"
            "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
            "a=ice-options:trickle\r\n"
            "a=fingerprint:sha-256 " +
                std::string(kFingerprint) +
                "\r\n"
                "a=setup:actpass\r\n"
                "a=mid:0\r\n"
                "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
                "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
                "a=recvonly\r\n"
                "a=rtcp-mux\r\n"
                "a=rtcp-rsize\r\n"
                "a=rtpmap:102 H264/90000\r\n"
                "a=rtcp-fb:102 nack\r\n"
                "a=rtcp-fb:102 nack pli\r\n"
                "a=rtcp-fb:102 ccm fir\r\n"
                "a=rtcp-fb:102 transport-cc\r\n"
                "a=rtcp-fb:102 goog-remb\r\n"
                "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
                "a=rtpmap:103 rtx/90000\r\n"
                "a=fmtp:103 apt=102\r\n"
                "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                "c=IN IP4 0.0.0.0\r\n"
                "a=rtcp:9 IN IP4 0.0.0.0\r\n"
                "a=candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host\r\n"
                "a=ice-ufrag:abcdefgh\r\n"
                "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
                "a=ice-options:trickle\r\n"
                "a=fingerprint:sha-256 " +
                std::string(kFingerprint) +
                "\r\n"
                "a=setup:actpass\r\n"
                "a=mid:1\r\n"
                "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
                "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
                "a=sendrecv\r\n"
                "a=rtcp-mux\r\n"
                "a=rtcp-rsize\r\n"
                "a=rtpmap:111 opus/48000/2\r\n"
                "a=rtcp-fb:111 nack\r\n"
                "a=rtcp-fb:111 transport-cc\r\n"
                "a=rtcp-fb:111 goog-remb\r\n"
                "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
                "a=msid:tidegate tidegate-audio\r\n"
                "a=ssrc:2222 cname:tidegate\r\n"
                "a=ssrc:2222 msid:tidegate tidegate-audio\r\n");
  options.start_bitrate_kbps = 2000;
  EXPECT_NE(write_offer(options).find("profile-level-id=42e01f;x-google-start-bitrate=2000\r\n"), std::string::npos);
}

// The limits of webrtc-sdk-c hold with the longest offer we can make.
TEST(SdpOffer, FitsIntoTheSmallestReader) {
  OfferOptions options = usual_offer();
  options.transport.candidates.assign(
      16, "candidate:1 1 udp 2130706431 2001:db8:1234:5678:1234:5678:1234:5678 65535 typ host");
  options.h264_profiles = {"42e01f", "4d001f", "64001f"};
  options.video = Direction::SendOnly;
  const std::string offer = write_offer(options);
  EXPECT_LE(offer.size(), 25000U);
  EXPECT_TRUE(offer.ends_with("\r\n"));
  EXPECT_EQ(offer.find("m=application"), std::string::npos);
  std::istringstream lines(offer);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 512U);
}

TEST(SdpAnswer, OfWebrtcSdkC) {
  const OfferOptions offer = usual_offer();
  // As captured; it copies mids and payload types from the offer, so here they are ours.
  const auto session = read_answer(read_shape("answer_webrtc_sdk_c"), offer);
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(session->remote.ufrag, "xPdp");
  EXPECT_EQ(session->remote.password, "6jiKl9qA6BgXzLah41AWu+st");
  EXPECT_EQ(session->remote.fingerprint, kFingerprint);
  EXPECT_EQ(session->remote.setup, Setup::Active);
  EXPECT_TRUE(session->remote.trickle);
  ASSERT_EQ(session->remote.candidates.size(), 1U) << "the same candidate in both sections is one";
  EXPECT_TRUE(session->remote.candidates[0].starts_with("candidate:0 1 udp 2130706431 10.99.0.1 53075 typ host"));
  const Track* video = session->find(MediaKind::Video);
  ASSERT_NE(video, nullptr);
  EXPECT_TRUE(video->receives);
  EXPECT_FALSE(video->sends);
  ASSERT_EQ(video->payload_types.size(), 1U);
  EXPECT_EQ(video->payload_types[0].media, 102);
  EXPECT_FALSE(video->payload_types[0].rtx);
  EXPECT_TRUE(video->features.nack && video->features.pli && video->features.transport_cc && video->features.remb);
  EXPECT_FALSE(video->features.fir);
  EXPECT_EQ(video->extensions.transport_cc, 3) << "no extmap line, and yet it uses our id";
  EXPECT_EQ(video->extensions.mid, 0);
  EXPECT_EQ(video->remote_ssrcs, std::vector<std::uint32_t>{333081300});
  const Track* audio = session->find(MediaKind::Audio);
  ASSERT_NE(audio, nullptr);
  EXPECT_TRUE(audio->receives);
  EXPECT_FALSE(audio->sends);
  EXPECT_EQ(audio->payload_types[0].media, 111);
}

TEST(SdpAnswer, OfChromium) {
  const auto session = read_answer(read_shape("answer_chromium"), usual_offer());
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_TRUE(session->remote.candidates.empty());
  EXPECT_TRUE(session->remote.trickle);
  const Track* video = session->find(MediaKind::Video);
  ASSERT_NE(video, nullptr);
  EXPECT_EQ(video->payload_types[0].media, 102);
  EXPECT_EQ(video->payload_types[0].rtx, 103);
  EXPECT_TRUE(video->features.rtx && video->features.fir);
  EXPECT_EQ(video->extensions.mid, 1);
  EXPECT_EQ(video->extensions.abs_send_time, 2);
  EXPECT_EQ(video->extensions.transport_cc, 3);
  EXPECT_EQ(video->remote_ssrcs, std::vector<std::uint32_t>{2824418021});
  EXPECT_EQ(video->remote_rtx_ssrc, 1563025291U);
  const Track* audio = session->find(MediaKind::Audio);
  ASSERT_NE(audio, nullptr);
  EXPECT_TRUE(audio->receives && audio->sends);
}

TEST(SdpAnswer, OfChromiumAsTheViewerOfThePage) {
  OfferOptions offer = usual_offer();
  offer.video = Direction::SendOnly;
  const auto session = read_answer(replaced(read_shape("answer_chromium"), "a=sendonly", "a=recvonly"), offer);
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_TRUE(session->find(MediaKind::Video)->sends);
  EXPECT_FALSE(session->find(MediaKind::Video)->receives);
}

TEST(SdpAnswer, OfWerift) {
  const auto session = read_answer(read_shape("answer_werift"), usual_offer());
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(session->remote.candidates.size(), 2U);
  EXPECT_NE(session->find(MediaKind::Video), nullptr);
  EXPECT_EQ(session->find(MediaKind::Audio), nullptr) << "rejected with port 0: a video-only session";
  ASSERT_EQ(session->tracks.size(), 2U);
}

TEST(SdpAnswer, OfFirefoxWithItsLinesOnTheSessionLevel) {
  const auto session = read_answer(read_shape("answer_firefox"), usual_offer());
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(session->remote.fingerprint, kFingerprint) << "upper-cased";
  EXPECT_EQ(session->remote.ufrag, "a1b2c3d4");
  EXPECT_TRUE(session->remote.trickle);
  const Track* video = session->find(MediaKind::Video);
  ASSERT_NE(video, nullptr);
  EXPECT_TRUE(video->receives);
  ASSERT_EQ(video->parameter_sets.size(), 2U);
  EXPECT_EQ(video->parameter_sets[0].at(0) & 0x1f, 7);
  EXPECT_EQ(video->parameter_sets[1].at(0) & 0x1f, 8);
  EXPECT_EQ(session->find(MediaKind::Audio), nullptr) << "inactive";
}

TEST(SdpAnswer, ErrorsSayWhatToDo) {
  const std::string good = read_shape("answer_chromium");
  EXPECT_EQ(error_of(replaced(good, "H264/90000", "VP8/90000")), "the answer offers VP8 only: offer H.264");
  EXPECT_EQ(error_of(replaced(good, "opus/48000/2", "PCMU/8000")), "the answer's audio offers PCMU only: offer Opus");
  EXPECT_EQ(error_of(replaced(good, "m=video 9", "m=video 0")),
            "the answer has no usable video: its section is rejected (port 0): answer it with H.264 and a=sendonly");
  EXPECT_EQ(error_of(replaced(good, "a=sendonly", "a=inactive")),
            "the answer has no usable video: its section is inactive: answer it with H.264 and a=sendonly");
  EXPECT_EQ(error_of(replaced(good, "a=sendonly", "a=sendrecv")),
            "the answer's video is sendrecv where the offer is recvonly: answer sendonly");
  EXPECT_EQ(error_of(replaced(good, "a=sendonly", "a=recvonly")),
            "the answer's video is recvonly where the offer is recvonly: answer sendonly");
  EXPECT_EQ(error_of(replaced(good, "a=fingerprint:sha-256 ", "a=finger:")), "the answer has no a=fingerprint");
  EXPECT_EQ(error_of(replaced(good, "sha-256", "sha-1")), "the answer has a fingerprint of sha-1: sha-256 is needed");
  EXPECT_EQ(error_of(replaced(good, "a=ice-pwd:", "a=ice-pw:")), "the answer has no a=ice-ufrag or a=ice-pwd");
  EXPECT_EQ(error_of(replaced(good, "a=rtcp-mux\r\n", "")), "the answer has no a=rtcp-mux");
  EXPECT_EQ(error_of(good.substr(0, good.find("m=audio"))), "the answer has 1 media sections where the offer has 2");
  EXPECT_EQ(error_of("hello"), "the answer is no session description: it does not start with v=0");
  EXPECT_EQ(error_of("v=0\r\nnonsense\r\n"), "the answer is no session description: line 2 is malformed: nonsense");
  EXPECT_EQ(error_of(std::string("v=0\n") + std::string(70000, 'a')),
            "the answer is no session description: it has 70004 bytes: 65536 are the limit");
  std::string separate = good;
  separate.replace(separate.rfind("a=ice-ufrag:"), 16, "a=ice-ufrag:none");
  EXPECT_EQ(error_of(separate), "the answer has separate transports for its sections: BUNDLE is needed");
}

TEST(SdpAnswer, VideoOnlyIsNoError) {
  const std::string good = read_shape("answer_chromium");
  for (const auto& answer : {replaced(good, "a=sendrecv", "a=inactive"), replaced(good, "m=audio 9", "m=audio 0")}) {
    const auto session = read_answer(answer, usual_offer());
    ASSERT_TRUE(session) << session.error().message;
    EXPECT_EQ(session->find(MediaKind::Audio), nullptr);
    EXPECT_NE(session->find(MediaKind::Video), nullptr);
  }
}

TEST(SdpAnswerer, TwoOfUsAgree) {
  for (const bool like_c_sdk : {false, true}) {
    const OfferOptions offer = usual_offer();
    AnswerOptions options = usual_answer();
    options.like_c_sdk = like_c_sdk;
    const auto answer = answer_offer(write_offer(offer), options);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->text.ends_with("\r\n"));
    EXPECT_EQ(answer->text.find("a=extmap") == std::string::npos, like_c_sdk);
    const Session& ours = answer->session;
    EXPECT_EQ(ours.remote.setup, Setup::Passive);
    EXPECT_EQ(ours.remote.ufrag, "abcdefgh");
    EXPECT_EQ(ours.remote.candidates, offer.transport.candidates);

    const auto theirs = read_answer(answer->text, offer);
    ASSERT_TRUE(theirs) << theirs.error().message << answer->text;
    EXPECT_EQ(theirs->remote.setup, Setup::Active);
    EXPECT_EQ(theirs->remote.password, "zyxwvutszyxwvutszyxwvuts");
    for (const MediaKind kind : {MediaKind::Video, MediaKind::Audio}) {
      const Track* a = ours.find(kind);
      const Track* b = theirs->find(kind);
      ASSERT_TRUE(a != nullptr && b != nullptr);
      EXPECT_EQ(a->payload_types[0].media, b->payload_types[0].media);
      EXPECT_EQ(a->payload_types[0].rtx, b->payload_types[0].rtx);
      EXPECT_EQ(a->payload_types[0].rtx.has_value(), kind == MediaKind::Video && !like_c_sdk);
      EXPECT_EQ(a->extensions.transport_cc, b->extensions.transport_cc);
      EXPECT_EQ(a->extensions.transport_cc, 3);
      EXPECT_EQ(a->sends, b->receives);
      EXPECT_EQ(a->features.nack, b->features.nack);
      EXPECT_EQ(b->remote_ssrcs, std::vector<std::uint32_t>{kind == MediaKind::Video ? 3333U : 4444U});
    }
    EXPECT_EQ(theirs->find(MediaKind::Video)->remote_rtx_ssrc.has_value(), !like_c_sdk);
    EXPECT_FALSE(ours.find(MediaKind::Video)->receives);
  }
}

TEST(SdpAnswerer, PicksTheBestH264AndRejectsTheRest) {
  const auto answer = answer_offer(read_shape("offer_chromium"), usual_answer());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_NE(answer->text.find("m=video 9 UDP/TLS/RTP/SAVPF 109 114\r\n"), std::string::npos) << answer->text;
  EXPECT_NE(answer->text.find("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"), std::string::npos)
      << answer->text;
  EXPECT_NE(answer->text.find("a=group:BUNDLE 0 1\r\n"), std::string::npos);
  EXPECT_EQ(answer->session.find(MediaKind::Video)->h264_profile, "42e01f");
}

TEST(SdpAnswerer, SaysWhatIsWrongWithAnOffer) {
  const auto error = [](std::string_view offer) {
    const auto answer = answer_offer(offer, usual_answer());
    return answer ? "no error" : answer.error().message;
  };
  const std::string offer = write_offer(usual_offer());
  EXPECT_EQ(error(replaced(offer, "H264", "VP9")), "the offer has VP9 only for video: H.264 is needed");
  EXPECT_EQ(error(replaced(offer, "m=video 9", "m=video 0")), "the offer's video is recvonly: nothing can flow");
  EXPECT_EQ(error(replaced(offer, "a=recvonly", "a=sendonly")), "the offer's video is sendonly: nothing can flow");
  EXPECT_EQ(error(""), "the offer is no session description: it does not start with v=0");
}

TEST(SdpDescription, BoundsWhatItKeeps) {
  std::string text = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
  for (int i = 0; i < 1900; ++i)
    text += i % 2 == 0 ? "a=ssrc:" + std::to_string(i + 1) + " cname:x\r\n"
                       : "a=candidate:1 1 udp 1 10.0.0.1 5 typ host\r\n";
  const auto description = parse_description(text);
  ASSERT_TRUE(description);
  EXPECT_EQ(description->sections[0].sources.size(), kMaxOfAKind);
  EXPECT_EQ(description->sections[0].candidates.size(), kMaxOfAKind);
  for (int i = 0; i < 200; ++i) text += "a=x\r\n";
  EXPECT_FALSE(parse_description(text));
  std::string many = "v=0\r\n";
  for (int i = 0; i < 17; ++i) many += "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
  EXPECT_FALSE(parse_description(many));
}

}  // namespace
}  // namespace webrtc::sdp
