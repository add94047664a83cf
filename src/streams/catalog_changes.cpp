// SPDX-License-Identifier: Apache-2.0
// Everything that changes the catalog. Each public operation is its blocking half, run on the disk worker.
#include <fmt/format.h>

#include "base/log.hpp"
#include "streams/catalog.hpp"
#include "streams/catalog_rows.hpp"
#include "streams/stream_limit.hpp"

namespace streams {
namespace {

constexpr std::size_t kVersionLength = 20;
constexpr const char* kDefaultKey = "aws/kinesisvideo";

std::unexpected<base::Error> version_mismatch(const std::string& arn) {
  return base::fail(
      base::Errc::VersionMismatch,
      fmt::format("The stream or channel version that you specified is not the latest version of {}. To get "
                  "the latest version, use the Describe operation",
                  arn));
}

base::Result<void> check_retention(std::uint64_t hours, std::uint32_t most) {
  if (hours <= most) return {};
  return base::fail(base::Errc::InvalidArgument, fmt::format("DataRetentionInHours must be at most {}", most));
}

base::Result<void> add_tags(Tags& tags, const Tags& added, std::size_t most) {
  for (const auto& [key, value] : added) tags[key] = value;
  if (tags.size() <= most) return {};
  return base::fail(base::Errc::LimitExceeded, fmt::format("A stream or channel can have at most {} tags", most));
}

base::Result<void> check_limit(std::size_t have, std::size_t limit, const char* what) {
  if (limit == 0 || have < limit) return {};
  return base::fail(base::Errc::LimitExceeded, fmt::format("The limit of {} {} is reached", limit, what));
}

}  // namespace

std::string Catalog::make_version() {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string version;
  for (std::size_t i = 0; i < kVersionLength; ++i) version += kAlphabet[random_.below(kAlphabet.size())];
  return version;
}

std::string Catalog::make_arn(const char* kind, const std::string& name, base::WallTime created) const {
  return fmt::format("arn:aws:kinesisvideo:{}:{}:{}/{}/{:013}", options_.region, options_.account_id, kind, name,
                     base::to_milliseconds(created));
}

base::Result<void> Catalog::change_stream(const ResourceName& resource, const std::string& version,
                                          const std::function<base::Result<void>(Stream&)>& change) {
  const std::lock_guard lock(changing_);
  TRY(const StreamPtr current, find_stream(resource));
  if (!version.empty() && version != current->version) return version_mismatch(current->arn);
  auto changed = std::make_shared<Stream>(*current);
  TRY_VOID(change(*changed));
  TRY_VOID(metadata_.update_stream(row_of(*changed), current->version));
  publish(StreamPtr(std::move(changed)));
  return {};
}

base::Result<void> Catalog::change_channel(const std::string& arn, const std::string& version,
                                           const std::function<base::Result<void>(Channel&)>& change) {
  const std::lock_guard lock(changing_);
  TRY(const ChannelPtr current, find_channel({std::nullopt, arn}));
  if (!version.empty() && version != current->version) return version_mismatch(current->arn);
  auto changed = std::make_shared<Channel>(*current);
  TRY_VOID(change(*changed));
  std::uint64_t id = 0;
  {
    const std::shared_lock reading(mutex_);
    id = channels_.at(current->name).id;
  }
  TRY_VOID(metadata_.update_channel(row_of(*changed, id), current->version));
  publish(ChannelPtr(std::move(changed)), id);
  return {};
}

// Streams.

async::Task<base::Result<StreamPtr>> Catalog::create_stream(NewStream stream) {
  auto made = co_await worker_.run([this, &stream] { return create_stream_now(std::move(stream)); });
  co_return made;
}

base::Result<StreamPtr> Catalog::create_stream_now(NewStream wanted) {
  const std::lock_guard lock(changing_);
  if (wanted.name.empty()) return base::fail(base::Errc::InvalidArgument, "StreamName must be given");
  TRY_VOID(check_retention(wanted.retention_hours, options_.limits.retention_hours));
  {
    const std::shared_lock reading(mutex_);
    if (streams_.contains(wanted.name)) {
      return base::fail(base::Errc::AlreadyExists, fmt::format("The stream {} already exists", wanted.name));
    }
    TRY_VOID(check_limit(streams_.size(), options_.limits.streams, "streams"));
  }
  Stream stream;
  stream.created = std::chrono::floor<std::chrono::milliseconds>(options_.wall_clock());
  stream.name = wanted.name;
  stream.arn = make_arn("stream", wanted.name, stream.created);
  stream.version = make_version();
  stream.device_name = std::move(wanted.device_name);
  stream.media_type = std::move(wanted.media_type);
  stream.kms_key_id = wanted.kms_key_id.empty() ? kDefaultKey : std::move(wanted.kms_key_id);
  stream.storage_tier = wanted.storage_tier.empty() ? "HOT" : std::move(wanted.storage_tier);
  stream.retention_hours = wanted.retention_hours;
  TRY_VOID(check_stream_tags(wanted.tags));
  TRY_VOID(add_tags(stream.tags, wanted.tags, options_.limits.tags));
  store::StreamRow row = row_of(stream);
  TRY_VOID(metadata_.insert_stream(row));
  stream.key = row.key;
  StreamPtr made = std::make_shared<const Stream>(std::move(stream));
  publish(made);
  return made;
}

async::Task<base::Result<void>> Catalog::update_stream(ResourceName resource, std::string version,
                                                       StreamChange change) {
  auto done = co_await worker_.run([&] {
    return change_stream(resource, version, [&](Stream& stream) -> base::Result<void> {
      if (change.device_name) stream.device_name = *change.device_name;
      if (change.media_type) stream.media_type = *change.media_type;
      stream.version = make_version();
      return {};
    });
  });
  co_return done;
}

async::Task<base::Result<void>> Catalog::update_retention(ResourceName resource, std::string version,
                                                          RetentionChange direction, std::uint32_t hours) {
  auto done = co_await worker_.run([&] {
    return change_stream(resource, version, [&](Stream& stream) -> base::Result<void> {
      const std::uint64_t now = stream.retention_hours;
      if (hours == 0) return base::fail(base::Errc::InvalidArgument, "DataRetentionChangeInHours must be at least 1");
      if (direction == RetentionChange::Decrease && hours > now) {
        return base::fail(
            base::Errc::InvalidArgument,
            fmt::format("DataRetentionChangeInHours is {}, but the retention is only {} hours", hours, now));
      }
      const std::uint64_t wanted = direction == RetentionChange::Increase ? now + hours : now - hours;
      TRY_VOID(check_retention(wanted, options_.limits.retention_hours));
      if (wanted == 0 && find_mapped_channel(stream.arn)) {
        return base::fail(base::Errc::InUse, "A signaling channel records into this stream, so it must retain data");
      }
      stream.retention_hours = static_cast<std::uint32_t>(wanted);
      stream.version = make_version();
      // Before the catalog says so: what has expired by now must not come back.
      if (direction == RetentionChange::Increase)
        return archive_.set_retention(stream.key, retention_of(stream, options_.default_max_bytes));
      return {};
    });
  });
  co_return done;
}

async::Task<base::Result<void>> Catalog::update_storage_tier(ResourceName resource, std::string version,
                                                             std::string tier) {
  auto done = co_await worker_.run([&] {
    return change_stream(resource, version, [&](Stream& stream) -> base::Result<void> {
      stream.storage_tier = tier;
      stream.version = make_version();
      return {};
    });
  });
  co_return done;
}

async::Task<base::Result<void>> Catalog::put_configuration(ResourceName resource, std::string kind,
                                                           std::string document) {
  auto done = co_await worker_.run([&] {
    return change_stream(resource, {}, [&](Stream& stream) -> base::Result<void> {
      if (document.empty()) {
        stream.configurations.erase(kind);
        return {};
      }
      if (stream.retention_hours == 0) {
        return base::fail(base::Errc::NoRetention,
                          "The stream retains no data: increase its DataRetentionInHours first");
      }
      stream.configurations[kind] = document;
      return {};
    });
  });
  co_return done;
}

async::Task<base::Result<void>> Catalog::delete_stream(std::string arn, std::string version) {
  auto done = co_await worker_.run([&] { return delete_stream_now(arn, version); });
  co_return done;
}

base::Result<void> Catalog::delete_stream_now(const std::string& arn, const std::string& version) {
  const std::lock_guard lock(changing_);
  TRY(const StreamPtr stream, find_stream({std::nullopt, arn}));
  if (!version.empty() && version != stream->version) return version_mismatch(arn);
  if (const auto channel = find_mapped_channel(arn)) {
    return base::fail(base::Errc::InUse,
                      fmt::format("The signaling channel {} records into this stream: disable its media "
                                  "storage first",
                                  (*channel)->name));
  }
  TRY_VOID(metadata_.delete_stream(stream->key, stream->version));
  {
    const std::unique_lock writing(mutex_);
    streams_.erase(stream->name);
  }
  const auto removed = archive_.remove(stream->key);
  // The stream is gone either way; the next start completes the tombstone.
  if (!removed) base::log_warning("{}: hidden, but its tombstone is not durable yet: {}", arn, removed.error().message);
  return {};
}

// Channels.

async::Task<base::Result<ChannelPtr>> Catalog::create_channel(NewChannel channel) {
  auto made = co_await worker_.run([this, &channel] { return create_channel_now(std::move(channel)); });
  co_return made;
}

base::Result<ChannelPtr> Catalog::create_channel_now(NewChannel wanted) {
  const std::lock_guard lock(changing_);
  if (wanted.name.empty()) return base::fail(base::Errc::InvalidArgument, "ChannelName must be given");
  if (!wanted.type.empty() && wanted.type != "SINGLE_MASTER") {
    return base::fail(base::Errc::InvalidArgument,
                      fmt::format("ChannelType {} is not supported: use SINGLE_MASTER", wanted.type));
  }
  {
    const std::shared_lock reading(mutex_);
    if (channels_.contains(wanted.name)) {
      return base::fail(base::Errc::AlreadyExists, fmt::format("The channel {} already exists", wanted.name));
    }
    TRY_VOID(check_limit(channels_.size(), options_.limits.channels, "channels"));
  }
  Channel channel;
  channel.created = std::chrono::floor<std::chrono::milliseconds>(options_.wall_clock());
  channel.name = wanted.name;
  channel.arn = make_arn("channel", wanted.name, channel.created);
  channel.version = make_version();
  channel.type = "SINGLE_MASTER";
  channel.message_ttl_seconds = wanted.message_ttl_seconds;
  TRY_VOID(add_tags(channel.tags, wanted.tags, options_.limits.tags));
  store::ChannelRow row = row_of(channel, 0);
  TRY_VOID(metadata_.insert_channel(row));
  ChannelPtr made = std::make_shared<const Channel>(std::move(channel));
  publish(made, row.id);
  return made;
}

async::Task<base::Result<void>> Catalog::update_channel(std::string arn, std::string version,
                                                        std::optional<std::uint32_t> message_ttl_seconds) {
  auto done = co_await worker_.run([&] {
    return change_channel(arn, version, [&](Channel& channel) -> base::Result<void> {
      if (message_ttl_seconds) channel.message_ttl_seconds = *message_ttl_seconds;
      channel.version = make_version();
      return {};
    });
  });
  co_return done;
}

async::Task<base::Result<void>> Catalog::delete_channel(std::string arn, std::string version) {
  auto done = co_await worker_.run([&] { return delete_channel_now(arn, version); });
  co_return done;
}

base::Result<void> Catalog::delete_channel_now(const std::string& arn, const std::string& version) {
  const std::lock_guard lock(changing_);
  TRY(const ChannelPtr channel, find_channel({std::nullopt, arn}));
  if (!version.empty() && version != channel->version) return version_mismatch(arn);
  if (channel->storage_stream_arn) {
    return base::fail(base::Errc::InUse, "The channel's media storage is enabled: disable it first");
  }
  std::uint64_t id = 0;
  {
    const std::shared_lock reading(mutex_);
    id = channels_.at(channel->name).id;
  }
  TRY_VOID(metadata_.delete_channel(id, channel->version));
  const std::unique_lock writing(mutex_);
  channels_.erase(channel->name);
  return {};
}

async::Task<base::Result<void>> Catalog::set_storage(std::string channel_arn, std::optional<std::string> stream_arn) {
  auto done = co_await worker_.run([&] { return set_storage_now(channel_arn, stream_arn); });
  co_return done;
}

base::Result<void> Catalog::set_storage_now(const std::string& channel_arn,
                                            const std::optional<std::string>& stream_arn) {
  return change_channel(channel_arn, {}, [&](Channel& channel) -> base::Result<void> {
    if (!stream_arn) {
      channel.storage_stream_arn.reset();
      return {};
    }
    TRY(const StreamPtr stream, find_stream({std::nullopt, stream_arn}));
    if (channel.storage_stream_arn && *channel.storage_stream_arn != *stream_arn) {
      return base::fail(base::Errc::InUse,
                        fmt::format("The channel is already mapped to {}", *channel.storage_stream_arn));
    }
    const auto mapped = find_mapped_channel(*stream_arn);
    if (mapped && (*mapped)->arn != channel_arn) {
      return base::fail(base::Errc::InUse, fmt::format("The stream is already mapped to {}", (*mapped)->arn));
    }
    if (stream->retention_hours == 0) {
      return base::fail(base::Errc::NoRetention, "The stream retains no data: increase its DataRetentionInHours first");
    }
    if (!channel.storage_stream_arn) {
      const std::shared_lock reading(mutex_);
      TRY_VOID(check_limit(channel_of_stream_.size(), options_.limits.storage_channels, "channels with media storage"));
    }
    channel.storage_stream_arn = stream_arn;
    return {};
  });
}

// Tags.

async::Task<base::Result<void>> Catalog::put_tags(std::string arn, Tags tags) {
  auto done = co_await worker_.run([&] { return put_tags_now(arn, tags); });
  co_return done;
}

base::Result<void> Catalog::put_tags_now(const std::string& arn, const Tags& tags) {
  if (is_arn_of(arn, "channel")) {
    return change_channel(arn, {},
                          [&](Channel& channel) { return add_tags(channel.tags, tags, options_.limits.tags); });
  }
  TRY_VOID(check_stream_tags(tags));
  return change_stream({std::nullopt, arn}, {},
                       [&](Stream& stream) { return add_tags(stream.tags, tags, options_.limits.tags); });
}

async::Task<base::Result<void>> Catalog::remove_tags(std::string arn, std::vector<std::string> keys) {
  auto done = co_await worker_.run([&] { return remove_tags_now(arn, keys); });
  co_return done;
}

base::Result<void> Catalog::remove_tags_now(const std::string& arn, const std::vector<std::string>& keys) {
  const auto remove = [&keys](auto& resource) -> base::Result<void> {
    for (const std::string& key : keys) resource.tags.erase(key);
    return {};
  };
  if (is_arn_of(arn, "channel")) return change_channel(arn, {}, remove);
  return change_stream({std::nullopt, arn}, {}, remove);
}

}  // namespace streams
