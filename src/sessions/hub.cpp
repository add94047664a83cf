// SPDX-License-Identifier: Apache-2.0
#include "sessions/hub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "async/secure_random.hpp"
#include "async/timer.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "sessions/host_addresses.hpp"
#include "sessions/offer_call.hpp"
#include "sessions/shard_channels.hpp"
#include "sessions/signaling_socket.hpp"

namespace sessions {
namespace {

bool is_client_id(const std::string& text) {
  if (text.empty() || text.size() > 256) return false;
  for (const char c : text) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!allowed) return false;
  }
  // The prefix is reserved, in any case (contract 2.1).
  return text.size() < 4 ||
         !((text[0] | 32) == 'a' && (text[1] | 32) == 'w' && (text[2] | 32) == 's' && text[3] == '_');
}

// On the port's shard.
void add_port(HubStats& total, const MediaPort& port) {
  total.media.unknown_flow += port.stats().unknown_flow;
  total.media.stun_answered += port.stats().stun_answered;
  total.media.flows_refused += port.stats().flows_refused;
  total.media.rebound += port.stats().rebound;
  total.media.strangers += port.stats().strangers;
  total.media.strangers_refused += port.stats().strangers_refused;
  const net::UdpPort::Stats udp = port.udp_stats();
  total.udp.received += udp.received;
  total.udp.received_bytes += udp.received_bytes;
  total.udp.receive_overflows += udp.receive_overflows;
  total.udp.oversized += udp.oversized;
  total.udp.sent += udp.sent;
  total.udp.sent_bytes += udp.sent_bytes;
  total.udp.send_drops += udp.send_drops;
  total.udp.send_errors += udp.send_errors;
  total.udp.receive_delay = std::max(total.udp.receive_delay, udp.receive_delay);
  total.media.tcp_lost += port.stats().tcp_lost;
  const net::FramedConnection::Stats& tcp = port.tcp_stats();
  total.tcp.received += tcp.received;
  total.tcp.received_bytes += tcp.received_bytes;
  total.tcp.sent += tcp.sent;
  total.tcp.sent_bytes += tcp.sent_bytes;
  total.tcp.send_drops += tcp.send_drops;
}

}  // namespace

class Hub::ShardState : public ShardChannels {
 public:
  ShardState(std::unique_ptr<MediaPort> port, async::Shard& shard, SessionEnvironment environment)
      : ShardChannels(shard, std::move(environment)), port_(std::move(port)) {}

  // Null once closed.
  MediaPort* port() const { return port_.get(); }
  void close() {
    clear();
    port_.reset();
  }

 private:
  std::unique_ptr<MediaPort> port_;
};

struct Hub::Parts {
  HubOptions options;
  streams::Catalog& catalog;
  streams::Archive& archive;
  async::DiskWorker& disk;
  async::SecureRandom random;
  std::vector<async::Shard*> shards;
  std::vector<std::unique_ptr<ShardState>> states;
  // Answers plain STUN and nothing else, on the first shard. Not a media port: Chromium takes everything that comes
  // from the address of one of its STUN servers for an answer to a STUN request, so a media port in that role never
  // connects.
  std::unique_ptr<MediaPort> stun_port;
  // Takes TCP connections on the first shard for the media ports of all.
  std::unique_ptr<net::FramedListener> tcp;
  std::uint64_t tcp_strangers = 0;
  bool closed = false;

  base::Result<void> open_tcp();
  async::Task<void> route(net::FramedArrival arrival);

  // The port of `listen` and `index` above it. When it is taken, what was opened before is closed.
  base::Result<std::unique_ptr<MediaPort>> open_port(async::Shard& shard, std::size_t index) {
    base::SocketAddress listen = options.media_listen;
    if (listen.port != 0) listen.port = static_cast<std::uint16_t>(listen.port + index);
    auto opened = shard.run_blocking([&] { return MediaPort::open(shard, listen, options.udp_gro); });
    if (opened) return *std::move(opened);
    for (auto& state : states) state->shard().run_blocking([&] { state->close(); });
    return base::fail(
        std::move(opened).error().with_context(fmt::format("opening the media port UDP {}", listen.text())));
  }
};

// On the first shard. A connection is asked about once, so no table of user names is shared between shards.
async::Task<void> Hub::Parts::route(net::FramedArrival arrival) {
  for (const auto& state : states) {
    const bool taken =
        co_await state->shard().call([&] { return state->port() != nullptr && state->port()->adopt(arrival); });
    if (taken) co_return;
  }
  ++tcp_strangers;
}

base::Result<void> Hub::Parts::open_tcp() {
  if (!options.media_tcp_listen) return {};
  async::Shard& first = *shards.front();
  auto opened = first.run_blocking([&] {
    return net::FramedListener::open(first, *options.media_tcp_listen,
                                     [this](net::FramedArrival arrival) { return route(std::move(arrival)); });
  });
  if (!opened) {
    for (auto& state : states) state->shard().run_blocking([&] { state->close(); });
    return base::fail(std::move(opened).error().with_context(
        fmt::format("opening the media port TCP {} (change it with --media-tcp-listen, or \"off\")",
                    options.media_tcp_listen->text())));
  }
  tcp = *std::move(opened);
  for (auto& state : states) state->shard().run_blocking([&] { state->port()->set_tcp_address(tcp->local_address()); });
  return {};
}

base::Result<std::unique_ptr<Hub>> Hub::open(HubOptions options, std::vector<async::Shard*> shards,
                                             streams::Catalog& catalog, streams::Archive& archive,
                                             async::DiskWorker& disk) {
  CHECK(!shards.empty());
  std::unique_ptr<Parts> parts(
      new Parts{std::move(options), catalog, archive, disk, {}, std::move(shards), {}, nullptr, nullptr, 0, false});
  TRY(const auto certificate, webrtc::Certificate::make(async::wall_now()));
  const auto addresses = host_addresses(parts->options);
  const auto loopback_addresses = with_loopback(addresses, parts->options);
  for (std::size_t i = 0; i < parts->shards.size(); ++i) {
    async::Shard& shard = *parts->shards[i];
    TRY(auto opened, parts->open_port(shard, i));
    const std::uint16_t port = opened->local_address().port;
    SessionEnvironment environment{*opened,
                                   parts->random,
                                   certificate,
                                   with_port(addresses, port),
                                   with_port(loopback_addresses, port),
                                   parts->options.recorder,
                                   parts->options.joins_per_second,
                                   parts->options.busy_limit,
                                   parts->options.max_viewers,
                                   parts->options.session_limits,
                                   parts->options.connect_limit};
    parts->states.push_back(shard.run_blocking(
        [&] { return std::make_unique<ShardState>(std::move(opened), shard, std::move(environment)); }));
  }
  TRY_VOID(parts->open_tcp());
  std::unique_ptr<Hub> hub(new Hub(std::move(parts)));  // from here on it closes what is open
  TRY(hub->parts_->stun_port, hub->parts_->open_port(*hub->parts_->shards.front(), hub->parts_->shards.size()));
  return hub;
}

Hub::Hub(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Hub::~Hub() {
  close();
}

void Hub::close() {
  if (std::exchange(parts_->closed, true)) return;
  if (parts_->tcp) parts_->shards.front()->run_blocking([&] { parts_->tcp.reset(); });
  for (auto& state : parts_->states) state->shard().run_blocking([&] { state->close(); });
  if (parts_->stun_port) parts_->shards.front()->run_blocking([&] { parts_->stun_port.reset(); });
}

Hub::ShardState& Hub::owner_of(const std::string& channel_arn) {
  return *parts_->states[std::hash<std::string>()(channel_arn) % parts_->states.size()];
}

base::Result<void> Hub::check_connect(Role role, const std::string& channel_arn, const std::string& client_id) const {
  if (role == Role::Viewer && !is_client_id(client_id)) {
    return base::fail(base::Errc::InvalidArgument,
                      "X-Amz-ClientId of a viewer must match [a-zA-Z0-9_.-]{1,256} and must not start with AWS_");
  }
  TRY(const auto channel, parts_->catalog.find_channel({std::nullopt, channel_arn}));
  (void)channel;
  return {};
}

net::WebSocketOptions Hub::websocket_options() const {
  net::WebSocketOptions options;
  options.max_message_bytes = 2 * kMaxMessageBytes;  // what is over kMaxMessageBytes is answered, not cut off
  options.idle_timeout = parts_->options.signaling_idle_timeout;
  options.lifetime = parts_->options.signaling_lifetime;
  return options;
}

namespace {

// How often it is asked whether a client may stay.
constexpr std::chrono::seconds kStayInterval(2);

// How long before its age limit closes a socket its client is told: a minute (contract 2.4), so that it can be back
// before then. Of a short life half.
base::Duration go_away_notice(base::Duration lifetime) {
  return std::min<base::Duration>(std::chrono::minutes(1), lifetime / 2);
}

// Reads the catalog and opens the fragment log, which may block for a few index reads.
async::Task<base::Result<ChannelSettings>> read_settings(streams::Catalog& catalog, streams::Archive& archive,
                                                         async::DiskWorker& disk, std::string arn) {
  const streams::ResourceName resource{std::nullopt, arn};
  CO_TRY(const streams::ChannelPtr channel, catalog.find_channel(resource));
  ChannelSettings settings;
  settings.arn = channel->arn;
  settings.name = channel->name;
  settings.message_ttl = std::chrono::seconds(channel->message_ttl_seconds);
  if (channel->storage_stream_arn) {
    const streams::ResourceName stream_name{std::nullopt, channel->storage_stream_arn};
    CO_TRY(const streams::StreamPtr stream, catalog.find_stream(stream_name));
    const streams::StreamKey key = stream->key;
    settings.log = co_await disk.run([&archive, key] { return archive.log(key); });
  }
  co_return settings;
}

}  // namespace

async::Task<void> Hub::serve(std::unique_ptr<net::WebSocket> owned, Role role, std::string channel_arn,
                             std::string client_id, std::function<bool()> may_stay) {
  if (role == Role::Master) client_id.clear();  // some masters send one (contract: clients.md 2); it means nothing
  const std::shared_ptr<net::WebSocket> socket = std::move(owned);
  const base::Instant opened = async::now();
  auto settings = co_await read_settings(parts_->catalog, parts_->archive, parts_->disk, channel_arn);
  if (!settings) {
    co_await socket->close(1011, settings.error().message.substr(0, 120));
    co_return;
  }
  const auto sink = std::make_shared<SignalingSocket>(socket->shard());
  async::Timer go_away(socket->shard(), [sink] { sink->send(make_go_away()); });
  const base::Duration lifetime = parts_->options.signaling_lifetime;
  if (lifetime.count() > 0) go_away.arm(opened + lifetime - go_away_notice(lifetime));
  async::Timer stay(socket->shard(), [&] {
    if (!may_stay()) return sink->close("the access key of this connection was revoked");
    stay.arm(async::now() + kStayInterval);
  });
  if (may_stay) stay.arm(opened + kStayInterval);
  ShardState& owner = owner_of(channel_arn);
  const bool on_loopback = socket->remote_address().ip.is_loopback();
  co_await owner.shard().call([&] { owner.connect(*std::move(settings), role, client_id, on_loopback, sink); });
  socket->shard().spawn(fmt::format("signaling writer {}", socket->remote_address().text()),
                        [sink, socket]() -> async::Task<void> { return sink->write_to(socket); });
  MessageRates rates(parts_->options.message_rates);  // used on the channel's shard, one call at a time
  for (;;) {
    const std::optional<net::WebSocketMessage> message = co_await socket->read();
    if (!message) break;
    if (!message->is_text) continue;  // the contract knows text only
    // One at a time: a client that floods waits for its own messages.
    co_await owner.shard().call([&] { owner.receive(channel_arn, role, client_id, {*sink, rates}, message->payload); });
  }
  co_await owner.shard().call([&] { owner.disconnect(channel_arn, role, client_id, sink.get()); });
  sink->close("the connection has ended");
}

async::Task<base::Result<void>> Hub::join(std::string channel_arn, std::optional<std::string> client_id) {
  auto settings = co_await read_settings(parts_->catalog, parts_->archive, parts_->disk, channel_arn);
  if (!settings) co_return base::fail(std::move(settings).error());
  ShardState& owner = owner_of(channel_arn);
  if (settings->log == nullptr) {
    const base::Error error(base::Errc::InvalidArgument,
                            fmt::format("media storage is not enabled for channel {}: call "
                                        "UpdateMediaStorageConfiguration with Status ENABLED and the ARN of a stream",
                                        settings->name));
    co_await owner.shard().call([&] { owner.note_refusal(*settings, client_id.value_or(""), error); });
    co_return base::fail(error);
  }
  co_return co_await owner.shard().call([&] { return owner.join(*settings, client_id.value_or("")); });
}

async::Task<base::Result<std::string>> Hub::offer_to_master(std::string channel_arn, std::string client_id,
                                                            std::string payload) {
  CO_TRY_VOID(check_connect(Role::Viewer, channel_arn, client_id));
  CO_TRY(const ChannelSettings settings,
         co_await read_settings(parts_->catalog, parts_->archive, parts_->disk, channel_arn));
  const base::Instant deadline = async::now() + settings.message_ttl;
  ClientMessage offer;
  offer.action = SignalingAction::SdpOffer;
  offer.payload = std::move(payload);
  const auto call = std::make_shared<OfferCall>();
  ShardState& owner = owner_of(channel_arn);
  auto sent = co_await owner.shard().call([&] {
    owner.connect(settings, Role::Viewer, client_id, false, call);
    return owner.send_to_master(settings, client_id, offer);
  });
  std::optional<std::string> answer;
  if (sent) answer = co_await call->wait(deadline);
  co_await owner.shard().call([&] { owner.disconnect(channel_arn, Role::Viewer, client_id, call.get()); });
  if (!sent) co_return base::fail(std::move(sent).error());
  if (!answer) {
    co_return base::fail(
        base::Errc::NotFound,
        fmt::format("the master of channel {} did not answer the offer within its message time to live",
                    settings.name));
  }
  co_return *std::move(answer);
}

std::vector<base::SocketAddress> Hub::media_addresses() const {
  std::vector<base::SocketAddress> out;
  for (const auto& state : parts_->states) out.push_back(state->port()->local_address());
  return out;
}

std::optional<base::SocketAddress> Hub::media_tcp_address() const {
  return parts_->tcp ? std::optional(parts_->tcp->local_address()) : std::nullopt;
}

std::string Hub::stun_uri(const base::SocketAddress& caller) const {
  const auto addresses = host_addresses(parts_->options);
  const bool use_loopback = caller.ip.is_loopback() && parts_->options.advertised.empty();
  base::SocketAddress address = parts_->stun_port->local_address();
  address.ip = use_loopback || addresses.empty() ? base::IpAddress::v4(127, 0, 0, 1) : addresses.front();
  return "stun:" + address.text();
}

async::Task<HubStats> Hub::stats() {
  HubStats total;
  for (const auto& state : parts_->states) {
    ShardState& shard_state = *state;
    co_await shard_state.shard().call([&] {
      const ShardStats& one = shard_state.stats();
      total.signaling_connections += one.connections;
      total.signaling_messages += one.messages;
      total.signaling_rejected += one.rejected;
      total.refusing_shards += one.refuses ? 1U : 0U;
      total.asked_less += one.asked_less;
      total.resting += one.resting;
      total.sessions.joins += one.sessions.joins;
      total.sessions.connected += one.sessions.connected;
      total.sessions.failed += one.sessions.failed;
      total.sessions.rejected_answers += one.sessions.rejected_answers;
      total.sessions.replaced += one.sessions.replaced;
      total.sessions.ended += one.sessions.ended;
      total.sessions.dropped.add(one.sessions.dropped);
      total.sessions.nacks += one.sessions.nacks;
      total.outcomes.add(shard_state.outcomes());
      const MediaPort* port = shard_state.port();
      if (port == nullptr) return;
      add_port(total, *port);
    });
  }
  co_await parts_->shards.front()->call([&] {
    if (parts_->stun_port) add_port(total, *parts_->stun_port);
    if (parts_->tcp) total.tcp_connections = parts_->tcp->stats();
    total.tcp_strangers = parts_->tcp_strangers;
  });
  co_return total;
}

async::Task<std::vector<SessionRecord>> Hub::sessions(std::optional<std::string> channel_name) {
  std::vector<SessionRecord> all;
  for (const auto& state : parts_->states) {
    ShardState& shard_state = *state;
    auto some = co_await shard_state.shard().call([&] { return shard_state.sessions(channel_name); });
    std::ranges::move(some, std::back_inserter(all));
  }
  std::ranges::sort(all, std::greater(), &SessionRecord::place);
  co_return all;
}

async::Task<void> Hub::drain() {
  for (const auto& state : parts_->states) {
    ShardState& shard_state = *state;
    co_await shard_state.shard().call([&]() -> async::Task<void> { return shard_state.drain(); });
  }
}

}  // namespace sessions
