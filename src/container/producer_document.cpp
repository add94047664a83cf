// SPDX-License-Identifier: Apache-2.0
#include "container/producer_document.hpp"

#include <algorithm>

#include "container/ebml.hpp"

namespace container {
namespace {

constexpr std::size_t kLongSize = 8;
constexpr std::size_t kIdAndLongSize = 4 + kLongSize;  // of a Segment or a Cluster
constexpr std::size_t kFirstGuess = 64U << 10U;
constexpr std::size_t kSlack = 1024;

}  // namespace

void ProducerDocument::begin(const ProducerHeader& header) {
  bytes_.clear();
  // A producer's fragments are alike: room for the size of the one before saves growing, and never is much.
  bytes_.reserve(std::max(kFirstGuess, last_size_ + last_size_ / 8));
  ebml::Writer writer(bytes_);
  append(header.ebml);
  writer.id(ebml::kSegment);
  writer.long_size(0);
  segment_at_ = bytes_.size();
  append(header.elements);
  writer.id(ebml::kCluster);
  writer.long_size(0);
  cluster_at_ = bytes_.size();
}

void ProducerDocument::end_cluster() {
  base::ByteWriter(bytes_).patch(cluster_at_ - kLongSize, (bytes_.size() - cluster_at_) | (std::uint64_t{1} << 56),
                                 kLongSize);
}

base::Bytes ProducerDocument::finish() {
  base::ByteWriter(bytes_).patch(segment_at_ - kLongSize, (bytes_.size() - segment_at_) | (std::uint64_t{1} << 56),
                                 kLongSize);
  last_size_ = bytes_.size();
  // It stays in a cache that counts sizes, not capacities.
  if (bytes_.capacity() - bytes_.size() > bytes_.size() / 4 + kSlack) bytes_.shrink_to_fit();
  base::Bytes document = std::move(bytes_);
  bytes_ = {};
  return document;
}

std::optional<ProducerParts> split_producer_document(base::ByteView document) {
  ProducerParts parts;
  ebml::Reader top(document);
  if (top.peek_id() != ebml::kEbml) return std::nullopt;
  while (top.peek_id() != ebml::kSegment) {
    if (!top.next()) return std::nullopt;
  }
  parts.ebml = document.first(top.position());
  const std::optional<ebml::Element> segment = top.next();
  if (!segment || segment->unknown_size || segment->header_size != kIdAndLongSize) return std::nullopt;
  ebml::Reader children(segment->payload);
  while (children.peek_id() != ebml::kCluster) {
    if (!children.next()) return std::nullopt;
  }
  const std::size_t cluster_at = children.position();
  const std::optional<ebml::Element> cluster = children.next();
  if (!cluster || cluster->unknown_size) return std::nullopt;
  parts.elements = segment->payload.first(cluster_at);
  parts.cluster = segment->payload.subspan(cluster_at, children.position() - cluster_at);
  parts.tags = segment->payload.subspan(children.position());
  return parts;
}

base::Bytes write_producer_media_document(const ProducerParts& parts, base::ByteView before, base::ByteView after) {
  base::Bytes out;
  out.reserve(parts.ebml.size() + kIdAndLongSize + parts.elements.size() + before.size() + parts.cluster.size() +
              parts.tags.size() + after.size());
  base::append(out, parts.ebml);
  ebml::Writer(out).unknown_size(ebml::kSegment);
  for (const base::ByteView part : {parts.elements, before, parts.cluster, parts.tags, after}) base::append(out, part);
  return out;
}

}  // namespace container
