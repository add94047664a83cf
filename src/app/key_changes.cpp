// SPDX-License-Identifier: Apache-2.0
#include "app/key_changes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/policy.hpp"
#include "store/sealed_secret.hpp"

namespace app {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kMostPolicies = 10;  // a key, as IAM allows
constexpr std::size_t kMaxName = 64;

Result<void> check_name(std::string_view name) {
  static constexpr std::string_view kPunctuation = "_+=,.@-";  // of IAM's user names
  const bool good = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kPunctuation.contains(c);
  });
  if (!name.empty() && name.size() <= kMaxName && good) return {};
  return base::fail(Errc::InvalidArgument,
                    fmt::format("a name has 1 to {} letters, digits and {}", kMaxName, kPunctuation));
}

Result<void> check_policy(const std::string& name, const std::string& document) {
  TRY_VOID(check_name(name));
  const auto policy = aws::Policy::parse(document);
  if (policy) return {};
  return base::fail(Errc::InvalidArgument, fmt::format("policy {}: {}", name, policy.error().message));
}

}  // namespace

std::string make_key_id(const char* prefix, base::Random& random) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = prefix;
  for (int i = 0; i < 16; ++i) id += kAlphabet[random.below(kAlphabet.size())];
  return id;
}

std::string make_key_secret(std::size_t bytes, base::Random& random) {
  base::Bytes secret(bytes);
  random.fill(secret);
  return base::to_base64_url(secret);
}

Result<NewAccessKey> make_access_key(AccessKeys& keys, const std::string& name,
                                     const std::map<std::string, std::string>& policies, base::WallTime now,
                                     base::Random& random) {
  store::AccessKeyRow row;
  row.id = make_key_id("AKIA", random);
  row.name = name.empty() ? row.id : name;
  TRY_VOID(check_name(row.name));
  if (policies.size() > kMostPolicies) {
    return base::fail(Errc::LimitExceeded, fmt::format("a key has at most {} policies", kMostPolicies));
  }
  for (const auto& [policy, document] : policies) TRY_VOID(check_policy(policy, document));
  row.policies = policies;
  TRY(const auto rows, keys.store->load());
  if (rows.size() >= kMostKeys) return base::fail(Errc::LimitExceeded, fmt::format("there are {} keys", rows.size()));
  NewAccessKey made{row.id, make_key_secret(30, random), row.name};
  row.sealed_secret = store::seal_secret(made.secret, row.id, keys.sealing_key, random);
  row.created_ms = base::to_milliseconds(now);
  TRY_VOID(keys.store->insert(row));
  return made;
}

Result<void> attach_policy(AccessKeys& keys, const std::string& id, const std::string& name,
                           const std::string& document) {
  TRY_VOID(check_policy(name, document));
  TRY(const auto rows, keys.store->load());
  const auto row = std::ranges::find(rows, id, &store::AccessKeyRow::id);
  if (row != rows.end() && row->policies.size() >= kMostPolicies && !row->policies.contains(name)) {
    return base::fail(Errc::LimitExceeded, fmt::format("a key has at most {} policies", kMostPolicies));
  }
  return keys.store->put_policy(id, name, document);
}

}  // namespace app
