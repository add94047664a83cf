// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operations that name a stream by StreamName or StreamARN.

#include "streams/catalog.hpp"

namespace api {

template <class Input>
streams::ResourceName stream_of(const Input& input) {
  return {.name = input.stream_name, .arn = input.stream_arn};
}

}  // namespace api
