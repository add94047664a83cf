// SPDX-License-Identifier: Apache-2.0
#include "app/configuration.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "app/configuration_values.hpp"

namespace app {
namespace {

using base::Errc;
using base::Result;

// Limits that are settings of their own: those win when they are given.
Result<void> apply_limits(Configuration& c) {
  c.limits = c.limits_profile == "aws" ? api::Limits::aws() : api::Limits();
  for (const std::string& assignment : c.limit) TRY_VOID(c.limits.set(assignment));
  const auto seconds = [&c](api::Limit limit) {
    return base::Duration(std::chrono::seconds(static_cast<std::int64_t>(c.limits[limit])));
  };
  if (c.signaling_lifetime.count() == 0) c.signaling_lifetime = seconds(api::Limit::SignalingLifetime);
  if (c.signaling_idle_timeout.count() == 0) c.signaling_idle_timeout = seconds(api::Limit::SignalingIdle);
  return {};
}

#define SET_TEXT(member)                                        \
  [](Configuration& c, std::string_view text) -> Result<void> { \
    c.member = text;                                            \
    return {};                                                  \
  }
#define SET_WITH(function, member, ...)                         \
  [](Configuration& c, std::string_view text) -> Result<void> { \
    return function(c.member, text __VA_OPT__(, ) __VA_ARGS__); \
  }
#define CLEAR(member) [](Configuration& c) { c.member.clear(); }

using std::chrono::milliseconds;

constexpr std::array kKeys = {
    ConfigurationKey{"data_dir", "DIR", "where recordings, state, keys and certificates are kept", false,
                     SET_TEXT(data_dir), nullptr},
    ConfigurationKey{"http_listen", "ADDR:PORT", "plain HTTP, for this machine", false,
                     SET_WITH(set_address, http_listen), nullptr},
    ConfigurationKey{"https_listen", "ADDR:PORT", "HTTPS and secure WebSockets", false,
                     SET_WITH(set_address, https_listen), nullptr},
    ConfigurationKey{"media_listen", "ADDR:PORT",
                     "first UDP port for WebRTC; shard n uses PORT+n, STUN the one after the last shard", false,
                     SET_WITH(set_address, media_listen), nullptr},
    ConfigurationKey{"media_tcp_listen", "ADDR:PORT",
                     "TCP port for WebRTC where UDP is blocked (default: one above media_listen's); off: none", false,
                     [](Configuration& c, std::string_view text) -> Result<void> {
                       c.media_tcp = text != "off";
                       if (!c.media_tcp) return {};
                       return set_address(c.media_tcp_listen.emplace(), text);
                     },
                     nullptr},
    ConfigurationKey{"advertise_ip", "IP", "address that clients reach this machine by; may be given several times",
                     true, SET_WITH(add_advertised, advertise_ip), CLEAR(advertise_ip)},
    ConfigurationKey{"public_url", "URL", "base of the URLs handed to clients, instead of the host they used", false,
                     SET_WITH(set_public_url, public_url), nullptr},
    ConfigurationKey{"tls_cert", "FILE", "server certificate with its chain, PEM (default: one from a local CA)", false,
                     SET_TEXT(tls_cert), nullptr},
    ConfigurationKey{"tls_key", "FILE", "its private key, PEM", false, SET_TEXT(tls_key), nullptr},
    ConfigurationKey{"region", "NAME", "region in ARNs and signatures", false, SET_TEXT(region), nullptr},
    ConfigurationKey{"account_id", "DIGITS", "account in ARNs", false, SET_WITH(set_account_id, account_id), nullptr},
    ConfigurationKey{"access_key", "ID", "access key id (default: made on the first start)", false,
                     SET_TEXT(access_key), nullptr},
    ConfigurationKey{"secret_key", "SECRET", "its secret; better in the file or the environment than in a flag", false,
                     SET_TEXT(secret_key), nullptr},
    ConfigurationKey{"key_file", "FILE",
                     "key that the secrets of `tidegate key` are sealed with (default: access_keys.key in the data "
                     "directory, made when it is missing)",
                     false, SET_TEXT(key_file), nullptr},
    ConfigurationKey{"shards", "N", "threads that own sessions, each with its UDP port; 0: one per processor", false,
                     SET_WITH(set_number<std::uint32_t>, shards, 0u, 64u), nullptr},
    ConfigurationKey{"joins_per_second", "N",
                     "sessions that each shard begins in a second; what would wait 5 s is refused for now; 0: no limit",
                     false, SET_WITH(set_number<std::uint32_t>, joins_per_second, 0u, 100'000u), nullptr},
    ConfigurationKey{"busy_limit_percent", "N",
                     "of a shard's time: where media take as much, no new session begins; 100: only where they wait",
                     false, SET_WITH(set_number<std::uint32_t>, busy_limit_percent, 20u, 100u), nullptr},
    ConfigurationKey{"udp_gro", "BOOL",
                     "read datagrams that come one after the other together, where the kernel can (UDP GRO)", false,
                     SET_WITH(set_bool, udp_gro), nullptr},
    ConfigurationKey{"turn_uri", "URI", "TURN server for clients; may be given several times", true,
                     SET_WITH(add_turn_uri, turn_uri), CLEAR(turn_uri)},
    ConfigurationKey{"turn_secret", "SECRET", "the TURN server's shared secret (static-auth-secret of coturn)", false,
                     SET_TEXT(turn_secret), nullptr},
    ConfigurationKey{"turn_ttl_seconds", "N", "life of TURN credentials", false,
                     [](Configuration& c, std::string_view text) -> Result<void> {
                       std::uint32_t seconds = 0;
                       TRY_VOID(set_number<std::uint32_t>(seconds, text, 31u, 86'400u));
                       c.turn_ttl = std::chrono::seconds(seconds);
                       return {};
                     },
                     nullptr},
    ConfigurationKey{"signaling_idle_timeout_seconds", "N", "close a signaling socket after this silence; 0: never",
                     false, SET_WITH(set_duration, signaling_idle_timeout, milliseconds(1000)), nullptr},
    ConfigurationKey{"signaling_lifetime_seconds", "N", "close a signaling socket at this age; 0: never", false,
                     SET_WITH(set_duration, signaling_lifetime, milliseconds(1000)), nullptr},
    ConfigurationKey{"connect_limit_seconds", "N",
                     "a client has so long to answer the offer of a storage session, and again to connect", false,
                     [](Configuration& c, std::string_view text) -> Result<void> {
                       std::uint32_t seconds = 0;
                       TRY_VOID(set_number<std::uint32_t>(seconds, text, 1u, 300u));
                       c.connect_limit = std::chrono::seconds(seconds);
                       return {};
                     },
                     nullptr},
    ConfigurationKey{"fragment_target_ms", "N", "a fragment closes at the first key frame past this", false,
                     SET_WITH(set_duration, fragment_target, milliseconds(1)), nullptr},
    ConfigurationKey{
        "low_latency_hls", "BOOL",
        "live playlists of HLS are low-latency ones, unless their URL has LowLatency=false; else only those "
        "with LowLatency=true",
        false, SET_WITH(set_bool, low_latency_hls), nullptr},
    ConfigurationKey{"cache_bytes", "BYTES", "memory for recent fragments", false,
                     SET_WITH(set_byte_count, cache_bytes), nullptr},
    ConfigurationKey{"segment_cache_bytes", "BYTES", "memory for segments that players have asked for, or will soon",
                     false, SET_WITH(set_byte_count, segment_cache_bytes), nullptr},
    ConfigurationKey{"render_cache_disk_bytes", "BYTES",
                     "disk for rendered sound, in the data directory's cache (\"1 GB\"): an hour takes about 50 MB; it "
                     "goes before any recording does; 0: none",
                     false, SET_WITH(set_byte_count, render_cache_disk_bytes), nullptr},
    ConfigurationKey{"render_sound_on_write", "BOOL",
                     "the sound of every recording is rendered as it is made and kept in that cache, so that nobody "
                     "waits for it who reads; else when it is first read",
                     false, SET_WITH(set_bool, render_sound_on_write), nullptr},
    ConfigurationKey{"free_space_floor", "BYTES",
                     "when less is free on the data directory's disk, the oldest recordings go first, whatever their "
                     "retention (\"20 GB\"); 0: never",
                     false, SET_WITH(set_byte_count, free_space_floor), nullptr},
    ConfigurationKey{"stream_max_bytes", "BYTES",
                     "a stream keeps at most so much, its oldest recordings go first; its tag tidegate:max-bytes "
                     "overrides this; 0: no limit",
                     false, SET_WITH(set_byte_count, stream_max_bytes), nullptr},
    ConfigurationKey{"limits", "PROFILE",
                     "aws: every limit as AWS has it (docs/limits.md); usual: only what memory needs", false,
                     SET_WITH(set_profile, limits_profile), nullptr},
    ConfigurationKey{"limit", "NAME=NUMBER",
                     "one limit of docs/limits.md, over the profile; may be given several times", true,
                     SET_WITH(add_limit, limit), CLEAR(limit)},
    ConfigurationKey{"s3_endpoint", "URL", "object store that images go to (default: that of AWS in the region)", false,
                     SET_WITH(set_public_url, s3_endpoint), nullptr},
    ConfigurationKey{"s3_region", "NAME", "region in the signatures for it (default: region)", false,
                     SET_TEXT(s3_region), nullptr},
    ConfigurationKey{"s3_access_key", "ID", "its access key id; without one no images are sent", false,
                     SET_TEXT(s3_access_key), nullptr},
    ConfigurationKey{"s3_secret_key", "SECRET", "and the secret; better in the file or the environment than in a flag",
                     false, SET_TEXT(s3_secret_key), nullptr},
    ConfigurationKey{"notification_topic", "ARN=URL",
                     "where notifications for an SNS topic are posted; may be given several times", true,
                     SET_WITH(add_topic, notification_topics), CLEAR(notification_topics)},
    ConfigurationKey{"delivery_ca", "FILE",
                     "certificate authorities of the servers that images and notifications go to, PEM (default: the "
                     "system's)",
                     false, SET_TEXT(delivery_ca), nullptr},
    ConfigurationKey{"delivery_max_age_seconds", "N",
                     "an image or notification is given up when its fragment is so old", false,
                     SET_WITH(set_duration, delivery_max_age, milliseconds(1000)), nullptr},
    ConfigurationKey{
        "aac_encoder", "NAME",
        "what makes AAC of recorded Opus: own, or ffmpeg, which takes four times the processor time or more", false,
        SET_WITH(set_aac_encoder, aac_encoder), nullptr},
    ConfigurationKey{"metrics_token", "TOKEN",
                     "bearer token for /metrics from other machines (without one: loopback only)", false,
                     SET_TEXT(metrics_token), nullptr},
    ConfigurationKey{"log_level", "LEVEL", "debug, info, warning or error", false, SET_WITH(set_log_level, log_level),
                     nullptr},
};

#undef SET_TEXT
#undef SET_WITH
#undef CLEAR

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

const ConfigurationKey* find_key(std::string_view name) {
  const auto it = std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& key) { return key.name == name; });
  return it == kKeys.end() ? nullptr : &*it;
}

std::string_view nearest_key(std::string_view name) {
  return std::min_element(
             kKeys.begin(), kKeys.end(),
             [&](const auto& a, const auto& b) { return edit_distance(name, a.name) < edit_distance(name, b.name); })
      ->name;
}

std::string to_flag(std::string_view name) {
  std::string flag = "--" + std::string(name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string variable_name(std::string_view key) {
  std::string name = "TIDEGATE_";
  for (const char c : key) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

}  // namespace

std::span<const ConfigurationKey> configuration_keys() {
  return kKeys;
}
std::string flag_name(const ConfigurationKey& key) {
  return to_flag(key.name);
}

Result<Settings> parse_toml(std::string_view text, std::string_view path) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const auto& error = parsed.error();
    return base::fail(Errc::InvalidArgument,
                      fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  Settings settings;
  for (const auto& [toml_key, node] : parsed.table()) {
    const std::string_view name = toml_key.str();
    const auto line = node.source().begin.line;
    const ConfigurationKey* key = find_key(name);
    if (key == nullptr) {
      return base::fail(Errc::InvalidArgument,
                        fmt::format("{}:{}: unknown key {}; did you mean {}?", path, line, name, nearest_key(name)));
    }
    std::vector<std::string> values;
    if (const auto* array = node.as_array(); array != nullptr && key->is_list) {
      for (const auto& element : *array) {
        if (auto value = scalar_text(element)) values.push_back(*std::move(value));
      }
      if (values.size() != array->size()) values.clear();
    } else if (auto value = scalar_text(node)) {
      values.push_back(*std::move(value));
    }
    if (values.empty()) {
      return base::fail(Errc::InvalidArgument,
                        fmt::format("{}:{}: {} must be a {}", path, line, name,
                                    key->is_list ? "string or an array of strings" : "string or a whole number"));
    }
    settings.emplace(name, std::move(values));
  }
  return settings;
}

Result<Settings> read_environment(const char* const* environment) {
  static constexpr std::string_view kPrefix = "TIDEGATE_";
  Settings settings;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view variable = entry.substr(0, equals);
    const auto key =
        std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& k) { return variable_name(k.name) == variable; });
    if (key == kKeys.end()) {
      std::string lower;
      for (const char c : variable.substr(kPrefix.size()))
        lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      return base::fail(Errc::InvalidArgument, fmt::format("environment: unknown variable {}; did you mean {}?",
                                                           variable, variable_name(nearest_key(lower))));
    }
    std::vector<std::string> values;
    std::string_view rest = entry.substr(equals + 1);
    while (key->is_list && rest.find(',') != std::string_view::npos) {
      values.emplace_back(rest.substr(0, rest.find(',')));
      rest.remove_prefix(rest.find(',') + 1);
    }
    values.emplace_back(rest);
    settings.emplace(key->name, std::move(values));
  }
  return settings;
}

Result<Configuration> make_configuration(std::span<const std::pair<std::string, Settings>> sources) {
  Configuration configuration;
  for (const auto& [source, settings] : sources) {
    for (const auto& [name, values] : settings) {
      const ConfigurationKey* key = find_key(name);
      if (key == nullptr) return base::fail(Errc::InvalidArgument, fmt::format("{}: unknown key {}", source, name));
      if (key->is_list) key->clear(configuration);
      for (const std::string& value : values) {
        auto applied = key->apply(configuration, value);
        if (applied) continue;
        const bool is_secret = name.find("secret") != std::string::npos || name.find("token") != std::string::npos;
        return base::fail(Errc::InvalidArgument,
                          fmt::format("{}: {} is \"{}\": {}", source, name, is_secret ? "(not shown)" : value,
                                      applied.error().message));
      }
    }
  }
  if (configuration.tls_cert.empty() != configuration.tls_key.empty()) {
    return base::fail(Errc::InvalidArgument, "tls_cert and tls_key go together: give both or none");
  }
  if (configuration.access_key.empty() != configuration.secret_key.empty()) {
    return base::fail(Errc::InvalidArgument, "access_key and secret_key go together: give both or none");
  }
  if (configuration.s3_access_key.empty() != configuration.s3_secret_key.empty()) {
    return base::fail(Errc::InvalidArgument, "s3_access_key and s3_secret_key go together: give both or none");
  }
  if (!configuration.turn_uri.empty() && configuration.turn_secret.empty()) {
    return base::fail(Errc::InvalidArgument, "turn_uri needs turn_secret, the shared secret of the TURN server");
  }
  TRY_VOID(apply_limits(configuration));
  return configuration;
}

}  // namespace app
