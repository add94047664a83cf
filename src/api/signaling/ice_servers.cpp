// SPDX-License-Identifier: Apache-2.0
#include "api/signaling/ice_servers.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "api/outcome.hpp"
#include "aws/signaling.hpp"
#include "base/check.hpp"

namespace api {

namespace sig = aws::signaling;

namespace {

// webrtc-sdk-c reads at most five entries of four URIs.
constexpr std::size_t kMaxEntries = 5;
constexpr std::size_t kMaxUrisPerEntry = 4;
// A STUN answer needs no credentials and never expires; clients ask again after this time.
constexpr std::int32_t kStunTtlSeconds = 300;
constexpr std::size_t kMaxNameInUsername = 200;
// webrtc-sdk-c refuses a Ttl of 30 s and less (its Signaling.c); the model's maximum is a day.
constexpr std::chrono::seconds kMinTurnTtl(31);
constexpr std::chrono::seconds kMaxTurnTtl(86400);

std::vector<sig::IceServer> make_turn_entries(const TurnOptions& turn, const TurnCredentials& credentials) {
  std::vector<sig::IceServer> entries;
  for (const std::string& uri : turn.uris) {
    const bool needs_entry = entries.empty() || entries.back().uris.size() == kMaxUrisPerEntry;
    if (needs_entry && entries.size() == kMaxEntries) break;
    if (needs_entry) {
      sig::IceServer& entry = entries.emplace_back();
      entry.username = credentials.username;
      entry.password = credentials.password;
      entry.ttl = static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(turn.ttl).count());
    }
    entries.back().uris.push_back(uri);
  }
  return entries;
}

Answer<sig::GetIceServerConfigOutput> get_ice_servers(streams::Catalog& catalog, SignalingDoor& signaling,
                                                      const TurnOptions& turn, const Call& call,
                                                      sig::GetIceServerConfigInput input) {
  CO_TRY(const streams::ChannelPtr channel, catalog.find_channel({std::nullopt, input.channel_arn}));
  sig::GetIceServerConfigOutput output;
  if (!turn.uris.empty()) {
    const auto expiry = std::chrono::floor<std::chrono::microseconds>(call.received_at + turn.ttl);
    const TurnCredentials credentials = make_turn_credentials(turn.secret, channel->name, expiry);
    output.ice_server_list = make_turn_entries(turn, credentials);
  } else {
    sig::IceServer& entry = output.ice_server_list.emplace_back();
    entry.uris.push_back(signaling.stun_uri(call.caller));
    entry.ttl = kStunTtlSeconds;
  }
  co_return output;
}

}  // namespace

TurnCredentials make_turn_credentials(std::string_view secret, std::string_view channel_name, base::WallTime expiry) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(expiry).time_since_epoch().count();
  TurnCredentials credentials;
  credentials.username = std::to_string(seconds) + ':' + std::string(channel_name.substr(0, kMaxNameInUsername));
  base::Bytes digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  const base::ByteView text = base::as_bytes(credentials.username);
  const auto* done =
      HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), text.data(), text.size(), digest.data(), &size);
  CHECK(done != nullptr);
  digest.resize(size);
  credentials.password = base::to_base64(digest);
  return credentials;
}

void add_ice_server_handlers(Handlers& handlers, streams::Catalog& catalog, SignalingDoor& signaling,
                             TurnOptions turn) {
  turn.ttl = std::clamp<base::Duration>(turn.ttl, kMinTurnTtl, kMaxTurnTtl);
  handlers.add<sig::GetIceServerConfig>([&catalog, &signaling, turn = std::move(turn)](const Call& call, auto input) {
    return get_ice_servers(catalog, signaling, turn, call, std::move(input));
  });
}

}  // namespace api
