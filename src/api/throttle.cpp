// SPDX-License-Identifier: Apache-2.0
#include "api/throttle.hpp"

#include <algorithm>
#include <array>

namespace api {
namespace {

// What limits one operation.
struct Rule {
  std::string_view operation;
  std::optional<Limit> account{};      // calls per second of everybody
  std::optional<Limit> resource{};     // and on one resource
  std::optional<Limit> connections{};  // at the same time, on one resource
  std::optional<Limit> bytes{};        // per second, on one resource
};

constexpr Rule kControl{"", Limit::ControlRate, Limit::ControlResourceRate};
constexpr Rule kFree{""};
constexpr std::array kRules = {
    Rule{"CreateStream", Limit::CreateRate},
    Rule{"CreateSignalingChannel", Limit::CreateRate},
    Rule{"DescribeStream", Limit::DescribeRate, Limit::DescribeResourceRate},
    Rule{"GetDataEndpoint", Limit::DescribeRate, Limit::DescribeResourceRate},
    Rule{"DescribeSignalingChannel", Limit::DescribeRate, Limit::DescribeResourceRate},
    Rule{"GetSignalingChannelEndpoint", Limit::SignalingEndpointRate},
    Rule{"UpdateMediaStorageConfiguration", Limit::MediaStorageRate, Limit::MediaStorageResourceRate},
    Rule{"StartEdgeConfigurationUpdate", Limit::EdgeRate, Limit::EdgeResourceRate},
    Rule{"DeleteEdgeConfiguration", Limit::EdgeRate, Limit::EdgeResourceRate},
    Rule{"ListStreams", Limit::ListRate},
    Rule{"ListSignalingChannels", Limit::ListRate},
    Rule{"ConnectAsMaster", std::nullopt, Limit::ConnectRate},
    Rule{"ConnectAsViewer", std::nullopt, Limit::ConnectRate, Limit::ViewersPerChannel},
    Rule{"SendAlexaOfferToMaster", Limit::AlexaRate, Limit::AlexaChannelRate},
    Rule{"GetIceServerConfig", Limit::IceServerRate, Limit::IceServerChannelRate},
    Rule{"JoinStorageSession", Limit::JoinRate, Limit::JoinChannelRate},
    Rule{"JoinStorageSessionAsViewer", Limit::JoinRate, Limit::JoinChannelRate},
    Rule{"PutMedia", std::nullopt, Limit::PutMediaRate, Limit::PutMediaConnections, Limit::PutMediaBytes},
    Rule{"GetMedia", std::nullopt, Limit::GetMediaRate, Limit::GetMediaConnections, Limit::GetMediaBytes},
    Rule{"GetMediaForFragmentList", std::nullopt, std::nullopt, Limit::FragmentListConnections,
         Limit::FragmentListBytes},
    Rule{"GetHLSStreamingSessionURL", std::nullopt, Limit::SessionUrlRate},
    Rule{"GetDASHStreamingSessionURL", std::nullopt, Limit::SessionUrlRate},
};

const Rule& rule_of(const aws::Operation& operation) {
  const auto* const rule = std::ranges::find(kRules, operation.name, &Rule::operation);
  if (rule != kRules.end()) return *rule;
  return operation.service == aws::Service::KinesisVideo ? kControl : kFree;
}

constexpr aws::ErrorKind kClientLimit{"ClientLimitExceededException", 400};
constexpr aws::ErrorKind kConnectionLimit{"ConnectionLimitExceededException", 400};

// The operation's own row of that name, then its ClientLimitExceededException; PutMedia's model has both.
const aws::ErrorKind& modelled(const aws::Operation& operation, const aws::ErrorKind* wanted) {
  for (const std::string_view code : {wanted->code, kClientLimit.code}) {
    const auto row = std::ranges::find(operation.errors, code, [](auto* kind) { return kind->code; });
    if (row != operation.errors.end()) return **row;
  }
  return *wanted;
}

}  // namespace

bool Throttle::needs_resource(const aws::Operation& operation) const {
  const Rule& rule = rule_of(operation);
  return std::ranges::any_of(std::array{rule.resource, rule.connections, rule.bytes},
                             [this](const auto& limit) { return limit && limits_[*limit] != 0; });
}

aws::Outcome<Admission> Throttle::admit(const aws::Operation& operation, const std::string& resource,
                                        const std::string& holder, base::Instant now) {
  const Rule& rule = rule_of(operation);
  const std::string name(operation.name);
  const auto busy = [&](Limit limit, const char* whose) {
    return aws::fail(modelled(operation, &kClientLimit), "Rate exceeded: " + name + " is limited to " +
                                                             std::to_string(limits_[limit]) + " a second for each " +
                                                             whose + ". Try making the call later.");
  };
  Admission admission{.key = name + ' ' + resource};
  if (rule.resource && !rates_.take(admission.key, limits_[*rule.resource], now)) {
    return busy(*rule.resource, "resource");
  }
  if (rule.account && !rates_.take(name, limits_[*rule.account], now)) return busy(*rule.account, "account");
  if (rule.connections && limits_[*rule.connections] != 0) {
    admission.slot = connections_.take(admission.key, holder, limits_[*rule.connections]);
    if (!admission.slot) {
      return aws::fail(modelled(operation, &kConnectionLimit),
                       "The limit of " + std::to_string(limits_[*rule.connections]) + " connections of " + name +
                           " to one resource is reached. Close one of them, or try again later.");
    }
  }
  if (rule.bytes) admission.bytes_per_second = limits_[*rule.bytes];
  return admission;
}

base::Duration Throttle::pace(const Admission& admission, std::size_t bytes, base::Instant now) {
  return bytes_.reserve(admission.key, admission.bytes_per_second, bytes, now);
}

aws::Outcome<void> Throttle::admit_session(std::string_view token, std::string_view resource, base::Instant now) {
  const bool is_media = resource.contains("MediaFragment") || resource.contains("TSFragment");
  const Limit limit = is_media ? Limit::MediaFragmentRate : Limit::PlaylistRate;
  if (limits_[limit] == 0) return {};
  // Nobody has looked at the token yet: its hash is enough to count by, and short.
  const std::string key =
      std::string(resource.substr(0, 64)) + ' ' + std::to_string(std::hash<std::string_view>()(token));
  if (rates_.take(key, limits_[limit], now)) return {};
  return aws::fail(kClientLimit,
                   "Rate exceeded: " + std::to_string(limits_[limit]) + " requests a second of a session.");
}

aws::Outcome<void> Throttle::charge(Limit limit, const std::string& stream, std::uint64_t points, base::Instant now) {
  const std::string_view what = limit == Limit::FragmentMediaPoints ? "fragment media" : "fragment metadata";
  if (rates_.take(std::string(what) + ' ' + stream, limits_[limit], now, points)) return {};
  return aws::fail(kClientLimit, "Rate exceeded: reads of this stream may take " + std::to_string(limits_[limit]) +
                                     " points of " + std::string(what) + " a second, and this one takes " +
                                     std::to_string(points) + ". Ask for fewer fragments, or try again later.");
}

}  // namespace api
