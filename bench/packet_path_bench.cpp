// SPDX-License-Identifier: Apache-2.0
// What one packet costs on its way from the socket to a frame, step by step. items_per_second counts packets.
#include <benchmark/benchmark.h>

#include <vector>

#include "base/check.hpp"
#include "base/random.hpp"
#include "codecs/h264_nal.hpp"
#include "codecs/h264_sps.hpp"
#include "counted.hpp"
#include "rtp/h264_depacketizer.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/session.hpp"
#include "webrtc/srtp/open_batch.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace {

using codecs::MediaKind;

constexpr base::Instant kStart{std::chrono::seconds(1)};

// A second of a camera at 1 Mbit/s: a key frame of 25 kB and 24 frames of 4 kB.
std::vector<codecs::Frame> make_second() {
  base::SeededRandom random(1);
  std::vector<codecs::Frame> frames;
  for (int i = 0; i < 25; ++i) {
    codecs::Frame frame{codecs::CodecId::H264, i == 0, {}};
    base::Bytes slice(i == 0 ? 25'000 : 4'000);
    random.fill(slice);
    slice[0] = i == 0 ? 0x65 : 0x41;
    slice[1] = 0x88;
    if (i == 0) {
      codecs::h264::append_nal(frame.payload,
                               base::parse_hex("6742c00dd90141fb011000000300100000030320f142a480").value());
      codecs::h264::append_nal(frame.payload, base::parse_hex("68cb83cb20").value());
    }
    codecs::h264::append_nal(frame.payload, slice);
    frames.push_back(std::move(frame));
  }
  return frames;
}

rtp::SessionOptions camera_options() {
  rtp::SenderOptions video;
  video.payload_type = 96;
  video.ssrc = 1;
  rtp::SessionOptions options;
  options.senders = {video};
  options.transport_cc_extension = 3;
  return options;
}

// The packets of that second, as they come out of the SRTP opener.
std::vector<base::Bytes> make_packets() {
  base::SeededRandom random(1);
  rtp::Session camera(kStart, random, camera_options());
  std::vector<base::Bytes> packets;
  std::uint32_t timestamp = 0;
  for (const codecs::Frame& frame : make_second()) {
    camera.send_frame(kStart, frame, timestamp += 3600, {});
    while (auto packet = camera.poll_packet()) packets.push_back(std::move(packet->bytes));
  }
  return packets;
}

void count_packets(benchmark::State& state, std::size_t packets) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(packets));
}

void parse_rtp_header(benchmark::State& state) {
  const auto packets = make_packets();
  for (auto _ : state) {
    for (const base::Bytes& bytes : packets) {
      const auto packet = rtp::parse_rtp(bytes);
      benchmark::DoNotOptimize(packet->find_extension(3));
    }
  }
  count_packets(state, packets.size());
}
BENCHMARK(parse_rtp_header);

void depacketize(benchmark::State& state) {
  const auto packets = make_packets();
  std::vector<rtp::DepacketizedFrame> frames;
  for (auto _ : state) {
    rtp::H264Depacketizer depacketizer;
    for (const base::Bytes& bytes : packets) {
      const auto packet = rtp::parse_rtp(bytes);
      depacketizer.push({packet->header.timestamp, packet->header.marker, packet->payload, kStart}, frames);
      frames.clear();
    }
  }
  count_packets(state, packets.size());
}
BENCHMARK(depacketize);

// The whole receiving session, a batch of `range` packets a call; with a loss each 50 packets when the second argument
// says so, repaired 20 packets later.
void receive(benchmark::State& state) {
  auto packets = make_packets();
  if (state.range(1) != 0) {
    for (std::size_t i = 50; i + 20 < packets.size(); i += 50) {
      std::rotate(packets.begin() + static_cast<std::ptrdiff_t>(i),
                  packets.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                  packets.begin() + static_cast<std::ptrdiff_t>(i) + 20);
    }
  }
  const std::vector<base::ByteView> views(packets.begin(), packets.end());
  const auto batch = static_cast<std::size_t>(state.range(0));
  base::SeededRandom random(1);
  std::size_t frames = 0;
  for (auto _ : state) {
    rtp::SessionOptions options;
    options.receivers = {{.formats = {{96, codecs::CodecId::H264, std::nullopt}}}};
    options.transport_cc = true;
    options.transport_cc_extension = 3;
    rtp::Session session(kStart, random, options);
    base::Instant now = kStart;
    const Counted counted;
    for (std::size_t at = 0; at < views.size(); at += batch) {
      now += std::chrono::milliseconds(2);
      session.handle_packets(now, std::span(views).subspan(at, std::min(batch, views.size() - at)));
      if (session.next_timeout() <= now) session.handle_timeout(now);
      while (auto packet = session.poll_packet()) session.recycle(std::move(packet->bytes));
      while (session.poll_event()) ++frames;
    }
  }
  CHECK(frames >= 25 * static_cast<std::size_t>(state.iterations()));
  count_packets(state, packets.size());
  state.counters["counted_packets"] =
      static_cast<double>(packets.size() * static_cast<std::size_t>(state.iterations()));
}
BENCHMARK(receive)->ArgNames({"batch", "loss"})->Args({1, 0})->Args({16, 0})->Args({16, 1});
BENCHMARK(receive)->Name("counted/receive")->Args({4, 0})->Args({4, 1})->Iterations(40);

void packetize(benchmark::State& state) {
  const auto frames = make_second();
  base::SeededRandom random(1);
  rtp::Session camera(kStart, random, camera_options());
  std::size_t packets = 0;
  std::uint32_t timestamp = 0;
  for (auto _ : state) {
    const Counted counted;
    for (const codecs::Frame& frame : frames) {
      camera.send_frame(kStart, frame, timestamp += 3600, {});
      while (auto packet = camera.poll_packet()) ++packets;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
  state.counters["counted_packets"] = static_cast<double>(packets);
}
BENCHMARK(packetize);
BENCHMARK(packetize)->Name("counted/packetize")->Iterations(40);

void parse_rtcp_compound(benchmark::State& state) {
  base::Bytes compound;
  rtp::write_rtcp(compound, rtp::SenderReport{1, 2, 3, 4, 5, {rtp::ReportBlock{}}});
  rtp::write_rtcp(compound, rtp::SourceDescription{1, "tidegate"});
  rtp::write_rtcp(compound, rtp::Nack{1, 2, {3, 4, 5, 100, 101}});
  std::vector<rtp::RtcpPacket> packets;
  for (auto _ : state) {
    packets.clear();
    CHECK(rtp::parse_rtcp(compound, packets));
  }
  count_packets(state, 1);
}
BENCHMARK(parse_rtcp_compound);

void write_transport_feedback(benchmark::State& state) {
  rtp::TransportFeedback feedback{1, 2, 3, 4, 5, {}};
  for (int i = 0; i < 30; ++i) feedback.deltas.emplace_back(static_cast<std::int16_t>(i % 7 == 0 ? 300 : 10));
  base::Bytes bytes;
  for (auto _ : state) {
    bytes.clear();
    rtp::write_rtcp(bytes, feedback);
  }
  count_packets(state, 1);
}
BENCHMARK(write_transport_feedback);

void parse_sps(benchmark::State& state) {
  const base::Bytes sps = base::parse_hex("67640028acd940780227e5c384000003000400000300c83c60c658").value();
  for (auto _ : state) benchmark::DoNotOptimize(codecs::h264::parse_sps(sps));
}
BENCHMARK(parse_sps);

// Sealed packets are copied before each round: opening works in place.
void open_srtp(benchmark::State& state) {
  using namespace webrtc::srtp;
  const Profile profile = state.range(0) == 0 ? Profile::Aes128CmSha1_80 : Profile::AeadAes128Gcm;
  const base::Bytes key(kKeySize, 1);
  const base::Bytes salt(salt_size(profile), 2);
  auto packets = make_packets();
  Sealer sealer(profile, key, salt);
  for (base::Bytes& packet : packets) CHECK(sealer.seal_rtp(packet));
  OpenBatch batch;
  for (auto _ : state) {
    state.PauseTiming();
    Opener opener(profile, key, salt);
    auto round = packets;
    state.ResumeTiming();
    for (base::Bytes& packet : round) batch.add(opener, packet);
    batch.open();
    CHECK(!batch.packets().back().empty());
    batch.clear();
  }
  count_packets(state, packets.size());
}
BENCHMARK(open_srtp)->ArgNames({"gcm"})->Arg(0)->Arg(1);

}  // namespace
