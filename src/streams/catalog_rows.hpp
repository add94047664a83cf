// SPDX-License-Identifier: Apache-2.0
#pragma once
// Between the catalog's words and the store's rows, and what an ARN says.

#include <string>
#include <string_view>

#include "streams/catalog.hpp"

namespace streams {

Stream stream_of(const store::StreamRow& row);
store::StreamRow row_of(const Stream& stream);
Channel channel_of(const store::ChannelRow& row);
store::ChannelRow row_of(const Channel& channel, std::uint64_t id);

// arn:aws:kinesisvideo:REGION:ACCOUNT:KIND/NAME/CREATION
bool is_arn_of(std::string_view arn, std::string_view kind);
// The name that the pair stands for. InvalidArgument if neither is given, the ARN is not one of this kind, or they
// differ.
base::Result<std::string> name_in(const ResourceName& resource, const char* kind, const char* name_member,
                                  const char* arn_member);

}  // namespace streams
