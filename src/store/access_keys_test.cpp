// SPDX-License-Identifier: Apache-2.0
// Access keys at rest and in a running server.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "store/access_key_store.hpp"
#include "store/key_ring.hpp"
#include "store/metadata_store.hpp"
#include "store/sealed_secret.hpp"

namespace store {
namespace {

const base::Bytes kKey(kSealingKeySize, 7);
constexpr const char* kAllowAll =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
constexpr const char* kDenyAll =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";

TEST(SealedSecret, opens_only_with_its_key_for_its_owner_and_unchanged) {
  base::SeededRandom random(1);
  const std::string sealed = seal_secret("wJalrXUtnFEMI", "AKIA1", kKey, random);
  EXPECT_EQ(sealed.find("wJalr"), std::string::npos);
  EXPECT_EQ(open_secret(sealed, "AKIA1", kKey), "wJalrXUtnFEMI");
  EXPECT_EQ(open_secret(sealed, "AKIA2", kKey), std::nullopt);
  EXPECT_EQ(open_secret(sealed, "AKIA1", base::Bytes(kSealingKeySize, 8)), std::nullopt);
  EXPECT_NE(seal_secret("wJalrXUtnFEMI", "AKIA1", kKey, random), sealed);
  const base::Bytes bytes = *base::parse_base64_url(sealed);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    base::Bytes changed = bytes;
    changed[at] ^= 1;
    EXPECT_EQ(open_secret(base::to_base64_url(changed), "AKIA1", kKey), std::nullopt) << at;
  }
  for (const char* wrong : {"", "AAAA", "not base64 url"}) EXPECT_EQ(open_secret(wrong, "AKIA1", kKey), std::nullopt);
}

class AccessKeysTest : public testing::Test {
 protected:
  AccessKeysTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-keys-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    command = open();
  }
  ~AccessKeysTest() override { std::filesystem::remove_all(directory_); }

  // As another process would.
  std::unique_ptr<AccessKeyStore> open() {
    auto opened = open_sqlite_access_keys(directory_ + "/catalog.sqlite");
    EXPECT_TRUE(opened.has_value());
    return *std::move(opened);
  }
  std::unique_ptr<KeyRing> open_ring() {
    auto ring = KeyRing::open(open(), {"123456789012", kKey, "OWN", "own secret"});
    EXPECT_TRUE(ring.has_value());
    return *std::move(ring);
  }
  AccessKeyRow row(const std::string& id, std::map<std::string, std::string> policies = {}) {
    AccessKeyRow made;
    made.id = id;
    made.name = "user-" + id;
    made.sealed_secret = seal_secret("secret of " + id, id, kKey, random);
    made.created_ms = 1'700'000'000'000;
    made.policies = std::move(policies);
    return made;
  }
  AccessKeyRow session(const std::string& id, const std::string& parent) {
    AccessKeyRow made = row(id);
    made.parent = parent;
    made.expires_ms = 1'700'000'060'000;
    made.token_sha256 = "hash";
    return made;
  }

  static aws::Ruling rule_of(const KeyRing& ring, std::string_view id) {
    return aws::rule(*ring.find(id)->principal, {"a:b", "*", {}});
  }

  base::SeededRandom random{1};
  std::string directory_;
  std::unique_ptr<AccessKeyStore> command;
};

TEST_F(AccessKeysTest, rows_come_back_as_they_were_written) {
  ASSERT_TRUE(command->insert(row("A", {{"one", kAllowAll}})).has_value());
  ASSERT_TRUE(command->insert(session("S", "A")).has_value());
  EXPECT_EQ(command->insert(row("A")).error().code, base::Errc::AlreadyExists);
  EXPECT_EQ(command->insert(session("T", "nobody")).error().code, base::Errc::NotFound);
  ASSERT_TRUE(command->put_policy("A", "two", kDenyAll).has_value());
  EXPECT_EQ(command->put_policy("B", "two", kDenyAll).error().code, base::Errc::NotFound);
  const auto rows = open()->load();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->at(0).name, "user-A");
  EXPECT_EQ(rows->at(0).expires_ms, std::nullopt);
  EXPECT_EQ(rows->at(0).policies, (std::map<std::string, std::string>{{"one", kAllowAll}, {"two", kDenyAll}}));
  EXPECT_EQ(rows->at(1).expires_ms, 1'700'000'060'000);
  EXPECT_EQ(rows->at(1).token_sha256, "hash");
  EXPECT_EQ(rows->at(1).parent, "A");
}

TEST_F(AccessKeysTest, a_key_takes_its_policies_and_sessions_with_it) {
  ASSERT_TRUE(command->insert(row("A", {{"one", kAllowAll}})).has_value());
  ASSERT_TRUE(command->insert(session("S", "A")).has_value());
  ASSERT_TRUE(command->insert(session("T", "")).has_value());
  ASSERT_TRUE(command->remove("A").has_value());
  EXPECT_EQ(command->remove("A").error().code, base::Errc::NotFound);
  EXPECT_EQ(command->remove_policy("A", "one").error().code, base::Errc::NotFound);
  EXPECT_EQ(command->load()->size(), 1u);
  ASSERT_TRUE(command->remove_expired(1'700'000'060'001).has_value());
  EXPECT_EQ(command->load()->size(), 0u);
}

TEST_F(AccessKeysTest, the_catalog_next_to_it_is_the_same_file) {
  ASSERT_TRUE(command->insert(row("A")).has_value());
  const auto metadata = open_sqlite_metadata(directory_ + "/catalog.sqlite");
  ASSERT_TRUE(metadata.has_value());
  EXPECT_TRUE(open_sqlite_metadata_for_reading(directory_ + "/catalog.sqlite").has_value());
  EXPECT_EQ(open()->load()->size(), 1u);
}

TEST_F(AccessKeysTest, a_ring_follows_what_another_connection_does) {
  const auto ring = open_ring();
  EXPECT_EQ(ring->find("OWN")->secret, "own secret");
  EXPECT_EQ(rule_of(*ring, "OWN"), aws::Ruling::Allow);
  EXPECT_FALSE(ring->find("A").has_value());
  ASSERT_TRUE(command->insert(row("A")).has_value());
  ASSERT_TRUE(ring->refresh().has_value());
  EXPECT_EQ(ring->find("A")->secret, "secret of A");
  EXPECT_EQ(ring->find("A")->principal->arn, "arn:aws:iam::123456789012:user/user-A");
  EXPECT_EQ(rule_of(*ring, "A"), aws::Ruling::NoMatch);
  ASSERT_TRUE(command->put_policy("A", "all", kAllowAll).has_value());
  ASSERT_TRUE(ring->refresh().has_value());
  EXPECT_EQ(rule_of(*ring, "A"), aws::Ruling::Allow);
  ASSERT_TRUE(command->remove("A").has_value());
  ASSERT_TRUE(ring->refresh().has_value());
  EXPECT_FALSE(ring->find("A").has_value());
}

TEST_F(AccessKeysTest, sessions_have_the_rights_of_their_key) {
  ASSERT_TRUE(command->insert(row("A", {{"all", kAllowAll}})).has_value());
  ASSERT_TRUE(command->insert(session("S", "A")).has_value());
  ASSERT_TRUE(command->insert(session("R", "")).has_value());
  AccessKeyRow narrow = session("N", "A");
  narrow.policies = {{"session", kDenyAll}};
  ASSERT_TRUE(command->insert(narrow).has_value());
  const auto ring = open_ring();
  EXPECT_EQ(rule_of(*ring, "S"), aws::Ruling::Allow);
  EXPECT_EQ(rule_of(*ring, "R"), aws::Ruling::Allow);
  EXPECT_EQ(rule_of(*ring, "N"), aws::Ruling::Deny);
  EXPECT_EQ(ring->find("S")->token_sha256, "hash");
  EXPECT_EQ(ring->find("S")->expires, base::WallTime(std::chrono::milliseconds(1'700'000'060'000)));
}

TEST_F(AccessKeysTest, a_key_that_is_not_understood_is_no_key) {
  ASSERT_TRUE(command->insert(row("A", {{"all", kAllowAll}, {"newer", "{}"}})).has_value());
  AccessKeyRow other = row("B");
  other.sealed_secret = seal_secret("x", "B", base::Bytes(kSealingKeySize, 8), random);
  ASSERT_TRUE(command->insert(other).has_value());
  ASSERT_TRUE(command->insert(session("S", "A")).has_value());
  const auto ring = open_ring();
  for (const char* id : {"A", "B", "S"}) EXPECT_FALSE(ring->find(id).has_value()) << id;
  EXPECT_TRUE(ring->find("OWN").has_value());
}

}  // namespace
}  // namespace store
