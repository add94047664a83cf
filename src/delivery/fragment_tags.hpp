// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a producer says to the service with a fragment's tags (contract 7). Pure.

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace delivery {

struct FragmentTags {
  bool wants_images = false;
  bool wants_notification = false;
  std::string image_prefix;
  std::vector<std::pair<std::string, std::string>> custom;  // the producer's own, in order
};

// Of a stored producer's document.
FragmentTags read_tags(base::ByteView document);

}  // namespace delivery
