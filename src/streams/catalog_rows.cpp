// SPDX-License-Identifier: Apache-2.0
#include "streams/catalog_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace streams {
namespace {

base::WallTime from_milliseconds(std::int64_t ms) {
  return base::WallTime(std::chrono::milliseconds(ms));
}

// "KIND/NAME/CREATION" of an ARN, or empty.
std::string_view resource_part(std::string_view arn) {
  if (!arn.starts_with("arn:")) return {};
  std::size_t at = 0;
  for (int colon = 0; colon < 5; ++colon) {
    at = arn.find(':', at);
    if (at == std::string_view::npos) return {};
    ++at;
  }
  return arn.substr(at);
}

}  // namespace

Stream stream_of(const store::StreamRow& row) {
  Stream stream;
  stream.key = row.key;
  stream.name = row.name;
  stream.arn = row.arn;
  stream.created = from_milliseconds(row.created_ms);
  stream.version = row.version;
  stream.device_name = row.device_name;
  stream.media_type = row.media_type;
  stream.kms_key_id = row.kms_key_id;
  stream.storage_tier = row.storage_tier;
  stream.retention_hours = row.retention_hours;
  stream.tags = row.tags;
  stream.configurations = row.configurations;
  return stream;
}

store::StreamRow row_of(const Stream& stream) {
  store::StreamRow row;
  row.key = stream.key;
  row.name = stream.name;
  row.arn = stream.arn;
  row.created_ms = base::to_milliseconds(stream.created);
  row.version = stream.version;
  row.device_name = stream.device_name;
  row.media_type = stream.media_type;
  row.kms_key_id = stream.kms_key_id;
  row.storage_tier = stream.storage_tier;
  row.retention_hours = stream.retention_hours;
  row.tags = stream.tags;
  row.configurations = stream.configurations;
  return row;
}

Channel channel_of(const store::ChannelRow& row) {
  Channel channel;
  channel.name = row.name;
  channel.arn = row.arn;
  channel.created = from_milliseconds(row.created_ms);
  channel.version = row.version;
  channel.type = row.type;
  channel.message_ttl_seconds = row.message_ttl_seconds;
  channel.tags = row.tags;
  channel.storage_stream_arn = row.storage_stream_arn;
  return channel;
}

store::ChannelRow row_of(const Channel& channel, std::uint64_t id) {
  store::ChannelRow row;
  row.id = id;
  row.name = channel.name;
  row.arn = channel.arn;
  row.created_ms = base::to_milliseconds(channel.created);
  row.version = channel.version;
  row.type = channel.type;
  row.message_ttl_seconds = channel.message_ttl_seconds;
  row.tags = channel.tags;
  row.storage_stream_arn = channel.storage_stream_arn;
  return row;
}

bool is_arn_of(std::string_view arn, std::string_view kind) {
  const std::string_view resource = resource_part(arn);
  return resource.starts_with(kind) && resource.substr(kind.size()).starts_with('/') &&
         std::ranges::count(resource, '/') == 2;
}

base::Result<std::string> name_in(const ResourceName& resource, const char* kind, const char* name_member,
                                  const char* arn_member) {
  if (!resource.arn) {
    if (!resource.name || resource.name->empty()) {
      return base::fail(base::Errc::InvalidArgument,
                        fmt::format("Either {} or {} must be given", name_member, arn_member));
    }
    return *resource.name;
  }
  if (!is_arn_of(*resource.arn, kind)) {
    return base::fail(base::Errc::InvalidArgument,
                      fmt::format("{} is not the ARN of a {}: {}", arn_member, kind, *resource.arn));
  }
  const std::string_view part = resource_part(*resource.arn);
  const std::size_t begin = part.find('/') + 1;
  std::string name(part.substr(begin, part.rfind('/') - begin));
  if (resource.name && *resource.name != name) {
    return base::fail(base::Errc::InvalidArgument,
                      fmt::format("{} and {} name different things", name_member, arn_member));
  }
  return name;
}

}  // namespace streams
