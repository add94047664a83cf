// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "aws/json_document.hpp"
#include "aws/sigv4_canonical.hpp"

namespace aws::sigv4 {
namespace {

// ---- The published AWS test suite: key AKIDEXAMPLE, service "service" -------------------------------------------

struct SuiteCase {
  const char* name;
  const char* method;
  const char* target;
  std::vector<Header> headers;
  const char* body;
  const char* signature;
};

std::string suite_signature(const SuiteCase& suite) {
  const CredentialScope scope{"AKIDEXAMPLE", "20150830", "us-east-1", "service"};
  const std::string hash = sha256_hex(base::as_bytes(suite.body));
  CanonicalParts parts{suite.method, suite.target, {}, hash};
  for (const Header& header : suite.headers) {
    if (!parts.signed_headers.empty() && parts.signed_headers.back().first == header.name) continue;
    parts.signed_headers.emplace_back(header.name, *find_header(suite.headers, header.name));
  }
  const std::string text = string_to_sign("20150830T123600Z", scope, canonical_request(parts));
  return signature("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", scope, text);
}

TEST(SigV4Suite, published_vectors) {
  const Header host{"host", "example.amazonaws.com"};
  const Header date{"x-amz-date", "20150830T123600Z"};
  const std::vector<SuiteCase> cases = {
      {"get-vanilla", "GET", "/", {host, date}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query",
       "GET",
       "/?",
       {host, date},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash", "GET", "//", {host, date}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-dot-slash",
       "GET",
       "/./",
       {host, date},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative",
       "GET",
       "/example/..",
       {host, date},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative-relative",
       "GET",
       "/example1/example2/../..",
       {host, date},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-pointless-dot",
       "GET",
       "/./example",
       {host, date},
       "",
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/?Param1=value1",
       {host, date},
       "",
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/?Param2=value2&Param1=value1",
       {host, date},
       "",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-utf8-query",
       "GET",
       "/?\u1234=bar",
       {host, date},
       "",
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-utf8",
       "GET",
       "/\u1234",
       {host, date},
       "",
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-space",
       "GET",
       "/example space/",
       {host, date},
       "",
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-unreserved",
       "GET",
       "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
       {host, date},
       "",
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-header-key-duplicate",
       "GET",
       "/",
       {host, {"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}, date},
       "",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       {host,
        {"my-header1", "value4"},
        {"my-header1", "value1"},
        {"my-header1", "value3"},
        {"my-header1", "value2"},
        date},
       "",
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       {host, {"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}, date},
       "",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla",
       "POST",
       "/",
       {host, date},
       "",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       {{"content-type", "application/x-www-form-urlencoded"}, host, date},
       "Param1=value1",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
  };
  for (const SuiteCase& suite : cases) EXPECT_EQ(suite_signature(suite), suite.signature) << suite.name;
}

// ---- What real clients sent ---------------------------------------------------------------------------------------

struct Captured {
  std::string from;
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> body;  // absent: streamed
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::vector<Captured> load_captures(const std::string& file) {
  const std::string path = std::string(TIDEGATE_SOURCE_DIR) + "/tests/vectors/" + file;
  const auto document = JsonDocument::parse("{\"list\":" + read_file(path) + "}");
  EXPECT_TRUE(document.has_value()) << path;
  std::vector<Captured> captures;
  const JsonValue list = document->root().find("list");
  for (std::size_t index = 0; index < list.size(); ++index) {
    const JsonValue entry = list.element(index);
    const auto method = entry.find("method").text();
    if (!method || *method == "OPTIONS") continue;
    Captured captured{file, std::string(*method), std::string(*entry.find("target").text()), {}, {}};
    const JsonValue headers = entry.find("headers");
    for (std::size_t at = 0; at < headers.size(); ++at) {
      captured.headers.emplace_back(*headers.element(at).element(0).text(), *headers.element(at).element(1).text());
    }
    if (captured.target != "/putMedia") captured.body = std::string(*entry.find("body").text());
    captures.push_back(std::move(captured));
  }
  return captures;
}

std::vector<Captured> all_captures() {
  std::vector<Captured> all;
  for (const char* file : {"webrtc-sdk-c-master.json", "kvssink-putmedia.json", "webrtc-sdk-js-page-viewer.json"}) {
    for (Captured& captured : load_captures(file)) all.push_back(std::move(captured));
  }
  return all;
}

std::vector<Header> views(const Captured& captured) {
  std::vector<Header> out;
  for (const auto& [name, value] : captured.headers) out.push_back({name, value});
  return out;
}

base::WallTime signed_time(const Captured& captured) {
  const std::vector<Header> headers = views(captured);
  if (const auto date = find_header(headers, "x-amz-date")) return *base::parse_basic_iso8601(*date);
  const std::size_t at = captured.target.find("X-Amz-Date=") + 11;
  return *base::parse_basic_iso8601(captured.target.substr(at, 16));
}

Outcome<Identity> verify_captured(const Captured& captured, base::WallTime now, std::string_view secret = "secret") {
  const std::vector<Header> headers = views(captured);
  Payload payload;
  if (captured.body) payload.body = base::as_bytes(*captured.body);
  const FindKey find = [&](std::string_view id) -> std::optional<KnownKey> {
    if (id != "AKIDEXAMPLE") return std::nullopt;
    return KnownKey{std::string(secret)};
  };
  return verify(Request{captured.method, captured.target, headers}, payload, find, now);
}

std::string error_text(const Outcome<Identity>& outcome) {
  return outcome ? "" : outcome.error().message;
}

TEST(SigV4Captures, every_request_verifies_at_its_own_time) {
  const auto captures = all_captures();
  EXPECT_EQ(captures.size(), 16u);
  for (const Captured& captured : captures) {
    const auto outcome = verify_captured(captured, signed_time(captured));
    EXPECT_TRUE(outcome.has_value()) << captured.from << " " << captured.target << ": " << error_text(outcome);
    if (outcome) EXPECT_EQ(outcome->region, "us-west-2");
  }
}

TEST(SigV4Captures, another_secret_does_not_verify) {
  for (const Captured& captured : all_captures()) {
    EXPECT_FALSE(verify_captured(captured, signed_time(captured), "Secret").has_value()) << captured.target;
  }
}

std::vector<std::string> names_signed_by(const Captured& captured) {
  const std::vector<Header> headers = views(captured);
  std::string list = "host";
  if (const auto authorization = find_header(headers, "authorization")) {
    const std::size_t at = authorization->find("SignedHeaders=") + 14;
    list = authorization->substr(at, authorization->find(',', at) - at);
  }
  std::vector<std::string> names;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ';');) names.push_back(name);
  return names;
}

// Every byte of every signed part, one at a time.
template <class Visit>
void for_each_forgery(const Captured& original, Visit visit) {
  const auto flip = [&](auto part_of, const std::string& what) {
    Captured forged = original;
    std::string& part = part_of(forged);
    for (std::size_t at = 0; at < part.size(); ++at) {
      part[at] = static_cast<char>(part[at] ^ 1);
      visit(forged, what + " byte " + std::to_string(at));
      part[at] = static_cast<char>(part[at] ^ 1);
    }
  };
  flip([](Captured& c) -> std::string& { return c.method; }, "method");
  flip([](Captured& c) -> std::string& { return c.target; }, "target");
  if (original.body) flip([](Captured& c) -> std::string& { return *c.body; }, "body");
  for (const std::string& name : names_signed_by(original)) {
    for (std::size_t index = 0; index < original.headers.size(); ++index) {
      if (!find_header(std::vector<Header>{{original.headers[index].first, ""}}, name)) continue;
      flip([index](Captured& c) -> std::string& { return c.headers[index].second; }, "header " + name);
    }
  }
}

TEST(SigV4Captures, one_changed_byte_of_any_signed_part_does_not_verify) {
  std::size_t forgeries = 0;
  for (const Captured& captured : all_captures()) {
    const base::WallTime now = signed_time(captured);
    for_each_forgery(captured, [&](const Captured& forged, const std::string& what) {
      ++forgeries;
      EXPECT_FALSE(verify_captured(forged, now).has_value()) << captured.target << ": " << what;
    });
  }
  EXPECT_GT(forgeries, 4000u);
}

TEST(SigV4Captures, unsigned_parts_may_change) {
  Captured captured = load_captures("webrtc-sdk-c-master.json").front();
  for (auto& [name, value] : captured.headers) {
    if (name == "x-amz-security-token" || name == "content-type") value += "x";
  }
  EXPECT_TRUE(verify_captured(captured, signed_time(captured)).has_value());
}

TEST(SigV4Verify, clock_skew_is_told_in_the_words_that_clients_look_for) {
  const Captured captured = load_captures("webrtc-sdk-c-master.json").front();
  const base::WallTime at = signed_time(captured);
  EXPECT_TRUE(verify_captured(captured, at + kMaxSkew).has_value());
  EXPECT_TRUE(verify_captured(captured, at - kMaxSkew).has_value());
  const auto late = verify_captured(captured, at + kMaxSkew + std::chrono::seconds(1));
  const auto early = verify_captured(captured, at - kMaxSkew - std::chrono::seconds(1));
  ASSERT_FALSE(late.has_value());
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(late.error().message.find("Signature expired"), 0u);
  EXPECT_EQ(early.error().message.find("Signature not yet current"), 0u);
  EXPECT_EQ(late.error().kind->http_status, 403);
}

TEST(SigV4Verify, presigned_urls_live_as_long_as_they_say) {
  for (const Captured& captured : load_captures("webrtc-sdk-js-page-viewer.json")) {
    if (captured.method != "GET") continue;
    const base::WallTime at = signed_time(captured);
    EXPECT_TRUE(verify_captured(captured, at + std::chrono::seconds(299)).has_value());
    const auto late = verify_captured(captured, at + std::chrono::seconds(300));
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().message.find("Signature expired"), 0u);
  }
}

TEST(SigV4Verify, a_port_in_host_is_tolerated_only_where_the_client_signed_none) {
  Captured c_client = load_captures("webrtc-sdk-c-master.json").front();
  Captured js_client = load_captures("webrtc-sdk-js-page-viewer.json").front();
  for (Captured* captured : {&c_client, &js_client}) {
    for (auto& [name, value] : captured->headers) {
      if (name == "Host") value = captured == &c_client ? value + ":8443" : "localhost:9443";
    }
  }
  EXPECT_TRUE(verify_captured(c_client, signed_time(c_client)).has_value());
  EXPECT_FALSE(verify_captured(js_client, signed_time(js_client)).has_value());
}

struct Malformed {
  const char* what;
  const char* authorization;
  const char* date;
  const char* target;
  const ErrorKind* kind;
};

TEST(SigV4Verify, malformed_signatures_get_their_documented_error) {
  const char* good_date = "20261123T081102Z";
  const std::vector<Malformed> cases = {
      {"none", nullptr, good_date, "/x", &kMissingAuthenticationToken},
      {"other algorithm", "Basic YWJj", good_date, "/x", &kIncompleteSignature},
      {"nothing in it", "AWS4-HMAC-SHA256", good_date, "/x", &kIncompleteSignature},
      {"no signature",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date", good_date,
       "/x", &kIncompleteSignature},
      {"no date",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
       nullptr, "/x", &kIncompleteSignature},
      {"bad date",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
       "yesterday", "/x", &kIncompleteSignature},
      {"short credential", "AWS4-HMAC-SHA256 Credential=A/20261123/r, SignedHeaders=host;x-amz-date, Signature=0",
       good_date, "/x", &kIncompleteSignature},
      {"other service",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
       good_date, "/x", &kInvalidSignature},
      {"other day",
       "AWS4-HMAC-SHA256 Credential=A/20261122/r/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
       good_date, "/x", &kInvalidSignature},
      {"host not signed",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=x-amz-date, Signature=0",
       good_date, "/x", &kInvalidSignature},
      {"date not signed",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=host, Signature=0", good_date,
       "/x", &kInvalidSignature},
      {"not sorted",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=x-amz-date;host, Signature=0",
       good_date, "/x", &kIncompleteSignature},
      {"unknown key",
       "AWS4-HMAC-SHA256 Credential=B/20261123/r/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
       good_date, "/x", &kInvalidClientTokenId},
      {"wrong signature",
       "AWS4-HMAC-SHA256 Credential=A/20261123/r/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
       good_date, "/x", &kInvalidSignature},
      {"query without the rest", nullptr, nullptr, "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", &kIncompleteSignature},
      {"query expires too late", nullptr, nullptr,
       "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20261123/r/kinesisvideo/aws4_request&X-Amz-Date="
       "20261123T081102Z&X-Amz-Expires=604801&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
       &kIncompleteSignature},
      {"query with a date twice", nullptr, nullptr,
       "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20261123/r/kinesisvideo/aws4_request&X-Amz-Date="
       "20261123T081102Z&X-Amz-Date=20261123T081102Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
       &kIncompleteSignature},
  };
  for (const Malformed& malformed : cases) {
    std::vector<Header> headers{{"Host", "example.org"}};
    if (malformed.authorization != nullptr) headers.push_back({"Authorization", malformed.authorization});
    if (malformed.date != nullptr) headers.push_back({"X-Amz-Date", malformed.date});
    const FindKey find = [](std::string_view id) -> std::optional<KnownKey> {
      if (id != "A") return std::nullopt;
      return KnownKey{"top secret words"};
    };
    const auto outcome = verify(Request{"POST", malformed.target, headers}, Payload{base::ByteView()}, find,
                                *base::parse_basic_iso8601("20261123T081102Z"));
    ASSERT_FALSE(outcome.has_value()) << malformed.what;
    EXPECT_EQ(outcome.error().kind->code, malformed.kind->code) << malformed.what << ": " << error_text(outcome);
    EXPECT_EQ(error_text(outcome).find("top secret"), std::string::npos);
  }
}

TEST(SigV4Sign, what_we_sign_verifies) {
  const base::WallTime now = *base::parse_basic_iso8601("20261123T081102Z");
  const Credentials credentials{"AKID", "key/with+signs", "token+/="};
  const FindKey find = [](std::string_view) { return std::optional(KnownKey{"key/with+signs"}); };
  std::vector<Header> headers{{"Host", "127.0.0.1:8080"}, {"Content-Type", "application/json"}};
  const std::string body = "{\"a\":1}";
  const auto added = sign_headers(Request{"POST", "/createStream", headers}, base::as_bytes(body), credentials,
                                  Scope{"us-east-1"}, now);
  EXPECT_EQ(added.size(), 3u);
  for (const auto& [name, value] : added) headers.push_back({name, value});
  const auto outcome = verify(Request{"POST", "/createStream", headers}, Payload{base::as_bytes(body)}, find, now);
  EXPECT_TRUE(outcome.has_value()) << error_text(outcome);

  const std::string target = presign_target({"/viewer?X-Amz-ChannelARN=arn%3Aaws&X-Amz-ClientId=a+b%20c", "h:8443"},
                                            credentials, Scope{"us-east-1"}, now);
  const std::vector<Header> host{{"Host", "h:8443"}};
  const auto presigned = verify(Request{"GET", target, host}, Payload{base::ByteView()}, find, now);
  EXPECT_TRUE(presigned.has_value()) << error_text(presigned);
}

// Temporary credentials: the token in the header or in the query, signed or not.
class SessionToken : public testing::Test {
 protected:
  const base::WallTime now = *base::parse_basic_iso8601("20261123T081102Z");
  const base::WallTime end = now + std::chrono::seconds(60);
  const Credentials credentials{"ASIA", "secret", "token+/="};
  const FindKey find = [this](std::string_view) {
    return std::optional(KnownKey{"secret", hash_of_token("token+/="), end});
  };

  // "" when it verifies, else the code of the error.
  std::string code_of(const Request& request, base::WallTime when) const {
    const auto outcome = verify(request, Payload{base::ByteView()}, find, when);
    return outcome ? "" : std::string(outcome.error().kind->code);
  }
  std::string with_header(std::optional<std::string> token, base::WallTime when) const {
    std::vector<Header> headers{{"Host", "a:1"}};
    const Credentials no_token{credentials.access_key_id, credentials.secret_access_key, ""};
    const auto added = sign_headers(Request{"POST", "/x", headers}, {}, no_token, Scope{"us-east-1"}, now);
    for (const auto& [name, value] : added) headers.push_back({name, value});
    if (token) headers.push_back({"X-Amz-Security-Token", *token});
    return code_of(Request{"POST", "/x", headers}, when);
  }
  std::string with_query(const std::string& token, base::WallTime when) const {
    const std::vector<Header> headers{{"Host", "a:1"}};
    const Credentials with{credentials.access_key_id, credentials.secret_access_key, token};
    return code_of(Request{"GET", presign_target({"/", "a:1"}, with, Scope{"us-east-1"}, now), headers}, when);
  }
};

TEST_F(SessionToken, must_be_there_and_be_the_one) {
  EXPECT_EQ(with_header("token+/=", now), "");
  EXPECT_EQ(with_header("token+/=x", now), "InvalidClientTokenId");
  EXPECT_EQ(with_header(std::nullopt, now), "InvalidClientTokenId");
  EXPECT_EQ(with_query("token+/=", now), "");
  EXPECT_EQ(with_query("other", now), "InvalidClientTokenId");
  EXPECT_EQ(with_query("", now), "InvalidClientTokenId");
}

TEST_F(SessionToken, ends_with_its_credentials) {
  EXPECT_EQ(with_header("token+/=", end - std::chrono::seconds(1)), "");
  EXPECT_EQ(with_header("token+/=", end), "ExpiredTokenException");
  EXPECT_EQ(with_query("token+/=", end), "ExpiredTokenException");
  EXPECT_EQ(with_header("other", end), "InvalidClientTokenId");
}

// "Example: PUT Object" of the S3 API reference, Authenticating Requests: the path is signed as it is sent.
TEST(SigV4Sign, S3SignsThePathAsItIsSent) {
  const std::string body = "Welcome to Amazon S3.";
  const Header headers[] = {
      {"Host", "examplebucket.s3.amazonaws.com"},
      {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  const auto added = sign_headers({"PUT", "/test%24file.text", headers}, base::as_bytes(body),
                                  {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", {}},
                                  {"us-east-1", "s3"}, *base::parse_basic_iso8601("20130524T000000Z"));
  EXPECT_TRUE(
      added.back().second.ends_with("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
      << added.back().second;
}

}  // namespace
}  // namespace aws::sigv4
