// SPDX-License-Identifier: Apache-2.0
#pragma once
// The answers of the reads that the web console is drawn from (docs/api.md).

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "aws/field.hpp"
#include "base/time.hpp"

namespace api {

struct CameraAnswer {
  std::string name;
  std::optional<std::string> channel_arn;
  std::optional<std::string> stream_name;
  std::optional<std::string> stream_arn;
  std::string state;  // recording, connected, connecting, offline, peer_to_peer
  std::int64_t viewers = 0;
  std::optional<std::int64_t> bits_per_second;
  std::optional<base::WallTime> recording_since;
  std::optional<base::WallTime> newest_end;
  static constexpr auto fields() {
    return std::tuple(aws::field("name", &CameraAnswer::name, {.required = true}),
                      aws::field("channelArn", &CameraAnswer::channel_arn),
                      aws::field("streamName", &CameraAnswer::stream_name),
                      aws::field("streamArn", &CameraAnswer::stream_arn),
                      aws::field("state", &CameraAnswer::state, {.required = true}),
                      aws::field("viewers", &CameraAnswer::viewers, {.required = true}),
                      aws::field("bitsPerSecond", &CameraAnswer::bits_per_second),
                      aws::field("recordingSince", &CameraAnswer::recording_since),
                      aws::field("newestEnd", &CameraAnswer::newest_end));
  }
};

struct CamerasAnswer {
  std::vector<CameraAnswer> cameras;
  std::optional<std::string> next_token;
  static constexpr auto fields() {
    return std::tuple(aws::field("cameras", &CamerasAnswer::cameras, {.required = true, .write_empty = true}),
                      aws::field("nextToken", &CamerasAnswer::next_token));
  }
};

struct ThumbnailAnswer {
  std::string stream_name;
  base::WallTime time;
  std::string content_type;
  std::string image;  // base64
  static constexpr auto fields() {
    return std::tuple(aws::field("streamName", &ThumbnailAnswer::stream_name, {.required = true}),
                      aws::field("time", &ThumbnailAnswer::time, {.required = true}),
                      aws::field("contentType", &ThumbnailAnswer::content_type, {.required = true}),
                      aws::field("image", &ThumbnailAnswer::image, {.required = true}));
  }
};

struct StreamUseAnswer {
  std::string stream_name;
  std::string stream_arn;
  std::int64_t retention_hours = 0;
  std::int64_t fragments = 0;
  std::int64_t bytes = 0;
  std::optional<base::WallTime> oldest;
  std::optional<base::WallTime> newest_end;
  std::optional<std::int64_t> bits_per_second;
  static constexpr auto fields() {
    return std::tuple(aws::field("streamName", &StreamUseAnswer::stream_name, {.required = true}),
                      aws::field("streamArn", &StreamUseAnswer::stream_arn, {.required = true}),
                      aws::field("retentionHours", &StreamUseAnswer::retention_hours, {.required = true}),
                      aws::field("fragments", &StreamUseAnswer::fragments, {.required = true}),
                      aws::field("bytes", &StreamUseAnswer::bytes, {.required = true}),
                      aws::field("oldest", &StreamUseAnswer::oldest),
                      aws::field("newestEnd", &StreamUseAnswer::newest_end),
                      aws::field("bitsPerSecond", &StreamUseAnswer::bits_per_second));
  }
};

struct StorageAnswer {
  std::int64_t disk_capacity = 0;
  std::int64_t disk_free = 0;
  std::vector<StreamUseAnswer> streams;
  static constexpr auto fields() {
    return std::tuple(aws::field("diskCapacity", &StorageAnswer::disk_capacity, {.required = true}),
                      aws::field("diskFree", &StorageAnswer::disk_free, {.required = true}),
                      aws::field("streams", &StorageAnswer::streams, {.required = true, .write_empty = true}));
  }
};

struct PolicyAnswer {
  std::string name;
  std::string document;
  static constexpr auto fields() {
    return std::tuple(aws::field("name", &PolicyAnswer::name, {.required = true}),
                      aws::field("document", &PolicyAnswer::document, {.required = true}));
  }
};

// Never a secret.
struct KeyAnswer {
  std::string id;
  std::string name;
  std::optional<base::WallTime> created;
  std::optional<base::WallTime> expires;
  std::optional<std::string> parent;
  bool has_all_rights = false;
  std::vector<PolicyAnswer> policies;
  static constexpr auto fields() {
    return std::tuple(aws::field("accessKeyId", &KeyAnswer::id, {.required = true}),
                      aws::field("name", &KeyAnswer::name, {.required = true}),
                      aws::field("created", &KeyAnswer::created), aws::field("expires", &KeyAnswer::expires),
                      aws::field("issuedFrom", &KeyAnswer::parent),
                      aws::field("allRights", &KeyAnswer::has_all_rights, {.required = true}),
                      aws::field("policies", &KeyAnswer::policies, {.required = true, .write_empty = true}));
  }
};

struct KeysAnswer {
  std::vector<KeyAnswer> keys;
  static constexpr auto fields() {
    return std::tuple(aws::field("keys", &KeysAnswer::keys, {.required = true, .write_empty = true}));
  }
};

struct NewKeyInput {
  std::optional<std::string> name;
  std::vector<PolicyAnswer> policies;
  static constexpr auto fields() {
    return std::tuple(aws::field("name", &NewKeyInput::name), aws::field("policies", &NewKeyInput::policies));
  }
};

// Told this once.
struct NewKeyAnswer {
  std::string id;
  std::string secret;
  std::string name;
  static constexpr auto fields() {
    return std::tuple(aws::field("accessKeyId", &NewKeyAnswer::id, {.required = true}),
                      aws::field("secretAccessKey", &NewKeyAnswer::secret, {.required = true}),
                      aws::field("name", &NewKeyAnswer::name, {.required = true}));
  }
};

struct KeyPolicyInput {
  std::string id;
  std::string name;
  std::string document;
  static constexpr auto fields() {
    return std::tuple(aws::field("accessKeyId", &KeyPolicyInput::id, {.required = true}),
                      aws::field("name", &KeyPolicyInput::name, {.required = true}),
                      aws::field("document", &KeyPolicyInput::document, {.required = true}));
  }
};

// What a page knows before anybody signs in.
struct ServerAnswer {
  std::string region;
  std::string https_url;
  std::string wss_url;
  std::optional<std::string> ca_fingerprint;  // SHA-256
  static constexpr auto fields() {
    return std::tuple(aws::field("region", &ServerAnswer::region, {.required = true}),
                      aws::field("httpsUrl", &ServerAnswer::https_url, {.required = true}),
                      aws::field("wssUrl", &ServerAnswer::wss_url, {.required = true}),
                      aws::field("caFingerprint", &ServerAnswer::ca_fingerprint));
  }
};

}  // namespace api
