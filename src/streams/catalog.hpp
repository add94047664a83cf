// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which streams and channels exist, and every rule about them (contract 1.2 and 3.1).

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/disk_worker.hpp"
#include "async/task.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "store/metadata_store.hpp"
#include "streams/archive.hpp"

namespace streams {

using store::Tags;

// Immutable snapshots: a change makes a new one.
struct Stream {
  StreamKey key;
  std::string name;
  std::string arn;
  base::WallTime created;
  std::string version;
  std::string device_name;  // empty: none
  std::string media_type;   // empty: none
  std::string kms_key_id;
  std::string storage_tier;  // "HOT" or "WARM"
  std::uint32_t retention_hours = 0;
  Tags tags;
  std::map<std::string, std::string> configurations;  // documents by kind
};

struct Channel {
  std::string name;
  std::string arn;
  base::WallTime created;
  std::string version;
  std::string type;  // "SINGLE_MASTER"
  std::uint32_t message_ttl_seconds = 60;
  Tags tags;
  // Set exactly while media storage is ENABLED.
  std::optional<std::string> storage_stream_arn;
};

using StreamPtr = std::shared_ptr<const Stream>;
using ChannelPtr = std::shared_ptr<const Channel>;

// Operations that take a name or an ARN need one of them; with both, the ARN decides and the name must agree.
struct ResourceName {
  std::optional<std::string> name;
  std::optional<std::string> arn;
};

struct NewStream {
  std::string name;
  std::string device_name;
  std::string media_type;
  std::string kms_key_id;    // empty: "aws/kinesisvideo"
  std::string storage_tier;  // empty: "HOT"
  std::uint32_t retention_hours = 0;
  Tags tags;
};

struct NewChannel {
  std::string name;
  std::string type;  // empty: "SINGLE_MASTER"
  std::uint32_t message_ttl_seconds = 60;
  Tags tags;
};

struct StreamChange {
  std::optional<std::string> device_name;
  std::optional<std::string> media_type;
};

enum class RetentionChange : std::uint8_t { Increase, Decrease };

template <class T>
struct Page {
  std::vector<T> items;
  std::string next_token;  // empty: the last page
};

struct ListQuery {
  std::string name_prefix;
  std::string token;  // of the page before; InvalidArgument if it is not one of ours
  std::size_t limit = 10000;
};

// 0 means no limit.
struct CatalogLimits {
  std::size_t streams = 0;
  std::size_t channels = 0;
  std::size_t storage_channels = 0;
  std::size_t tags = 50;                   // of a stream or channel; never without a limit
  std::uint32_t retention_hours = 87'600;  // ten years
};

struct CatalogOptions {
  std::string region = "us-east-1";
  std::string account_id = "123456789012";
  CatalogLimits limits;
  std::uint64_t default_max_bytes = 0;         // a stream keeps at most so much unless its tag says otherwise; 0: all
  std::function<base::WallTime()> wall_clock;  // for creation times; the system's clock if empty
};

// Any thread: reads answer from memory, changes run on the disk worker one at a time and are durable when they return.
// Owned by the process. The mutex is held for map look-ups only, never across a disk operation.
//
// Errors, the same for every operation: InvalidArgument, NotFound, AlreadyExists (a second create), InUse (mapped
// elsewhere, or mapped and to be deleted), VersionMismatch, NoRetention, LimitExceeded (tags in tag_*, else the
// account's).
class Catalog {
 public:
  // `random` is used under the catalog's own lock. All outlive the catalog.
  Catalog(CatalogOptions options, store::MetadataStore& metadata, Archive& archive, async::DiskWorker& worker,
          base::Random& random);

  // Reads everything; blocks. Call once before serving.
  base::Result<void> load();

  // Reads.
  base::Result<StreamPtr> find_stream(const ResourceName& resource) const;
  base::Result<ChannelPtr> find_channel(const ResourceName& resource) const;
  base::Result<Page<StreamPtr>> list_streams(const ListQuery& query) const;
  base::Result<Page<ChannelPtr>> list_channels(const ListQuery& query) const;
  // The channel that records into this stream, if any.
  base::Result<ChannelPtr> find_mapped_channel(const std::string& stream_arn) const;
  // Of a stream or a channel.
  base::Result<Tags> find_tags(const std::string& arn) const;

  const CatalogLimits& limits() const { return options_.limits; }

  // Streams. An empty version means "whatever it is now" where the API allows that.
  async::Task<base::Result<StreamPtr>> create_stream(NewStream stream);
  async::Task<base::Result<void>> update_stream(ResourceName resource, std::string version, StreamChange change);
  async::Task<base::Result<void>> update_retention(ResourceName resource, std::string version,
                                                   RetentionChange direction, std::uint32_t hours);
  async::Task<base::Result<void>> update_storage_tier(ResourceName resource, std::string version, std::string tier);
  // Needs retention (NoRetention). An empty document removes it.
  async::Task<base::Result<void>> put_configuration(ResourceName resource, std::string kind, std::string document);
  async::Task<base::Result<void>> delete_stream(std::string arn, std::string version);

  // Channels.
  async::Task<base::Result<ChannelPtr>> create_channel(NewChannel channel);
  async::Task<base::Result<void>> update_channel(std::string arn, std::string version,
                                                 std::optional<std::uint32_t> message_ttl_seconds);
  async::Task<base::Result<void>> delete_channel(std::string arn, std::string version);
  // Maps the channel to a stream (ENABLED), or with nothing ends the mapping (DISABLED).
  async::Task<base::Result<void>> set_storage(std::string channel_arn, std::optional<std::string> stream_arn);

  // Tags of a stream or a channel, by ARN.
  async::Task<base::Result<void>> put_tags(std::string arn, Tags tags);
  async::Task<base::Result<void>> remove_tags(std::string arn, std::vector<std::string> keys);

 private:
  // The blocking halves; each runs on the disk worker, one at a time.
  base::Result<StreamPtr> create_stream_now(NewStream stream);
  base::Result<ChannelPtr> create_channel_now(NewChannel channel);
  base::Result<void> delete_stream_now(const std::string& arn, const std::string& version);
  base::Result<void> delete_channel_now(const std::string& arn, const std::string& version);
  base::Result<void> set_storage_now(const std::string& channel_arn, const std::optional<std::string>& stream_arn);
  base::Result<void> put_tags_now(const std::string& arn, const Tags& tags);
  base::Result<void> remove_tags_now(const std::string& arn, const std::vector<std::string>& keys);
  base::Result<void> change_stream(const ResourceName& resource, const std::string& version,
                                   const std::function<base::Result<void>(Stream&)>& change);
  base::Result<void> change_channel(const std::string& arn, const std::string& version,
                                    const std::function<base::Result<void>(Channel&)>& change);

  std::string make_version();
  std::string make_arn(const char* kind, const std::string& name, base::WallTime created) const;
  void publish(StreamPtr stream);
  void publish(ChannelPtr channel, std::uint64_t id);

  CatalogOptions options_;
  store::MetadataStore& metadata_;
  Archive& archive_;
  async::DiskWorker& worker_;
  base::Random& random_;
  std::mutex changing_;  // one change at a time
  mutable std::shared_mutex mutex_;
  std::map<std::string, StreamPtr> streams_;  // by name
  struct KnownChannel {
    ChannelPtr channel;
    std::uint64_t id = 0;
  };
  std::map<std::string, KnownChannel> channels_;                    // by name
  std::unordered_map<std::string, std::string> channel_of_stream_;  // stream ARN -> channel name
};

}  // namespace streams
