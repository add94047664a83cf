// SPDX-License-Identifier: Apache-2.0
// Expected rulings are those of IAM's documentation ("IAM JSON policy elements reference", "Policy evaluation logic").
#include "aws/policy.hpp"

#include <gtest/gtest.h>

namespace aws {
namespace {

constexpr const char* kDoor = "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1700000000000";

Ruling rule_on(const std::string& statements, AccessQuestion question) {
  const auto policy = Policy::parse(R"({"Version":"2012-10-17","Statement":)" + statements + "}");
  if (!policy) ADD_FAILURE() << policy.error().message;
  return policy ? policy->rule(question) : Ruling::NoMatch;
}

std::string problem_of(const std::string& text) {
  const auto policy = Policy::parse(text);
  return policy ? "" : policy.error().message;
}

TEST(Wildcards, stand_for_any_text_and_for_one_character) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Case& c : {Case{"*", "", true}, Case{"", "", true}, Case{"", "a", false}, Case{"a?c", "abc", true},
                        Case{"a?c", "ac", false}, Case{"a*c", "abbbc", true}, Case{"a*c", "abbbd", false},
                        Case{"*a*b*", "xxaxxbxx", true}, Case{"*ab", "aab", true}, Case{"a*", "b", false},
                        Case{"?", "", false}, Case{"**", "x", true}, Case{"stream/*/1?", "stream/a/b/12", true}}) {
    EXPECT_EQ(matches_wildcards(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
  }
}

TEST(Policy, nothing_is_allowed_that_no_statement_allows) {
  const std::string read = R"({"Effect":"Allow","Action":"kinesisvideo:Describe*","Resource":"*"})";
  EXPECT_EQ(rule_on(read, {"kinesisvideo:DescribeStream", kDoor, {}}), Ruling::Allow);
  EXPECT_EQ(rule_on(read, {"kinesisvideo:CreateStream", kDoor, {}}), Ruling::NoMatch);
}

TEST(Policy, an_explicit_deny_wins_wherever_it_stands) {
  const std::string allow = R"({"Effect":"Allow","Action":"*","Resource":"*"})";
  const std::string deny = R"({"Effect":"Deny","Action":["kinesisvideo:DeleteStream"],"Resource":"*"})";
  for (const std::string& both : {"[" + allow + "," + deny + "]", "[" + deny + "," + allow + "]"}) {
    EXPECT_EQ(rule_on(both, {"kinesisvideo:DeleteStream", kDoor, {}}), Ruling::Deny);
    EXPECT_EQ(rule_on(both, {"kinesisvideo:GetMedia", kDoor, {}}), Ruling::Allow);
  }
}

TEST(Policy, actions_ignore_case_and_resources_do_not) {
  const std::string text =
      R"({"Effect":"Allow","Action":"KinesisVideo:getmedia","Resource":"arn:aws:kinesisvideo:*:*:stream/door/*"})";
  EXPECT_EQ(rule_on(text, {"kinesisvideo:GetMedia", kDoor, {}}), Ruling::Allow);
  EXPECT_EQ(rule_on(text, {"kinesisvideo:GetMedia", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/Door/1", {}}),
            Ruling::NoMatch);
}

TEST(Policy, a_resource_is_compared_part_by_part) {
  const auto allows = [](const std::string& pattern, std::string_view resource) {
    return rule_on(R"({"Effect":"Allow","Action":"*","Resource":")" + pattern + "\"}", {"a:b", resource, {}}) ==
           Ruling::Allow;
  };
  EXPECT_TRUE(allows("arn:aws:kinesisvideo:us-west-2:*:stream/d??r/*", kDoor));
  EXPECT_FALSE(allows("arn:aws:kinesisvideo:eu-*:*:stream/door/*", kDoor));
  EXPECT_FALSE(allows("arn:aws:kinesisvideo:us-west-2:*:channel/*", kDoor));
  EXPECT_TRUE(allows("arn:aws:kinesisvideo:us-west-2:123456789012:*", kDoor));
  // An operation on no resource is only allowed on all of them.
  EXPECT_TRUE(allows("*", "*"));
  EXPECT_FALSE(allows("arn:aws:kinesisvideo:*:*:*", "*"));
}

TEST(Policy, not_action_and_not_resource_are_everything_else) {
  const std::string text = R"({"Effect":"Allow","NotAction":"kinesisvideo:Delete*",
      "NotResource":"arn:aws:kinesisvideo:*:*:stream/vault/*"})";
  EXPECT_EQ(rule_on(text, {"kinesisvideo:GetMedia", kDoor, {}}), Ruling::Allow);
  EXPECT_EQ(rule_on(text, {"kinesisvideo:DeleteStream", kDoor, {}}), Ruling::NoMatch);
  EXPECT_EQ(rule_on(text, {"kinesisvideo:GetMedia", "arn:aws:kinesisvideo:us-west-2:1:stream/vault/1", {}}),
            Ruling::NoMatch);
}

bool holds(const std::string& condition, std::map<std::string, std::vector<std::string>> context) {
  return rule_on(R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":)" + condition + "}",
                 {"a:b", "*", std::move(context)}) == Ruling::Allow;
}

TEST(Conditions, compare_one_tag) {
  const std::string equals = R"({"StringEquals":{"aws:RequestTag/site":["north","south"]}})";
  EXPECT_TRUE(holds(equals, {{"aws:requesttag/site", {"north"}}}));
  EXPECT_FALSE(holds(equals, {{"aws:requesttag/site", {"North"}}}));
  EXPECT_FALSE(holds(equals, {}));
  EXPECT_TRUE(
      holds(R"({"StringEqualsIgnoreCase":{"aws:RequestTag/site":"NORTH"}})", {{"aws:requesttag/site", {"north"}}}));
  EXPECT_TRUE(holds(R"({"StringLike":{"aws:RequestTag/site":"n*h"}})", {{"aws:requesttag/site", {"north"}}}));
  // A negated operator holds when the key is absent; IfExists too.
  const std::string differs = R"({"StringNotEquals":{"aws:RequestTag/site":"north"}})";
  EXPECT_TRUE(holds(differs, {}));
  EXPECT_FALSE(holds(differs, {{"aws:requesttag/site", {"north"}}}));
  EXPECT_TRUE(holds(R"({"StringEqualsIfExists":{"aws:RequestTag/site":"north"}})", {}));
  EXPECT_TRUE(holds(R"({"Null":{"aws:RequestTag/site":"true"}})", {}));
  EXPECT_FALSE(holds(R"({"Null":{"aws:RequestTag/site":"false"}})", {}));
}

TEST(Conditions, compare_the_set_of_tag_keys) {
  const std::string all = R"({"ForAllValues:StringEquals":{"aws:TagKeys":["site","floor"]}})";
  EXPECT_TRUE(holds(all, {{"aws:tagkeys", {"site"}}}));
  EXPECT_FALSE(holds(all, {{"aws:tagkeys", {"site", "owner"}}}));
  EXPECT_TRUE(holds(all, {}));
  const std::string any = R"({"ForAnyValue:StringEquals":{"aws:TagKeys":["site","floor"]}})";
  EXPECT_TRUE(holds(any, {{"aws:tagkeys", {"site", "owner"}}}));
  EXPECT_FALSE(holds(any, {{"aws:tagkeys", {"owner"}}}));
  EXPECT_FALSE(holds(any, {}));
}

TEST(Conditions, must_hold_all_of_them) {
  const std::string two = R"({"StringEquals":{"aws:RequestTag/a":"1","aws:RequestTag/b":"2"}})";
  EXPECT_TRUE(holds(two, {{"aws:requesttag/a", {"1"}}, {"aws:requesttag/b", {"2"}}}));
  EXPECT_FALSE(holds(two, {{"aws:requesttag/a", {"1"}}, {"aws:requesttag/b", {"3"}}}));
}

TEST(Policy, what_it_does_not_understand_it_refuses) {
  const auto statement = [](const std::string& body) {
    return problem_of(R"({"Version":"2012-10-17","Statement":[)" + body + "]}");
  };
  const std::string rest = R"("Action":"*","Resource":"*")";
  EXPECT_EQ(statement(R"({"Effect":"Allow",)" + rest + "}"), "");
  EXPECT_NE(problem_of("nonsense"), "");
  EXPECT_NE(problem_of("[]"), "");
  EXPECT_NE(problem_of("{}"), "");
  EXPECT_NE(problem_of(R"({"Version":"2012-10-17"})"), "");
  EXPECT_NE(problem_of(R"({"Version":"2012-10-17","Statement":[]})"), "");
  EXPECT_NE(problem_of(R"({"Version":"2020-01-01","Statement":{"Effect":"Allow",)" + rest + "}}"), "");
  EXPECT_NE(problem_of(std::string(7000, ' ')), "");
  for (const char* body :
       {R"({"Effect":"allow","Action":"*","Resource":"*"})", R"({"Action":"*","Resource":"*"})",
        R"({"Effect":"Allow","Resource":"*"})", R"({"Effect":"Allow","Action":"*"})",
        R"({"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"})",
        R"({"Effect":"Allow","Action":[],"Resource":"*"})", R"({"Effect":"Allow","Action":[1],"Resource":"*"})",
        R"({"Effect":"Allow","Action":"GetMedia","Resource":"*"})",
        R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:kinesisvideo:*"})",
        R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:kinesisvideo:*:*:stream/${aws:username}/*"})",
        R"({"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"})",
        R"({"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}})",
        R"({"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"10.0.0.1"}}})",
        R"({"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:TagKeys":"yes"}}})", "1"}) {
    EXPECT_NE(statement(body), "") << body;
  }
}

TEST(PrincipalRights, a_session_policy_only_narrows) {
  const auto policy = [](const std::string& effect, const std::string& action) {
    return *Policy::parse(R"({"Version":"2012-10-17","Statement":{"Effect":")" + effect + R"(","Action":")" + action +
                          R"(","Resource":"*"}})");
  };
  const AccessQuestion get{"kinesisvideo:GetMedia", kDoor, {}};
  const AccessQuestion put{"kinesisvideo:PutMedia", kDoor, {}};
  Principal principal;
  EXPECT_EQ(rule(principal, get), Ruling::NoMatch);
  principal.policies = {policy("Allow", "kinesisvideo:Get*")};
  EXPECT_EQ(rule(principal, get), Ruling::Allow);
  EXPECT_EQ(rule(principal, put), Ruling::NoMatch);
  principal.session_policies = {policy("Allow", "kinesisvideo:Put*")};
  EXPECT_EQ(rule(principal, get), Ruling::NoMatch);
  EXPECT_EQ(rule(principal, put), Ruling::NoMatch);
  principal.session_policies = {policy("Deny", "kinesisvideo:Get*")};
  EXPECT_EQ(rule(principal, get), Ruling::Deny);
  principal.has_all_rights = true;
  principal.session_policies = {policy("Allow", "kinesisvideo:Put*")};
  EXPECT_EQ(rule(principal, get), Ruling::NoMatch);
  EXPECT_EQ(rule(principal, put), Ruling::Allow);
}

}  // namespace
}  // namespace aws
