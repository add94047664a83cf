// SPDX-License-Identifier: Apache-2.0
#pragma once
// A participant as the mix hears it: jitter buffer, decoder, concealment, and a clock that follows the sender's.

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "conference/codec.hpp"
#include "conference/input.hpp"

namespace conference {

// What waits between arrival and the mix, beyond the duration of one packet: 20 to 120 ms, as even as the packets come.
class Voice {
 public:
  using Frame = std::array<float, kFrameSamples>;
  // What encoders are primed with.
  using Past = std::array<float, 5 * kFrameSamples>;

  Voice(std::shared_ptr<const Input> input, Stats& stats);

  // Once, before the first read. The decoder first takes what went before, so that it is where the listeners' are.
  // start_at: the first frame of an encoder fed with what is read comes out as the sound from the sender's time
  // `content` on. start: where the queue has its target length.
  void start_at(std::int64_t content);
  void start(base::Instant now);
  // When the queue of a voice that was started by start_at has its target length.
  base::Instant ready_at() const;

  // The next 20 ms. What is not there is concealed, then silent.
  void read(base::Instant now, Frame& out);
  // What comes before the 20 ms that read() will give.
  void read_before(Past& out);

  // Moves what is read, within 0.5 % of its speed, until frames begin where packets begin.
  void align(bool wanted) { aligning_ = wanted; }
  // The sender's time up to which listeners have heard, if a packet begins there: forwarding can go on with it.
  std::optional<std::int64_t> boundary() const;
  // Packets that end before this sender's time come too late.
  std::int64_t next_needed() const { return next_; }

  // In samples at 48 kHz.
  double queue(base::Instant now) const;
  double target() const;
  const std::shared_ptr<const Input>& input() const { return input_; }

 private:
  void warm_up(std::int64_t position);
  void decode_until(double position);
  void decode_next();
  void decode_gap(const StoredPacket& next);
  void make_up();
  void conceal(base::ByteView next, std::size_t samples);
  double choose_step(base::Instant now) const;
  double distance_to_boundary() const;
  void cut_queue(base::Instant now, Frame& out);
  void forget_heard();
  void read_at(double position, double step, Frame& out);
  double end() const { return static_cast<double>(start_ + static_cast<std::int64_t>(samples_.size())); }

  std::shared_ptr<const Input> input_;
  Stats& stats_;
  Decoder decoder_;
  std::vector<float> samples_;  // decoded, from about 20 ms before position_
  std::int64_t start_ = 0;      // position of the first of samples_
  double position_ = 0;         // of the next frame
  std::int64_t next_ = 0;       // sender's time of what is decoded next
  // Positions minus sender's times: grows by what was made up while packets were late, shrinks when they turn out lost.
  std::int64_t shift_ = 0;
  std::int64_t made_up_ = 0;  // samples since the last packet
  bool aligning_ = false;
};

}  // namespace conference
