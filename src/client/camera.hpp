// SPDX-License-Identifier: Apache-2.0
#pragma once
// `tidegate camera`: KVS masters that publish over real WebRTC to any endpoint. Also the load generator.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "client/join_timings.hpp"
#include "client/manifest.hpp"
#include "client/service_options.hpp"

namespace client {

struct CameraOptions : ServiceOptions {
  std::string channel = "camera";
  std::string stream;        // empty: named as the channel
  bool create = false;       // make channel, stream and their mapping where they are missing
  int retention_hours = 24;  // of a stream made here

  std::string h264_file;      // Annex B; empty: a built-in test picture
  std::string low_h264_file;  // the same pictures at a lower bit rate, for who heeds REMB; empty: nobody does
  base::Duration low_for{};   // so long those are sent in any case
  std::string opus_file;      // Ogg Opus; empty: a tone with the test picture, nothing with a file
  bool audio = true;
  double frame_rate = 0;  // of the H.264 file; 0: as its SPS says, else 25
  int width = 640;        // of the test picture
  int height = 360;
  int picture_rate = 25;
  int bitrate_kbps = 800;

  // Without it a file is published once and the test picture until the process is told to stop; with it a file is
  // repeated until the time is over.
  std::optional<base::Duration> duration;
  // More than one: channels and streams are named NAME-1 to NAME-N, each camera has its own UDP socket, and all share
  // one encoded loop.
  int count = 1;
  int threads = 1;
  int joins_at_once = 32;  // of each thread
  // Preferred and only one: "aes-gcm" or "aes-cm"; empty: both are offered.
  std::string srtp_profile;

  // Play a poorer peer: answers, extensions, SRTP profiles and habits of webrtc-sdk-c.
  bool like_c_sdk = false;

  // File for what was sent, frame by frame (manifest.hpp); the test picture is then a loop. Empty: none.
  std::string manifest;
  bool json = false;   // one JSON document on standard output instead of lines for people
  bool quiet = false;  // no progress lines on standard error
};

struct CameraTimings : JoinTimings {
  std::optional<base::Duration> first_fragment;  // listed by ListFragments, so durable
};

struct CameraResult {
  std::string channel;
  std::string stream;
  std::string error;  // empty: all went well
  CameraTimings timings;
  int joins = 0;
  std::uint64_t video_frames = 0;
  std::uint64_t audio_frames = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_resent = 0;
  std::uint64_t key_frame_requests = 0;
  std::uint64_t remb_least = 0;       // bits a second; of the last connection
  std::uint64_t late_frames = 0;      // sent more than 10 ms after their time: this machine was too slow
  base::Duration published{};         // media time
  SentFrames video_sent, audio_sent;  // of a loop
};

// Publishes with all cameras and returns when they have ended. Blocks the calling thread, which is no shard; starts
// its own. request_stop() ends it early: frames stop, the last packets get their two seconds. An error is a bad option
// or file; what went wrong with one camera is in its result.
base::Result<std::vector<CameraResult>> publish(const CameraOptions& options);

// Publishes and prints; the exit status: 0 when every camera connected and nothing failed. SIGINT and SIGTERM stop it.
int run_camera(const CameraOptions& options);

}  // namespace client
