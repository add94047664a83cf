// SPDX-License-Identifier: Apache-2.0
// UpdateMediaStorageConfiguration, DescribeMediaStorageConfiguration, DescribeMappedResourceConfiguration: which
// channel records into which stream.
#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "api/whole_list.hpp"
#include "aws/kinesisvideo.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

constexpr std::string_view kChannelType = "AWS::KinesisVideo::SignalingChannel";
constexpr bool is_enabled(kv::MediaStorageConfigurationStatus status) {
  return status == kv::MediaStorageConfigurationStatus::Enabled;
}

Answer<kv::UpdateMediaStorageConfigurationOutput> update_storage(streams::Catalog& catalog,
                                                                 kv::UpdateMediaStorageConfigurationInput input) {
  kv::MediaStorageConfiguration& wanted = input.media_storage_configuration;
  if (is_enabled(wanted.status) && !wanted.stream_arn) {
    co_return base::fail(base::Errc::InvalidArgument,
                         "MediaStorageConfiguration.StreamARN is required when Status is ENABLED");
  }
  std::optional<std::string> stream_arn;
  if (is_enabled(wanted.status)) stream_arn = std::move(wanted.stream_arn);
  auto updated = co_await catalog.set_storage(std::move(input.channel_arn), std::move(stream_arn));
  if (!updated) co_return base::fail(std::move(updated).error());
  co_return kv::UpdateMediaStorageConfigurationOutput{};
}

// A channel that was never configured is DISABLED without a stream; a client asks this of every channel.
Answer<kv::DescribeMediaStorageConfigurationOutput> describe_storage(streams::Catalog& catalog,
                                                                     kv::DescribeMediaStorageConfigurationInput input) {
  CO_TRY(const streams::ChannelPtr channel, catalog.find_channel({input.channel_name, input.channel_arn}));
  kv::DescribeMediaStorageConfigurationOutput output;
  kv::MediaStorageConfiguration& found = output.media_storage_configuration.emplace();
  found.stream_arn = channel->storage_stream_arn;
  found.status = channel->storage_stream_arn ? kv::MediaStorageConfigurationStatus::Enabled
                                             : kv::MediaStorageConfigurationStatus::Disabled;
  co_return output;
}

Answer<kv::DescribeMappedResourceConfigurationOutput> describe_mapping(
    streams::Catalog& catalog, kv::DescribeMappedResourceConfigurationInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  if (auto checked = check_no_token(input); !checked) co_return std::unexpected(std::move(checked).error());
  kv::DescribeMappedResourceConfigurationOutput output;
  const auto channel = catalog.find_mapped_channel(stream->arn);
  if (channel) {
    kv::MappedResourceConfigurationListItem& item = output.mapped_resource_configuration_list.emplace_back();
    item.type = kChannelType;
    item.arn = (*channel)->arn;
  } else if (channel.error().code != base::Errc::NotFound) {
    co_return base::fail(channel.error());
  }
  co_return output;
}

}  // namespace

void add_storage_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::UpdateMediaStorageConfiguration>(
      [&](const Call&, auto input) { return update_storage(catalog, std::move(input)); });
  handlers.add<kv::DescribeMediaStorageConfiguration>(
      [&](const Call&, auto input) { return describe_storage(catalog, std::move(input)); });
  handlers.add<kv::DescribeMappedResourceConfiguration>(
      [&](const Call&, auto input) { return describe_mapping(catalog, std::move(input)); });
}

}  // namespace api
