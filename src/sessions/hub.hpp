// SPDX-License-Identifier: Apache-2.0
#pragma once
// The door of this room: signaling sockets and joins come in on any shard, and each channel lives on one.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "base/address.hpp"
#include "net/websocket.hpp"
#include "sessions/media_port.hpp"
#include "sessions/message_rates.hpp"
#include "sessions/signaling_channel.hpp"
#include "sessions/storage_session.hpp"
#include "streams/archive.hpp"
#include "streams/catalog.hpp"

namespace sessions {

struct HubOptions {
  base::SocketAddress media_listen;  // shard n uses port + n, STUN the next; port 0: the system chooses each
  std::optional<base::SocketAddress> media_tcp_listen;  // for clients without UDP; port 0: the system chooses
  std::vector<base::IpAddress> advertised;              // empty: every usable address of this machine
  streams::RecorderOptions recorder;
  // AWS ends a signaling connection after 10 minutes of silence and after an hour; zero here means never.
  base::Duration signaling_idle_timeout = base::Duration::zero();
  base::Duration signaling_lifetime = base::Duration::zero();
  MessageRateLimits message_rates;                          // of each signaling socket
  std::uint32_t joins_per_second = 0;                       // on each shard; 0: no limit
  double busy_limit = Overload::kBusyLimit;                 // of each shard's thread
  bool udp_gro = true;                                      // net::UdpPortOptions::gro
  std::size_t max_viewers = 0;                              // of a storage session; 0: no limit
  SessionLimits session_limits;                             // in time
  base::Duration connect_limit = std::chrono::seconds(30);  // for an answer, and from there to a connection
};

struct HubStats {
  SessionStats sessions;
  SessionOutcomes outcomes;
  std::uint64_t signaling_connections = 0;  // open now
  std::uint64_t signaling_messages = 0;
  std::uint64_t signaling_rejected = 0;  // malformed or not deliverable
  std::uint64_t refusing_shards = 0;     // let no new sessions in
  std::uint64_t asked_less = 0;          // recordings whose cameras are asked for less than they would send
  std::uint64_t resting = 0;             // recordings that rest now, since there is too much to do
  MediaPort::Stats media;
  net::UdpPort::Stats udp;
  net::FramedConnection::Stats tcp;
  net::FramedListener::Stats tcp_connections;
  std::uint64_t tcp_strangers = 0;  // connections whose first datagram was for no peer of this server
};

// Made by main after the shards. Every public call may be made on any shard unless it says otherwise.
class Hub {
 public:
  // `shards` are not empty; all arguments outlive the hub. Blocks: opens the media ports.
  static base::Result<std::unique_ptr<Hub>> open(HubOptions options, std::vector<async::Shard*> shards,
                                                 streams::Catalog& catalog, streams::Archive& archive,
                                                 async::DiskWorker& disk);
  ~Hub();

  // Whether a connection would be taken, before the upgrade is answered: NotFound for an unknown channel,
  // InvalidArgument for a client id that breaks the rules (a master has none, a viewer needs one).
  base::Result<void> check_connect(Role role, const std::string& channel_arn, const std::string& client_id) const;
  net::WebSocketOptions websocket_options() const;
  // Runs the connection until it ends; on the socket's shard. check_connect() has passed. `may_stay` is asked every two
  // seconds on that shard: on false the socket is closed.
  async::Task<void> serve(std::unique_ptr<net::WebSocket> socket, Role role, std::string channel_arn,
                          std::string client_id, std::function<bool()> may_stay = {});

  // JoinStorageSession. Ends when the offer is queued to the master's socket; a master that is not connected gets a
  // fresh offer if it connects within the channel's MessageTtlSeconds. NotFound, InvalidArgument (storage is not
  // enabled), Unsupported (a client id: viewers).
  async::Task<base::Result<void>> join(std::string channel_arn, std::optional<std::string> client_id);

  // SendAlexaOfferToMaster: an offer in base64 from a viewer without a socket, held until the master answers. Ends with
  // the answer, in base64; NotFound when none came within the channel's MessageTtlSeconds, InvalidArgument for a client
  // id that breaks the rules.
  async::Task<base::Result<std::string>> offer_to_master(std::string channel_arn, std::string client_id,
                                                         std::string payload);

  // Where the media ports listen, one for each shard.
  std::vector<base::SocketAddress> media_addresses() const;
  // Where media over TCP is taken, if anywhere; for all shards.
  std::optional<base::SocketAddress> media_tcp_address() const;
  // The STUN URI that GetIceServerConfig hands to this caller when no TURN server is configured; never a media port.
  std::string stun_uri(const base::SocketAddress& caller) const;

  async::Task<HubStats> stats();
  // Joins and how they fared (SessionHistory says which are kept): newest first; of one channel, or of all.
  async::Task<std::vector<SessionRecord>> sessions(std::optional<std::string> channel_name);
  // GO_AWAY to every client, then all sessions end, their open fragments become durable, the sockets are closed.
  async::Task<void> drain();
  // From outside the shards, before they stop: closes the media ports. Idempotent; the destructor does it otherwise.
  void close();

 private:
  class ShardState;
  struct Parts;
  explicit Hub(std::unique_ptr<Parts> parts);
  ShardState& owner_of(const std::string& channel_arn);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sessions
