// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names and values of Tags elements.

#include <cstddef>
#include <vector>

#include "base/bytes.hpp"
#include "container/matroska.hpp"

namespace container {

inline constexpr std::size_t kMostTags = 1'000;  // more are left out

// Adds the simple tags of one Tags element, given without its head. False when it is broken.
bool read_tags_payload(base::ByteView payload, std::vector<Tag>& out);

// Those behind the cluster of a stored producer's document (split_producer_document), which are the fragment's own:
// what stands before the first cluster belongs to the connection. None when it is no such document.
std::vector<Tag> read_fragment_tags(base::ByteView document);

}  // namespace container
