// SPDX-License-Identifier: Apache-2.0
#include "streams/audio_renderer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "base/check.hpp"
#include "streams/aac/encoder.hpp"
#include "streams/audio_timeline.hpp"

namespace streams {
namespace {

using base::Bytes;
using base::Result;

constexpr auto kLongestFragment = std::chrono::seconds(60);
constexpr std::int64_t kUnitsAhead = kAacReach / kAacFrameSamples - 1;  // frames after its own that a unit needs

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value >= 0 ? value / by : -((-value + by - 1) / by);
}
std::int64_t ceil_divide(std::int64_t value, std::int64_t by) {
  return -floor_divide(-value, by);
}

// Straight up to 0.8, then bent so that any sum of participants stays below full scale.
float soft_clip(float sample) {
  static constexpr float kKnee = 0.8F;
  const float size = std::abs(sample);
  if (size <= kKnee) return sample;
  const float bent = kKnee + (1 - kKnee) * std::tanh((size - kKnee) / (1 - kKnee));
  return std::copysign(bent, sample);
}

TimelinePcm mix(std::span<const OpusPacket> packets, std::int64_t from, std::int64_t first, std::int64_t end) {
  std::map<std::uint32_t, std::vector<OpusPacket>> tracks;
  for (const OpusPacket& packet : packets) tracks[packet.track].push_back(packet);
  const auto size = static_cast<std::size_t>(end - first);
  TimelinePcm sum(first, size);
  for (auto& [number, own] : tracks) {
    std::ranges::sort(own, [](const OpusPacket& a, const OpusPacket& b) {
      return std::pair(a.time, a.rtp_timestamp) < std::pair(b.time, b.rtp_timestamp);
    });
    TimelinePcm one(first, size);
    decode_onto_timeline(own, from, one);
    for (std::size_t i = 0; i < size; ++i) sum.left[i] += one.left[i];
    for (std::size_t i = 0; i < size; ++i) sum.right[i] += one.right[i];
  }
  std::ranges::transform(sum.left, sum.left.begin(), soft_clip);
  std::ranges::transform(sum.right, sum.right.begin(), soft_clip);
  return sum;
}

// Walks the units of a fragment with an encoder that exists only where there is something to hear.
class UnitEncoder {
 public:
  UnitEncoder(const TimelinePcm& pcm, std::int64_t look_back, AacChoice choice)
      : pcm_(pcm), look_back_(look_back), choice_(choice) {}

  Result<Bytes> encode(std::int64_t unit) {
    if (is_silent(unit)) {
      encoder_.reset();
      return silent_unit(choice_);
    }
    if (!encoder_) {
      TRY(encoder_, aac::open_encoder(choice_));
      for (std::int64_t frame = unit - look_back_; frame < unit + kUnitsAhead; ++frame) {
        if (auto given = encoder_->encode(frame_at(frame)); !given) return base::fail(std::move(given).error());
      }
    }
    TRY(std::optional<Bytes> given, encoder_->encode(frame_at(unit + kUnitsAhead)));
    if (!given) return base::fail(base::Errc::Internal, "AAC encoder gave no unit");
    return *std::move(given);
  }

 private:
  aac::Pcm frame_at(std::int64_t frame) const {
    aac::Pcm out{};
    const std::int64_t start = frame * kAacFrameSamples - pcm_.origin;
    if (start < 0 || start + kAacFrameSamples > static_cast<std::int64_t>(pcm_.size())) return out;
    std::copy_n(pcm_.left.begin() + start, kAacFrameSamples, out[0].begin());
    std::copy_n(pcm_.right.begin() + start, kAacFrameSamples, out[1].begin());
    return out;
  }

  // The frame before counts too: an attack at its end makes the unit a LONG_STOP.
  bool is_silent(std::int64_t unit) const {
    const std::int64_t start = std::max<std::int64_t>(0, (unit - 1) * kAacFrameSamples - pcm_.origin);
    const std::int64_t end = unit * kAacFrameSamples - pcm_.origin + kAacReach;
    const auto silent = [start, end](const std::vector<float>& samples) {
      return std::all_of(samples.begin() + start, samples.begin() + end, [](float x) { return x == 0; });
    };
    return silent(pcm_.left) && silent(pcm_.right);
  }

  // What the encoder gives for silence, made once for the process.
  static Result<Bytes> silent_unit(AacChoice choice) {
    static const Result<Bytes> kOwn = make_silent_unit(AacChoice::Own);
    if (choice == AacChoice::Own) return kOwn;
    static const Result<Bytes> kFfmpeg = make_silent_unit(AacChoice::Ffmpeg);
    return kFfmpeg;
  }
  static Result<Bytes> make_silent_unit(AacChoice choice) {
    TRY(std::unique_ptr<aac::Encoder> encoder, aac::open_encoder(choice));
    std::optional<Bytes> last;
    for (int i = 0; i < 4; ++i) {
      TRY(last, encoder->encode(aac::Pcm{}));
    }
    if (!last) return base::fail(base::Errc::Internal, "AAC encoder gave no unit");
    return *std::move(last);
  }

  const TimelinePcm& pcm_;
  const std::int64_t look_back_;
  const AacChoice choice_;
  std::unique_ptr<aac::Encoder> encoder_;
};

}  // namespace

std::int64_t to_timeline_sample(base::WallTime time) {
  return ceil_divide(base::to_microseconds(time) * 6, 125);
}

AacUnits find_aac_units(base::WallTime start, base::WallTime end) {
  // Unit n needs samples up to 1024 n + kAacReach - 1; that one lies in [start, end).
  const auto first_with_last_from = [](std::int64_t sample) {
    return ceil_divide(sample + 1 - kAacReach, kAacFrameSamples);
  };
  const std::int64_t first = first_with_last_from(to_timeline_sample(start));
  const std::int64_t past = first_with_last_from(to_timeline_sample(end));
  return {first, std::max<std::int64_t>(0, past - first)};
}

AacUnits find_edged_units(base::WallTime start, base::WallTime end, SoundEdges edges) {
  const auto first_from = [](base::WallTime time) { return ceil_divide(to_timeline_sample(time), kAacFrameSamples); };
  const AacUnits own = find_aac_units(start, end);
  const std::int64_t first = edges.from_picture ? first_from(start) : own.first;
  const std::int64_t past = edges.to_picture ? first_from(end) : own.past();
  return {first, std::max<std::int64_t>(0, past - first)};
}

AacSpan span_of(const AacUnits& units) {
  // In the middle between the last samples of two units: a microsecond more or less changes nothing.
  const auto before_last_sample = [](std::int64_t unit) {
    const std::int64_t sample = unit * kAacFrameSamples + kAacReach - 1 - kAacFrameSamples / 2;
    return base::from_microseconds(floor_divide(sample * 125, 6));
  };
  // A packet's first sample lies before its time, by the delay of its encoder.
  const base::WallTime past = before_last_sample(units.first + units.count);
  const auto rest = std::chrono::microseconds((kAacFrameSamples / 2 + 1 - to_packet_position({})) * 125 / 6);
  return {before_last_sample(units.first), past, past + rest};
}

base::WallTime audio_look_back(base::WallTime start) {
  const AudioLookBack look_back;
  const std::int64_t sample = (find_aac_units(start, start).first - look_back.aac_units) * kAacFrameSamples;
  // A packet begins up to its own length before the sample that it holds; the position adds the encoder delay.
  const std::int64_t reach = sample - look_back.opus_samples;
  return base::from_microseconds(floor_divide(reach * 125, 6));
}

RenderedAudio::RenderedAudio(std::int64_t first, Bytes units, std::span<const std::uint32_t> ends)
    : first_sample(first), bytes_(std::move(units)) {
  bytes_.shrink_to_fit();
  units_.reserve(ends.size());
  std::size_t begin = 0;
  for (const std::uint32_t end : ends) {
    CHECK(begin <= end && end <= bytes_.size());
    units_.push_back(base::ByteView(bytes_).subspan(begin, end - begin));
    begin = end;
  }
}

Result<RenderedAudio> render_audio(std::span<const OpusPacket> packets, base::WallTime start, base::WallTime end,
                                   const AudioLookBack& look_back, AacChoice choice) {
  if (end - start > kLongestFragment) {
    return base::fail(base::Errc::Corrupt, fmt::format("fragment of {} s: at most 60 s are rendered",
                                                       std::chrono::ceil<std::chrono::seconds>(end - start).count()));
  }
  const AacUnits units = find_aac_units(start, end);
  if (units.count == 0) return RenderedAudio(units.first_sample(), {}, {});
  const std::int64_t first = (units.first - look_back.aac_units) * kAacFrameSamples;
  const std::int64_t past = (units.first + units.count - 1) * kAacFrameSamples + kAacReach;
  const TimelinePcm pcm = mix(packets, first - look_back.opus_samples, first, past);

  UnitEncoder encoder(pcm, look_back.aac_units, choice);
  Bytes bytes;
  std::vector<std::uint32_t> ends;
  ends.reserve(static_cast<std::size_t>(units.count));
  for (std::int64_t unit = units.first; unit < units.first + units.count; ++unit) {
    TRY(const Bytes one, encoder.encode(unit));
    base::append(bytes, one);
    ends.push_back(static_cast<std::uint32_t>(bytes.size()));
  }
  return RenderedAudio(units.first_sample(), std::move(bytes), ends);
}

base::ByteView rendered_audio_config() {
  static constexpr std::uint8_t kConfig[] = {0x11, 0x90};  // AAC-LC, 48 kHz, two channels
  return kConfig;
}

}  // namespace streams
