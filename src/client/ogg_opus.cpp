// SPDX-License-Identifier: Apache-2.0
// Ogg pages to Opus packets (RFC 7845), by libogg.
#include <ogg/ogg.h>

#include <cstring>

#include "client/media_files.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

class OggReader {
 public:
  explicit OggReader(base::ByteView file) {
    ogg_sync_init(&sync_);
    char* buffer = ogg_sync_buffer(&sync_, static_cast<long>(file.size()));
    if (buffer == nullptr) return;
    std::memcpy(buffer, file.data(), file.size());
    ogg_sync_wrote(&sync_, static_cast<long>(file.size()));
  }
  ~OggReader() {
    if (has_stream_) ogg_stream_clear(&stream_);
    ogg_sync_clear(&sync_);
  }
  OggReader(const OggReader&) = delete;
  OggReader& operator=(const OggReader&) = delete;

  // Packets of the first logical stream; others are skipped.
  bool next(base::Bytes& packet) {
    ogg_packet found;
    while (!has_stream_ || ogg_stream_packetout(&stream_, &found) != 1) {
      if (!feed_page()) return false;
    }
    packet.assign(found.packet, found.packet + found.bytes);
    return true;
  }

 private:
  bool feed_page() {
    ogg_page page;
    int got = 0;
    while ((got = ogg_sync_pageout(&sync_, &page)) < 0) {
    }  // resynchronises after garbage
    if (got == 0) return false;
    if (!has_stream_) has_stream_ = ogg_stream_init(&stream_, ogg_page_serialno(&page)) == 0;
    if (has_stream_ && ogg_page_serialno(&page) == stream_.serialno) ogg_stream_pagein(&stream_, &page);
    return has_stream_;
  }

  ogg_sync_state sync_{};
  ogg_stream_state stream_{};
  bool has_stream_ = false;
};

bool starts_with(const base::Bytes& packet, std::string_view magic) {
  return base::as_text(packet).starts_with(magic);
}

}  // namespace

base::Result<std::vector<base::Bytes>> read_ogg_opus(base::ByteView file) {
  OggReader reader(file);
  base::Bytes packet;
  if (!reader.next(packet) || !starts_with(packet, "OpusHead"))
    return fail(Errc::InvalidArgument, "this is no Ogg file with Opus in its first stream");
  if (!reader.next(packet) || !starts_with(packet, "OpusTags"))
    return fail(Errc::InvalidArgument, "the Opus stream lacks its OpusTags packet");
  std::vector<base::Bytes> packets;
  while (reader.next(packet)) {
    if (!packet.empty()) packets.push_back(packet);
  }
  if (packets.empty()) return fail(Errc::InvalidArgument, "the Opus stream is empty");
  return packets;
}

}  // namespace client
