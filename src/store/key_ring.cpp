// SPDX-License-Identifier: Apache-2.0
#include "store/key_ring.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/log.hpp"
#include "store/sealed_secret.hpp"

namespace store {

KeyRing::KeyRing(std::unique_ptr<AccessKeyStore> store, KeyRingOptions options)
    : options_(std::move(options)), store_(std::move(store)), keys_(std::make_shared<const Keys>()) {}

base::Result<std::unique_ptr<KeyRing>> KeyRing::open(std::unique_ptr<AccessKeyStore> keys, KeyRingOptions options) {
  CHECK(options.sealing_key.size() == kSealingKeySize && !options.own_id.empty());
  std::unique_ptr<KeyRing> ring(new KeyRing(std::move(keys), std::move(options)));
  TRY_VOID(ring->refresh());
  ring->thread_ = std::thread([raw = ring.get()] { raw->watch(); });
  return ring;
}

KeyRing::~KeyRing() {
  {
    const std::lock_guard lock(waiting_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void KeyRing::watch() {
  bool failed = false;
  while (true) {
    {
      std::unique_lock lock(waiting_);
      if (wake_.wait_for(lock, kKeyRingInterval, [this] { return stopping_; })) return;
    }
    const auto refreshed = refresh();
    if (!refreshed && !failed) base::log_error("access keys stay as they were: {}", refreshed.error().message);
    failed = !refreshed;
  }
}

base::Result<void> KeyRing::refresh() {
  const std::lock_guard one_at_a_time(refreshing_);
  TRY(const std::int64_t version, store_->version_of_file());
  if (version == version_) return {};
  TRY(const auto rows, store_->load());
  auto keys = std::make_shared<const Keys>(make_keys(rows));
  version_ = version;
  const std::unique_lock lock(mutex_);
  keys_ = std::move(keys);
  return {};
}

std::optional<aws::sigv4::KnownKey> KeyRing::find(std::string_view id) const {
  std::shared_ptr<const Keys> keys;
  {
    const std::shared_lock lock(mutex_);
    keys = keys_;
  }
  const auto found = keys->find(id);
  return found == keys->end() ? std::nullopt : std::optional(found->second);
}

bool KeyRing::has(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  return keys_->contains(id);
}

base::Result<aws::sigv4::KnownKey> KeyRing::make_key(const AccessKeyRow& row) const {
  auto secret = open_secret(row.sealed_secret, row.id, options_.sealing_key);
  if (!secret) return base::fail(base::Errc::Corrupt, "its secret was sealed with another key file");
  aws::Principal principal;
  principal.arn = fmt::format("arn:aws:iam::{}:user/{}", options_.account_id, row.name);
  for (const auto& [name, document] : row.policies) {
    auto policy = aws::Policy::parse(document);
    if (!policy) return base::fail(std::move(policy).error().with_context("its policy " + name));
    (row.expires_ms ? principal.session_policies : principal.policies).push_back(*std::move(policy));
  }
  aws::sigv4::KnownKey key{.secret = *std::move(secret), .token_sha256 = row.token_sha256};
  if (row.expires_ms) key.expires = base::WallTime(std::chrono::milliseconds(*row.expires_ms));
  key.principal = std::make_shared<const aws::Principal>(std::move(principal));
  return key;
}

KeyRing::Keys KeyRing::make_keys(const std::vector<AccessKeyRow>& rows) const {
  Keys keys;
  aws::Principal owner;
  owner.arn = fmt::format("arn:aws:iam::{}:root", options_.account_id);
  owner.has_all_rights = true;
  keys[options_.own_id] = {.secret = options_.own_secret, .principal = std::make_shared<const aws::Principal>(owner)};
  const auto add = [&](const AccessKeyRow& row) {
    auto key = make_key(row);
    // A key that is only half understood may lack the policy that denies: it is no key.
    if (!key) return base::log_warning("access key {} is not usable: {}", row.id, key.error().message);
    if (row.expires_ms) {
      const auto parent = keys.find(row.parent.empty() ? options_.own_id : row.parent);
      if (parent == keys.end()) return;
      aws::Principal session = *parent->second.principal;
      session.session_policies = key->principal->session_policies;
      key->principal = std::make_shared<const aws::Principal>(std::move(session));
    }
    keys.emplace(row.id, *std::move(key));
  };
  for (const AccessKeyRow& row : rows) {
    if (!row.expires_ms) add(row);
  }
  for (const AccessKeyRow& row : rows) {
    if (row.expires_ms) add(row);
  }
  return keys;
}

}  // namespace store
