// SPDX-License-Identifier: Apache-2.0
// GetDataEndpoint and GetSignalingChannelEndpoint. Every listener serves every operation, so all endpoints are this
// server; only the WebSocket roles differ, by path.
#include <algorithm>

#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "aws/kinesisvideo.hpp"
#include "aws/signaling.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

Answer<kv::GetDataEndpointOutput> data_endpoint(streams::Catalog& catalog, const Call& call,
                                                kv::GetDataEndpointInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  kv::GetDataEndpointOutput output;
  output.data_endpoint = call.base_url;
  co_return output;
}

std::string make_endpoint(const Call& call, kv::ChannelProtocol protocol, kv::ChannelRole role) {
  if (protocol != kv::ChannelProtocol::Wss) return call.base_url;
  const bool is_master = role == kv::ChannelRole::Master;
  const auto& row = is_master ? aws::signaling::ConnectAsMaster::row() : aws::signaling::ConnectAsViewer::row();
  return call.wss_url + std::string(row.path);
}

Answer<kv::GetSignalingChannelEndpointOutput> signaling_endpoint(streams::Catalog& catalog, const Call& call,
                                                                 kv::GetSignalingChannelEndpointInput input) {
  CO_TRY(const streams::ChannelPtr channel, catalog.find_channel({std::nullopt, input.channel_arn}));
  kv::SingleMasterChannelEndpointConfiguration wanted;
  if (input.single_master_channel_endpoint_configuration) {
    wanted = *std::move(input.single_master_channel_endpoint_configuration);
  }
  // The model leaves the defaults open.
  if (wanted.protocols.empty()) wanted.protocols = {kv::ChannelProtocol::Wss, kv::ChannelProtocol::Https};
  const kv::ChannelRole role = wanted.role.value_or(kv::ChannelRole::Viewer);
  kv::GetSignalingChannelEndpointOutput output;
  for (const kv::ChannelProtocol protocol : wanted.protocols) {
    if (protocol == kv::ChannelProtocol::Webrtc && !channel->storage_stream_arn) {
      co_return base::fail(base::Errc::InvalidArgument,
                           "Protocols names WEBRTC, but media storage is not enabled for this channel: call "
                           "UpdateMediaStorageConfiguration first");
    }
    auto& list = output.resource_endpoint_list;
    const bool is_listed = std::ranges::any_of(list, [&](const auto& item) { return item.protocol == protocol; });
    if (is_listed) continue;
    kv::ResourceEndpointListItem& item = list.emplace_back();
    item.protocol = protocol;
    item.resource_endpoint = make_endpoint(call, protocol, role);
  }
  co_return output;
}

}  // namespace

void add_endpoint_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::GetDataEndpoint>(
      [&](const Call& call, auto input) { return data_endpoint(catalog, call, std::move(input)); });
  handlers.add<kv::GetSignalingChannelEndpoint>(
      [&](const Call& call, auto input) { return signaling_endpoint(catalog, call, std::move(input)); });
}

}  // namespace api
