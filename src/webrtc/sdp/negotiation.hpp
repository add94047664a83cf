// SPDX-License-Identifier: Apache-2.0
#pragma once
// Offer and answer (RFC 8829, 9429): what we offer, what an answer to it means, and how we answer somebody's offer.
// One BUNDLE transport, at most one video and one audio section in use, H.264 and Opus only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "webrtc/sdp/description.hpp"

namespace webrtc::sdp {

// Our side of the transport; the same lines go into every section (webrtc-sdk-c reads the last one only).
struct LocalTransport {
  std::string ufrag;
  std::string password;
  std::string fingerprint;              // SHA-256, upper case: "AB:CD:..."
  std::vector<std::string> candidates;  // "candidate:..." lines
};

struct RemoteTransport {
  std::string ufrag;
  std::string password;
  std::string fingerprint_algorithm;  // "sha-256"
  std::string fingerprint;            // upper case
  Setup setup = Setup::Active;        // settled, never ActPass: Active means that the remote is the DTLS client
  std::vector<std::string> candidates;
  bool trickle = false;
  bool ice_lite = false;
};

// RTP features and codecs that our side names; everything on by default. A test that plays webrtc-sdk-c turns off
// what that client does not say.
struct MediaFeatures {
  bool rtx = true;
  bool nack = true;
  bool pli = true;
  bool fir = true;
  bool transport_cc = true;
  bool remb = true;
  bool extensions = true;  // any a=extmap line at all
};

// Our sending source, announced by a=ssrc and a=msid when we send. rtx_ssrc 0: no repair stream.
struct LocalSource {
  std::uint32_t ssrc = 0;
  std::uint32_t rtx_ssrc = 0;
  std::string cname;
  std::string stream_label = "tidegate";
};

struct OfferOptions {
  LocalTransport transport;
  std::uint64_t session_id = 1;           // of the o= line; below 2^62
  Direction video = Direction::RecvOnly;  // our own direction
  Direction audio = Direction::SendRecv;
  bool with_audio = true;
  MediaFeatures features;
  std::vector<std::string> h264_profiles = {"42e01f"};
  std::optional<int> start_bitrate_kbps;  // x-google-start-bitrate for Chromium
  LocalSource video_source;               // written when the direction sends and ssrc is not 0
  LocalSource audio_source;
};

// Extension ids of a section; 0: not negotiated.
struct ExtensionIds {
  std::uint8_t mid = 0;
  std::uint8_t abs_send_time = 0;
  std::uint8_t transport_cc = 0;
};

struct PayloadType {
  std::uint8_t media = 0;
  std::optional<std::uint8_t> rtx;
};

// What both sides agreed on for one section. A section that is rejected, inactive or of a kind we do not use has
// neither `sends` nor `receives`.
struct Track {
  MediaKind kind = MediaKind::Video;
  std::string mid;
  bool receives = false;                   // the remote sends, we receive
  bool sends = false;                      // we send
  std::vector<PayloadType> payload_types;  // preferred first; a receiver accepts all, a sender uses the first
  MediaFeatures features;                  // what both named; `extensions` = any id below
  ExtensionIds extensions;
  std::vector<std::uint32_t> remote_ssrcs;  // announced by a=ssrc, media sources first; may be empty
  std::optional<std::uint32_t> remote_rtx_ssrc;
  std::vector<base::Bytes> parameter_sets;  // of sprop-parameter-sets: NAL units without start code or length
  std::string h264_profile;                 // profile-level-id of the first H.264 format, as written
};

struct Session {
  RemoteTransport remote;
  std::vector<Track> tracks;  // one for each section of the offer that is video or audio, in its order

  // The first track of this kind that sends or receives.
  const Track* find(MediaKind kind) const;
};

// Ends with CRLF; at most 25000 characters; no m=application.
std::string write_offer(const OfferOptions& options);

// What an answer to `offer` agrees to. Errors are for people and for the sender's STATUS_RESPONSE: "the answer offers
// VP8 only: offer H.264", "the answer has no usable video: ...". Audio rejected or inactive is no error.
base::Result<Session> read_answer(std::string_view answer, const OfferOptions& offer);

// Answering: our side of somebody's offer.
struct AnswerOptions {
  LocalTransport transport;
  std::uint64_t session_id = 1;
  bool send_video = true;  // where the offer receives; else the section becomes inactive
  bool send_audio = true;
  bool receive_video = false;
  bool receive_audio = true;
  MediaFeatures features;
  LocalSource video_source;
  LocalSource audio_source;
  // Write the lines that webrtc-sdk-c writes and leave out those that it leaves out: no extmap (TWCC ids of the offer
  // are used all the same), no rtx, session-level trickle, duplicate ssrc lines.
  bool like_c_sdk = false;
};

struct Answer {
  std::string text;
  Session session;
};
base::Result<Answer> answer_offer(std::string_view offer, const AnswerOptions& options);

}  // namespace webrtc::sdp
