// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every quota of the service in one table: its name in the configuration, what holds without configuration, AWS's
// figure, and who enforces it. docs/limits.md is written from the same table.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace api {

// In the order of the table.
enum class Limit : std::uint8_t {
  Streams,
  Channels,
  StorageChannels,
  TagsPerResource,
  RetentionHours,
  CreateRate,
  DescribeRate,
  DescribeResourceRate,
  SignalingEndpointRate,
  MediaStorageRate,
  MediaStorageResourceRate,
  EdgeRate,
  EdgeResourceRate,
  ListRate,
  ControlRate,
  ControlResourceRate,
  ConnectRate,
  ViewersPerChannel,
  SignalingLifetime,
  SignalingIdle,
  OfferAnswerRate,
  CandidateRate,
  AlexaRate,
  AlexaChannelRate,
  IceServerRate,
  IceServerChannelRate,
  JoinRate,
  JoinChannelRate,
  SessionViewers,
  SessionSeconds,
  SessionIdle,
  SessionViewerIdle,
  SessionWithoutMaster,
  PutMediaRate,
  PutMediaConnections,
  PutMediaBytes,
  PutMediaSeconds,
  PutMediaFragments,
  FragmentSeconds,
  FragmentLeastSeconds,
  FragmentBytes,
  FragmentTracks,
  FragmentTags,
  GetMediaRate,
  GetMediaConnections,
  GetMediaBytes,
  GetMediaFragments,
  FragmentListConnections,
  FragmentListBytes,
  ClipBytes,
  ClipFragments,
  ClipConfigurations,
  DashConfigurations,
  SessionUrlRate,
  PlaylistRate,
  MediaFragmentRate,
  HlsCodecChanges,
  FragmentMetadataPoints,
  FragmentMediaPoints,
};
inline constexpr std::size_t kLimitCount = 59;

struct LimitRow {
  Limit limit;
  std::string_view name;   // "streams": limit = ["streams=100"]
  std::uint64_t usual;     // without configuration; 0: no limit
  std::uint64_t aws;       // with limits = "aws"
  std::string_view unit;   // "per second and stream"
  std::string_view error;  // what is over it gets
};
std::span<const LimitRow, kLimitCount> limit_rows();

class Limits {
 public:
  Limits();  // the usual ones
  static Limits aws();

  std::uint64_t operator[](Limit limit) const { return values_[static_cast<std::size_t>(limit)]; }
  // "streams=100"; 0 means no limit. InvalidArgument for a name or a number that is none.
  base::Result<void> set(std::string_view assignment);

 private:
  std::array<std::uint64_t, kLimitCount> values_{};
};

}  // namespace api
