// SPDX-License-Identifier: Apache-2.0
#include "aws/policy.hpp"

#include <algorithm>

namespace aws {
namespace {

constexpr std::size_t kArnParts = 6;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lower_text(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

// The next of the six parts of an ARN; the last one keeps its colons.
std::string_view take_arn_part(std::string_view& rest, std::size_t part) {
  const std::size_t end = part + 1 == kArnParts ? std::string_view::npos : rest.find(':');
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

// A wildcard stays in its part, so "arn:aws:kinesisvideo:*:stream/a/*" has not six parts and is refused when read.
bool matches_resource(std::string_view pattern, std::string_view resource) {
  if (pattern == "*") return true;
  if (!resource.starts_with("arn:")) return false;
  for (std::size_t part = 0; part < kArnParts; ++part) {
    if (!matches_wildcards(take_arn_part(pattern, part), take_arn_part(resource, part))) return false;
  }
  return true;
}

Ruling rule_of(const std::vector<Policy>& policies, const AccessQuestion& question) {
  Ruling ruling = Ruling::NoMatch;
  for (const Policy& policy : policies) {
    const Ruling said = policy.rule(question);
    if (said == Ruling::Deny) return Ruling::Deny;
    if (said == Ruling::Allow) ruling = Ruling::Allow;
  }
  return ruling;
}

}  // namespace

bool matches_wildcards(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;  // the last '*' seen, and where its text may grow from
  std::size_t grown = 0;
  std::size_t in_text = 0;
  while (in_text < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      grown = in_text;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in_text])) {
      ++at;
      ++in_text;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_text = ++grown;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

bool Policy::Condition::accepts(std::string_view value) const {
  const bool found = std::ranges::any_of(values, [&](const std::string& wanted) {
    if (test == Test::Like) return matches_wildcards(wanted, value);
    if (test == Test::EqualsIgnoringCase) return lower_text(wanted) == lower_text(value);
    return wanted == value;
  });
  return found != negated;
}

bool Policy::Condition::holds(const AccessQuestion& question, bool allows) const {
  const auto known = question.context.find(key);
  const bool is_known = known != question.context.end() && !known->second.empty();
  if (test == Test::Null) return (values.front() == "true") != is_known;
  // Of no values everything holds for all of them; IAM says the same of a negated test and an absent key.
  if (!is_known) return if_exists || over == Over::AllValues || (negated && over == Over::OneValue);
  const auto accepts_one = [this](const std::string& value) { return accepts(value); };
  // Several values where one is expected (tags that differ only in case): each must be good for an Allow, and one that
  // is bad is enough for a Deny.
  const bool any_is_enough = over == Over::AnyValue || (over == Over::OneValue && !allows);
  if (any_is_enough) return std::ranges::any_of(known->second, accepts_one);
  return std::ranges::all_of(known->second, accepts_one);
}

bool Policy::Statement::matches(const AccessQuestion& question) const {
  const std::string action = lower_text(question.action);
  const bool names_action =
      std::ranges::any_of(actions, [&](const std::string& pattern) { return matches_wildcards(pattern, action); });
  if (names_action == not_actions) return false;
  const bool names_resource = std::ranges::any_of(
      resources, [&](const std::string& pattern) { return matches_resource(pattern, question.resource); });
  if (names_resource == not_resources) return false;
  return std::ranges::all_of(conditions, [&](const Condition& condition) { return condition.holds(question, allows); });
}

Ruling Policy::rule(const AccessQuestion& question) const {
  Ruling ruling = Ruling::NoMatch;
  for (const Statement& statement : statements_) {
    if (!statement.matches(question)) continue;
    if (!statement.allows) return Ruling::Deny;
    ruling = Ruling::Allow;
  }
  return ruling;
}

Ruling rule(const Principal& principal, const AccessQuestion& question) {
  const Ruling own = principal.has_all_rights ? Ruling::Allow : rule_of(principal.policies, question);
  if (own == Ruling::Deny || principal.session_policies.empty()) return own;
  const Ruling narrowed = rule_of(principal.session_policies, question);
  return narrowed == Ruling::Allow ? own : narrowed;
}

}  // namespace aws
