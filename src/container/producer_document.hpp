// SPDX-License-Identifier: Apache-2.0
#pragma once
// A PutMedia producer's fragment as it is stored and as GetMedia gives it: the producer's bytes, put together
// differently, never written anew. docs/formats/fragment.md, "A producer's fragment".

#include <optional>

#include "base/bytes.hpp"

namespace container {

// What a producer sent before its first cluster, byte for byte.
struct ProducerHeader {
  base::Bytes ebml;      // the EBML header, and what stood between it and the Segment
  base::Bytes elements;  // the Segment's children
};

// Fills one fragment's document while its bytes arrive: each is copied once, to where it stays.
class ProducerDocument {
 public:
  void begin(const ProducerHeader& header);
  // The cluster's children, as sent.
  void append(base::ByteView bytes) { base::append(bytes_, bytes); }
  // From here on append() takes the fragment's Tags elements.
  void end_cluster();
  // The document; empty afterwards.
  base::Bytes finish();
  void drop() { bytes_ = {}; }

  base::ByteView bytes() const { return bytes_; }

 private:
  base::Bytes bytes_;
  std::size_t segment_at_ = 0;  // where the Segment's payload begins
  std::size_t cluster_at_ = 0;
  std::size_t last_size_ = 0;
};

// A stored document taken apart; views into it.
struct ProducerParts {
  base::ByteView ebml;
  base::ByteView elements;
  base::ByteView cluster;  // the whole element
  base::ByteView tags;     // whole elements, often none
};
// Nothing when it is not what ProducerDocument writes.
std::optional<ProducerParts> split_producer_document(base::ByteView document);

// Contract 4.3: the stored document with a Segment of unknown size, `before` in front of the cluster and `after` at
// the end. Both are whole Tags elements.
base::Bytes write_producer_media_document(const ProducerParts& parts, base::ByteView before, base::ByteView after);

}  // namespace container
