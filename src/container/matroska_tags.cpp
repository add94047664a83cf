// SPDX-License-Identifier: Apache-2.0
#include "container/matroska_tags.hpp"

#include "container/ebml.hpp"
#include "container/producer_document.hpp"

namespace container {
namespace {

// The SimpleTags of one Tag. False when it is broken.
bool collect_simple_tags(base::ByteView payload, std::vector<Tag>& out) {
  ebml::Reader reader(payload);
  while (const std::optional<ebml::Element> child = reader.next()) {
    if (child->id != ebml::kSimpleTag || out.size() > kMostTags) continue;
    Tag tag;
    ebml::Reader fields(child->payload);
    while (const std::optional<ebml::Element> field = fields.next()) {
      if (field->id == ebml::kTagName) tag.name = ebml::to_text(field->payload);
      if (field->id == ebml::kTagString) tag.value = ebml::to_text(field->payload);
    }
    if (!fields.ok()) return false;
    out.push_back(std::move(tag));
  }
  return reader.ok();
}

}  // namespace

bool read_tags_payload(base::ByteView payload, std::vector<Tag>& out) {
  bool ok = true;
  ebml::Reader reader(payload);
  while (const std::optional<ebml::Element> tag = reader.next()) {
    if (tag->id == ebml::kTag) ok = collect_simple_tags(tag->payload, out) && ok;
  }
  return ok && reader.ok();
}

std::vector<Tag> read_fragment_tags(base::ByteView document) {
  std::vector<Tag> tags;
  const std::optional<ProducerParts> parts = split_producer_document(document);
  if (!parts) return tags;
  ebml::Reader reader(parts->tags);
  while (const std::optional<ebml::Element> element = reader.next()) {
    if (element->id == ebml::kTags) (void)read_tags_payload(element->payload, tags);
  }
  return tags;
}

}  // namespace container
