// SPDX-License-Identifier: Apache-2.0
// One source to many viewers: CPU per packet of the server's own path (rtp::PacketHistory, webrtc::Peer, sessions'
// media port, net::UdpPort; real ICE, DTLS and SRTP), and of a raw loop of sealing and sending, in turns on one core
// and at the pace of the media. One line of JSON.
//
// fanout [--viewers 1000] [--seconds 4] [--rounds 3] [--kbps 620] [--feedback] [--only path|raw]
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "fanout/raw_loop.hpp"
#include "fanout/sinks.hpp"
#include "fanout/source.hpp"
#include "sessions/media_port.hpp"

namespace {

using std::chrono::milliseconds;

double thread_cpu() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void pin(async::Shard& shard, int processor) {
  shard.run_blocking([&] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  });
}

// What a storage session does for its viewers, without recording.
class Server final : public sessions::PeerOwner {
 public:
  explicit Server(fanout::SourceShape shape) : source_(shape) {
    certificate_ = webrtc::Certificate::make(async::wall_now()).value();
    shard_.run_blocking([&] {
      port_ = sessions::MediaPort::open(shard_, *base::SocketAddress::parse("127.0.0.1:0")).value();
      pace_ = std::make_unique<async::Timer>(shard_, [this] { tick(); });
    });
  }
  ~Server() override {
    shard_.run_blocking([&] {
      pace_.reset();
      peers_.clear();
      port_.reset();
    });
  }

  std::string offer() {
    return shard_.run_blocking([&] {
      webrtc::PeerOptions options;
      options.certificate = certificate_;
      options.local_addresses = {port_->local_address()};
      options.video = webrtc::Direction::SendOnly;
      options.forwarded_video = history_;
      const base::Instant now = shard_.now();
      peers_.push_back(std::make_unique<sessions::PortPeer>(*port_, *this, now, random_, options));
      std::string offer = peers_.back()->peer().create_offer(now);
      peers_.back()->pump(now);
      return offer;
    });
  }
  void take_answer(const std::string& answer) {
    shard_.run_blocking([&] {
      if (!peers_.back()->peer().set_answer(shard_.now(), answer)) std::abort();
      peers_.back()->pump(shard_.now());
    });
  }
  std::size_t connected() {
    return shard_.run_blocking([&] {
      return static_cast<std::size_t>(
          std::ranges::count_if(peers_, [](auto& peer) { return peer->peer().connected(); }));
    });
  }

  struct Round {
    std::uint64_t packets = 0, dropped = 0;
    double cpu = 0;
    double media = 0;  // seconds: frames that were due and late on a busy machine do not count as time
  };
  // `raw`: the loop instead of the path.
  Round run(base::Duration length, base::Duration interval, fanout::RawLoop* raw) {
    const auto packets = [&] { return raw != nullptr ? raw->sent() : port_->udp_stats().sent; };
    const auto dropped = [&] {
      return raw != nullptr ? raw->failed() : port_->udp_stats().send_drops + port_->udp_stats().send_errors;
    };
    Round before;
    shard_.run_blocking([&] {
      before = {packets(), dropped(), thread_cpu(), 0};
      frames_ = 0;
      raw_ = raw;
      interval_ = interval;
      due_ = shard_.now();
      pace_->arm(due_);
    });
    std::this_thread::sleep_for(length);
    return shard_.run_blocking([&] {
      pace_->disarm();
      return Round{packets() - before.packets, dropped() - before.dropped, thread_cpu() - before.cpu,
                   std::chrono::duration<double>(frames_ * interval_).count()};
    });
  }
  async::Shard& shard() { return shard_; }

 private:
  void handle_peer_event(base::Instant, webrtc::Peer&, webrtc::PeerEvent) override {}
  void handle_batch_end(base::Instant, webrtc::Peer&) override {}

  void tick() {
    const base::Instant now = shard_.now();
    const auto& payloads = source_.next();
    if (raw_ != nullptr) {
      raw_->send_frame(payloads);
    } else {
      forward(now, payloads);
    }
    ++frames_;
    due_ += interval_;
    pace_->arm(due_);
  }

  void forward(base::Instant now, const std::vector<base::Bytes>& payloads) {
    for (const base::Bytes& payload : payloads) {
      history_->add(now,
                    {.sequence = next_sequence_++,
                     .timestamp = static_cast<std::uint32_t>(source_.number()) * 3600,
                     .marker = &payload == &payloads.back()},
                    payload);
    }
    for (const auto& peer : peers_) {
      peer->peer().forward_video(now);
      peer->flush();
    }
    history_->forget_fresh();
  }

  async::Shard shard_{"server"};
  async::SecureRandom random_;
  std::shared_ptr<const webrtc::Certificate> certificate_;
  std::shared_ptr<rtp::PacketHistory> history_ = std::make_shared<rtp::PacketHistory>();
  std::unique_ptr<sessions::MediaPort> port_;
  std::vector<std::unique_ptr<sessions::PortPeer>> peers_;
  fanout::Source source_;
  std::unique_ptr<async::Timer> pace_;
  fanout::RawLoop* raw_ = nullptr;
  base::Duration interval_{};
  base::Instant due_{};
  int frames_ = 0;
  std::int64_t next_sequence_ = 1000;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

struct Figures {
  std::vector<double> us_per_packet, viewers_per_core;
  std::uint64_t packets = 0, dropped = 0;

  void add(const Server::Round& round, std::size_t viewers) {
    us_per_packet.push_back(round.cpu / static_cast<double>(round.packets) * 1e6);
    viewers_per_core.push_back(static_cast<double>(viewers) * round.media / round.cpu);
    packets += round.packets;
    dropped += round.dropped;
  }
  std::string json() const {
    return fmt::format(R"({{"us_cpu_per_packet":{:.2f},"viewers_per_core":{:.0f},"packets":{},"dropped":{}}})",
                       median(us_per_packet), median(viewers_per_core), packets, dropped);
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t viewers = 1000;
  double seconds = 4;
  int rounds = 3;
  bool feedback = false;
  std::string only;
  fanout::SourceShape shape;
  CLI::App app("one source to many viewers, beside a raw loop of sealing and sending");
  app.add_option("--viewers", viewers);
  app.add_option("--seconds", seconds, "of one round");
  app.add_option("--rounds", rounds);
  app.add_option("--kbps", shape.kbps);
  app.add_flag("--feedback", feedback, "viewers receive in full, report and send feedback");
  app.add_option("--only", only, "path or raw");
  CLI11_PARSE(app, argc, argv);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  fanout::Sinks sinks(feedback);
  Server server(shape);
  pin(server.shard(), 0);
  pin(sinks.shard(), 1);
  for (std::size_t i = 0; i < viewers; ++i) server.take_answer(sinks.add(server.offer()));
  for (int i = 0; i < 600 && server.connected() < viewers; ++i) std::this_thread::sleep_for(milliseconds(50));
  if (server.connected() < viewers) {
    fmt::print(stderr, "fanout: {} of {} viewers connected\n", server.connected(), viewers);
    return 1;
  }
  fanout::RawLoop raw(sinks.ports());
  const auto length = std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
  const base::Duration interval = std::chrono::nanoseconds(1'000'000'000 / shape.frame_rate);
  server.run(milliseconds(500), interval, nullptr);  // every viewer has begun
  Figures path, floor;
  for (int i = 0; i < rounds; ++i) {
    if (only != "raw") path.add(server.run(length, interval, nullptr), viewers);
    if (only != "path") floor.add(server.run(length, interval, &raw), viewers);
  }
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(path.us_per_packet.size(), floor.us_per_packet.size()); ++i)
    ratios.push_back(path.us_per_packet[i] / floor.us_per_packet[i]);
  fmt::print(R"({{"viewers":{},"kbps":{},"feedback":{},"path":{},"raw":{},"ratio":{:.2f},"received":{}}})"
             "\n",
             viewers, shape.kbps, feedback, path.json(), floor.json(), median(ratios), sinks.received());
  return 0;
}
