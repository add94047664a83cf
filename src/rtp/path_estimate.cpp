// SPDX-License-Identifier: Apache-2.0
#include "rtp/path_estimate.hpp"

#include <algorithm>
#include <utility>

namespace rtp {
namespace {

constexpr std::size_t kFirstSlots = 256;
constexpr std::size_t kMaxSlots = 4096;
// A slot that is needed again this soon says that there are too few: feedback may come a second late.
constexpr std::uint32_t kRemember = 2'000'000;
constexpr std::uint16_t kOfTrain = 0x8000;
constexpr std::uint16_t kMaxSize = 0x7fff;
// Queues of this length, in microseconds: that grow are noticed; that do not drain are too long.
constexpr std::int64_t kNoticeable = 80'000;
constexpr std::int64_t kTooLong = 250'000;
constexpr std::int64_t kGrowth = 3'000;      // from one sixth of a second to the next: 2 % more than the path carries
constexpr std::int64_t kDraining = 100'000;  // from one half second to the next: 20 % less
// What follows within this time belongs to the burst: a source's packets may come to us in several ticks.
constexpr std::uint32_t kTrainGap = 20'000;
// A burst out of a queue: so many times what the source sends meanwhile, and so many bytes at least.
constexpr std::uint64_t kMuchFaster = 3;
constexpr std::uint64_t kLeastBurst = 2500;
constexpr std::int64_t kHopeless = 1'500'000;  // a queue of this length: whatever comes out of it is not enough
constexpr base::Duration kNoQueue = std::chrono::milliseconds(15);

std::uint32_t microseconds_of(base::Instant now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
}

}  // namespace

bool PathEstimate::Train::carries(std::uint64_t bits_per_second) const {
  if (!whole) return false;
  if (added_wait <= kNoQueue) return true;
  return static_cast<double>(bits) / std::chrono::duration<double>(spread).count() >=
         static_cast<double>(bits_per_second);
}

void PathEstimate::grow() {
  const std::vector<Sent> old = std::exchange(sent_, std::vector<Sent>(std::max(kFirstSlots, sent_.size() * 2)));
  for (const Sent& one : old) {
    if (one.size != 0) sent_[one.number & (sent_.size() - 1)] = one;
  }
}

bool PathEstimate::comes_in_bursts(std::uint64_t source_rate) const {
  if (short_.last_queue >= kHopeless) return false;
  const std::uint64_t sent_meanwhile = source_rate * kBurst / 8'000'000;
  return std::max(largest_burst_, older_largest_burst_) >= std::max(kLeastBurst, kMuchFaster * sent_meanwhile);
}

bool PathEstimate::is_congested() const {
  if (!base_wait_ || told_of_ == last_number_) return false;
  return last_wait_ - least_wait() > kTooLong;
}

void PathEstimate::note_sent(base::Instant now, std::uint16_t number, std::size_t bytes, bool of_train) {
  last_number_ = number;
  const std::uint32_t at = microseconds_of(now);
  if (of_train) {
    last_of_train_ = at;
    last_of_train_number_ = number;
  }
  if (sent_.empty()) grow();
  const Sent& before = sent_[number & (sent_.size() - 1)];
  if (before.size != 0 && at - before.at < kRemember && sent_.size() < kMaxSlots) grow();
  const auto size = static_cast<std::uint16_t>(std::clamp<std::size_t>(bytes, 1, kMaxSize));
  sent_[number & (sent_.size() - 1)] = {at, number, of_train ? static_cast<std::uint16_t>(size | kOfTrain) : size};
}

PathEstimate::Sent* PathEstimate::find(std::uint16_t number) {
  if (sent_.empty()) return nullptr;
  Sent& slot = sent_[number & (sent_.size() - 1)];
  return slot.size != 0 && slot.number == number ? &slot : nullptr;
}

void PathEstimate::handle_feedback(base::Instant now, const TransportFeedback& feedback) {
  const bool is_first = !arrival_;
  // 24 bits of 64 ms: nearest to the last one.
  const std::int64_t before = arrival_.value_or(feedback.reference_time);
  const auto step = static_cast<std::uint32_t>(feedback.reference_time) - static_cast<std::uint32_t>(before);
  arrival_ = before + (static_cast<std::int32_t>(step << 8) >> 8);
  std::int64_t arrived = *arrival_ * 64'000;
  const std::uint32_t clock = microseconds_of(now);
  const std::int64_t here = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  std::uint16_t number = feedback.base_sequence;
  for (const auto delta : feedback.deltas) {
    if (delta) arrived += *delta * 250;
    Sent* sent = find(number++);
    if (sent == nullptr) continue;
    const bool of_train = (sent->size & kOfTrain) != 0;
    if (delta) {
      take_arrival({here - static_cast<std::uint32_t>(clock - sent->at), arrived,
                    static_cast<std::uint64_t>(sent->size & kMaxSize), of_train});
      sent->size = 0;  // told of once: a repeated feedback says nothing new
    } else if (of_train && open_) {
      open_->whole = false;
    }
  }
  const auto last = static_cast<std::uint16_t>(number - 1);
  if (is_first || static_cast<std::int16_t>(last - told_of_) > 0) told_of_ = last;
  const bool nothing_follows = clock - last_of_train_ > kTrainGap;
  const bool all_told = static_cast<std::int16_t>(told_of_ - last_of_train_number_) >= 0;
  if (open_ && nothing_follows && all_told) close_train();
}

void PathEstimate::take_arrival(const Arrived& packet) {
  take_wait(packet.sent, packet.arrived - packet.sent);
  extend_burst(packet);
  if (packet.of_train) extend_train(packet);
}

void PathEstimate::take_wait(std::int64_t sent, std::int64_t wait) {
  last_wait_ = wait;
  if (base_wait_ && sent - base_since_ > kBaseWindow) {
    older_base_wait_ = base_wait_;
    base_wait_.reset();
  }
  if (!base_wait_) base_since_ = sent;
  base_wait_ = std::min(base_wait_.value_or(wait), wait);
  const std::int64_t short_before = short_.last_queue;
  if (const auto queue = take_window(short_, sent, wait)) {
    growing_ = *queue >= kNoticeable && *queue > short_before + kGrowth ? growing_ + 1 : 0;
  }
  const std::int64_t long_before = long_.last_queue;
  if (const auto queue = take_window(long_, sent, wait)) {
    standing_ = *queue >= kTooLong && *queue > long_before - kDraining ? standing_ + 1 : 0;
  }
}

// The queue of a stretch that ends with this packet, which is the first of the next one.
std::optional<std::int64_t> PathEstimate::take_window(Window& window, std::int64_t sent, std::int64_t wait) const {
  std::optional<std::int64_t> queue;
  if (window.since && sent - *window.since >= window.length) {
    queue = *window.wait - least_wait();
    window.last_queue = *queue;
    window.since.reset();
    window.wait.reset();
  }
  if (!window.since) window.since = sent;
  window.wait = std::min(window.wait.value_or(wait), wait);
  return queue;
}

void PathEstimate::forget_queue() {
  growing_ = standing_ = 0;
  short_ = Window{kShortWindow};
  long_ = Window{kLongWindow};
}

void PathEstimate::extend_burst(const Arrived& packet) {
  if (packet.arrived - bursts_since_ > kBurstWindow) {
    older_largest_burst_ = std::exchange(largest_burst_, 0);
    bursts_since_ = packet.arrived;
  }
  const bool waited = last_wait_ - least_wait() >= kNoticeable;
  if (!waited || packet.arrived - burst_.first_arrived > kBurst) {
    burst_ = {packet.arrived, 0};
    return;
  }
  burst_.bytes += packet.bytes;
  largest_burst_ = std::max(largest_burst_, burst_.bytes);
}

void PathEstimate::extend_train(const Arrived& packet) {
  if (open_ && packet.sent - open_->last_sent > kTrainGap) close_train();
  if (!open_) {
    open_ = OpenTrain{packet.sent, packet.sent, packet.arrived, packet.arrived};
    return;
  }
  open_->last_sent = std::max(open_->last_sent, packet.sent);
  open_->last_arrived = std::max(open_->last_arrived, packet.arrived);
  open_->bytes += packet.bytes;
  ++open_->packets;
}

void PathEstimate::close_train() {
  const OpenTrain train = *std::exchange(open_, std::nullopt);
  if (train.packets < kTrain) return;
  const std::int64_t spread = train.last_arrived - train.first_arrived;
  train_ = Train{train.bytes * 8, std::chrono::microseconds(spread),
                 std::chrono::microseconds(spread - (train.last_sent - train.first_sent)), train.whole};
}

std::optional<PathEstimate::Train> PathEstimate::take_train() {
  return std::exchange(train_, std::nullopt);
}

}  // namespace rtp
