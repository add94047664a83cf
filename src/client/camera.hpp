// SPDX-License-Identifier: Apache-2.0
#pragma once
// `tidegate camera`: KVS masters that publish over real WebRTC to any endpoint. Also the load generator.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace client {

struct CameraOptions {
  std::string endpoint = "http://127.0.0.1:8080";  // of the control plane; the rest is asked for there
  std::string region = "us-east-1";
  std::string access_key;
  std::string secret_key;
  std::string session_token;
  std::string ca_file;    // PEM; empty: the system's store
  bool insecure = false;  // accept any TLS certificate

  std::string channel = "camera";
  std::string stream;        // empty: named as the channel
  bool create = false;       // make channel, stream and their mapping where they are missing
  int retention_hours = 24;  // of a stream made here

  std::string h264_file;  // Annex B; empty: a built-in test picture
  std::string opus_file;  // Ogg Opus; empty: a tone with the test picture, nothing with a file
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

  // Play a poorer peer: answers, extensions, SRTP profiles and habits of webrtc-sdk-c.
  bool like_c_sdk = false;

  bool json = false;   // one JSON document on standard output instead of lines for people
  bool quiet = false;  // no progress lines on standard error
};

// Since JoinStorageSession was sent (the join that led to the connection); absent: never came.
struct CameraTimings {
  std::optional<base::Duration> join;            // its answer
  std::optional<base::Duration> offer;           // SDP_OFFER on the WebSocket
  std::optional<base::Duration> ice;             // a pair was selected
  std::optional<base::Duration> dtls;            // media can flow
  std::optional<base::Duration> first_fragment;  // listed by ListFragments, so durable
};

struct CameraResult {
  std::string channel;
  std::string error;  // empty: all went well
  CameraTimings timings;
  int joins = 0;
  std::uint64_t video_frames = 0;
  std::uint64_t audio_frames = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_resent = 0;
  std::uint64_t key_frame_requests = 0;
  base::Duration published{};  // media time
};

// Publishes with all cameras and returns when they have ended. Blocks the calling thread, which is no shard; starts
// its own. An error is a bad option or file; what went wrong with one camera is in its result.
base::Result<std::vector<CameraResult>> publish(const CameraOptions& options);

// Makes publish() end early: frames stop, the last packets get their two seconds. Safe in a signal handler.
void stop_publishing();

// Publishes and prints; the exit status: 0 when every camera connected and nothing failed. SIGINT and SIGTERM stop it.
int run_camera(const CameraOptions& options);

}  // namespace client
