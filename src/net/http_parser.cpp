// SPDX-License-Identifier: Apache-2.0
#include "net/http_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace net {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

constexpr std::size_t kLastChunkBytes = 5;

}  // namespace

// What Beast calls back, in the order in which it was sent: its own container would move headers of one name together,
// and signatures are made over the order on the wire.
struct HttpParser::Machine {
  virtual ~Machine() = default;
  virtual std::size_t put(base::ByteView bytes, error_code& error) = 0;
  virtual void put_eof(error_code& error) = 0;
  virtual bool is_header_done() const = 0;
  virtual bool is_done() const = 0;
  virtual bool is_begun() const = 0;
  virtual bool is_keep_alive() const = 0;
  virtual bool is_chunked() const = 0;
  virtual std::optional<std::uint64_t> content_length() const = 0;
  virtual void skip_body() = 0;

  std::string method, target;
  int status = 0;
  int version = 11;
  HttpHeaders headers;
  bool header_done = false;
  std::uint64_t chunk_left = 0;
  base::ByteView body;
};

template <bool IsRequest>
struct HttpParser::MachineOf final : HttpParser::Machine, http::basic_parser<IsRequest> {
  using Base = http::basic_parser<IsRequest>;

  explicit MachineOf(std::size_t max_header_bytes) {
    Base::header_limit(static_cast<std::uint32_t>(max_header_bytes));
    Base::body_limit(boost::none);  // each reader of a body has its own
    Base::eager(false);
  }

  std::size_t put(base::ByteView bytes, error_code& error) override {
    return Base::put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  }
  void put_eof(error_code& error) override { Base::put_eof(error); }
  bool is_header_done() const override { return Base::is_header_done(); }
  bool is_done() const override { return Base::is_done(); }
  bool is_begun() const override { return Base::got_some(); }
  bool is_keep_alive() const override { return Base::keep_alive(); }
  bool is_chunked() const override { return Base::chunked(); }
  std::optional<std::uint64_t> content_length() const override {
    const auto length = Base::content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
  }
  void skip_body() override { Base::skip(true); }

 private:
  void on_request_impl(http::verb, string_view method_text, string_view target_text, int number, error_code&) override {
    method = std::string(method_text);
    target = std::string(target_text);
    version = number;
  }
  void on_response_impl(int code, string_view, int number, error_code&) override {
    status = code;
    version = number;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    if (!header_done) headers.add(std::string(name), std::string(value));  // trailers are dropped
  }
  void on_header_impl(error_code&) override { header_done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view piece, error_code&) override { return take(piece); }
  void on_chunk_header_impl(std::uint64_t size, string_view, error_code&) override { chunk_left = size; }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
    chunk_left -= piece.size();
    return take(piece);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t take(string_view piece) {
    body = base::as_bytes({piece.data(), piece.size()});
    return piece.size();
  }
};

HttpParser::HttpParser(Role role, std::size_t max_header_bytes) : role_(role), max_header_bytes_(max_header_bytes) {
  if (role == Role::Server) {
    machine_ = std::make_unique<MachineOf<true>>(max_header_bytes);
  } else {
    machine_ = std::make_unique<MachineOf<false>>(max_header_bytes);
  }
}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

HttpParser::Step HttpParser::fail(int status_code, std::string text) {
  error_status_ = status_code;
  error_text_ = std::move(text);
  return {Event::Bad, 0, {}};
}

HttpParser::Step HttpParser::parse(base::ByteView bytes) {
  Step step;
  while (true) {
    if (headers_given_ && machine_->is_done()) {
      step.event = Event::End;
      return step;
    }
    if (bytes.empty()) return step;
    // Between chunks at least "0\r\n\r\n" is still to come; Beast 1.81 asserts that it does not get less.
    if (headers_given_ && machine_->is_chunked() && machine_->chunk_left == 0 && bytes.size() < kLastChunkBytes)
      return step;
    error_code error;
    machine_->body = {};
    const std::size_t used = machine_->put(bytes, error);
    step.consumed += used;
    bytes = bytes.subspan(used);
    if (error == http::error::need_more) {
      // Headers are limited by Beast; this limits a chunk header and trailers.
      if (bytes.size() > max_header_bytes_) return fail(431, "a header is too long");
      return step;
    }
    if (error == http::error::header_limit) return fail(431, "the request line and headers are too long");
    if (error == http::error::bad_version) return fail(505, "not HTTP/1.0 or HTTP/1.1");
    if (error) return fail(400, error.message());
    if (machine_->is_header_done() && !headers_given_) {
      headers_given_ = true;
      method = machine_->method;
      target = machine_->target;
      status = machine_->status;
      version = static_cast<unsigned>(machine_->version);
      headers = std::move(machine_->headers);
      if (!check_headers()) return {Event::Bad, step.consumed, {}};
      step.event = Event::Headers;
      return step;
    }
    if (!machine_->body.empty()) {
      step.event = Event::Body;
      step.body = machine_->body;
      return step;
    }
    if (used == 0 && !machine_->is_done()) return step;
  }
}

bool HttpParser::check_headers() {
  // Beast takes a body whose coding it does not know for no body at all: the next request would begin inside it.
  const auto coding = headers.find("Transfer-Encoding");
  if (coding && !machine_->is_chunked()) {
    fail(501, "a Transfer-Encoding other than chunked");
    return false;
  }
  if (coding && version < 11) {
    fail(400, "Transfer-Encoding in HTTP/1.0");
    return false;
  }
  if (role_ == Role::Client) return true;
  const auto hosts = std::ranges::count_if(
      headers, [](const HttpHeader& header) { return header.name.size() == 4 && HttpHeaders{header}.find("Host"); });
  if (hosts > 1 || (hosts == 0 && version >= 11)) {
    fail(400, hosts > 1 ? "more than one Host header" : "no Host header");  // RFC 9112 3.2
    return false;
  }
  return true;
}

bool HttpParser::finish_at_eof() {
  if (!headers_given_) return false;
  if (machine_->is_done()) return true;
  error_code error;
  machine_->put_eof(error);
  return !error;
}

void HttpParser::expect_no_body() {
  machine_->skip_body();
}
bool HttpParser::is_begun() const {
  return machine_->is_begun();
}
bool HttpParser::is_keep_alive() const {
  return machine_->is_keep_alive();
}
bool HttpParser::has_body() const {
  return machine_->is_chunked() || content_length().value_or(0) > 0;
}
std::optional<std::uint64_t> HttpParser::content_length() const {
  return machine_->content_length();
}

}  // namespace net
