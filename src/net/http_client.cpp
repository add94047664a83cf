// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include <algorithm>
#include <charconv>

#include "net/http_connections.hpp"
#include "net/http_parser.hpp"
#include "net/read_buffer.hpp"
#include "net/stream.hpp"
#include "net/websocket_connection.hpp"

namespace net {

namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{64} * 1024;

base::Result<std::shared_ptr<const TlsContext>> tls_for(const Url& url, std::shared_ptr<const TlsContext> given) {
  if (!url.is_tls()) return std::shared_ptr<const TlsContext>();
  if (given) return given;
  return TlsContext::make_client({});
}

std::string make_request(const HttpClientRequest& request, const Url& url, bool keep_alive) {
  std::string head = request.method + " " + url.target + " HTTP/1.1\r\n";
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (!request.headers.find("Host")) add("Host", url.authority());
  for (const HttpHeader& header : request.headers) add(header.name, header.value);
  const bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (has_body && !request.headers.find("Content-Length")) add("Content-Length", std::to_string(request.body.size()));
  if (!keep_alive && !request.headers.find("Connection")) add("Connection", "close");
  return head + "\r\n";
}

// Reads one answer; interim ones (1xx) are passed over.
class AnswerReader {
 public:
  AnswerReader(Stream& stream, const HttpClientRequest& request, const HttpClientOptions& options)
      : stream_(stream), request_(request), options_(options) {}

  async::Task<base::Result<HttpClientResponse>> read() {
    HttpClientResponse response;
    HttpParser parser = make_parser();
    for (;;) {
      const HttpParser::Step step = parser.parse(buffer_.view());
      bool wanted = true;
      if (step.event == HttpParser::Event::Body) {
        if (response.body.size() + step.body.size() > options_.max_body_bytes) {
          co_return base::fail(base::Errc::LimitExceeded,
                               "the answer is longer than " + std::to_string(options_.max_body_bytes) + " bytes");
        }
        if (request_.on_body && response.status / 100 == 2) {
          wanted = request_.on_body(step.body);
        } else {
          response.body += base::as_text(step.body);
        }
      }
      buffer_.consume(step.consumed);
      if (!wanted) co_return response;
      something_came_ = something_came_ || step.consumed > 0;
      switch (step.event) {
        case HttpParser::Event::Body:
          continue;
        case HttpParser::Event::Headers:
          response.status = parser.status;
          response.headers = std::move(parser.headers);
          continue;
        case HttpParser::Event::End:
          if (response.status / 100 != 1) {
            whole_ = buffer_.view().empty();
            co_return response;
          }
          parser = make_parser();
          continue;
        case HttpParser::Event::Bad:
          co_return base::fail(base::Errc::Corrupt, "the answer is malformed: " + std::string(parser.error_text()));
        case HttpParser::Event::NeedMore:
          break;
      }
      const auto count = co_await stream_.read_some(buffer_.prepare(), async::now() + options_.timeout);
      if (!count) co_return base::fail(count.error());
      buffer_.commit(*count);
      if (*count > 0) continue;
      if (parser.finish_at_eof()) co_return response;
      co_return base::fail(base::Errc::Io, "the server closed the connection in the middle of its answer");
    }
  }

  // Any byte of an answer. Without one, a connection that was used before may have been closed while it was idle.
  bool something_came() const { return something_came_; }
  // The answer ended where it said it would, and nothing is left behind it.
  bool whole() const { return whole_; }

 private:
  HttpParser make_parser() const {
    HttpParser parser(HttpParser::Role::Client, kMaxHeaderBytes);
    if (request_.method == "HEAD") parser.expect_no_body();
    return parser;
  }

  Stream& stream_;
  const HttpClientRequest& request_;
  const HttpClientOptions& options_;
  ReadBuffer buffer_;
  bool something_came_ = false;
  bool whole_ = false;
};

bool says_close(const HttpHeaders& headers) {
  const auto connection = headers.find("Connection");
  return connection && (*connection == "close" || *connection == "Close");
}

}  // namespace

base::Result<Url> Url::parse(std::string_view text) {
  const auto bad = [&](const char* why) {
    return base::fail(base::Errc::InvalidArgument, "\"" + std::string(text) + "\" is not a URL: " + why);
  };
  Url url;
  const std::size_t colons = text.find("://");
  if (colons == std::string_view::npos) return bad("it has no scheme");
  url.scheme = std::string(text.substr(0, colons));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return bad("the scheme is not http, https, ws or wss");
  }
  std::string_view rest = text.substr(colons + 3);
  std::string_view authority = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
  rest.remove_prefix(authority.size());
  url.target = std::string(rest.substr(0, std::min(rest.find('#'), rest.size())));
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, 1, '/');
  if (std::ranges::any_of(url.target, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
    return bad("white space must be percent-encoded");
  }
  if (authority.contains('@')) return bad("user names are not supported");

  url.port = url.is_tls() ? 443 : 80;
  const std::size_t host_end =
      authority.starts_with('[') ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (host_end == std::string_view::npos) return bad("the bracket is not closed");
  const bool bracketed = authority.starts_with('[');
  url.host = std::string(bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end));
  if (url.host.empty()) return bad("it has no host");
  authority.remove_prefix(host_end + (bracketed ? 1 : 0));
  if (authority.empty()) return url;
  const auto [end, error] = std::from_chars(authority.data() + 1, authority.data() + authority.size(), url.port);
  if (authority.front() != ':' || error != std::errc() || end != authority.data() + authority.size()) {
    return bad("the port is not a number up to 65535");
  }
  return url;
}

std::string Url::authority() const {
  std::string text = host.contains(':') ? "[" + host + "]" : host;
  if (port != (is_tls() ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

namespace {

// What came of one request on one connection.
struct Exchange {
  base::Result<HttpClientResponse> response;
  bool reusable = false;
  bool untouched = false;  // nothing of an answer came
};

async::Task<Exchange> exchange_on(Stream& stream, const HttpClientRequest& request, const Url& url,
                                  const HttpClientOptions& options) {
  const std::string head = make_request(request, url, options.connections != nullptr);
  std::vector<base::ByteView> pieces(1, base::as_bytes(head));
  pieces.push_back(base::as_bytes(request.body));
  const auto written = co_await stream.write(std::move(pieces), async::now() + options.timeout);
  AnswerReader reader(stream, request, options);
  Exchange exchange{.response = co_await reader.read()};
  exchange.untouched = !exchange.response && !reader.something_came();
  exchange.reusable = written && exchange.response && reader.whole() && !says_close(exchange.response->headers);
  // A server may refuse a body early: its answer says more than the failed write.
  if (!exchange.response && !written) exchange.response = base::fail(written.error());
  co_return exchange;
}

}  // namespace

async::Task<base::Result<HttpClientResponse>> send_http(HttpClientRequest request, HttpClientOptions options) {
  CO_TRY(const Url url, Url::parse(request.url));
  CO_TRY(const auto tls, tls_for(url, options.tls));
  const std::string where = url.scheme + "://" + url.authority();
  for (;;) {
    std::unique_ptr<Stream> stream = options.connections ? options.connections->take(where) : nullptr;
    const bool used_before = stream != nullptr;
    if (!stream) {
      ConnectOptions connect{.host = url.host, .port = url.port, .tls = tls, .timeout = options.timeout};
      CO_TRY(stream, co_await connect_stream(std::move(connect)));
    }
    Exchange exchange = co_await exchange_on(*stream, request, url, options);
    if (options.connections && exchange.reusable) {
      options.connections->keep(where, std::move(stream));
    } else {
      stream->close();
    }
    if (used_before && exchange.untouched) continue;  // it was closed while it was idle: on another one
    if (!exchange.response) co_return base::fail(std::move(exchange.response).error().with_context(url.authority()));
    co_return std::move(exchange.response);
  }
}

async::Task<base::Result<std::unique_ptr<WebSocket>>> connect_websocket(std::string url_text,
                                                                        WebSocketClientOptions options) {
  CO_TRY(const Url url, Url::parse(url_text));
  CO_TRY(const auto tls, tls_for(url, options.tls));
  const base::Instant deadline = async::now() + options.timeout;
  ConnectOptions connect{.host = url.host, .port = url.port, .tls = tls, .timeout = options.timeout};
  CO_TRY(auto stream, co_await connect_stream(std::move(connect)));
  WebSocketUpgrade upgrade{.stream = std::move(stream),
                           .authority = url.authority(),
                           .target = url.target,
                           .headers = std::move(options.headers),
                           .options = options.websocket,
                           .deadline = deadline};
  auto connected = co_await upgrade_to_websocket(std::move(upgrade));
  if (!connected) co_return base::fail(std::move(connected).error().with_context(url.authority()));
  co_return connected;
}

}  // namespace net
