// SPDX-License-Identifier: Apache-2.0
#include "ledger.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "container/matroska_parser.hpp"

namespace impairments {
namespace {

using std::chrono::microseconds;

constexpr std::uint32_t kVideoTrack = 1;

// FNV-1a: enough to notice another frame or a changed byte.
std::uint64_t fingerprint(base::ByteView bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash ^ bytes.size();
}

microseconds distance(auto a, auto b) {
  return std::chrono::abs(a - b);
}

}  // namespace

void Ledger::note_sent(codecs::MediaKind kind, std::uint32_t rtp, Sent sent, base::ByteView payload) {
  const bool video = kind == codecs::MediaKind::Video;
  sent.fingerprint = fingerprint(payload);
  ++(video ? pictures_sent_ : sounds_sent_);
  (video ? pictures_ : sounds_).insert_or_assign(rtp, sent);
}

void Ledger::forget_before(base::Instant horizon) {
  for (Sends* sends : {&pictures_, &sounds_}) {
    std::erase_if(*sends, [&](const auto& each) { return each.second.taken < horizon; });
  }
}

Ledger::Sent* Ledger::find(Sends& sends, std::int64_t rtp, base::ByteView payload) {
  const auto found = sends.find(static_cast<std::uint32_t>(rtp));
  if (found == sends.end() || found->second.seen || found->second.fingerprint != fingerprint(payload)) {
    ++altered_;
    return nullptr;
  }
  found->second.seen = true;
  return &found->second;
}

void Ledger::note_stored(const streams::FragmentDraft& draft) {
  ++fragments_;
  const auto document = container::parse_matroska(*draft.payload);
  CHECK(document);
  bool first = true;
  // The picture that a sound packet is held against: the last one before it, the first one for what comes before.
  std::optional<microseconds> picture_offset;
  std::vector<microseconds> early_sound;
  const auto hold_against = [&](microseconds sound) { skew_ = std::max(skew_, distance(sound, *picture_offset)); };
  for (const container::Block& block : document->blocks) {
    const bool video = block.track == kVideoTrack;
    const Sent* sent = find(video ? pictures_ : sounds_, block.rtp_timestamp, block.payload);
    if (sent == nullptr) continue;
    const microseconds offset = block.time.time_since_epoch() - sent->capture;
    if (!video) {
      ++sounds_stored_;
      if (last_picture_ && last_picture_->connection != sent->connection) continue;
      if (picture_offset) {
        hold_against(offset);
      } else {
        early_sound.push_back(offset);
      }
      continue;
    }
    note_seam(draft, *sent, std::exchange(first, false));
    note_picture(*sent, block.time);
    picture_offset = offset;
    for (const microseconds sound : std::exchange(early_sound, {})) hold_against(sound);
  }
  last_end_ = draft.producer_time + draft.duration;
}

void Ledger::note_picture(const Sent& sent, base::WallTime stored) {
  ++pictures_stored_;
  const auto [first, fresh] = first_of_.try_emplace(sent.connection, Place{sent.capture, stored});
  if (!fresh) {
    const microseconds error = distance(stored - first->second.stored, sent.capture - first->second.capture);
    duration_error_ = std::max(duration_error_, error);
  }
  last_picture_ = sent;
}

// What is missing before a picture must be said by a gap in front of its fragment; inside a fragment nothing may be
// missing, for the pictures behind a hole decode to something else.
void Ledger::note_seam(const streams::FragmentDraft& draft, const Sent& sent, bool first) {
  if (!last_picture_ || (first && draft.gap_before)) return;
  const bool contiguous = sent.connection == last_picture_->connection &&
                          distance(sent.capture, last_picture_->capture + kFrameTime) < kFrameTime / 2;
  if (!contiguous) ++unmarked_;
  if (first && last_end_) duration_error_ = std::max(duration_error_, distance(draft.producer_time, *last_end_));
}

void Ledger::fill(Result& result, const std::set<std::uint32_t>& lost_media) const {
  result.sent = pictures_sent_;
  result.stored = pictures_stored_;
  result.sound_sent = sounds_sent_;
  result.sound_stored = sounds_stored_;
  result.altered = altered_;
  result.unmarked = unmarked_;
  result.fragments = fragments_;
  result.skew = skew_;
  result.duration_error = duration_error_;
  for (const std::uint32_t rtp : lost_media) {
    const auto picture = pictures_.find(rtp);
    if (picture == pictures_.end()) continue;
    ++result.hit;
    if (picture->second.seen) ++result.recovered;
  }
}

std::optional<base::Instant> Ledger::taken(std::int64_t rtp) const {
  const auto found = pictures_.find(static_cast<std::uint32_t>(rtp));
  if (found == pictures_.end()) return std::nullopt;
  return found->second.taken;
}

std::optional<base::Instant> Ledger::first_picture_after(base::Instant when) const {
  std::optional<base::Instant> first;
  for (const auto& [rtp, sent] : pictures_) {
    if (sent.seen && sent.taken >= when && (!first || sent.taken < *first)) first = sent.taken;
  }
  return first;
}

}  // namespace impairments
