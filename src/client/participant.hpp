// SPDX-License-Identifier: Apache-2.0
#pragma once
// A KVS master's or viewer's signaling: finds the channel, keeps the WebSocket open, joins the storage session, answers
// its offers.

#include <memory>
#include <optional>
#include <string>

#include "async/notify.hpp"
#include "async/shard.hpp"
#include "client/join_timings.hpp"
#include "client/kvs_api.hpp"
#include "client/peer_link.hpp"
#include "client/service_options.hpp"
#include "client/signaling_text.hpp"
#include "net/websocket.hpp"

namespace client {

struct ParticipantOptions {
  ApiOptions api;
  LinkOptions link;
  std::string channel;
  std::string client_id;  // of a viewer; empty: the master
  std::string stream;
  bool create = false;
  int retention_hours = 24;
  // As the JavaScript page: joins again when no offer came for six seconds and some random time, five times at most;
  // a connection has thirty seconds.
  base::Duration offer_wait = std::chrono::seconds(6);
  base::Duration connect_wait = std::chrono::seconds(30);
  int max_joins = 6;
};

// For this service, with a certificate of its own; loopback candidates where the service is on this machine.
base::Result<ParticipantOptions> make_participant_options(
    const ServiceOptions& service, webrtc::Certificate::Digest digest = webrtc::Certificate::Digest::Sha256);

// Owned by a Publisher or a Viewer, on its shard.
class Participant {
 public:
  // `random` and `changed` outlive this; `changed` is rung after every change of the connection.
  Participant(async::Shard& shard, base::Random& random, async::Notify& changed, ParticipantOptions options);
  ~Participant();

  // Channel, stream, mapping, endpoints.
  async::Task<base::Result<void>> prepare();
  // Joins and returns when media can flow. A former link is dropped.
  async::Task<base::Result<void>> connect();
  // A fragment written since the last connect() is durable: false when the server answered that there is none.
  async::Task<base::Result<bool>> has_fragment();
  async::Task<void> close();

  PeerLink* link() { return link_.get(); }
  const JoinTimings& timings() const { return timings_; }
  int joins() const { return joins_; }
  base::WallTime joined_at_wall() const { return joined_at_wall_; }
  base::Instant joined_at() const { return joined_at_; }

 private:
  async::Task<base::Result<void>> create_missing();
  async::Task<base::Result<void>> open_websocket();
  async::Task<void> read_websocket(std::shared_ptr<net::WebSocket> socket);
  async::Task<base::Result<void>> join_until_offer();
  async::Task<base::Result<void>> wait_until_up();
  void handle_message(std::string_view text);
  base::Result<void> answer_offer(const ServerMessage& offer);

  async::Shard& shard_;
  base::Random& random_;
  async::Notify& changed_;
  ParticipantOptions options_;
  KvsApi api_;
  std::string channel_arn_, stream_arn_;
  ChannelEndpoints endpoints_;
  std::string data_endpoint_;
  std::shared_ptr<net::WebSocket> socket_;  // shared with the task that reads it
  async::TaskHandle reader_;
  std::unique_ptr<PeerLink> link_;
  std::vector<std::string> early_candidates_;
  std::string refusal_;  // a failed STATUS_RESPONSE or an offer that could not be answered
  base::Instant joined_at_{};
  base::WallTime joined_at_wall_{};
  int joins_ = 0;
  int answers_ = 0;
  std::string answer_id_;  // correlates the last answer with what is said about it
  JoinTimings timings_;
};

}  // namespace client
