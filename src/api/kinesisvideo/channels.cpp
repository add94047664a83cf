// SPDX-License-Identifier: Apache-2.0
// CreateSignalingChannel, DescribeSignalingChannel, ListSignalingChannels, UpdateSignalingChannel,
// DeleteSignalingChannel.
#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "aws/kinesisvideo.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

constexpr std::int32_t kListChannelsDefault = 500;

kv::ChannelInfo make_channel_info(const streams::Channel& channel) {
  kv::ChannelInfo info;
  info.channel_arn = channel.arn;
  info.channel_name = channel.name;
  info.channel_status = kv::Status::Active;
  info.channel_type = kv::ChannelType::SingleMaster;
  info.creation_time = channel.created;
  info.single_master_configuration.emplace().message_ttl_seconds =
      static_cast<std::int32_t>(channel.message_ttl_seconds);
  info.version = channel.version;
  return info;
}

std::optional<std::uint32_t> message_ttl(const std::optional<kv::SingleMasterConfiguration>& configuration) {
  if (!configuration || !configuration->message_ttl_seconds) return std::nullopt;
  return static_cast<std::uint32_t>(*configuration->message_ttl_seconds);
}

Answer<kv::CreateSignalingChannelOutput> create_channel(streams::Catalog& catalog,
                                                        kv::CreateSignalingChannelInput input) {
  streams::NewChannel channel;
  channel.name = std::move(input.channel_name);
  channel.message_ttl_seconds = message_ttl(input.single_master_configuration).value_or(channel.message_ttl_seconds);
  for (kv::Tag& tag : input.tags) channel.tags[std::move(tag.key)] = std::move(tag.value);
  // The catalog has one word for both limits.
  const bool has_too_many_tags = channel.tags.size() > catalog.limits().tags;
  auto created = co_await catalog.create_channel(std::move(channel));
  if (!created) {
    const aws::ErrorKind& limit =
        has_too_many_tags ? kv::kTagsPerResourceExceededLimit : kv::kAccountChannelLimitExceeded;
    co_return std::unexpected(limit_as(std::move(created).error(), limit));
  }
  kv::CreateSignalingChannelOutput output;
  output.channel_arn = (*created)->arn;
  co_return output;
}

Answer<kv::DescribeSignalingChannelOutput> describe_channel(streams::Catalog& catalog,
                                                            kv::DescribeSignalingChannelInput input) {
  CO_TRY(const streams::ChannelPtr channel, catalog.find_channel({input.channel_name, input.channel_arn}));
  kv::DescribeSignalingChannelOutput output;
  output.channel_info = make_channel_info(*channel);
  co_return output;
}

Answer<kv::ListSignalingChannelsOutput> list_channels(streams::Catalog& catalog, kv::ListSignalingChannelsInput input) {
  streams::ListQuery query;
  if (input.channel_name_condition) query.name_prefix = input.channel_name_condition->comparison_value.value_or("");
  query.token = input.next_token.value_or("");
  query.limit = static_cast<std::size_t>(input.max_results.value_or(kListChannelsDefault));
  CO_TRY(const auto page, catalog.list_channels(query));
  kv::ListSignalingChannelsOutput output;
  for (const streams::ChannelPtr& channel : page.items) output.channel_info_list.push_back(make_channel_info(*channel));
  output.next_token = if_not_empty(page.next_token);
  co_return output;
}

Answer<kv::UpdateSignalingChannelOutput> update_channel(streams::Catalog& catalog,
                                                        kv::UpdateSignalingChannelInput input) {
  const auto ttl = message_ttl(input.single_master_configuration);
  auto updated = co_await catalog.update_channel(std::move(input.channel_arn), std::move(input.current_version), ttl);
  if (!updated) co_return base::fail(std::move(updated).error());
  co_return kv::UpdateSignalingChannelOutput{};
}

Answer<kv::DeleteSignalingChannelOutput> delete_channel(streams::Catalog& catalog,
                                                        kv::DeleteSignalingChannelInput input) {
  auto deleted = co_await catalog.delete_channel(std::move(input.channel_arn), input.current_version.value_or(""));
  if (!deleted) co_return base::fail(std::move(deleted).error());
  co_return kv::DeleteSignalingChannelOutput{};
}

}  // namespace

void add_channel_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::CreateSignalingChannel>(
      [&](const Call&, auto input) { return create_channel(catalog, std::move(input)); });
  handlers.add<kv::DescribeSignalingChannel>(
      [&](const Call&, auto input) { return describe_channel(catalog, std::move(input)); });
  handlers.add<kv::ListSignalingChannels>(
      [&](const Call&, auto input) { return list_channels(catalog, std::move(input)); });
  handlers.add<kv::UpdateSignalingChannel>(
      [&](const Call&, auto input) { return update_channel(catalog, std::move(input)); });
  handlers.add<kv::DeleteSignalingChannel>(
      [&](const Call&, auto input) { return delete_channel(catalog, std::move(input)); });
}

}  // namespace api
