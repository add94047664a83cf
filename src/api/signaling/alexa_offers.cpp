// SPDX-License-Identifier: Apache-2.0
#include "api/signaling/alexa_offers.hpp"

#include "api/outcome.hpp"
#include "aws/signaling.hpp"

namespace api {

namespace sig = aws::signaling;

namespace {

Answer<sig::SendAlexaOfferToMasterOutput> send_offer(SignalingDoor& signaling, sig::SendAlexaOfferToMasterInput input) {
  auto answer = co_await signaling.offer_to_master(std::move(input.channel_arn), std::move(input.sender_client_id),
                                                   std::move(input.message_payload));
  if (!answer) co_return base::fail(std::move(answer).error());
  sig::SendAlexaOfferToMasterOutput output;
  output.answer = *std::move(answer);
  co_return output;
}

}  // namespace

void add_alexa_offer_handlers(Handlers& handlers, SignalingDoor& signaling) {
  handlers.add<sig::SendAlexaOfferToMaster>(
      [&](const Call&, auto input) { return send_offer(signaling, std::move(input)); });
}

}  // namespace api
