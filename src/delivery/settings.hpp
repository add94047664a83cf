// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a stream's image generation and notification configurations say (contract 7), checked. The catalog keeps the
// documents as the API takes them; whoever stores one and whoever follows it reads it here.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "aws/kinesisvideo.hpp"
#include "base/result.hpp"
#include "streams/images.hpp"

namespace delivery {

// Kinds of the catalog's stream configurations.
inline constexpr std::string_view kImageGeneration = "image_generation";
inline constexpr std::string_view kNotification = "notification";

struct ImageSettings {
  bool enabled = false;
  streams::TimeAxis axis = streams::TimeAxis::Server;
  std::string bucket;
  std::string prefix;  // of every key, with its slash at the end; empty: none
  std::chrono::milliseconds interval{};
  streams::ImageOptions options;
};

struct NotificationSettings {
  bool enabled = false;
  std::string topic;  // an SNS topic's ARN, or what AWS does not have: an http:// or https:// URL
};

// InvalidArgument names the member. `region` is the stream's: images go nowhere else.
base::Result<ImageSettings> read_settings(const aws::kinesisvideo::ImageGenerationConfiguration& configuration,
                                          std::string_view region);
base::Result<NotificationSettings> read_settings(const aws::kinesisvideo::NotificationConfiguration& configuration);

}  // namespace delivery
