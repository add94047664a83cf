// SPDX-License-Identifier: Apache-2.0
#include "net/http_parser.hpp"

#include <gtest/gtest.h>

namespace net {
namespace {

// Parses one message that arrives in pieces; gives its body, or what was wrong.
std::string parse_in_pieces(HttpParser& parser, std::string_view text, std::size_t piece) {
  std::string received, body;
  for (;;) {
    const HttpParser::Step step = parser.parse(base::as_bytes(received));
    body += base::as_text(step.body);
    received.erase(0, step.consumed);
    switch (step.event) {
      case HttpParser::Event::Bad:
        return "bad: " + std::string(parser.error_text());
      case HttpParser::Event::End:
        return body;
      case HttpParser::Event::Body:
      case HttpParser::Event::Headers:
        continue;
      case HttpParser::Event::NeedMore:
        break;
    }
    if (text.empty()) return parser.finish_at_eof() ? body : "cut";
    received += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
  }
}

TEST(HttpParser, GivesTheSameWhateverThePieces) {
  constexpr std::string_view kRequest =
      "POST /x?y HTTP/1.1\r\nHost: h\r\nX-B: 2\r\nx-a:\t one \r\nX-B: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nwiki\r\nB;name=\"v\"\r\npedia in \r\n\r\n1\r\n!\r\n0\r\nTrailer: dropped\r\n\r\n";
  for (std::size_t piece = 1; piece <= kRequest.size(); ++piece) {
    HttpParser parser(HttpParser::Role::Server, 1024);
    EXPECT_EQ(parse_in_pieces(parser, kRequest, piece), "wikipedia in \r\n!") << piece;
    EXPECT_EQ(parser.method, "POST");
    EXPECT_EQ(parser.target, "/x?y");
    EXPECT_TRUE(parser.is_keep_alive() && parser.has_body() && !parser.content_length());
    std::string headers;
    for (const HttpHeader& header : parser.headers) headers += header.name + "=" + header.value + ";";
    EXPECT_EQ(headers, "Host=h;X-B=2;x-a=one;X-B=1;Transfer-Encoding=chunked;") << piece;
  }
}

TEST(HttpParser, ReadsAnswers) {
  struct Row {
    std::string_view text;
    int status;
    std::string body;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, "abc"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end"},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, ""},
      {"HTTP/1.0 403 \r\nContent-Length: 0\r\n\r\n", 403, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 200, "cut"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", 200, "cut"},
      {"HTTP/1.1 200 OK\r\nContent-Le", 0, "cut"},
      {"HTTP/1.1 2000 OK\r\n\r\n", 0, "bad: bad status"},
      {"HTTP/3 200 OK\r\n\r\n", 0, "bad: not HTTP/1.0 or HTTP/1.1"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 200, "bad: a Transfer-Encoding other than chunked"},
  };
  for (const Row& row : rows) {
    for (const std::size_t piece : {1u, 7u, 1000u}) {
      HttpParser parser(HttpParser::Role::Client, 1024);
      EXPECT_EQ(parse_in_pieces(parser, row.text, piece), row.body) << row.text;
      EXPECT_EQ(parser.status, row.status) << row.text;
    }
  }
  HttpParser head(HttpParser::Role::Client, 1024);
  head.expect_no_body();
  EXPECT_EQ(parse_in_pieces(head, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 100), "");
}

TEST(HttpParser, BoundsWhatItWaitsFor) {
  const std::string endless(3000, 'a');
  for (const std::string& text :
       {"GET /" + endless, "GET / HTTP/1.1\r\nHost: " + endless,
        "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + endless,
        "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: " + endless}) {
    for (const std::size_t piece : {1u, 100u, 4000u}) {
      HttpParser parser(HttpParser::Role::Server, 1024);
      const std::string outcome = parse_in_pieces(parser, text, piece);
      EXPECT_TRUE(outcome.starts_with("bad: ")) << outcome << " for " << text.substr(0, 80);
    }
  }
}

TEST(HttpHeaders, FindsNamesAndTokensWhateverTheCase) {
  const HttpHeaders headers = {{"Connection", "keep-alive , Upgrade"}, {"X-A", "1"}, {"x-a", "2"}, {"connection", "x"}};
  EXPECT_EQ(headers.find("x-A"), "1");
  EXPECT_FALSE(headers.find("X"));
  EXPECT_TRUE(headers.has_token("CONNECTION", "upgrade"));
  EXPECT_TRUE(headers.has_token("connection", "X"));
  EXPECT_FALSE(headers.has_token("connection", "keep"));
  EXPECT_FALSE(headers.has_token("connection", ""));
}

}  // namespace
}  // namespace net
