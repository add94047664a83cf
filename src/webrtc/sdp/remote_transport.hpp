// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one BUNDLE transport of a remote description.

#include <string_view>

#include "webrtc/sdp/negotiation.hpp"

namespace webrtc::sdp {

std::optional<MediaKind> kind_of(const Section& section);
bool remote_sends(Direction direction);
bool remote_receives(Direction direction);

// Of the sections that are not rejected. `who` begins the error text: "the answer", "the offer".
base::Result<RemoteTransport> read_transport(const Description& description, std::string_view who);

// Fills in what a track takes from the remote's section: sources, repair source.
void read_sources(const Section& section, Track& track);

}  // namespace webrtc::sdp
