// SPDX-License-Identifier: Apache-2.0
#include "delivery/settings.hpp"

#include <fmt/format.h>

#include <charconv>

namespace delivery {
namespace {

namespace kv = aws::kinesisvideo;
using base::Errc;
using base::Result;

constexpr std::int32_t kLeastInterval = 200;  // ms, as GetImages
constexpr std::string_view kScheme = "s3://";
constexpr std::string_view kBucketCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-";

Result<int> read_quality(const std::string& text) {
  int quality = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), quality);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || quality < 1 || quality > 100) {
    return base::fail(Errc::InvalidArgument,
                      "ImageGenerationConfiguration.FormatConfig JPEGQuality must be a number from 1 to 100");
  }
  return quality;
}

bool is_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && name.find_first_not_of(kBucketCharacters) == std::string_view::npos;
}

// s3://bucket or s3://bucket/prefix.
Result<void> read_destination(std::string_view uri, ImageSettings& settings) {
  const std::string_view rest = uri.starts_with(kScheme) ? uri.substr(kScheme.size()) : std::string_view();
  const std::string_view bucket = rest.substr(0, rest.find('/'));
  if (!is_bucket_name(bucket)) {
    return base::fail(Errc::InvalidArgument,
                      "ImageGenerationConfiguration.DestinationConfig.Uri must be s3://BUCKET or s3://BUCKET/PREFIX");
  }
  settings.bucket = bucket;
  settings.prefix = rest.substr(std::min(rest.size(), bucket.size() + 1));
  if (!settings.prefix.empty() && !settings.prefix.ends_with('/')) settings.prefix += '/';
  return {};
}

bool is_topic(std::string_view uri) {
  return uri.starts_with("arn:aws") && uri.find(":sns:") != std::string_view::npos && !uri.ends_with(".fifo");
}

}  // namespace

Result<ImageSettings> read_settings(const kv::ImageGenerationConfiguration& configuration, std::string_view region) {
  ImageSettings settings;
  settings.enabled = configuration.status == kv::ConfigurationStatus::Enabled;
  if (configuration.image_selector_type == kv::ImageSelectorType::ProducerTimestamp) {
    settings.axis = streams::TimeAxis::Producer;
  }
  if (configuration.sampling_interval < kLeastInterval) {
    return base::fail(
        Errc::InvalidArgument,
        fmt::format("ImageGenerationConfiguration.SamplingInterval must be at least {} milliseconds", kLeastInterval));
  }
  settings.interval = std::chrono::milliseconds(configuration.sampling_interval);
  if (configuration.destination_config.destination_region != region) {
    return base::fail(Errc::InvalidArgument, fmt::format("ImageGenerationConfiguration.DestinationConfig."
                                                         "DestinationRegion must be the stream's region, {}",
                                                         region));
  }
  TRY_VOID(read_destination(configuration.destination_config.uri, settings));
  settings.options.format =
      configuration.format == kv::Format::Jpeg ? streams::ImageFormat::Jpeg : streams::ImageFormat::Png;
  if (const auto found = configuration.format_config.find("JPEGQuality"); found != configuration.format_config.end()) {
    TRY(settings.options.quality, read_quality(found->second));
  }
  if (configuration.width_pixels) settings.options.width = static_cast<std::uint32_t>(*configuration.width_pixels);
  if (configuration.height_pixels) settings.options.height = static_cast<std::uint32_t>(*configuration.height_pixels);
  return settings;
}

Result<NotificationSettings> read_settings(const kv::NotificationConfiguration& configuration) {
  const std::string& uri = configuration.destination_config.uri;
  if (!is_topic(uri) && !uri.starts_with("http://") && !uri.starts_with("https://")) {
    return base::fail(Errc::InvalidArgument,
                      "NotificationConfiguration.DestinationConfig.Uri must be the ARN of a standard SNS topic, or an "
                      "http:// or https:// URL");
  }
  return NotificationSettings{configuration.status == kv::ConfigurationStatus::Enabled, uri};
}

}  // namespace delivery
