// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the tests of this room: what a Catalog stands on, in memory.

#include "streams/catalog.hpp"

namespace api {

class MemoryMetadata final : public store::MetadataStore {
 public:
  base::Result<std::vector<store::StreamRow>> load_streams() override { return std::vector<store::StreamRow>{}; }
  base::Result<std::vector<store::ChannelRow>> load_channels() override { return std::vector<store::ChannelRow>{}; }
  base::Result<void> insert_stream(store::StreamRow& row) override {
    row.key.id = ++last_id_;
    return {};
  }
  base::Result<void> update_stream(const store::StreamRow&, const std::string&) override { return {}; }
  base::Result<void> delete_stream(streams::StreamKey, const std::string&) override { return {}; }
  base::Result<std::vector<streams::StreamKey>> deleted_streams() override { return std::vector<streams::StreamKey>{}; }
  base::Result<void> insert_channel(store::ChannelRow& row) override {
    row.id = ++last_id_;
    return {};
  }
  base::Result<void> update_channel(const store::ChannelRow&, const std::string&) override { return {}; }
  base::Result<void> delete_channel(std::uint64_t, const std::string&) override { return {}; }

 private:
  std::uint64_t last_id_ = 0;
};

class NoArchive final : public streams::Archive {
 public:
  std::shared_ptr<streams::FragmentLog> log(streams::StreamKey) override { return nullptr; }
  base::Result<void> set_retention(streams::StreamKey, streams::RetentionPolicy) override { return {}; }
  store::VolumeHealth health() const override { return {}; }
  base::Result<std::vector<store::StreamUse>> uses() override { return std::vector<store::StreamUse>(); }
  base::Result<void> sweep() override { return {}; }
  base::Result<void> remove(streams::StreamKey) override { return {}; }
  void flush() override {}
  streams::ArchiveStats stats() const override { return {}; }
};

}  // namespace api
