// SPDX-License-Identifier: Apache-2.0
#include "api/authorization.hpp"

#include <algorithm>

#include "aws/json_document.hpp"
#include "aws/policy.hpp"

namespace api {
namespace {

using aws::JsonValue;
using aws::ResourceType;

std::optional<std::string> find_text(JsonValue arguments, std::string_view name) {
  const auto text = arguments.find(name).text();
  if (!text || text->empty()) return std::nullopt;
  return std::string(*text);
}

std::string arn_of_name(ResourceType type, const std::string& name, const Call& call, const FindArn& find_arn) {
  if (find_arn) {
    if (auto known = find_arn(type, name)) return *std::move(known);
  }
  const char* kind = type == ResourceType::Channel ? "channel" : "stream";
  return "arn:aws:kinesisvideo:" + call.region + ":" + call.account_id + ":" + kind + "/" + name + "/*";
}

// Every member that may name the resource counts, also one that this operation does not read: whatever the handler goes
// by has been asked for.
std::vector<std::string> resources_of(const aws::Operation& operation, JsonValue arguments, const Call& call,
                                      const FindArn& find_arn) {
  std::vector<std::string> resources;
  const auto add = [&resources](std::string resource) {
    if (std::ranges::find(resources, resource) == resources.end()) resources.push_back(std::move(resource));
  };
  if (operation.resource != ResourceType::None) {
    for (const char* member : {"StreamARN", "ChannelARN", "channelArn", "ResourceARN"}) {
      if (auto arn = find_text(arguments, member)) add(*std::move(arn));
    }
    if (const auto name = find_text(arguments, "StreamName")) {
      add(arn_of_name(ResourceType::Stream, *name, call, find_arn));
    }
    if (const auto name = find_text(arguments, "ChannelName")) {
      add(arn_of_name(ResourceType::Channel, *name, call, find_arn));
    }
    // UpdateMediaStorageConfiguration lets a channel write into a stream.
    if (auto stream = find_text(arguments.find("MediaStorageConfiguration"), "StreamARN")) add(*std::move(stream));
  }
  if (resources.empty()) resources.emplace_back("*");
  return resources;
}

// Tags of the request come as a map, as a list of pairs, or (untagging) as a list of keys.
std::map<std::string, std::vector<std::string>> context_of(JsonValue arguments) {
  std::map<std::string, std::vector<std::string>> context;
  const auto add_key = [&context](std::string_view key) { context["aws:tagkeys"].emplace_back(key); };
  const auto add_tag = [&](std::string_view key, JsonValue value) {
    std::string name = "aws:requesttag/" + std::string(key);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    context[name].emplace_back(value.text().value_or(""));
    add_key(key);
  };
  const JsonValue tags = arguments.find("Tags");
  for (std::size_t i = 0; tags.is_object() && i < tags.size(); ++i) add_tag(tags.member_name(i), tags.member(i));
  for (std::size_t i = 0; tags.is_array() && i < tags.size(); ++i) {
    const JsonValue pair = tags.element(i);
    if (pair.is_object()) add_tag(pair.find("Key").text().value_or(""), pair.find("Value"));
  }
  const JsonValue keys = arguments.find("TagKeyList");
  for (std::size_t i = 0; keys.is_array() && i < keys.size(); ++i) add_key(keys.element(i).text().value_or(""));
  return context;
}

std::string denial(const aws::Principal& principal, const aws::AccessQuestion& question, aws::Ruling ruling) {
  std::string text = "User: " + principal.arn + " is not authorized to perform: " + std::string(question.action) +
                     " on resource: " + std::string(question.resource);
  if (ruling == aws::Ruling::Deny) return text + " with an explicit deny in an identity-based policy";
  return text + " because no identity-based policy allows the " + std::string(question.action) + " action";
}

const aws::ErrorKind& denied_kind(const aws::Operation* operation) {
  if (operation == nullptr) return aws::kAccessDenied;
  const auto modelled =
      std::ranges::find(operation->errors, aws::kAccessDenied.code, [](auto* kind) { return kind->code; });
  return modelled == operation->errors.end() ? aws::kAccessDenied : **modelled;
}

aws::Outcome<void> ask(const aws::Operation* operation, const Call& call, const aws::AccessQuestion& question) {
  static const aws::Principal kNobody{.arn = "unknown"};
  const aws::Principal& principal = call.principal ? *call.principal : kNobody;
  const aws::Ruling ruling = aws::rule(principal, question);
  if (ruling == aws::Ruling::Allow) return {};
  return aws::fail(denied_kind(operation), denial(principal, question, ruling));
}

bool may_do_everything(const Call& call) {
  return call.principal && call.principal->has_all_rights && call.principal->session_policies.empty();
}

}  // namespace

aws::Outcome<void> authorize(const aws::Operation& operation, std::string_view arguments, const Call& call,
                             const FindArn& find_arn) {
  if (may_do_everything(call)) return {};
  const auto document = aws::JsonDocument::parse(arguments);
  if (!document) return std::unexpected(document.error());
  aws::AccessQuestion question{operation.iam_action, {}, context_of(document->root())};
  for (const std::string& resource : resources_of(operation, document->root(), call, find_arn)) {
    question.resource = resource;
    if (auto allowed = ask(&operation, call, question); !allowed) return allowed;
  }
  return {};
}

std::string first_resource(const aws::Operation& operation, std::string_view arguments, const Call& call,
                           const FindArn& find_arn) {
  const auto document = aws::JsonDocument::parse(arguments);
  return document ? resources_of(operation, document->root(), call, find_arn).front() : "*";
}

aws::Outcome<void> authorize_read(const std::string& stream_name, const Call& call, const FindArn& find_arn) {
  if (may_do_everything(call)) return {};
  const std::string resource =
      stream_name.empty() ? "*" : arn_of_name(ResourceType::Stream, stream_name, call, find_arn);
  return ask(nullptr, call, {"kinesisvideo:ListFragments", resource, {}});
}

}  // namespace api
