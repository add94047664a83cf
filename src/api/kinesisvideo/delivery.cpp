// SPDX-License-Identifier: Apache-2.0
// UpdateImageGenerationConfiguration, UpdateNotificationConfiguration and their Describe operations (contract 7).
#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "aws/arn.hpp"
#include "aws/json.hpp"
#include "delivery/settings.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

// An Update without the structure removes what was configured.
Answer<kv::UpdateImageGenerationConfigurationOutput> update_images(streams::Catalog& catalog,
                                                                   kv::UpdateImageGenerationConfigurationInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  std::string document;
  if (input.image_generation_configuration) {
    const auto arn = aws::parse_arn(stream->arn);
    CO_TRY([[maybe_unused]] const auto checked,
           delivery::read_settings(*input.image_generation_configuration, arn ? arn->region : ""));
    document = aws::encode(*input.image_generation_configuration);
  }
  CO_TRY_VOID(co_await catalog.put_configuration({input.stream_name, input.stream_arn},
                                                 std::string(delivery::kImageGeneration), std::move(document)));
  co_return kv::UpdateImageGenerationConfigurationOutput{};
}

Answer<kv::UpdateNotificationConfigurationOutput> update_notifications(streams::Catalog& catalog,
                                                                       kv::UpdateNotificationConfigurationInput input) {
  CO_TRY([[maybe_unused]] const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  std::string document;
  if (input.notification_configuration) {
    CO_TRY([[maybe_unused]] const auto checked, delivery::read_settings(*input.notification_configuration));
    document = aws::encode(*input.notification_configuration);
  }
  CO_TRY_VOID(co_await catalog.put_configuration({input.stream_name, input.stream_arn},
                                                 std::string(delivery::kNotification), std::move(document)));
  co_return kv::UpdateNotificationConfigurationOutput{};
}

// Nothing when there is no configuration of that kind.
template <class Configuration>
aws::Outcome<std::optional<Configuration>> find_configuration(const streams::Stream& stream, std::string_view kind) {
  const auto found = stream.configurations.find(std::string(kind));
  if (found == stream.configurations.end()) return std::nullopt;
  auto configuration = aws::decode<Configuration>(found->second);
  if (!configuration) return std::unexpected(std::move(configuration).error());
  return *std::move(configuration);
}

Answer<kv::DescribeImageGenerationConfigurationOutput> describe_images(
    const streams::Catalog& catalog, kv::DescribeImageGenerationConfigurationInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  auto found = find_configuration<kv::ImageGenerationConfiguration>(*stream, delivery::kImageGeneration);
  if (!found) co_return std::unexpected(std::move(found).error());
  kv::DescribeImageGenerationConfigurationOutput output;
  output.image_generation_configuration = *std::move(found);
  co_return output;
}

Answer<kv::DescribeNotificationConfigurationOutput> describe_notifications(
    const streams::Catalog& catalog, kv::DescribeNotificationConfigurationInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  auto found = find_configuration<kv::NotificationConfiguration>(*stream, delivery::kNotification);
  if (!found) co_return std::unexpected(std::move(found).error());
  kv::DescribeNotificationConfigurationOutput output;
  output.notification_configuration = *std::move(found);
  co_return output;
}

}  // namespace

void add_delivery_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::UpdateImageGenerationConfiguration>(
      [&](const Call&, auto input) { return update_images(catalog, std::move(input)); });
  handlers.add<kv::DescribeImageGenerationConfiguration>(
      [&](const Call&, auto input) { return describe_images(catalog, std::move(input)); });
  handlers.add<kv::UpdateNotificationConfiguration>(
      [&](const Call&, auto input) { return update_notifications(catalog, std::move(input)); });
  handlers.add<kv::DescribeNotificationConfiguration>(
      [&](const Call&, auto input) { return describe_notifications(catalog, std::move(input)); });
}

}  // namespace api
