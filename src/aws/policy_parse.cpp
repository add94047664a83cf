// SPDX-License-Identifier: Apache-2.0
// From JSON to statements. Everything that is not understood is an error.
#include <algorithm>
#include <array>

#include "aws/json_document.hpp"
#include "aws/policy.hpp"

namespace aws {

namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kMaxStatements = 100;

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

class PolicyParser {
 public:
  Result<Policy> parse(std::string_view json);

 private:
  std::unexpected<base::Error> wrong(const std::string& what) const {
    return base::fail(Errc::InvalidArgument, "policy" + where_ + ": " + what);
  }
  Result<void> check_members(JsonValue object, std::initializer_list<std::string_view> names) const;
  Result<Policy::Statement> read_statement(JsonValue in);
  // One string or a list of them, never none.
  Result<std::vector<std::string>> read_texts(JsonValue in, std::string_view element) const;
  Result<std::vector<std::string>> read_either(JsonValue in, const char* name, const char* not_name, bool& negated);
  Result<void> read_actions(JsonValue in, Policy::Statement& out);
  Result<void> read_resources(JsonValue in, Policy::Statement& out);
  Result<void> read_conditions(JsonValue in, Policy::Statement& out) const;
  Result<Policy::Condition> read_operator(std::string_view name) const;

  std::string where_;  // " statement 2"
};

Result<void> PolicyParser::check_members(JsonValue object, std::initializer_list<std::string_view> names) const {
  for (std::size_t i = 0; i < object.size(); ++i) {
    const std::string_view name = object.member_name(i);
    if (!is_one_of(name, names)) return wrong("the element " + std::string(name) + " is not supported");
  }
  return {};
}

Result<std::vector<std::string>> PolicyParser::read_texts(JsonValue in, std::string_view element) const {
  std::vector<std::string> texts;
  const auto add = [&](JsonValue value) {
    const auto text = value.text();
    if (text) texts.emplace_back(*text);
    return text && text->find("${") == std::string_view::npos;
  };
  bool good = true;
  if (in.is_array()) {
    for (std::size_t i = 0; i < in.size(); ++i) good = add(in.element(i)) && good;
  } else {
    good = add(in);
  }
  if (!good) return wrong(std::string(element) + " must be a string or a list of strings, without policy variables");
  if (texts.empty()) return wrong(std::string(element) + " is empty");
  return texts;
}

Result<std::vector<std::string>> PolicyParser::read_either(JsonValue in, const char* name, const char* not_name,
                                                           bool& negated) {
  const bool has = !in.find(name).is_null();
  negated = !in.find(not_name).is_null();
  if (has == negated) return wrong(std::string("needs either ") + name + " or " + not_name);
  return read_texts(in.find(negated ? not_name : name), negated ? not_name : name);
}

Result<void> PolicyParser::read_actions(JsonValue in, Policy::Statement& out) {
  TRY(out.actions, read_either(in, "Action", "NotAction", out.not_actions));
  for (std::string& action : out.actions) {
    if (action != "*" && action.find(':') == std::string::npos) {
      return wrong("the action " + action + " must be * or of the form kinesisvideo:CreateStream");
    }
    action = lower_ascii(action);
  }
  return {};
}

Result<void> PolicyParser::read_resources(JsonValue in, Policy::Statement& out) {
  TRY(out.resources, read_either(in, "Resource", "NotResource", out.not_resources));
  for (const std::string& resource : out.resources) {
    if (resource == "*") continue;
    if (!resource.starts_with("arn:") || std::ranges::count(resource, ':') < 5) {
      return wrong("the resource " + resource + " must be * or an ARN of six parts with its own wildcards");
    }
  }
  return {};
}

Result<Policy::Condition> PolicyParser::read_operator(std::string_view name) const {
  using Condition = Policy::Condition;
  Condition condition;
  std::string_view rest = name;
  if (rest.starts_with("ForAllValues:")) condition.over = Condition::Over::AllValues;
  if (rest.starts_with("ForAnyValue:")) condition.over = Condition::Over::AnyValue;
  if (condition.over != Condition::Over::OneValue) rest.remove_prefix(rest.find(':') + 1);
  condition.if_exists = rest.ends_with("IfExists");
  if (condition.if_exists) rest.remove_suffix(8);
  struct Known {
    std::string_view name;
    Condition::Test test;
    bool negated;
  };
  static constexpr std::array kKnown = {
      Known{"StringEquals", Condition::Test::Equals, false},
      Known{"StringNotEquals", Condition::Test::Equals, true},
      Known{"StringEqualsIgnoreCase", Condition::Test::EqualsIgnoringCase, false},
      Known{"StringNotEqualsIgnoreCase", Condition::Test::EqualsIgnoringCase, true},
      Known{"StringLike", Condition::Test::Like, false},
      Known{"StringNotLike", Condition::Test::Like, true},
      Known{"Null", Condition::Test::Null, false},
  };
  const auto* const known = std::ranges::find(kKnown, rest, &Known::name);
  if (known == kKnown.end()) return wrong("the condition operator " + std::string(name) + " is not supported");
  condition.test = known->test;
  condition.negated = known->negated;
  if (condition.test == Condition::Test::Null && rest != name) return wrong("Null takes neither prefix nor IfExists");
  return condition;
}

Result<void> PolicyParser::read_conditions(JsonValue in, Policy::Statement& out) const {
  if (in.is_null()) return {};
  if (!in.is_object()) return wrong("Condition must be an object");
  for (std::size_t i = 0; i < in.size(); ++i) {
    TRY(const Policy::Condition condition, read_operator(in.member_name(i)));
    const JsonValue keys = in.member(i);
    if (!keys.is_object()) return wrong("a condition operator must be an object of condition keys");
    for (std::size_t k = 0; k < keys.size(); ++k) {
      Policy::Condition with_key = condition;
      const std::string name(keys.member_name(k));
      with_key.key = lower_ascii(name);
      const bool is_tag = with_key.key.starts_with("aws:requesttag/") && with_key.key.size() > 15;
      if (!is_tag && with_key.key != "aws:tagkeys") {
        return wrong("the condition key " + name + " is not supported: aws:RequestTag/KEY and aws:TagKeys are");
      }
      TRY(with_key.values, read_texts(keys.member(k), name));
      const bool is_null_test = with_key.test == Policy::Condition::Test::Null;
      if (is_null_test && (with_key.values.size() != 1 || !is_one_of(with_key.values[0], {"true", "false"}))) {
        return wrong("Null compares with \"true\" or \"false\"");
      }
      out.conditions.push_back(std::move(with_key));
    }
  }
  return {};
}

Result<Policy::Statement> PolicyParser::read_statement(JsonValue in) {
  if (!in.is_object()) return wrong("must be an object");
  TRY_VOID(check_members(in, {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}));
  Policy::Statement statement;
  const auto effect = in.find("Effect").text();
  if (!effect || !is_one_of(*effect, {"Allow", "Deny"})) return wrong("Effect must be Allow or Deny");
  statement.allows = *effect == "Allow";
  TRY_VOID(read_actions(in, statement));
  TRY_VOID(read_resources(in, statement));
  TRY_VOID(read_conditions(in.find("Condition"), statement));
  return statement;
}

Result<Policy> PolicyParser::parse(std::string_view json) {
  if (json.size() > kMaxPolicyBytes) return wrong("longer than " + std::to_string(kMaxPolicyBytes) + " bytes");
  const auto document = JsonDocument::parse(json);
  if (!document) return wrong("not a JSON object");
  const JsonValue root = document->root();
  TRY_VOID(check_members(root, {"Version", "Id", "Statement"}));
  const auto version = root.find("Version").text();
  if (!version || !is_one_of(*version, {"2012-10-17", "2008-10-17"})) return wrong("Version must be \"2012-10-17\"");
  const JsonValue statements = root.find("Statement");
  const std::size_t count = statements.is_array() ? statements.size() : 1;
  if (statements.is_null() || count == 0) return wrong("Statement is missing");
  if (count > kMaxStatements) return wrong("more than " + std::to_string(kMaxStatements) + " statements");
  Policy policy;
  for (std::size_t i = 0; i < count; ++i) {
    where_ = " statement " + std::to_string(i + 1);
    TRY(policy.statements_.emplace_back(), read_statement(statements.is_array() ? statements.element(i) : statements));
  }
  return policy;
}

Result<Policy> Policy::parse(std::string_view json) {
  return PolicyParser().parse(json);
}

}  // namespace aws
