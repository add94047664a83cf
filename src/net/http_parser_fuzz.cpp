// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "net/http_parser.hpp"

// The first byte chooses the role and the size of the pieces in which the rest arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const auto role = (bytes[0] & 1) != 0 ? net::HttpParser::Role::Client : net::HttpParser::Role::Server;
  const std::size_t piece = std::size_t{bytes[0]} / 2 + 1;
  const base::ByteView all(bytes + 1, size - 1);

  net::HttpParser parser(role, 4096);
  base::Bytes received;
  std::size_t sent = 0, messages = 0;
  while (messages < 16) {
    const net::HttpParser::Step step = parser.parse(received);
    if (step.consumed > received.size()) abort();
    if (step.body.size() > received.size()) abort();
    received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    if (step.event == net::HttpParser::Event::Bad) return 0;
    if (step.event == net::HttpParser::Event::End) {
      parser = net::HttpParser(role, 4096);
      ++messages;
    }
    if (step.event != net::HttpParser::Event::NeedMore) continue;
    if (sent == all.size()) break;
    const base::ByteView next = all.subspan(sent, std::min(piece, all.size() - sent));
    base::append(received, next);
    sent += next.size();
  }
  (void)parser.finish_at_eof();
  return 0;
}
