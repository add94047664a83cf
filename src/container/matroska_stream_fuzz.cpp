// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "container/matroska_parser.hpp"
#include "container/matroska_stream.hpp"
#include "container/matroska_tags.hpp"

namespace {

struct Seen {
  std::vector<std::size_t> kinds;
  std::vector<base::Bytes> documents;
  std::vector<std::vector<container::Tag>> tags;  // of each document
  bool operator==(const Seen&) const = default;
};

// The first byte chooses how the rest is cut.
Seen read(base::ByteView bytes, std::size_t step) {
  container::MatroskaStreamLimits limits;
  limits.header_bytes = 4096;
  limits.fragment_bytes = 65'536;
  container::MatroskaStream stream(limits);
  Seen seen;
  std::vector<container::Tag> tags;
  const auto drain = [&] {
    while (auto event = stream.poll_event()) {
      seen.kinds.push_back(event->index());
      if (const auto* some = std::get_if<container::stream_event::FragmentTags>(&*event)) {
        tags.insert(tags.end(), some->tags.begin(), some->tags.end());
      }
      if (auto* complete = std::get_if<container::stream_event::FragmentComplete>(&*event)) {
        seen.documents.push_back(std::move(complete->document));
        seen.tags.push_back(std::exchange(tags, {}));
      }
    }
  };
  while (!bytes.empty()) {
    const base::ByteView part = bytes.first(std::min(step, bytes.size()));
    stream.push(part);
    drain();
    bytes = bytes.subspan(part.size());
  }
  stream.finish(true);
  drain();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  const Seen whole = read(bytes, bytes.size() + 1);
  if (read(bytes, data[0] % 32 + 1u) != whole) __builtin_trap();
  for (std::size_t i = 0; i < whole.documents.size(); ++i) {
    const base::Bytes& document = whole.documents[i];
    if (document.size() > 65'536) __builtin_trap();
    // What is stored can be taken apart again: nothing else reaches a reader.
    if (!container::split_producer_document(document)) __builtin_trap();
    // And its tags are those that were judged.
    if (whole.tags[i].size() < container::kMostTags && container::read_fragment_tags(document) != whole.tags[i])
      __builtin_trap();
  }
  return 0;
}
