// SPDX-License-Identifier: Apache-2.0
// CreateStream, DescribeStream, ListStreams, UpdateStream, DeleteStream, UpdateDataRetention and the storage tier.
#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "aws/kinesisvideo.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

constexpr std::int32_t kListStreamsDefault = 10'000;

std::string tier_name(kv::DefaultStorageTier tier) {
  return std::string(wire_names(tier)[static_cast<std::size_t>(tier)]);
}

kv::StreamInfo make_stream_info(const streams::Stream& stream) {
  kv::StreamInfo info;
  info.creation_time = stream.created;
  info.data_retention_in_hours = static_cast<std::int32_t>(stream.retention_hours);
  info.device_name = if_not_empty(stream.device_name);
  info.kms_key_id = if_not_empty(stream.kms_key_id);
  info.media_type = if_not_empty(stream.media_type);
  info.status = kv::Status::Active;
  info.stream_arn = stream.arn;
  info.stream_name = stream.name;
  info.version = stream.version;
  return info;
}

Answer<kv::CreateStreamOutput> create_stream(streams::Catalog& catalog, kv::CreateStreamInput input) {
  streams::NewStream stream;
  stream.name = std::move(input.stream_name);
  stream.device_name = std::move(input.device_name).value_or("");
  stream.media_type = std::move(input.media_type).value_or("");
  stream.kms_key_id = std::move(input.kms_key_id).value_or("");
  stream.retention_hours = static_cast<std::uint32_t>(input.data_retention_in_hours.value_or(0));
  stream.tags = std::move(input.tags);
  if (input.stream_storage_configuration) {
    stream.storage_tier = tier_name(input.stream_storage_configuration->default_storage_tier);
  }
  // The catalog has one word for both limits.
  const bool has_too_many_tags = stream.tags.size() > catalog.limits().tags;
  auto created = co_await catalog.create_stream(std::move(stream));
  if (!created) {
    const aws::ErrorKind& limit =
        has_too_many_tags ? kv::kTagsPerResourceExceededLimit : kv::kAccountStreamLimitExceeded;
    co_return std::unexpected(limit_as(std::move(created).error(), limit));
  }
  kv::CreateStreamOutput output;
  output.stream_arn = (*created)->arn;
  co_return output;
}

Answer<kv::DescribeStreamOutput> describe_stream(streams::Catalog& catalog, kv::DescribeStreamInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  kv::DescribeStreamOutput output;
  output.stream_info = make_stream_info(*stream);
  co_return output;
}

Answer<kv::ListStreamsOutput> list_streams(streams::Catalog& catalog, kv::ListStreamsInput input) {
  streams::ListQuery query;
  if (input.stream_name_condition) query.name_prefix = input.stream_name_condition->comparison_value.value_or("");
  query.token = input.next_token.value_or("");
  query.limit = static_cast<std::size_t>(input.max_results.value_or(kListStreamsDefault));
  CO_TRY(const auto page, catalog.list_streams(query));
  kv::ListStreamsOutput output;
  for (const streams::StreamPtr& stream : page.items) output.stream_info_list.push_back(make_stream_info(*stream));
  output.next_token = if_not_empty(page.next_token);
  co_return output;
}

Answer<kv::UpdateStreamOutput> update_stream(streams::Catalog& catalog, kv::UpdateStreamInput input) {
  streams::ResourceName resource{std::move(input.stream_name), std::move(input.stream_arn)};
  streams::StreamChange change{std::move(input.device_name), std::move(input.media_type)};
  auto updated =
      co_await catalog.update_stream(std::move(resource), std::move(input.current_version), std::move(change));
  if (!updated) co_return base::fail(std::move(updated).error());
  co_return kv::UpdateStreamOutput{};
}

Answer<kv::DeleteStreamOutput> delete_stream(streams::Catalog& catalog, kv::DeleteStreamInput input) {
  auto deleted = co_await catalog.delete_stream(std::move(input.stream_arn), input.current_version.value_or(""));
  if (!deleted) co_return base::fail(std::move(deleted).error());
  co_return kv::DeleteStreamOutput{};
}

Answer<kv::UpdateDataRetentionOutput> update_retention(streams::Catalog& catalog, kv::UpdateDataRetentionInput input) {
  const bool grows = input.operation == kv::UpdateDataRetentionOperation::IncreaseDataRetention;
  const auto direction = grows ? streams::RetentionChange::Increase : streams::RetentionChange::Decrease;
  streams::ResourceName resource{std::move(input.stream_name), std::move(input.stream_arn)};
  const auto hours = static_cast<std::uint32_t>(input.data_retention_change_in_hours);
  auto updated =
      co_await catalog.update_retention(std::move(resource), std::move(input.current_version), direction, hours);
  if (!updated) co_return base::fail(std::move(updated).error());
  co_return kv::UpdateDataRetentionOutput{};
}

Answer<kv::UpdateStreamStorageConfigurationOutput> update_tier(streams::Catalog& catalog,
                                                               kv::UpdateStreamStorageConfigurationInput input) {
  streams::ResourceName resource{std::move(input.stream_name), std::move(input.stream_arn)};
  std::string tier = tier_name(input.stream_storage_configuration.default_storage_tier);
  auto updated =
      co_await catalog.update_storage_tier(std::move(resource), std::move(input.current_version), std::move(tier));
  if (!updated) co_return base::fail(std::move(updated).error());
  co_return kv::UpdateStreamStorageConfigurationOutput{};
}

Answer<kv::DescribeStreamStorageConfigurationOutput> describe_tier(streams::Catalog& catalog,
                                                                   kv::DescribeStreamStorageConfigurationInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  const bool is_warm = stream->storage_tier == tier_name(kv::DefaultStorageTier::Warm);
  kv::DescribeStreamStorageConfigurationOutput output;
  output.stream_name = stream->name;
  output.stream_arn = stream->arn;
  output.stream_storage_configuration.emplace().default_storage_tier =
      is_warm ? kv::DefaultStorageTier::Warm : kv::DefaultStorageTier::Hot;
  co_return output;
}

}  // namespace

void add_stream_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::CreateStream>([&](const Call&, auto input) { return create_stream(catalog, std::move(input)); });
  handlers.add<kv::DescribeStream>([&](const Call&, auto input) { return describe_stream(catalog, std::move(input)); });
  handlers.add<kv::ListStreams>([&](const Call&, auto input) { return list_streams(catalog, std::move(input)); });
  handlers.add<kv::UpdateStream>([&](const Call&, auto input) { return update_stream(catalog, std::move(input)); });
  handlers.add<kv::DeleteStream>([&](const Call&, auto input) { return delete_stream(catalog, std::move(input)); });
  handlers.add<kv::UpdateDataRetention>(
      [&](const Call&, auto input) { return update_retention(catalog, std::move(input)); });
  handlers.add<kv::UpdateStreamStorageConfiguration>(
      [&](const Call&, auto input) { return update_tier(catalog, std::move(input)); });
  handlers.add<kv::DescribeStreamStorageConfiguration>(
      [&](const Call&, auto input) { return describe_tier(catalog, std::move(input)); });
}

}  // namespace api
