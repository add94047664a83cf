// SPDX-License-Identifier: Apache-2.0
#pragma once
// Identity policies in IAM's JSON form, and the decision over them. Pure: what is asked and what is known are
// arguments.
//
// The rules are IAM's: without a matching statement the answer is no; a matching Deny beats every Allow; actions are
// compared without regard to case, resources part by part of the ARN. docs/keys.md lists what a policy may say. What we
// do not evaluate (principals, policy variables, other condition keys) is refused when the policy is read, because a
// Deny that is silently never applied is worse than an error.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace aws {

// IAM's limit for a managed policy.
inline constexpr std::size_t kMaxPolicyBytes = 6144;

// One thing that somebody wants to do.
struct AccessQuestion {
  std::string_view action;    // "kinesisvideo:CreateStream"
  std::string_view resource;  // an ARN, or "*" for operations that name none
  // Condition keys in lower case ("aws:requesttag/site") with the values that the request has for them.
  std::map<std::string, std::vector<std::string>> context;
};

enum class Ruling : std::uint8_t { NoMatch, Allow, Deny };

class Policy {
 public:
  // InvalidArgument names the statement and the element.
  static base::Result<Policy> parse(std::string_view json);

  // NoMatch: no statement says anything about it.
  Ruling rule(const AccessQuestion& question) const;

 private:
  friend class PolicyParser;

  struct Condition {
    enum class Test : std::uint8_t { Equals, EqualsIgnoringCase, Like, Null };
    enum class Over : std::uint8_t { OneValue, AllValues, AnyValue };
    Test test = Test::Equals;
    Over over = Over::OneValue;
    bool negated = false;
    bool if_exists = false;
    std::string key;  // in lower case
    std::vector<std::string> values;

    bool holds(const AccessQuestion& question, bool allows) const;
    bool accepts(std::string_view value) const;
  };
  struct Statement {
    bool allows = false;
    bool not_actions = false;  // NotAction
    bool not_resources = false;
    std::vector<std::string> actions;
    std::vector<std::string> resources;
    std::vector<Condition> conditions;

    bool matches(const AccessQuestion& question) const;
  };
  std::vector<Statement> statements_;
};

// '*' stands for any characters, '?' for one.
bool matches_wildcards(std::string_view pattern, std::string_view text);

// Whose key it is, and what it may do. Immutable; shared by every request of the key.
struct Principal {
  std::string arn;              // "arn:aws:iam::123456789012:user/gate"
  bool has_all_rights = false;  // the server's own key
  std::vector<Policy> policies{};
  std::vector<Policy> session_policies{};  // of temporary credentials: they only narrow what `policies` allow
};
using PrincipalPtr = std::shared_ptr<const Principal>;

// Allow, Deny (explicit), or NoMatch (nothing allows it).
Ruling rule(const Principal& principal, const AccessQuestion& question);

}  // namespace aws
