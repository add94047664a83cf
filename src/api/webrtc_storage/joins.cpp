// SPDX-License-Identifier: Apache-2.0
#include "api/webrtc_storage/joins.hpp"

#include "api/outcome.hpp"
#include "aws/webrtc_storage.hpp"

namespace api {

namespace ws = aws::webrtc_storage;

namespace {

// With a client id this is a viewer's join, as webrtc-sdk-c makes it (models/deviations.json).
Answer<ws::JoinStorageSessionOutput> join(SignalingDoor& signaling, ws::JoinStorageSessionInput input) {
  auto joined = co_await signaling.join(std::move(input.channel_arn), std::move(input.client_id));
  if (!joined) co_return base::fail(std::move(joined).error());
  co_return ws::JoinStorageSessionOutput{};
}

Answer<ws::JoinStorageSessionAsViewerOutput> join_as_viewer(SignalingDoor& signaling,
                                                            ws::JoinStorageSessionAsViewerInput input) {
  auto joined = co_await signaling.join(std::move(input.channel_arn), std::move(input.client_id));
  if (!joined) co_return base::fail(std::move(joined).error());
  co_return ws::JoinStorageSessionAsViewerOutput{};
}

}  // namespace

void add_join_handlers(Handlers& handlers, SignalingDoor& signaling) {
  handlers.add<ws::JoinStorageSession>([&](const Call&, auto input) { return join(signaling, std::move(input)); });
  handlers.add<ws::JoinStorageSessionAsViewer>(
      [&](const Call&, auto input) { return join_as_viewer(signaling, std::move(input)); });
}

}  // namespace api
