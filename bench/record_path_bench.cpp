// SPDX-License-Identifier: Apache-2.0
// What a packet costs from the SRTP opener to the fragment that is handed to the store, and how often it allocates:
// many cameras by turns, so that each finds its state as cold as on a server. Beside it what remains when nothing is
// done but to copy the packets. items_per_second counts packets.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/check.hpp"
#include "base/random.hpp"
#include "codecs/h264_nal.hpp"
#include "counted.hpp"
#include "rtp/session.hpp"
#include "streams/recorder.hpp"

namespace {

std::atomic<std::uint64_t> allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

using namespace std::chrono_literals;

constexpr base::Instant kStart{1s};
const base::WallTime kToday = base::from_microseconds(1'790'000'000'000'000);
constexpr int kGroup = 50;  // pictures between key frames, two seconds

// Takes fragments and answers at once, as the store's thread would a little later.
class ForgetfulLog final : public streams::FragmentLog {
 public:
  streams::StreamKey stream() const override { return {1, 1}; }
  streams::FragmentNumber open_fragment(base::WallTime) override { return {++last_}; }
  void commit(streams::FragmentNumber number, streams::FragmentDraft draft, Committed done) override {
    bytes += draft.payload->size();
    streams::StoredFragment stored;
    stored.header.number = number;
    done(stored);
  }
  void abandon(streams::FragmentNumber) override {}
  std::optional<streams::StoredFragment> last() const override { return std::nullopt; }
  std::optional<streams::RecordingEnd> recorded_until() const override { return std::nullopt; }
  async::Task<base::Result<streams::FragmentPage>> list(streams::FragmentQuery) override { co_return unread(); }
  async::Task<base::Result<streams::FragmentPage>> list_next(std::string, std::size_t) override { co_return unread(); }
  async::Task<base::Result<std::optional<streams::StoredFragment>>> find(streams::FragmentNumber) override {
    co_return unread();
  }
  async::Task<base::Result<std::vector<streams::StoredFragment>>> after(streams::FragmentNumber, std::size_t) override {
    co_return unread();
  }
  async::Task<base::Result<std::vector<streams::StoredFragment>>> newest(std::size_t) override { co_return unread(); }
  async::Task<base::Result<std::optional<streams::StoredFragment>>> starting_at(streams::TimeAxis,
                                                                                base::WallTime) override {
    co_return unread();
  }
  async::Task<base::Result<streams::Coverage>> coverage(streams::CoverageQuery) override { co_return unread(); }
  async::Task<base::Result<streams::Payload>> read(streams::StoredFragment) override { co_return unread(); }
  async::Task<std::optional<streams::StoredFragment>> wait_after(streams::FragmentNumber, base::Duration) override {
    co_return std::nullopt;
  }
  bool deleted() const override { return false; }

  std::uint64_t bytes = 0;

 private:
  static std::unexpected<base::Error> unread() { return base::fail(base::Errc::Unsupported, "nobody reads"); }
  std::uint64_t last_ = 0;
};

// One step of 20 ms: what of a camera's packets comes in it.
using Step = std::vector<base::Bytes>;

// Two seconds of a camera: 25 pictures a second at 560 kbit/s, and 50 Opus packets of 160 bytes.
std::vector<Step> make_group() {
  base::SeededRandom random(1);
  rtp::SenderOptions video;
  video.payload_type = 96;
  video.ssrc = 1;
  rtp::SenderOptions audio;
  audio.kind = codecs::MediaKind::Audio;
  audio.payload_type = 111;
  audio.ssrc = 2;
  rtp::SessionOptions options;
  options.senders = {video, audio};
  options.transport_cc_extension = 3;
  rtp::Session camera(kStart, random, options);
  std::vector<Step> steps;
  for (int i = 0; i < 2 * kGroup; ++i) {
    codecs::Frame sound{codecs::CodecId::Opus, true, base::Bytes(160)};
    random.fill(sound.payload);
    sound.payload[0] = 0xfc;  // CELT, 20 ms, stereo
    camera.send_frame(kStart, sound, static_cast<std::uint32_t>(i) * 960, kToday);
    if (i % 2 == 0) {
      codecs::Frame picture{codecs::CodecId::H264, i == 0, {}};
      base::Bytes slice(i == 0 ? 20'000 : 2'400);
      random.fill(slice);
      slice[0] = i == 0 ? 0x65 : 0x41;
      slice[1] = 0x88;
      if (i == 0) {
        codecs::h264::append_nal(picture.payload,
                                 base::parse_hex("6742c00dd90141fb011000000300100000030320f142a480").value());
        codecs::h264::append_nal(picture.payload, base::parse_hex("68cb83cb20").value());
      }
      codecs::h264::append_nal(picture.payload, slice);
      camera.send_frame(kStart, picture, static_cast<std::uint32_t>(i) * 1800, kToday);
    }
    Step& step = steps.emplace_back();
    while (auto packet = camera.poll_packet()) step.push_back(std::move(packet->bytes));
  }
  return steps;
}

// The group again, as if the camera had gone on: what counts up in the headers does so.
class Repeater {
 public:
  explicit Repeater(std::vector<Step> steps) : steps_(std::move(steps)) {
    for (const Step& step : steps_) {
      for (const base::Bytes& packet : step) ++(is_video(packet) ? video_ : audio_);
    }
  }
  std::size_t packets() const { return video_ + audio_; }
  std::size_t steps() const { return steps_.size(); }

  // Writes the packets of step `at` into `slab` and says where each lies.
  void copy(std::uint64_t at, base::Bytes& slab, std::vector<base::ByteView>& views) const {
    const std::uint64_t round = at / steps_.size();
    slab.clear();
    views.clear();
    for (const base::Bytes& packet : steps_[at % steps_.size()]) {
      const std::size_t begin = slab.size();
      base::append(slab, packet);
      add(slab, begin + 2, 2, round * (is_video(packet) ? video_ : audio_));
      add(slab, begin + 4, 4, round * (is_video(packet) ? 180'000 : 96'000));
      add(slab, begin + kTransportSequenceAt, 2, round * packets());
      views.emplace_back(slab.data() + begin, packet.size());
    }
  }

 private:
  static constexpr std::size_t kTransportSequenceAt = 17;  // header 12, profile and length 4, id 1
  static bool is_video(base::ByteView packet) { return (packet[1] & 0x7f) == 96; }
  static void add(base::Bytes& bytes, std::size_t at, std::size_t size, std::uint64_t more) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
    base::ByteWriter(bytes).patch(at, value + more, size);
  }
  std::vector<Step> steps_;
  std::size_t video_ = 0, audio_ = 0;
};

struct Camera {
  Camera(std::shared_ptr<base::BufferPool> buffers, std::shared_ptr<streams::FragmentLog> log)
      : session(kStart, random, options(buffers)), recorder({}, std::move(log), kStart, kToday) {
    recorder.add_audio("");
  }
  static rtp::SessionOptions options(const std::shared_ptr<base::BufferPool>& buffers) {
    rtp::SessionOptions options;
    options.receivers = {{.formats = {{96, codecs::CodecId::H264, std::nullopt}}, .frame_buffers = buffers},
                         {.kind = codecs::MediaKind::Audio,
                          .formats = {{111, codecs::CodecId::Opus, std::nullopt}},
                          .nack = true,
                          .frame_buffers = buffers}};
    options.transport_cc = true;
    options.transport_cc_extension = 3;
    return options;
  }
  void take(base::Instant now, std::span<const base::ByteView> packets, base::BufferPool& buffers) {
    session.handle_packets(now, packets);
    if (session.next_timeout() <= now) session.handle_timeout(now);
    while (auto packet = session.poll_packet()) session.recycle(std::move(packet->bytes));
    while (auto event = session.poll_event()) {
      auto* received = std::get_if<rtp::ReceivedFrame>(&event->what);
      if (received == nullptr) continue;
      ++frames;
      arrived.kind = event->kind;
      arrived.frame = std::move(received->frame);
      arrived.rtp_timestamp = received->rtp_timestamp;
      arrived.clock_rate = event->kind == codecs::MediaKind::Video ? 90'000 : 48'000;
      arrived.arrived = received->arrived;
      recorder.write_frame("", arrived);
      buffers.give(std::move(arrived.frame.payload));
    }
  }

  base::SeededRandom random{1};
  rtp::Session session;
  streams::Recorder recorder;
  streams::ArrivedFrame arrived;
  std::uint64_t frames = 0;
};

void packets_to_fragments(benchmark::State& state) {
  const Repeater repeater(make_group());
  const auto buffers = std::make_shared<base::BufferPool>();
  const auto log = std::make_shared<ForgetfulLog>();
  std::vector<std::unique_ptr<Camera>> cameras;
  for (std::int64_t i = 0; i < state.range(0); ++i) cameras.push_back(std::make_unique<Camera>(buffers, log));
  base::Bytes slab;
  std::vector<base::ByteView> views;
  std::uint64_t step = 0;
  std::size_t packets = 0;
  std::size_t all_packets = 0;
  const auto run = [&] {
    // Key frames are spread, as those of cameras that began at different times.
    for (std::size_t i = 0; i < cameras.size(); ++i) {
      repeater.copy(step + i % repeater.steps(), slab, views);
      packets += views.size();
      all_packets += views.size();
      const Counted counted;
      cameras[i]->take(kStart + step * 20ms, views, *buffers);
    }
    ++step;
  };
  while (step < 2 * repeater.steps() + 10) run();  // everybody has its room and has written a fragment
  packets = 0;
  const std::uint64_t before = allocations;
  const std::uint64_t bytes_before = log->bytes;
  for (auto _ : state) run();
  CHECK(log->bytes > bytes_before || state.iterations() < 100);
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
  state.counters["counted_packets"] = static_cast<double>(all_packets);
  state.counters["allocations_per_packet"] = static_cast<double>(allocations - before) / static_cast<double>(packets);
}
BENCHMARK(packets_to_fragments)->ArgName("cameras")->Arg(1)->Arg(500)->Arg(2000)->MinTime(2);
BENCHMARK(packets_to_fragments)->Name("counted/packets_to_fragments")->Arg(4)->Iterations(400);

// The raw limit: each camera's packets to the end of its own buffer, which begins anew after two seconds.
void copy_only(benchmark::State& state) {
  const Repeater repeater(make_group());
  std::vector<base::Bytes> cameras(static_cast<std::size_t>(state.range(0)));
  base::Bytes slab;
  std::vector<base::ByteView> views;
  std::uint64_t step = 0;
  std::size_t packets = 0;
  const auto run = [&] {
    for (std::size_t i = 0; i < cameras.size(); ++i) {
      repeater.copy(step + i % repeater.steps(), slab, views);
      packets += views.size();
      if ((step + i) % repeater.steps() == 0) cameras[i].clear();
      for (const base::ByteView packet : views) base::append(cameras[i], packet.subspan(20));
    }
    ++step;
  };
  while (step < 2 * repeater.steps()) run();
  packets = 0;
  for (auto _ : state) run();
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
}
BENCHMARK(copy_only)->ArgName("cameras")->Arg(1)->Arg(500)->Arg(2000)->MinTime(2);

}  // namespace
