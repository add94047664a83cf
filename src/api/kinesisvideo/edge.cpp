// SPDX-License-Identifier: Apache-2.0
// The edge operations, answered by a server that no edge agent is registered with: no stream has a configuration, and
// none can be given one.
#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "api/whole_list.hpp"
#include "aws/kinesisvideo.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

template <class Input>
aws::Outcome<streams::StreamPtr> find_stream(const streams::Catalog& catalog, const Input& input) {
  TRY(streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  return stream;
}

aws::Error no_configuration(const streams::Stream& stream) {
  return {kv::kStreamEdgeConfigurationNotFound, "The stream " + stream.name + " has no edge configuration."};
}

Answer<kv::DescribeEdgeConfigurationOutput> describe(const streams::Catalog& catalog,
                                                     kv::DescribeEdgeConfigurationInput input) {
  auto stream = find_stream(catalog, input);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  co_return std::unexpected(no_configuration(**stream));
}

Answer<kv::DeleteEdgeConfigurationOutput> remove(const streams::Catalog& catalog,
                                                 kv::DeleteEdgeConfigurationInput input) {
  auto stream = find_stream(catalog, input);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  co_return std::unexpected(no_configuration(**stream));
}

Answer<kv::StartEdgeConfigurationUpdateOutput> start(const streams::Catalog& catalog,
                                                     kv::StartEdgeConfigurationUpdateInput input) {
  auto stream = find_stream(catalog, input);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  co_return aws::fail(kv::kResourceNotFound, "No edge agent is registered with this server: HubDeviceArn " +
                                                 input.edge_config.hub_device_arn +
                                                 " is not known. Cameras publish to it over WebRTC or PutMedia.");
}

Answer<kv::ListEdgeAgentConfigurationsOutput> list(kv::ListEdgeAgentConfigurationsInput input) {
  if (auto checked = check_no_token(input); !checked) co_return std::unexpected(std::move(checked).error());
  co_return kv::ListEdgeAgentConfigurationsOutput{};
}

}  // namespace

void add_edge_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::DescribeEdgeConfiguration>(
      [&](const Call&, auto input) { return describe(catalog, std::move(input)); });
  handlers.add<kv::DeleteEdgeConfiguration>([&](const Call&, auto input) { return remove(catalog, std::move(input)); });
  handlers.add<kv::StartEdgeConfigurationUpdate>(
      [&](const Call&, auto input) { return start(catalog, std::move(input)); });
  handlers.add<kv::ListEdgeAgentConfigurations>([](const Call&, auto input) { return list(std::move(input)); });
}

}  // namespace api
