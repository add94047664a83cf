// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `tidegate serve` can be told: built-in defaults < tidegate.toml < environment TIDEGATE_* < flags. One table of
// keys serves all three, so a key exists everywhere or nowhere.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/limits.hpp"
#include "base/address.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "streams/aac_choice.hpp"

namespace app {

struct Configuration {
  std::string data_dir = "tidegate-data";
  base::SocketAddress http_listen{base::IpAddress::v4(127, 0, 0, 1), 8080};
  base::SocketAddress https_listen{base::IpAddress::v4(0, 0, 0, 0), 8443};
  base::SocketAddress media_listen{base::IpAddress::v4(0, 0, 0, 0), 8443};
  bool media_tcp = true;
  std::optional<base::SocketAddress> media_tcp_listen;  // none: media_listen's address, the port above its own
  std::vector<base::IpAddress> advertise_ip;
  std::string public_url;
  std::string tls_cert;
  std::string tls_key;
  std::string region = "us-east-1";
  std::string account_id = "123456789012";
  std::string access_key;
  std::string secret_key;
  std::string key_file;      // empty: access_keys.key in the data directory
  std::uint32_t shards = 0;  // 0: one per processor
  std::uint32_t joins_per_second = 200;
  std::uint32_t busy_limit_percent = 88;
  bool udp_gro = true;
  std::vector<std::string> turn_uri;
  std::string turn_secret;
  base::Duration turn_ttl = std::chrono::seconds(300);
  base::Duration signaling_idle_timeout = base::Duration::zero();
  base::Duration signaling_lifetime = base::Duration::zero();
  base::Duration connect_limit = std::chrono::seconds(30);
  base::Duration fragment_target = std::chrono::seconds(2);
  bool low_latency_hls = false;
  std::uint64_t cache_bytes = 256ull << 20;
  std::uint64_t segment_cache_bytes = 128ull << 20;
  std::uint64_t render_cache_disk_bytes = 1ull << 30;
  bool render_sound_on_write = false;
  std::uint64_t free_space_floor = 0;
  std::uint64_t stream_max_bytes = 0;
  std::string limits_profile;      // "aws", or empty: the usual ones
  std::vector<std::string> limit;  // NAME=NUMBER over the profile
  api::Limits limits;              // what both come to
  std::string s3_endpoint;         // empty: AWS's of the region
  std::string s3_region;           // empty: `region`
  std::string s3_access_key;
  std::string s3_secret_key;
  std::map<std::string, std::string> notification_topics;  // URLs by ARN
  std::string delivery_ca;
  base::Duration delivery_max_age = std::chrono::hours(24);
  streams::AacChoice aac_encoder = streams::AacChoice::Own;
  std::string metrics_token;
  base::LogLevel log_level = base::LogLevel::Info;
};

struct ConfigurationKey {
  std::string_view name;  // "http_listen": TOML key, --http-listen, TIDEGATE_HTTP_LISTEN
  std::string_view placeholder;
  std::string_view help;
  bool is_list;
  // Sets the member from text. The error says what the text should look like.
  base::Result<void> (*apply)(Configuration&, std::string_view text);
  // Lists only: forgets what a weaker source said.
  void (*clear)(Configuration&);
};
std::span<const ConfigurationKey> configuration_keys();
// "--http-listen".
std::string flag_name(const ConfigurationKey& key);

// Values by key name, as one source gave them; lists have several.
using Settings = std::map<std::string, std::vector<std::string>>;

// Reads a TOML document: flat keys, strings, numbers and arrays of strings. An unknown key is an error that names the
// line and the nearest known key. `path` is for the messages only.
base::Result<Settings> parse_toml(std::string_view text, std::string_view path);
// From TIDEGATE_* variables; `environment` is null-terminated, as environ. An unknown TIDEGATE_ name is an error.
base::Result<Settings> read_environment(const char* const* environment);

// Applies the sources in turn; a later one wins key by key. Errors name source, key and value (never a secret's).
base::Result<Configuration> make_configuration(std::span<const std::pair<std::string, Settings>> sources);

}  // namespace app
