// SPDX-License-Identifier: Apache-2.0
#include "delivery/fragment_tags.hpp"

#include "container/matroska_tags.hpp"

namespace delivery {

FragmentTags read_tags(base::ByteView document) {
  FragmentTags tags;
  for (container::Tag& tag : container::read_fragment_tags(document)) {
    if (tag.name == "AWS_KINESISVIDEO_IMAGE_GENERATION") tags.wants_images = true;
    if (tag.name == "AWS_KINESISVIDEO_NOTIFICATION") tags.wants_notification = true;
    if (tag.name == "AWS_KINESISVIDEO_IMAGE_PREFIX") tags.image_prefix = tag.value;
    if (!tag.name.starts_with("AWS")) tags.custom.emplace_back(std::move(tag.name), std::move(tag.value));
  }
  return tags;
}

}  // namespace delivery
