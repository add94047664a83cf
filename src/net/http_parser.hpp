// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: an HTTP/1.1 message from bytes, piece by piece (Beast's parser behind a plain interface).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "net/http_message.hpp"

namespace net {

// One message; make a new one for the next. Sees no socket.
class HttpParser {
 public:
  enum class Role : std::uint8_t { Server, Client };  // what is parsed: requests, answers
  HttpParser(Role role, std::size_t max_header_bytes);
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  enum class Event : std::uint8_t {
    NeedMore,  // call again with the rest and more behind it
    Headers,   // the header is complete
    Body,      // `body` is the next piece, inside the bytes given
    End,       // the message is complete; what was not consumed belongs to the next
    Bad,       // the message breaks the rules: answer error_status() and close
  };
  struct Step {
    Event event = Event::NeedMore;
    std::size_t consumed = 0;
    base::ByteView body;
  };
  Step parse(base::ByteView bytes);
  // The connection ended. True when that ends the message, as it may for an answer without a length.
  bool finish_at_eof();
  // For the answer to a HEAD request, before the headers are parsed.
  void expect_no_body();

  // Of a request, once the headers are there.
  std::string method, target;
  // Of an answer.
  int status = 0;
  unsigned version = 11;
  HttpHeaders headers;

  bool is_begun() const;
  bool is_keep_alive() const;
  bool has_body() const;
  std::optional<std::uint64_t> content_length() const;
  int error_status() const { return error_status_; }
  std::string_view error_text() const { return error_text_; }

 private:
  struct Machine;
  template <bool IsRequest>
  struct MachineOf;
  Step fail(int status_code, std::string text);
  bool check_headers();

  std::unique_ptr<Machine> machine_;
  Role role_;
  std::size_t max_header_bytes_;
  int error_status_ = 400;
  std::string error_text_;
  bool headers_given_ = false;
};

}  // namespace net
