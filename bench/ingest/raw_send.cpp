// SPDX-License-Identifier: Apache-2.0
// The cameras of the raw pipeline: the packets of `tidegate camera`, paced as its, under fixed keys and without a
// service.
//
// ingest_raw_send --port N --h264 FILE --opus FILE [--cameras 100] [--profile aes-gcm|aes-cm] [--seconds 60]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <thread>

#include "client/media_files.hpp"
#include "client/pacer.hpp"
#include "client/stop.hpp"
#include "ingest/raw_keys.hpp"
#include "net/udp_port_group.hpp"
#include "rtp/sender.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace {

using webrtc::srtp::Profile;

struct Setup {
  std::shared_ptr<client::MediaLoop> loop;
  Profile profile = Profile::AeadAes128Gcm;
  base::SocketAddress to{};
};

class RawCamera final : public client::Paced {
 public:
  RawCamera(const Setup& setup, std::uint32_t number, net::UdpPortGroup& ports)
      : setup_(setup),
        source_(setup.loop, true, setup.loop->key_frames()[number % setup.loop->key_frames().size()]),
        master_(ingest::master_of(number)),
        sealer_(setup.profile, master_.key, base::ByteView(master_.salt).first(webrtc::srtp::salt_size(setup.profile))),
        batch_(webrtc::srtp::tag_size(setup.profile)) {
    socket_ = ports.open({base::IpAddress::v4(127, 0, 0, 1), 0}, [](auto, auto) {}).value();
    for (const bool video : {true, false}) {
      rtp::SenderOptions options;
      options.kind = video ? codecs::MediaKind::Video : codecs::MediaKind::Audio;
      options.payload_type = video ? ingest::kVideoType : ingest::kSoundType;
      options.ssrc = ingest::ssrc_of(number, video);
      options.mid = video ? "0" : "1";
      options.leading_padding_packets = 0;
      options.prepared = video ? setup.loop->video : setup.loop->audio;
      senders_.emplace_back(std::move(options));
    }
  }

  base::Instant send_due(base::Instant now) override {
    if (client::is_stopped()) return base::kNever;
    const client::MediaFrame frame = next_ ? *std::exchange(next_, std::nullopt) : *source_.next();
    if (zero_ == base::Instant{}) zero_ = now;
    const bool video = frame.kind() == codecs::MediaKind::Video;
    const auto ticks = frame.at.count() / 1000 * (video ? 90'000 : 48'000) / 1'000'000;
    batch_.clear();
    senders_[video ? 0 : 1].send_prepared(now, {*frame.prepared, static_cast<std::uint32_t>(ticks), {}}, extensions_,
                                          batch_);
    for (const auto& place : batch_.places()) {
      if (!sealer_.seal_rtp_in_place(batch_.with_room(place))) std::abort();
    }
    send_bursts();
    next_ = source_.next();
    return zero_ + next_->at;
  }

 private:
  // As a Peer does: packets of one length, and a shorter one at the end, go together.
  void send_bursts() {
    const auto places = batch_.places();
    for (std::size_t at = 0; at < places.size();) {
      std::size_t end = at + 1;
      while (end < places.size() && end - at < 48 && places[end].size <= places[at].size) {
        if (places[end++].size < places[at].size) break;
      }
      const auto begin = batch_.bytes().begin() + static_cast<std::ptrdiff_t>(places[at].begin);
      const std::size_t size = places[end - 1].begin + places[end - 1].size + batch_.room() - places[at].begin;
      socket_->send_burst({{{base::IpAddress::v4(127, 0, 0, 1), 0}, setup_.to},
                           base::Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)),
                           places[at].size + batch_.room()});
      at = end;
    }
  }

  const Setup& setup_;
  client::LoopSource source_;
  ingest::Master master_;
  webrtc::srtp::Sealer sealer_;
  rtp::PacketBatch batch_;
  rtp::OutgoingExtensions extensions_{4, 3, 0};
  std::vector<rtp::Sender> senders_;
  std::unique_ptr<net::UdpPortGroup::Socket> socket_;
  std::optional<client::MediaFrame> next_;
  base::Instant zero_{};
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cameras of the raw pipeline.");
  client::FileOptions files;
  files.cut_sound_to_picture = true;
  Setup setup;
  std::uint32_t cameras = 100;
  double seconds = 60;
  std::string profile = "aes-gcm";
  app.add_option("--port", setup.to.port, "of the receiver")->required();
  app.add_option("--h264", files.h264_file)->required();
  app.add_option("--opus", files.opus_file)->required();
  app.add_option("--cameras", cameras);
  app.add_option("--seconds", seconds);
  app.add_option("--profile", profile)->check(CLI::IsMember({"aes-gcm", "aes-cm"}));
  CLI11_PARSE(app, argc, argv);
  setup.to.ip = base::IpAddress::v4(127, 0, 0, 1);
  if (profile == "aes-cm") setup.profile = Profile::Aes128CmSha1_80;
  auto loop = client::load_media(files);
  if (!loop) {
    fmt::print(stderr, "ingest_raw_send: {}\n", loop.error().message);
    return 1;
  }
  setup.loop = *loop;
  setup.loop->prepare(false);
  client::stop_on_signals();

  async::Shard shard("cameras");
  std::shared_ptr<net::UdpPortGroup> ports;
  std::unique_ptr<client::Pacer> pacer;
  std::vector<std::unique_ptr<RawCamera>> all;
  shard.run_blocking([&] {
    ports = net::UdpPortGroup::make(shard).value();
    pacer = std::make_unique<client::Pacer>(shard);
    for (std::uint32_t i = 0; i < cameras; ++i) all.push_back(std::make_unique<RawCamera>(setup, i, *ports));
    const base::Instant begin = shard.now();
    for (std::uint32_t i = 0; i < cameras; ++i) pacer->add(*all[i], begin + std::chrono::seconds(2) * i / cameras);
  });
  const base::Instant end =
      async::now() + std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
  while (async::now() < end && !client::is_stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  shard.run_blocking([&] {
    const auto stats = ports->stats();
    fmt::print(R"({{"packets":{},"send_calls":{},"send_drops":{},"send_errors":{},"late_calls":{},"calls":{}}})"
               "\n",
               stats.sent, stats.send_calls, stats.send_drops, stats.send_errors, pacer->stats().late_10ms,
               pacer->stats().calls);
    pacer.reset();
    all.clear();
    ports.reset();
  });
  return 0;
}
