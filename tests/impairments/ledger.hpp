// SPDX-License-Identifier: Apache-2.0
#pragma once
// What was sent against what was stored. Every stored frame is found again by its RTP time and must be the very bytes;
// so the stored times can be held against the times of capture, which nothing under test has computed.

#include <map>
#include <optional>
#include <set>

#include "cell.hpp"
#include "codecs/frame.hpp"
#include "streams/fragment_log.hpp"

namespace impairments {

class Ledger {
 public:
  struct Sent {
    int connection = 0;                   // counts joins
    std::chrono::microseconds capture{};  // by the camera's clock, since its first picture
    base::Instant taken;                  // the same, in true time
    std::uint64_t fingerprint = 0;
    bool seen = false;  // stored already
  };

  void note_sent(codecs::MediaKind kind, std::uint32_t rtp, Sent sent, base::ByteView payload);
  void note_stored(const streams::FragmentDraft& draft);
  // Only what was sent after `horizon` can still be stored: bounds the memory of long runs.
  void forget_before(base::Instant horizon);

  // Fills what follows from both sides. `lost_media`: RTP times that the wire hit.
  void fill(Result& result, const std::set<std::uint32_t>& lost_media) const;
  // When the first stored picture at or after `when` was taken.
  std::optional<base::Instant> first_picture_after(base::Instant when) const;
  // When the picture with this RTP time was taken.
  std::optional<base::Instant> taken(std::int64_t rtp) const;
  std::chrono::microseconds skew() const { return skew_; }

 private:
  struct Place {
    std::chrono::microseconds capture{};
    base::WallTime stored;
  };
  using Sends = std::map<std::uint32_t, Sent>;

  Sent* find(Sends& sends, std::int64_t rtp, base::ByteView payload);
  void note_picture(const Sent& sent, base::WallTime stored);
  void note_seam(const streams::FragmentDraft& draft, const Sent& sent, bool first);

  Sends pictures_, sounds_;
  std::uint64_t pictures_sent_ = 0, sounds_sent_ = 0, pictures_stored_ = 0, sounds_stored_ = 0;
  std::uint64_t altered_ = 0, unmarked_ = 0, fragments_ = 0;
  std::map<int, Place> first_of_;  // of each connection
  std::optional<Sent> last_picture_;
  std::optional<base::WallTime> last_end_;
  std::chrono::microseconds skew_{}, duration_error_{};
};

}  // namespace impairments
