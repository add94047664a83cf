// SPDX-License-Identifier: Apache-2.0
#include "api/key_calls.hpp"

#include <fmt/format.h>

#include "aws/json.hpp"
#include "aws/policy.hpp"
#include "base/log.hpp"

namespace api {
namespace {

using Json = async::Task<aws::Outcome<std::string>>;

aws::Outcome<void> need(const Call& call, std::string_view action) {
  if (call.principal && aws::rule(*call.principal, {action, "*", {}}) == aws::Ruling::Allow) return {};
  return aws::fail(aws::kAccessDenied, fmt::format("this needs a key whose policy allows {} on \"*\"", action));
}

base::Result<std::string> needed(const ReadRequest& request, std::string_view argument) {
  auto value = request.find(argument);
  if (value && !value->empty()) return *std::move(value);
  return base::fail(base::Errc::InvalidArgument, fmt::format("the argument {} is missing", argument));
}

Json list_keys(const KeyServices services, ReadRequest request) {
  CO_TRY_VOID(request.allow({}));
  KeysAnswer answer;
  CO_TRY(answer.keys, co_await services.worker.run([&] { return services.list(); }));
  co_return aws::encode(answer);
}

Json make_key(const KeyServices services, const Call& call, ReadRequest request) {
  CO_TRY_VOID(request.allow({}));
  const auto input = aws::decode<NewKeyInput>(request.body);
  if (!input) co_return std::unexpected(input.error());
  CO_TRY(const NewKeyAnswer made, co_await services.worker.run([&] { return services.make(*input); }));
  base::log_info("access key {} ({}) was made with key {}", made.id, made.name, call.access_key_id);
  co_return aws::encode(made);
}

Json revoke_key(const KeyServices services, const Call& call, ReadRequest request) {
  CO_TRY_VOID(request.allow({"accessKeyId"}));
  CO_TRY(const std::string id, needed(request, "accessKeyId"));
  CO_TRY_VOID(co_await services.worker.run([&] { return services.revoke(id); }));
  base::log_info("access key {} was revoked with key {}", id, call.access_key_id);
  co_return "{}";
}

Json attach_policy(const KeyServices services, const Call& call, ReadRequest request) {
  CO_TRY_VOID(request.allow({}));
  const auto input = aws::decode<KeyPolicyInput>(request.body);
  if (!input) co_return std::unexpected(input.error());
  CO_TRY_VOID(co_await services.worker.run([&] { return services.attach(*input); }));
  base::log_info("access key {} was given the policy {} with key {}", input->id, input->name, call.access_key_id);
  co_return "{}";
}

Json detach_policy(const KeyServices services, const Call& call, ReadRequest request) {
  CO_TRY_VOID(request.allow({"accessKeyId", "name"}));
  CO_TRY(const std::string id, needed(request, "accessKeyId"));
  CO_TRY(const std::string name, needed(request, "name"));
  CO_TRY_VOID(co_await services.worker.run([&] { return services.detach(id, name); }));
  base::log_info("the policy {} was taken from access key {} with key {}", name, id, call.access_key_id);
  co_return "{}";
}

using Work = Json (*)(KeyServices, const Call&, ReadRequest);

// The right to it first: who may not learns nothing of what he sent.
Json when_allowed(const std::string_view action, const Work work, const KeyServices services, const Call& call,
                  ReadRequest request) {
  if (auto allowed = need(call, action); !allowed) co_return std::unexpected(std::move(allowed).error());
  auto outcome = co_await work(services, call, std::move(request));
  co_return outcome;
}

}  // namespace

void add_key_calls(Handlers& handlers, KeyServices services) {
  const auto guarded = [&services](std::string_view action, Work work) -> Handlers::Read {
    return [services, action, work](const Call& call, ReadRequest request) {
      return when_allowed(action, work, services, call, std::move(request));
    };
  };
  handlers.add_read("/api/v1/keys", "",
                    guarded("iam:ListAccessKeys", [](KeyServices given, const Call&, ReadRequest request) {
                      return list_keys(std::move(given), std::move(request));
                    }));
  handlers.add_change("POST", "/api/v1/keys", guarded("iam:CreateAccessKey", make_key));
  handlers.add_change("DELETE", "/api/v1/keys", guarded("iam:DeleteAccessKey", revoke_key));
  handlers.add_change("POST", "/api/v1/keys/policies", guarded("iam:PutUserPolicy", attach_policy));
  handlers.add_change("DELETE", "/api/v1/keys/policies", guarded("iam:DeleteUserPolicy", detach_policy));
}

}  // namespace api
