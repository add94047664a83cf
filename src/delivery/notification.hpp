// SPDX-License-Identifier: Apache-2.0
#pragma once
// A notification as SNS delivers it to an HTTP endpoint (contract 7). Pure.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "streams/fragment.hpp"

namespace delivery {

struct Notification {
  std::string id;     // the same for the same fragment, however often it is sent
  std::string topic;  // ARN, or the URL that the configuration names
  std::string message;
  base::WallTime time;  // of sending
};

// The Message: which fragment, and the producer's own tags. Bytes of those that are not UTF-8 become '?'.
std::string make_message(std::string_view stream_arn, const streams::FragmentHeader& fragment,
                         const std::vector<std::pair<std::string, std::string>>& tags);

// What SNS signs: names and values of the members, a line each, by name.
std::string string_to_sign(const Notification& notification);
// The JSON body.
std::string write_body(const Notification& notification, std::string_view signature, std::string_view certificate_url);

}  // namespace delivery
