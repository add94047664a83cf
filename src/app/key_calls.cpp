// SPDX-License-Identifier: Apache-2.0
#include "app/key_calls.hpp"

#include <fmt/format.h>

#include "app/key_changes.hpp"
#include "async/shard.hpp"

namespace app {
namespace {

using base::Errc;
using base::Result;

api::KeyAnswer describe(const store::AccessKeyRow& row) {
  api::KeyAnswer key;
  key.id = row.id;
  key.name = row.name;
  key.created = base::WallTime(std::chrono::milliseconds(row.created_ms));
  if (row.expires_ms) key.expires = base::WallTime(std::chrono::milliseconds(*row.expires_ms));
  if (!row.parent.empty()) key.parent = row.parent;
  for (const auto& [name, document] : row.policies) key.policies.push_back({name, document});
  return key;
}

// Each call opens the file anew, as the command line does: calls are rare, and nothing is shared between threads.
class KeyCalls {
 public:
  KeyCalls(store::KeyRing& ring, base::Random& random, KeyCallSettings settings)
      : ring_(ring), random_(random), settings_(std::move(settings)) {}

  // Without secrets; the server's own first.
  Result<std::vector<api::KeyAnswer>> list() const {
    TRY(const AccessKeys keys, open());
    TRY(const auto rows, keys.store->load());
    std::vector<api::KeyAnswer> answers;
    api::KeyAnswer own;
    own.id = settings_.own_key;
    own.name = "the server's own key";
    own.has_all_rights = true;
    answers.push_back(std::move(own));
    for (const store::AccessKeyRow& row : rows) answers.push_back(describe(row));
    return answers;
  }

  Result<api::NewKeyAnswer> make(const api::NewKeyInput& input) const {
    std::map<std::string, std::string> policies;
    for (const api::PolicyAnswer& policy : input.policies) {
      if (policies.emplace(policy.name, policy.document).second) continue;
      return base::fail(Errc::InvalidArgument, fmt::format("there are two policies of the name {}", policy.name));
    }
    TRY(AccessKeys keys, open());
    TRY(const NewAccessKey made,
        make_access_key(keys, input.name.value_or(std::string()), policies, async::wall_now(), random_));
    TRY_VOID(ring_.refresh());
    return api::NewKeyAnswer{made.id, made.secret, made.name};
  }

  Result<void> revoke(const std::string& id) const {
    TRY_VOID(refuse_own(id));
    TRY(const AccessKeys keys, open());
    TRY_VOID(keys.store->remove(id));
    return ring_.refresh();
  }

  Result<void> attach(const api::KeyPolicyInput& input) const {
    TRY_VOID(refuse_own(input.id));
    TRY(AccessKeys keys, open());
    TRY_VOID(attach_policy(keys, input.id, input.name, input.document));
    return ring_.refresh();
  }

  Result<void> detach(const std::string& id, const std::string& policy) const {
    TRY_VOID(refuse_own(id));
    TRY(const AccessKeys keys, open());
    TRY_VOID(keys.store->remove_policy(id, policy));
    return ring_.refresh();
  }

 private:
  Result<AccessKeys> open() const { return open_access_keys(settings_.data_dir, settings_.key_file, random_); }

  Result<void> refuse_own(const std::string& id) const {
    if (id != settings_.own_key) return {};
    return base::fail(Errc::InvalidArgument,
                      fmt::format("{} is the server's own key: it is where its configuration or DIR/credentials says, "
                                  "and is changed there",
                                  id));
  }

  store::KeyRing& ring_;
  base::Random& random_;
  KeyCallSettings settings_;
};

}  // namespace

void add_key_calls(api::Handlers& handlers, async::DiskWorker& worker, store::KeyRing& ring, base::Random& random,
                   KeyCallSettings settings) {
  const auto calls = std::make_shared<const KeyCalls>(ring, random, std::move(settings));
  api::add_key_calls(
      handlers,
      {worker, [calls] { return calls->list(); }, [calls](const api::NewKeyInput& input) { return calls->make(input); },
       [calls](const std::string& id) { return calls->revoke(id); },
       [calls](const api::KeyPolicyInput& input) { return calls->attach(input); },
       [calls](const std::string& id, const std::string& policy) { return calls->detach(id, policy); }});
}

}  // namespace app
