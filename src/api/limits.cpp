// SPDX-License-Identifier: Apache-2.0
#include "api/limits.hpp"

#include <algorithm>
#include <charconv>

namespace api {
namespace {

constexpr std::string_view kBusy = "ClientLimitExceededException";
constexpr std::string_view kConnections = "ConnectionLimitExceededException";
constexpr std::string_view kPaced = "none: the bytes are paced";
constexpr std::string_view kPacedFragments = "none: the fragments are paced";
constexpr std::string_view kEnded = "none: it is ended";

// AWS's figures are those of its quota pages (contract, sections 2.4, 2.5, 3.5 and 8).
constexpr std::array<LimitRow, kLimitCount> kRows = {{
    {Limit::Streams, "streams", 0, 10'000, "in the account", "AccountStreamLimitExceededException"},
    {Limit::Channels, "channels", 0, 10'000, "in the account", "AccountChannelLimitExceededException"},
    {Limit::StorageChannels, "storage_channels", 0, 100, "channels with media storage, in the account", kBusy},
    {Limit::TagsPerResource, "tags_per_resource", 50, 50, "a stream or channel",
     "TagsPerResourceExceededLimitException"},
    {Limit::RetentionHours, "retention_hours", 87'600, 87'600, "a stream", "InvalidArgumentException"},
    {Limit::CreateRate, "create_rate", 0, 50, "CreateStream, CreateSignalingChannel each, per second", kBusy},
    {Limit::DescribeRate, "describe_rate", 0, 300,
     "DescribeStream, GetDataEndpoint, DescribeSignalingChannel each, per second", kBusy},
    {Limit::DescribeResourceRate, "describe_resource_rate", 0, 5, "the same, per second and resource", kBusy},
    {Limit::SignalingEndpointRate, "signaling_endpoint_rate", 0, 300, "GetSignalingChannelEndpoint, per second", kBusy},
    {Limit::MediaStorageRate, "media_storage_rate", 0, 10, "UpdateMediaStorageConfiguration, per second", kBusy},
    {Limit::MediaStorageResourceRate, "media_storage_resource_rate", 0, 5, "the same, per second and channel", kBusy},
    {Limit::EdgeRate, "edge_rate", 0, 10, "StartEdgeConfigurationUpdate, DeleteEdgeConfiguration each, per second",
     kBusy},
    {Limit::EdgeResourceRate, "edge_resource_rate", 0, 1, "the same, per second and stream", kBusy},
    {Limit::ListRate, "list_rate", 0, 50, "ListStreams, ListSignalingChannels each, per second", kBusy},
    {Limit::ControlRate, "control_rate", 0, 50, "every other control operation, per second", kBusy},
    {Limit::ControlResourceRate, "control_resource_rate", 0, 5, "the same, per second and resource", kBusy},
    {Limit::ConnectRate, "connect_rate", 0, 3, "ConnectAsMaster, ConnectAsViewer each, per second and channel", kBusy},
    {Limit::ViewersPerChannel, "viewers_per_channel", 0, 10, "signaling sockets of viewers, a channel", kBusy},
    {Limit::SignalingLifetime, "signaling_lifetime_seconds", 0, 3600, "a signaling socket", "none: it is closed"},
    {Limit::SignalingIdle, "signaling_idle_timeout_seconds", 0, 600, "a signaling socket without a message",
     "none: it is closed"},
    {Limit::OfferAnswerRate, "offer_answer_rate", 0, 5, "SDP_OFFER, SDP_ANSWER together, per second and socket", kBusy},
    {Limit::CandidateRate, "candidate_rate", 0, 20, "ICE_CANDIDATE, per second and socket", kBusy},
    {Limit::AlexaRate, "alexa_rate", 0, 100, "SendAlexaOfferToMaster, per second", kBusy},
    {Limit::AlexaChannelRate, "alexa_channel_rate", 0, 5, "the same, per second and channel", kBusy},
    {Limit::IceServerRate, "ice_server_rate", 0, 100, "GetIceServerConfig, per second", kBusy},
    {Limit::IceServerChannelRate, "ice_server_channel_rate", 0, 5, "the same, per second and channel", kBusy},
    {Limit::JoinRate, "join_rate", 0, 50, "JoinStorageSession, JoinStorageSessionAsViewer each, per second", kBusy},
    {Limit::JoinChannelRate, "join_channel_rate", 0, 2, "the same, per second and channel", kBusy},
    {Limit::SessionViewers, "session_viewers", 0, 3, "viewers of a storage session; a place is kept for a minute",
     kBusy},
    {Limit::SessionSeconds, "session_seconds", 0, 3600, "a connection to a storage session", kEnded},
    {Limit::SessionIdle, "session_idle_seconds", 0, 180, "a master that sends no media", kEnded},
    {Limit::SessionViewerIdle, "session_viewer_idle_seconds", 0, 60,
     "a viewer that neither gets nor sends media, with a master", kEnded},
    {Limit::SessionWithoutMaster, "session_without_master_seconds", 0, 180, "a viewer without a master", kEnded},
    {Limit::PutMediaRate, "put_media_rate", 0, 5, "PutMedia, per second and stream", kBusy},
    {Limit::PutMediaConnections, "put_media_connections", 0, 1, "PutMedia, a stream", kConnections},
    {Limit::PutMediaBytes, "put_media_bytes_per_second", 0, 12'500'000, "PutMedia, a stream", kPaced},
    {Limit::PutMediaSeconds, "put_media_seconds", 0, 2700, "a PutMedia connection",
     "acknowledgement 4003 MAX_CONNECTION_DURATION_REACHED"},
    {Limit::PutMediaFragments, "put_media_fragments_per_second", 0, 5, "a PutMedia connection", kPacedFragments},
    {Limit::FragmentSeconds, "fragment_seconds", 20, 20, "a fragment of PutMedia",
     "acknowledgement 4002 MAX_FRAGMENT_DURATION_REACHED"},
    {Limit::FragmentLeastSeconds, "fragment_least_seconds", 0, 1, "a fragment of PutMedia but its last",
     "acknowledgement 4002 MIN_FRAGMENT_DURATION_REACHED"},
    {Limit::FragmentBytes, "fragment_bytes", 50'000'000, 50'000'000, "a fragment of PutMedia",
     "acknowledgement 4001 MAX_FRAGMENT_SIZE_REACHED"},
    {Limit::FragmentTracks, "fragment_tracks", 3, 3, "a PutMedia connection",
     "acknowledgement 4012 MORE_THAN_ALLOWED_TRACKS_FOUND"},
    {Limit::FragmentTags, "fragment_tags", 10, 10, "a fragment of PutMedia",
     "acknowledgement 4009 FRAGMENT_METADATA_LIMIT_REACHED"},
    {Limit::GetMediaRate, "get_media_rate", 0, 5, "GetMedia, per second and stream", kBusy},
    {Limit::GetMediaConnections, "get_media_connections", 0, 3, "GetMedia, a stream", kConnections},
    {Limit::GetMediaBytes, "get_media_bytes_per_second", 0, 25'000'000, "GetMedia, a stream", kPaced},
    {Limit::GetMediaFragments, "get_media_fragments_per_second", 0, 5, "a GetMedia connection", kPacedFragments},
    {Limit::FragmentListConnections, "fragment_list_connections", 0, 5, "GetMediaForFragmentList, a stream", kBusy},
    {Limit::FragmentListBytes, "fragment_list_bytes_per_second", 0, 25'000'000, "GetMediaForFragmentList, a stream",
     kPaced},
    {Limit::ClipBytes, "clip_bytes", 100'000'000, 100'000'000, "GetClip, of the fragments as stored",
     "none: the clip ends there"},
    {Limit::ClipFragments, "clip_fragments", 200, 200, "GetClip", "none: the clip ends there"},
    {Limit::ClipConfigurations, "clip_codec_configurations", 0, 1, "GetClip, one after the other",
     "InvalidCodecPrivateDataException"},
    {Limit::DashConfigurations, "dash_codec_configurations", 0, 1, "a DASH manifest, one after the other",
     "InvalidCodecPrivateDataException"},
    {Limit::SessionUrlRate, "session_url_rate", 0, 25,
     "GetHLSStreamingSessionURL, GetDASHStreamingSessionURL each, per second and stream", kBusy},
    {Limit::PlaylistRate, "playlist_rate", 0, 5,
     "GETs of each kind of playlist, manifest and init fragment, per second and playback session", kBusy},
    {Limit::MediaFragmentRate, "media_fragment_rate", 0, 20, "GETs of media fragments, per second and playback session",
     kBusy},
    {Limit::HlsCodecChanges, "hls_codec_changes", 0, 500, "an HLS session, since its first fragment",
     "InvalidCodecPrivateDataException"},
    {Limit::FragmentMetadataPoints, "fragment_metadata_points", 0, 10'000, "points, per second and stream (below)",
     kBusy},
    {Limit::FragmentMediaPoints, "fragment_media_points", 0, 500, "points, per second and stream (below)", kBusy},
}};

}  // namespace

std::span<const LimitRow, kLimitCount> limit_rows() {
  return kRows;
}

Limits::Limits() {
  for (const LimitRow& row : kRows) values_[static_cast<std::size_t>(row.limit)] = row.usual;
}

Limits Limits::aws() {
  Limits limits;
  for (const LimitRow& row : kRows) limits.values_[static_cast<std::size_t>(row.limit)] = row.aws;
  return limits;
}

base::Result<void> Limits::set(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string_view name = assignment.substr(0, equals);
  const auto* const row = std::ranges::find(kRows, name, &LimitRow::name);
  if (row == kRows.end() || equals == std::string_view::npos) {
    return base::fail(base::Errc::InvalidArgument, "expected NAME=NUMBER with a name of docs/limits.md: streams=100");
  }
  const std::string_view digits = assignment.substr(equals + 1);
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size() || value > 1'000'000'000'000) {
    return base::fail(base::Errc::InvalidArgument, std::string(name) + " needs a whole number; 0 means no limit");
  }
  // What is limited without configuration bounds memory, or what a client may be told.
  if (value == 0 && row->usual != 0) {
    return base::fail(base::Errc::InvalidArgument, std::string(name) + " is always limited: at least 1");
  }
  values_[static_cast<std::size_t>(row->limit)] = value;
  return {};
}

}  // namespace api
