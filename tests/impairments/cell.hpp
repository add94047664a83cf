// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is done to one simulated session, and what became of it.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace impairments {

using namespace std::chrono_literals;

inline constexpr int kFramesPerSecond = 30;
inline constexpr std::chrono::microseconds kFrameTime{1'000'000 / kFramesPerSecond};

// What the camera's sender reports are like.
enum class Reports : std::uint8_t {
  Correct,
  Missing,     // no RTCP of the camera arrives
  Late,        // each arrives 5 s late: after the first fragment is closed
  OldClock,    // the camera's clock began at 1970
  ClockSteps,  // the camera's clock is set back by an hour in mid-session
  VideoAhead,  // those of the video are 10 s ahead of those of the sound
};

// Lasts `length` from the first picture. What happens once happens kEventAt after the first picture.
struct Cell {
  std::string name;
  unsigned loss_permille = 0;
  bool bursty = false;  // losses come in runs of 5 on average (Gilbert's model)
  base::Duration round_trip = 50ms;
  unsigned reorder_permille = 0;    // held back by 10 to 50 ms
  unsigned duplicate_permille = 0;  // come again within 30 ms
  base::Duration blackout{};        // nothing passes, either way
  bool new_address = false;         // the camera's NAT gives it another port
  int camera_ppm = 0;               // the camera's clock against the server's
  int sound_ppm = 0;                // the camera's sound against its own clock
  Reports reports = Reports::Correct;
  bool new_ssrc = false;
  bool new_payload_type = false;
  bool new_size = false;
  bool dtx = false;  // silence for 3 of every 5 seconds, and no packets but one in 400 ms then
  base::Duration length = 20s;
  bool quick = false;  // part of every test run
};
inline constexpr base::Duration kEventAt = 7'777ms;

struct Result {
  std::uint64_t sent = 0;       // pictures handed to a connected peer
  std::uint64_t hit = 0;        // of these, pictures of which the wire lost a packet
  std::uint64_t recovered = 0;  // of those, stored
  std::uint64_t stored = 0;
  std::uint64_t decoded = 0;  // pictures that ffmpeg made of the stored fragments
  std::uint64_t sound_sent = 0;
  std::uint64_t sound_stored = 0;
  std::uint64_t altered = 0;   // stored, but not what was sent, or twice
  std::uint64_t unmarked = 0;  // pictures with others missing before them, where no gap is recorded
  std::uint64_t fragments = 0;
  std::chrono::microseconds skew{};            // the greatest between a sound packet and the picture beside it
  std::chrono::microseconds duration_error{};  // of each connection, and of each fragment that another follows
  // Blackout only, from its end or from the rejoin: to when the first stored picture was taken, to when the recorder
  // got one.
  std::optional<base::Duration> picture_taken, picture_back;
  std::string ended;  // why the server ended the first connection
  std::string decode_errors;
  std::uint64_t lost() const { return sent - stored; }
};

}  // namespace impairments
