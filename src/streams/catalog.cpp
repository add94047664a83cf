// SPDX-License-Identifier: Apache-2.0
// Reading and loading; catalog_changes.cpp has what changes.
#include "streams/catalog.hpp"

#include <fmt/format.h>

#include "async/shard.hpp"
#include "base/log.hpp"
#include "streams/catalog_rows.hpp"
#include "streams/stream_limit.hpp"

namespace streams {
namespace {

constexpr std::string_view kTokenPrefix = "1:";

std::string write_token(const std::string& last_name) {
  return base::to_base64(base::as_bytes(std::string(kTokenPrefix) + last_name));
}

// The name after which the next page begins.
std::optional<std::string> parse_token(const std::string& token) {
  const auto bytes = base::parse_base64(token);
  if (!bytes) return std::nullopt;
  const std::string_view text = base::as_text(*bytes);
  if (!text.starts_with(kTokenPrefix)) return std::nullopt;
  return std::string(text.substr(kTokenPrefix.size()));
}

template <class Item, class Map, class Value>
base::Result<Page<Item>> list_page(const Map& map, const ListQuery& query, Value value) {
  auto entry = map.lower_bound(query.name_prefix);
  if (!query.token.empty()) {
    const auto after = parse_token(query.token);
    if (!after || !after->starts_with(query.name_prefix)) {
      return base::fail(base::Errc::InvalidArgument, "NextToken is not one that this listing gave");
    }
    entry = map.upper_bound(*after);
  }
  Page<Item> page;
  for (; entry != map.end() && entry->first.starts_with(query.name_prefix); ++entry) {
    if (page.items.size() == std::max<std::size_t>(query.limit, 1)) {
      page.next_token = write_token(std::prev(entry)->first);
      break;
    }
    page.items.push_back(value(entry->second));
  }
  return page;
}

}  // namespace

Catalog::Catalog(CatalogOptions options, store::MetadataStore& metadata, Archive& archive, async::DiskWorker& worker,
                 base::Random& random)
    : options_(std::move(options)), metadata_(metadata), archive_(archive), worker_(worker), random_(random) {
  if (!options_.wall_clock) options_.wall_clock = [] { return async::wall_now(); };
}

base::Result<void> Catalog::load() {
  TRY(const auto stream_rows, metadata_.load_streams());
  TRY(const auto channel_rows, metadata_.load_channels());
  for (const store::StreamRow& row : stream_rows) publish(std::make_shared<const Stream>(stream_of(row)));
  for (const store::ChannelRow& row : channel_rows) publish(std::make_shared<const Channel>(channel_of(row)), row.id);
  // The server may have died between the two halves of a deletion.
  TRY(const auto deleted, metadata_.deleted_streams());
  for (const StreamKey key : deleted) {
    const auto removed = archive_.remove(key);
    if (!removed)
      base::log_warning("deleted footage is hidden, but not yet for a rebuild: {}", removed.error().message);
  }
  return {};
}

void Catalog::publish(StreamPtr stream) {
  const auto set = archive_.set_retention(stream->key, retention_of(*stream, options_.default_max_bytes));
  if (!set) base::log_warning("{}: the retention is not set in the archive: {}", stream->arn, set.error().message);
  const std::unique_lock lock(mutex_);
  auto& known = streams_[stream->name];
  known = std::move(stream);
}

void Catalog::publish(ChannelPtr channel, std::uint64_t id) {
  const std::unique_lock lock(mutex_);
  KnownChannel& known = channels_[channel->name];
  if (known.channel && known.channel->storage_stream_arn) channel_of_stream_.erase(*known.channel->storage_stream_arn);
  if (channel->storage_stream_arn) channel_of_stream_[*channel->storage_stream_arn] = channel->name;
  known = {std::move(channel), id};
}

base::Result<StreamPtr> Catalog::find_stream(const ResourceName& resource) const {
  TRY(const std::string name, name_in(resource, "stream", "StreamName", "StreamARN"));
  const std::shared_lock lock(mutex_);
  const auto found = streams_.find(name);
  // An ARN names one creation: the stream that had this name before is not this one.
  if (found == streams_.end() || (resource.arn && *resource.arn != found->second->arn)) {
    return base::fail(base::Errc::NotFound,
                      fmt::format("The requested stream is not found or not active: {}", resource.arn.value_or(name)));
  }
  return found->second;
}

base::Result<ChannelPtr> Catalog::find_channel(const ResourceName& resource) const {
  TRY(const std::string name, name_in(resource, "channel", "ChannelName", "ChannelARN"));
  const std::shared_lock lock(mutex_);
  const auto found = channels_.find(name);
  if (found == channels_.end() || (resource.arn && *resource.arn != found->second.channel->arn)) {
    return base::fail(base::Errc::NotFound,
                      fmt::format("The requested channel is not found or not active: {}", resource.arn.value_or(name)));
  }
  return found->second.channel;
}

base::Result<Page<StreamPtr>> Catalog::list_streams(const ListQuery& query) const {
  const std::shared_lock lock(mutex_);
  return list_page<StreamPtr>(streams_, query, [](const StreamPtr& stream) { return stream; });
}

base::Result<Page<ChannelPtr>> Catalog::list_channels(const ListQuery& query) const {
  const std::shared_lock lock(mutex_);
  return list_page<ChannelPtr>(channels_, query, [](const KnownChannel& known) { return known.channel; });
}

base::Result<ChannelPtr> Catalog::find_mapped_channel(const std::string& stream_arn) const {
  const std::shared_lock lock(mutex_);
  const auto found = channel_of_stream_.find(stream_arn);
  if (found == channel_of_stream_.end())
    return base::fail(base::Errc::NotFound, "no channel is mapped to " + stream_arn);
  return channels_.at(found->second).channel;
}

base::Result<Tags> Catalog::find_tags(const std::string& arn) const {
  if (is_arn_of(arn, "channel")) {
    TRY(const ChannelPtr channel, find_channel({std::nullopt, arn}));
    return channel->tags;
  }
  TRY(const StreamPtr stream, find_stream({std::nullopt, arn}));
  return stream->tags;
}

}  // namespace streams
