// SPDX-License-Identifier: Apache-2.0
#include "streams/catalog.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <regex>

#include "async/disk_worker.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"

namespace streams {
namespace {

using base::Errc;

struct CatalogFixture {
  std::string directory = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-catalog-XXXXXX").string();
    return std::string(::mkdtemp(pattern.data()));
  }();
  base::WallTime now = base::from_microseconds(1'790'000'000'123'000);
  async::SecureRandom random;
  async::DiskWorker worker{{"disk", 1, 4096}};
  std::unique_ptr<store::MetadataStore> metadata;
  std::unique_ptr<Archive> archive;
  std::unique_ptr<Catalog> catalog;
  async::Shard shard{"test"};
  CatalogLimits limits;

  CatalogFixture() { open(); }
  ~CatalogFixture() {
    catalog.reset();
    archive.reset();
    std::filesystem::remove_all(directory);
  }
  void open() {
    catalog.reset();
    archive.reset();
    metadata.reset();
    ArchiveOptions archive_options;
    archive_options.directory = directory;
    archive = *open_archive(archive_options, worker);
    metadata = *store::open_sqlite_metadata(directory + "/catalog.db");
    CatalogOptions options;
    options.limits = limits;
    options.wall_clock = [this] { return now; };
    catalog = std::make_unique<Catalog>(options, *metadata, *archive, worker, random);
    const auto loaded = catalog->load();
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  template <class F>
  auto run(F fn) {
    return shard.run_blocking([&] { return fn(*catalog); });
  }
  StreamPtr stream(const std::string& name, std::uint32_t hours = 24) {
    NewStream wanted;
    wanted.name = name;
    wanted.retention_hours = hours;
    auto made = run([&](Catalog& c) { return c.create_stream(wanted); });
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  ChannelPtr channel(const std::string& name) {
    NewChannel wanted;
    wanted.name = name;
    auto made = run([&](Catalog& c) { return c.create_channel(wanted); });
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  Errc set_storage(const ChannelPtr& channel, std::optional<std::string> stream_arn) {
    auto done = run([&](Catalog& c) { return c.set_storage(channel->arn, stream_arn); });
    return done ? Errc{-1} : done.error().code;
  }
};

constexpr Errc kFine{-1};

template <class T>
Errc code_of(const base::Result<T>& result) {
  return result ? kFine : result.error().code;
}

TEST(Catalog, ANewStreamHasTheArnAndVersionOfTheContract) {
  CatalogFixture fixture;
  const StreamPtr made = fixture.stream("cam-1");
  EXPECT_EQ(made->arn, "arn:aws:kinesisvideo:us-east-1:123456789012:stream/cam-1/1790000000123");
  EXPECT_TRUE(std::regex_match(made->version, std::regex("[A-Za-z0-9]{20}")));
  EXPECT_EQ(made->kms_key_id, "aws/kinesisvideo");
  EXPECT_EQ(made->storage_tier, "HOT");
  NewStream again;
  again.name = "cam-1";
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.create_stream(again); })), Errc::AlreadyExists);
}

TEST(Catalog, NameOrArn) {
  CatalogFixture fixture;
  const StreamPtr made = fixture.stream("cam-1");
  fixture.stream("cam-2");
  fixture.channel("cam-1");
  const struct {
    std::optional<std::string> name, arn;
    Errc expected;
  } kCases[] = {
      {"cam-1", std::nullopt, kFine},
      {std::nullopt, made->arn, kFine},
      {"cam-1", made->arn, kFine},
      {"cam-2", made->arn, Errc::InvalidArgument},
      {std::nullopt, std::nullopt, Errc::InvalidArgument},
      {"cam-3", std::nullopt, Errc::NotFound},
      {std::nullopt, "arn:aws:kinesisvideo:us-east-1:123456789012:stream/cam-1/1790000000124", Errc::NotFound},
      {std::nullopt, "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/cam-1/1790000000123", Errc::NotFound},
      {std::nullopt, "arn:aws:kinesisvideo:us-east-1:123456789012:channel/cam-1/1790000000123", Errc::InvalidArgument},
      {std::nullopt, "cam-1", Errc::InvalidArgument},
      {std::nullopt, "arn:aws", Errc::InvalidArgument},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(code_of(fixture.catalog->find_stream({each.name, each.arn})), each.expected) << each.arn.value_or("");
  }
}

TEST(Catalog, VersionsAreCheckedAndChange) {
  CatalogFixture fixture;
  const StreamPtr made = fixture.stream("cam-1");
  StreamChange change;
  change.device_name = "device";
  const auto update = [&](const std::string& version) {
    return code_of(fixture.run([&](Catalog& c) { return c.update_stream({"cam-1", {}}, version, change); }));
  };
  EXPECT_EQ(update("AAAAAAAAAAAAAAAAAAAA"), Errc::VersionMismatch);
  EXPECT_EQ(update(made->version), kFine);
  const StreamPtr changed = *fixture.catalog->find_stream({"cam-1", {}});
  EXPECT_EQ(changed->device_name, "device");
  EXPECT_NE(changed->version, made->version);
  EXPECT_EQ(update(made->version), Errc::VersionMismatch);
  EXPECT_EQ(made->device_name, "");  // snapshots do not change
}

TEST(Catalog, RetentionGrowsAndShrinksWithinItsLimits) {
  CatalogFixture fixture;
  fixture.stream("cam-1", 24);
  const auto change = [&](RetentionChange direction, std::uint32_t hours) {
    const std::string version = (*fixture.catalog->find_stream({"cam-1", {}}))->version;
    return code_of(
        fixture.run([&](Catalog& c) { return c.update_retention({"cam-1", {}}, version, direction, hours); }));
  };
  const auto hours = [&] { return (*fixture.catalog->find_stream({"cam-1", {}}))->retention_hours; };
  EXPECT_EQ(change(RetentionChange::Increase, 10), kFine);
  EXPECT_EQ(hours(), 34U);
  EXPECT_EQ(change(RetentionChange::Decrease, 4), kFine);
  EXPECT_EQ(hours(), 30U);
  EXPECT_EQ(change(RetentionChange::Decrease, 31), Errc::InvalidArgument);
  EXPECT_EQ(change(RetentionChange::Increase, 87'571), Errc::InvalidArgument);
  EXPECT_EQ(change(RetentionChange::Increase, 0), Errc::InvalidArgument);
  EXPECT_EQ(change(RetentionChange::Increase, UINT32_MAX), Errc::InvalidArgument);
  EXPECT_EQ(change(RetentionChange::Decrease, 30), kFine);
  EXPECT_EQ(hours(), 0U);
  NewStream too_long;
  too_long.name = "long";
  too_long.retention_hours = 87'601;
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.create_stream(too_long); })), Errc::InvalidArgument);
}

TEST(Catalog, OneChannelOneStream) {
  CatalogFixture fixture;
  const StreamPtr first = fixture.stream("s1"), second = fixture.stream("s2"), empty = fixture.stream("s3", 0);
  const ChannelPtr a = fixture.channel("a"), b = fixture.channel("b");
  EXPECT_EQ(fixture.set_storage(a, empty->arn), Errc::NoRetention);
  EXPECT_EQ(fixture.set_storage(a, first->arn + "9"), Errc::NotFound);
  EXPECT_EQ(fixture.set_storage(a, first->arn), kFine);
  EXPECT_EQ(fixture.set_storage(a, first->arn), kFine);  // again: nothing to do
  EXPECT_EQ(fixture.set_storage(a, second->arn), Errc::InUse);
  EXPECT_EQ(fixture.set_storage(b, first->arn), Errc::InUse);
  EXPECT_EQ((*fixture.catalog->find_mapped_channel(first->arn))->name, "a");
  // A mapped thing is not deleted, and keeps its retention.
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.delete_stream(first->arn, ""); })), Errc::InUse);
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.delete_channel(a->arn, ""); })), Errc::InUse);
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) {
              return c.update_retention({"s1", {}}, first->version, RetentionChange::Decrease, 24);
            })),
            Errc::InUse);
  fixture.open();  // survives a restart
  EXPECT_EQ((*fixture.catalog->find_mapped_channel(first->arn))->name, "a");
  EXPECT_EQ((*fixture.catalog->find_channel({"a", {}}))->storage_stream_arn, first->arn);
  EXPECT_EQ(fixture.set_storage(a, std::nullopt), kFine);
  EXPECT_EQ(fixture.set_storage(b, first->arn), kFine);
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.delete_channel(a->arn, a->version); })), kFine);
  EXPECT_EQ(code_of(fixture.catalog->find_channel({"a", {}})), Errc::NotFound);
}

TEST(Catalog, TagsOfBothKindsUpToFifty) {
  CatalogFixture fixture;
  for (const std::string& arn : {fixture.stream("s")->arn, fixture.channel("c")->arn}) {
    Tags tags;
    for (int i = 0; i < 50; ++i) tags["key" + std::to_string(i)] = "value";
    EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.put_tags(arn, tags); })), kFine);
    EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.put_tags(arn, {{"one more", ""}}); })),
              Errc::LimitExceeded);
    EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.put_tags(arn, {{"key7", "changed"}}); })), kFine);
    EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.remove_tags(arn, {"key1", "never there"}); })), kFine);
    fixture.open();
    const auto found = fixture.catalog->find_tags(arn);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 49U);
    EXPECT_EQ(found->at("key7"), "changed");
  }
  EXPECT_EQ(code_of(fixture.catalog->find_tags("arn:aws:kinesisvideo:us-east-1:123456789012:stream/x/1")),
            Errc::NotFound);
}

TEST(Catalog, ListsByNameInPagesWithAPrefix) {
  CatalogFixture fixture;
  for (const char* name : {"b2", "a1", "b1", "b10", "c1"}) fixture.stream(name);
  ListQuery query;
  query.name_prefix = "b";
  query.limit = 2;
  auto page = fixture.catalog->list_streams(query);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[0]->name, "b1");
  EXPECT_EQ(page->items[1]->name, "b10");
  EXPECT_TRUE(std::regex_match(page->next_token, std::regex("[a-zA-Z0-9+/=]+")));
  query.token = page->next_token;
  page = fixture.catalog->list_streams(query);
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0]->name, "b2");
  EXPECT_EQ(page->next_token, "");
  query.token = "AAAA";
  EXPECT_EQ(code_of(fixture.catalog->list_streams(query)), Errc::InvalidArgument);
  EXPECT_EQ(fixture.catalog->list_streams({})->items.size(), 5U);
}

TEST(Catalog, ANameUsedAgainIsAnotherStream) {
  CatalogFixture fixture;
  const StreamPtr first = fixture.stream("cam-1");
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.delete_stream(first->arn, "AAAA"); })),
            Errc::VersionMismatch);
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.delete_stream(first->arn, first->version); })), kFine);
  fixture.now += std::chrono::milliseconds(1);
  const StreamPtr second = fixture.stream("cam-1");
  EXPECT_EQ(second->key.id, first->key.id);
  EXPECT_EQ(second->key.generation, first->key.generation + 1);
  EXPECT_EQ(code_of(fixture.catalog->find_stream({std::nullopt, first->arn})), Errc::NotFound);
  EXPECT_TRUE(fixture.archive->log(first->key)->deleted());
  EXPECT_FALSE(fixture.archive->log(second->key)->deleted());
}

TEST(Catalog, ConfigurationsNeedRetention) {
  CatalogFixture fixture;
  fixture.stream("kept");
  fixture.stream("empty", 0);
  const auto put = [&](const char* name, const char* document) {
    return code_of(fixture.run([&](Catalog& c) { return c.put_configuration({name, {}}, "notification", document); }));
  };
  EXPECT_EQ(put("empty", "{}"), Errc::NoRetention);
  EXPECT_EQ(put("kept", "{}"), kFine);
  fixture.open();
  EXPECT_EQ((*fixture.catalog->find_stream({"kept", {}}))->configurations.at("notification"), "{}");
  EXPECT_EQ(put("kept", ""), kFine);
  EXPECT_TRUE((*fixture.catalog->find_stream({"kept", {}}))->configurations.empty());
}

TEST(Catalog, AccountLimits) {
  CatalogFixture fixture;
  fixture.limits = {1, 1, 1};
  fixture.open();
  fixture.stream("s1");
  fixture.channel("c1");
  NewStream stream;
  stream.name = "s2";
  NewChannel channel;
  channel.name = "c2";
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.create_stream(stream); })), Errc::LimitExceeded);
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.create_channel(channel); })), Errc::LimitExceeded);
  channel.name = "c3";
  channel.type = "FULL_MESH";
  EXPECT_EQ(code_of(fixture.run([&](Catalog& c) { return c.create_channel(channel); })), Errc::InvalidArgument);
}

}  // namespace
}  // namespace streams
