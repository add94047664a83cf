// SPDX-License-Identifier: Apache-2.0
// Calls about access keys behind the gateway: who may, what is refused, and what reaches the store.
#include "api/key_calls.hpp"

#include <gtest/gtest.h>

#include "api/fake_exchange.hpp"
#include "api/gateway.hpp"

namespace api {
namespace {

class KeyCallsTest : public testing::Test {
 protected:
  KeyCallsTest() {
    KeyServices services{worker,
                         [] { return std::vector<KeyAnswer>(1); },
                         [this](const NewKeyInput& input) -> base::Result<NewKeyAnswer> {
                           done += "make " + input.name.value_or("-");
                           for (const PolicyAnswer& policy : input.policies)
                             done += " " + policy.name + "=" + policy.document;
                           if (input.name == "full")
                             return base::fail(base::Errc::LimitExceeded, "there are 100000 keys");
                           return NewKeyAnswer{"AKIDNEW", "hush", "new"};
                         },
                         [this](const std::string& id) -> base::Result<void> {
                           done += "revoke " + id;
                           if (id == "AKIDGONE")
                             return base::fail(base::Errc::NotFound, "there is no access key AKIDGONE");
                           return {};
                         },
                         [this](const KeyPolicyInput& input) -> base::Result<void> {
                           done += "attach " + input.id + " " + input.name + " " + input.document;
                           return {};
                         },
                         [this](const std::string& id, const std::string& name) -> base::Result<void> {
                           done += "detach " + id + " " + name;
                           return {};
                         }};
    add_key_calls(handlers, std::move(services));
  }

  FakeExchange send(const std::string& method, const std::string& target, const std::string& body = {}) {
    GatewayOptions options;
    options.wall_clock = [] { return fake_now(); };
    options.audit = [this](const AuditEntry& entry) { audit = std::string(entry.operation); };
    const auto find_key = [this](std::string_view) {
      aws::Principal principal{.arn = "arn:aws:iam::123456789012:user/gate", .has_all_rights = allowed.empty()};
      if (!allowed.empty()) {
        principal.policies.push_back(*aws::Policy::parse(
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesisvideo:ListFragments",")" +
            allowed + R"("],"Resource":"*"}]})"));
      }
      return std::optional(aws::sigv4::KnownKey{
          .secret = "secret", .principal = std::make_shared<const aws::Principal>(std::move(principal))});
    };
    Gateway gateway(std::move(options), find_key, handlers, nullptr, random);
    FakeExchange exchange(shard, method, target, body);
    exchange.sign();
    if (tampered) exchange.set_body(*tampered);
    done.clear();
    exchange.shard().run_blocking([&] { return gateway.serve(exchange); });
    return exchange;
  }

  async::Shard shard{"test"};
  async::DiskWorker worker{async::DiskWorker::Options{"test", 1, 16}};
  base::SeededRandom random{1};
  Handlers handlers;
  std::string allowed;  // one action more; empty: everything
  std::optional<std::string> tampered;
  std::string done;
  std::string audit;
};

constexpr const char* kPolicyBody = R"({"accessKeyId":"AKIDA","name":"read","document":"{}"})";

TEST_F(KeyCallsTest, a_key_is_made_and_told_with_its_secret) {
  const FakeExchange made =
      send("POST", "/api/v1/keys",
           R"({"name":"camera-7","policies":[{"name":"a","document":"{1}"},{"name":"b","document":"{2}"}]})");
  EXPECT_EQ(made.status(), 200) << made.body();
  EXPECT_EQ(made.body(), R"({"accessKeyId":"AKIDNEW","secretAccessKey":"hush","name":"new"})");
  EXPECT_EQ(done, "make camera-7 a={1} b={2}");
  EXPECT_EQ(audit, "POST /api/v1/keys");
  EXPECT_EQ(send("POST", "/api/v1/keys").status(), 200);  // a key without a name and without rights
  EXPECT_EQ(done, "make -");
}

TEST_F(KeyCallsTest, keys_are_revoked_and_policies_come_and_go) {
  EXPECT_EQ(send("DELETE", "/api/v1/keys?accessKeyId=AKIDA").body(), "{}");
  EXPECT_EQ(done, "revoke AKIDA");
  EXPECT_EQ(send("POST", "/api/v1/keys/policies", kPolicyBody).body(), "{}");
  EXPECT_EQ(done, "attach AKIDA read {}");
  EXPECT_EQ(send("DELETE", "/api/v1/keys/policies?accessKeyId=AKIDA&name=re%2Bad").body(), "{}");
  EXPECT_EQ(done, "detach AKIDA re+ad");
}

TEST_F(KeyCallsTest, each_call_needs_its_own_action_and_no_other_will_do) {
  struct Case {
    const char* action;
    const char* method;
    const char* target;
    const char* body;
  };
  const Case cases[] = {{"iam:ListAccessKeys", "GET", "/api/v1/keys", ""},
                        {"iam:CreateAccessKey", "POST", "/api/v1/keys", R"({"name":"x"})"},
                        {"iam:DeleteAccessKey", "DELETE", "/api/v1/keys?accessKeyId=AKIDA", ""},
                        {"iam:PutUserPolicy", "POST", "/api/v1/keys/policies", kPolicyBody},
                        {"iam:DeleteUserPolicy", "DELETE", "/api/v1/keys/policies?accessKeyId=AKIDA&name=read", ""}};
  for (const Case& call : cases) {
    for (const Case& right : cases) {
      allowed = right.action;
      const FakeExchange answer = send(call.method, call.target, call.body);
      const bool may = right.action == call.action;
      EXPECT_EQ(answer.status(), may ? 200 : 403) << call.method << " " << call.target << " with " << right.action;
      if (may) continue;
      EXPECT_EQ(answer.body(), R"({"code":"AccessDeniedException","message":"this needs a key whose policy allows )" +
                                   std::string(call.action) + R"( on \"*\""})");
      EXPECT_EQ(done, "");
    }
  }
}

TEST_F(KeyCallsTest, what_is_wrong_is_refused_before_anything_is_done) {
  struct Case {
    const char* method;
    const char* target;
    const char* body;
    int status;
    const char* code;
  };
  const Case cases[] = {
      {"POST", "/api/v1/keys", "{", 400, "SerializationException"},
      {"POST", "/api/v1/keys", R"({"name":7})", 400, "SerializationException"},
      {"POST", "/api/v1/keys", R"({"policies":[{"name":"a"}]})", 400, "InvalidArgumentException"},
      {"POST", "/api/v1/keys?name=x", "{}", 400, "InvalidArgumentException"},
      {"DELETE", "/api/v1/keys", "", 400, "InvalidArgumentException"},
      {"DELETE", "/api/v1/keys?accessKeyId=", "", 400, "InvalidArgumentException"},
      {"DELETE", "/api/v1/keys?accessKeyId=A&force=1", "", 400, "InvalidArgumentException"},
      {"POST", "/api/v1/keys/policies", R"({"accessKeyId":"AKIDA","name":"a"})", 400, "InvalidArgumentException"},
      {"DELETE", "/api/v1/keys/policies?accessKeyId=A", "", 400, "InvalidArgumentException"},
      {"PUT", "/api/v1/keys", "{}", 405, "UnknownOperationException"},
      {"GET", "/api/v1/keys/policies", "", 405, "UnknownOperationException"},
  };
  for (const Case& wrong : cases) {
    const FakeExchange answer = send(wrong.method, wrong.target, wrong.body);
    EXPECT_EQ(answer.status(), wrong.status)
        << wrong.method << " " << wrong.target << " " << wrong.body << ": " << answer.body();
    EXPECT_EQ(answer.header("x-amzn-ErrorType"), wrong.code) << wrong.target << " " << wrong.body;
    EXPECT_EQ(done, "") << wrong.target;
  }
  const FakeExchange gone = send("DELETE", "/api/v1/keys?accessKeyId=AKIDGONE");
  EXPECT_EQ(gone.status(), 404);
  EXPECT_EQ(gone.body(), R"({"code":"ResourceNotFoundException","message":"there is no access key AKIDGONE"})");
  const FakeExchange full = send("POST", "/api/v1/keys", R"({"name":"full"})");
  EXPECT_EQ(full.status(), 400);
  EXPECT_EQ(full.header("x-amzn-ErrorType"), "LimitExceededException");
}

TEST_F(KeyCallsTest, a_body_that_was_not_signed_is_not_believed) {
  tampered = R"({"name":"other"})";
  const FakeExchange answer = send("POST", "/api/v1/keys", R"({"name":"mine"})");
  EXPECT_EQ(answer.status(), 403);
  EXPECT_EQ(done, "");
}

}  // namespace
}  // namespace api
