// SPDX-License-Identifier: Apache-2.0
#include "client/participant.hpp"

#include <fmt/format.h>

#include "async/timer.hpp"
#include "net/http_client.hpp"
#include "net/tls_context.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

constexpr std::size_t kMaxEarlyCandidates = 100;

bool is_worth_another_join(const base::Error& error) {
  return error.code == Errc::LimitExceeded || error.code == Errc::Unavailable || error.code == Errc::Io;
}

}  // namespace

base::Result<ParticipantOptions> make_participant_options(const ServiceOptions& service,
                                                          webrtc::Certificate::Digest digest) {
  if (service.access_key.empty() || service.secret_key.empty())
    return fail(Errc::InvalidArgument, "an access key and its secret are needed: --access-key, --secret-key");
  TRY(const net::Url endpoint, net::Url::parse(service.endpoint));
  ParticipantOptions options;
  options.api.endpoint = service.endpoint;
  options.api.region = service.region;
  options.api.credentials = {service.access_key, service.secret_key, service.session_token};
  TRY(options.api.tls, net::TlsContext::make_client({service.ca_file, service.insecure}));
  const auto ip = base::IpAddress::parse(endpoint.host);
  options.link.on_loopback = endpoint.host == "localhost" || (ip && ip->is_loopback());
  TRY(options.link.certificate, webrtc::Certificate::make(async::wall_now(), digest));
  return options;
}

Participant::Participant(async::Shard& shard, base::Random& random, async::Notify& changed, ParticipantOptions options)
    : shard_(shard), random_(random), changed_(changed), options_(std::move(options)), api_(options_.api) {}

Participant::~Participant() {
  reader_.cancel();
}

async::Task<base::Result<void>> Participant::prepare() {
  if (options_.create) CO_TRY_VOID(co_await create_missing());
  CO_TRY(channel_arn_, co_await api_.find_channel_arn(options_.channel));
  CO_TRY(stream_arn_, co_await api_.find_storage_stream(channel_arn_));
  CO_TRY(endpoints_, co_await api_.find_endpoints(channel_arn_, options_.client_id.empty() ? "MASTER" : "VIEWER"));
  CO_TRY_VOID(co_await api_.check_ice_servers(endpoints_.https, channel_arn_));
  co_return base::Result<void>();
}

async::Task<base::Result<void>> Participant::create_missing() {
  CO_TRY_VOID(co_await api_.create_channel(options_.channel));
  CO_TRY_VOID(co_await api_.create_stream(options_.stream, options_.retention_hours));
  CO_TRY(const std::string channel_arn, co_await api_.find_channel_arn(options_.channel));
  CO_TRY(const std::string stream_arn, co_await api_.find_stream_arn(options_.stream));
  // Mapped already, by an earlier run: the service refuses a second mapping, even the same.
  const auto mapped = co_await api_.find_storage_stream(channel_arn);
  if (mapped && *mapped == stream_arn) co_return base::Result<void>();
  co_return co_await api_.enable_storage(channel_arn, stream_arn);
}

async::Task<base::Result<void>> Participant::open_websocket() {
  if (socket_ && socket_->is_open()) co_return base::Result<void>();
  CO_TRY(std::string url, api_.sign_websocket_url(endpoints_.wss, channel_arn_, options_.client_id));
  net::WebSocketClientOptions options;
  options.tls = options_.api.tls;
  CO_TRY(auto socket, co_await net::connect_websocket(std::move(url), options));
  socket_ = std::move(socket);
  reader_.cancel();
  reader_ = shard_.spawn(fmt::format("signaling of {}", options_.channel),
                         [this, socket = socket_]() { return read_websocket(socket); });
  co_return base::Result<void>();
}

async::Task<void> Participant::read_websocket(std::shared_ptr<net::WebSocket> socket) {
  while (const auto message = co_await socket->read()) handle_message(message->payload);
  changed_.notify_all();
}

void Participant::handle_message(std::string_view text) {
  const auto message = parse_server_message(text);
  if (!message) return;  // as the JavaScript client: what does not parse is not there
  switch (message->kind) {
    case ServerMessage::Kind::Offer:
      // The late offer of an earlier join: media flows already.
      if (link_ && link_->is_up()) break;
      if (const auto answered = answer_offer(*message); !answered) refusal_ = answered.error().message;
      break;
    case ServerMessage::Kind::Candidate:
      if (link_) {
        link_->add_remote_candidate(message->text);
      } else if (early_candidates_.size() < kMaxEarlyCandidates) {
        early_candidates_.push_back(message->text);
      }
      break;
    case ServerMessage::Kind::Status:
      // The answer to an offer that a newer one has replaced is refused, and nobody waits for it any more.
      if (!message->correlation_id.empty() && message->correlation_id != answer_id_) break;
      refusal_ = message->text;
      break;
    case ServerMessage::Kind::GoAway:
    case ServerMessage::Kind::Other:
      break;
  }
  changed_.notify_all();
}

// A newer offer replaces a connection under way, as on the JavaScript page.
base::Result<void> Participant::answer_offer(const ServerMessage& offer) {
  timings_.offer = shard_.now() - joined_at_;
  if (link_) link_->close();
  TRY(link_, PeerLink::open(shard_, random_, options_.link, [this] { changed_.notify_all(); }));
  TRY(const std::string answer, link_->accept_offer(offer.text));
  const KeyCase keys = options_.link.like_c_sdk ? KeyCase::Capitalised : KeyCase::LowerCamel;
  answer_id_ = fmt::format("{}-{}", options_.channel, ++answers_);
  socket_->write(make_answer_message(answer, offer.sender_client_id, answer_id_, keys));
  for (const std::string& candidate : link_->local_candidates())
    socket_->write(make_candidate_message(candidate, offer.sender_client_id, keys));
  for (const std::string& candidate : early_candidates_) link_->add_remote_candidate(candidate);
  early_candidates_.clear();
  return {};
}

async::Task<base::Result<void>> Participant::connect() {
  link_.reset();
  early_candidates_.clear();
  refusal_.clear();
  timings_ = {};
  CO_TRY_VOID(co_await open_websocket());
  CO_TRY_VOID(co_await join_until_offer());
  co_return co_await wait_until_up();
}

async::Task<base::Result<void>> Participant::join_until_offer() {
  for (int attempt = 0;; ++attempt) {
    ++joins_;
    joined_at_ = shard_.now();
    joined_at_wall_ = shard_.wall_now();
    const auto joined = co_await api_.join_storage_session(endpoints_.webrtc, channel_arn_, options_.client_id);
    if (joined) timings_.join = shard_.now() - joined_at_;
    if (!joined && !is_worth_another_join(joined.error())) co_return fail(base::Error(joined.error()));
    const auto jitter = std::chrono::milliseconds(random_.below(attempt == 0 ? 1 : 3000));
    const base::Instant deadline = joined_at_ + options_.offer_wait + jitter;
    while (!link_ && refusal_.empty() && socket_->is_open() && shard_.now() < deadline)
      co_await changed_.wait_until(deadline);
    if (link_ && refusal_.empty()) co_return base::Result<void>();
    if (!refusal_.empty()) co_return fail(Errc::Unsupported, refusal_);
    if (!socket_->is_open()) CO_TRY_VOID(co_await open_websocket());
    if (attempt + 1 >= options_.max_joins) {
      if (!joined) co_return fail(base::Error(joined.error()));
      co_return fail(Errc::Unavailable, fmt::format("no offer came after {} joins", options_.max_joins));
    }
  }
}

async::Task<base::Result<void>> Participant::wait_until_up() {
  const base::Instant deadline = shard_.now() + options_.connect_wait;
  while (!link_->is_up()) {
    if (link_->is_over()) co_return fail(Errc::Unavailable, link_->why_over());
    if (!refusal_.empty()) co_return fail(Errc::Unsupported, refusal_);
    const bool rung = co_await changed_.wait_until(deadline);
    if (!rung && shard_.now() >= deadline)
      co_return fail(Errc::Unavailable,
                     link_->ice_at() ? "DTLS did not finish within 30 s" : "ICE did not finish within 30 s");
  }
  timings_.ice = *link_->ice_at() - joined_at_;
  timings_.dtls = *link_->dtls_at() - joined_at_;
  co_return base::Result<void>();
}

async::Task<base::Result<bool>> Participant::has_fragment() {
  if (data_endpoint_.empty()) {
    CO_TRY(data_endpoint_, co_await api_.find_data_endpoint(stream_arn_));
  }
  CO_TRY(const std::size_t count, co_await api_.count_fragments(data_endpoint_, stream_arn_, joined_at_wall_));
  co_return count > 0;
}

async::Task<void> Participant::close() {
  if (link_) link_->close();
  if (!socket_) co_return;
  co_await socket_->close(1000, "done");
  // The reader refers to this object: it ends now that its socket has.
  while (!reader_.is_done()) co_await async::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace client
