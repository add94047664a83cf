// SPDX-License-Identifier: Apache-2.0
// The gateway alone: a fake exchange in front, fake handlers behind.
#include "api/gateway.hpp"

#include <gtest/gtest.h>

#include "api/cors.hpp"
#include "api/fake_exchange.hpp"
#include "api/server_urls.hpp"
#include "aws/kinesisvideo.hpp"
#include "aws/media.hpp"
#include "aws/webrtc_storage.hpp"

namespace api {
namespace {

namespace kv = aws::kinesisvideo;

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    handlers.add<kv::DescribeStream>(
        [this](const Call& call, kv::DescribeStreamInput input) -> async::Task<aws::Outcome<kv::DescribeStreamOutput>> {
          seen = call;
          if (input.stream_name == "gone") co_return base::fail(base::Errc::NotFound, "no stream gone");
          if (input.stream_name == "broken") co_return base::fail(base::Errc::Io, "disk /dev/sdz is on fire");
          if (input.stream_name == "throws") throw std::runtime_error("surprise");
          kv::DescribeStreamOutput output;
          output.stream_info.emplace().stream_name = input.stream_name;
          co_return output;
        });
    handlers.add<aws::webrtc_storage::JoinStorageSession>(
        [](const Call&, auto) -> async::Task<aws::Outcome<aws::webrtc_storage::JoinStorageSessionOutput>> {
          co_return aws::webrtc_storage::JoinStorageSessionOutput{};
        });
    handlers.add_streaming<aws::media::GetMedia>(
        [](const Call&, aws::media::GetMediaInput input, ResponseBody& body) -> async::Task<aws::Outcome<void>> {
          if (input.stream_name == "gone") co_return base::fail(base::Errc::NotFound, "no stream gone");
          (void)co_await body.start({"video/webm"});
          (void)co_await body.write(base::as_bytes("abc"));
          if (input.stream_name == "cut") co_return base::fail(base::Errc::Io, "lost");
          co_return aws::Outcome<void>{};
        });
    handlers.add_streaming_request<aws::media::PutMedia>([this](const Call& from, aws::media::PutMediaInput input,
                                                                RequestBody& request,
                                                                ResponseBody& body) -> async::Task<aws::Outcome<void>> {
      seen = from;
      if (input.stream_name == "gone") co_return base::fail(base::Errc::NotFound, "no stream gone");
      (void)co_await body.start({"application/json"});
      const auto piece = co_await request.read_some();
      (void)co_await body.write(*piece);
      (void)co_await body.finish();
      co_return aws::Outcome<void>{};
    });
    handlers.add_read("/api/v1/streams/", "/coverage",
                      [](const Call&, ReadRequest request) -> async::Task<aws::Outcome<std::string>> {
                        if (request.name == "gone") co_return base::fail(base::Errc::NotFound, "no stream \"gone\"");
                        if (request.name == "broken") co_return base::fail(base::Errc::Io, "disk /dev/sdz is on fire");
                        CO_TRY_VOID(request.allow({"from", "limit"}));
                        CO_TRY(const auto from, request.time("from"));
                        CO_TRY(const std::size_t limit, request.count("limit", 7, 10));
                        co_return request.name + ' ' + (from ? base::to_iso8601(*from) : "-") + ' ' +
                            std::to_string(limit);
                      });
    handlers.add_route("/hls/v1/", [](const Call&, net::HttpExchange& exchange) -> async::Task<void> {
      net::HttpResponse response;
      response.body = "playlist";
      add_cors_headers(exchange.request(), response.headers);
      (void)co_await exchange.respond(std::move(response));
    });
  }

  FakeExchange& send(FakeExchange& exchange) {
    GatewayOptions options;
    options.wall_clock = [] { return fake_now(); };
    options.metrics_token = "sesame";
    options.trouble = [this] { return trouble; };
    options.audit = [this](const AuditEntry& entry) {
      audit.push_back(std::string(entry.operation) + " " + std::to_string(entry.status) + " " +
                      std::string(entry.error_code));
    };
    if (!gateway) gateway.emplace(std::move(options), find_fake_key, handlers, &door, random);
    exchange.shard().run_blocking([&] { return gateway->serve(exchange); });
    return exchange;
  }

  FakeExchange call(const std::string& target, const std::string& body) {
    FakeExchange exchange(shard, "POST", target, body);
    exchange.sign();
    send(exchange);
    return exchange;
  }

  async::Shard shard{"test"};
  base::SeededRandom random{1};
  Handlers handlers;
  FakeDoor door;
  std::optional<Gateway> gateway;
  Call seen;
  std::vector<std::string> audit;
  std::optional<std::string> trouble;
};

TEST_F(GatewayTest, a_signed_call_reaches_its_handler_and_comes_back_small_and_whole) {
  const FakeExchange exchange = call("/describeStream", R"({"StreamName":"a"})");
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.body(), R"({"StreamInfo":{"StreamName":"a"}})");
  EXPECT_EQ(exchange.header("Content-Type"), "application/json");
  EXPECT_EQ(exchange.header("x-amzn-RequestId"), seen.request_id);
  EXPECT_EQ(exchange.header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(seen.access_key_id, "AKID");
  EXPECT_EQ(seen.base_url, "http://kvs.example:8080");
  EXPECT_EQ(seen.wss_url, "wss://kvs.example:8443");
  EXPECT_EQ(audit, std::vector<std::string>{"DescribeStream 200 "});
}

TEST_F(GatewayTest, errors_carry_the_row_that_the_operation_models) {
  const FakeExchange gone = call("/describeStream", R"({"StreamName":"gone"})");
  EXPECT_EQ(gone.status(), 404);
  EXPECT_EQ(gone.header("x-amzn-ErrorType"), "ResourceNotFoundException");
  EXPECT_EQ(gone.body(), R"({"Message":"no stream gone"})");

  const FakeExchange invalid = call("/describeStream", R"({"StreamName":"a b"})");
  EXPECT_EQ(invalid.status(), 400);
  EXPECT_EQ(invalid.header("x-amzn-ErrorType"), "InvalidArgumentException");

  const FakeExchange no_json = call("/describeStream", "{");
  EXPECT_EQ(no_json.status(), 400);
  EXPECT_EQ(no_json.header("x-amzn-ErrorType"), "SerializationException");
  EXPECT_TRUE(no_json.body().starts_with(R"({"Message":)")) << no_json.body();
  const FakeExchange lower = call("/joinStorageSession", "{");  // a service that spells it so in its own errors
  EXPECT_EQ(lower.header("x-amzn-ErrorType"), "SerializationException");
  EXPECT_TRUE(lower.body().starts_with(R"({"message":)")) << lower.body();
}

TEST_F(GatewayTest, an_internal_failure_tells_the_log_and_not_the_client) {
  for (const char* name : {"broken", "throws"}) {
    const FakeExchange exchange = call("/describeStream", std::string(R"({"StreamName":")") + name + "\"}");
    EXPECT_EQ(exchange.status(), 500) << name;
    EXPECT_EQ(exchange.header("x-amzn-ErrorType"), "InternalFailure");
    EXPECT_EQ(exchange.body().find("/dev/sdz"), std::string::npos);
    EXPECT_EQ(exchange.body().find("surprise"), std::string::npos);
    EXPECT_NE(exchange.body().find(exchange.header("x-amzn-RequestId")), std::string::npos);
  }
}

TEST_F(GatewayTest, an_operation_without_output_answers_an_empty_body) {
  const FakeExchange exchange =
      call("/joinStorageSession", R"({"channelArn":"arn:aws:kinesisvideo:us-east-1:123456789012:channel/a/1"})");
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.body(), "");
}

TEST_F(GatewayTest, every_row_without_a_handler_answers_501_from_one_place) {
  std::size_t missing = 0;
  for (const aws::Operation& operation : aws::operations()) {
    if (handlers.serves(operation) || operation.kind == aws::OperationKind::WebSocket) continue;
    ++missing;
    const FakeExchange exchange = call(std::string(operation.path), "{}");
    EXPECT_EQ(exchange.status(), 501) << operation.name;
    EXPECT_EQ(exchange.header("x-amzn-ErrorType"), "UnknownOperationException");
  }
  EXPECT_EQ(missing, aws::operations().size() - 4 - 2);
}

TEST_F(GatewayTest, streaming_requests_take_arguments_from_headers_and_an_unsigned_body) {
  const auto put = [&](const char* stream, const char* type) {
    FakeExchange exchange(shard, "POST", "/putMedia", "");
    exchange.sign();  // over the hash of nothing
    exchange.set_body("frames");
    exchange.add_header("X-Amzn-Stream-Name", stream);
    if (type) exchange.add_header("x-amzn-fragment-timecode-type", type);
    send(exchange);
    return exchange;
  };
  const FakeExchange good = put("a", "ABSOLUTE");
  EXPECT_EQ(good.status(), 200);
  EXPECT_EQ(good.body(), "frames");
  EXPECT_EQ(good.header("Content-Type"), "application/json");
  EXPECT_TRUE(good.is_finished());
  EXPECT_EQ(seen.access_key_id, "AKID");
  EXPECT_EQ(put("gone", "ABSOLUTE").status(), 404);
  for (const char* type : {"SOMETIMES", static_cast<const char*>(nullptr)}) {
    const FakeExchange bad = put("a", type);
    EXPECT_EQ(bad.status(), 400);
    EXPECT_EQ(bad.header("x-amzn-ErrorType"), "InvalidArgumentException") << bad.body();
  }
  EXPECT_EQ(audit.front(), "PutMedia 200 ");
}

TEST_F(GatewayTest, a_streaming_request_needs_a_signature_before_its_body_is_read) {
  seen = {};
  FakeExchange exchange(shard, "POST", "/putMedia", "frames");
  exchange.add_header("x-amzn-stream-name", "a");
  exchange.add_header("x-amzn-fragment-timecode-type", "ABSOLUTE");
  EXPECT_EQ(send(exchange).status(), 403);
  EXPECT_EQ(seen.request_id, "");
}

TEST_F(GatewayTest, unknown_paths_and_methods) {
  EXPECT_EQ(call("/nothing", "{}").status(), 404);
  EXPECT_EQ(call("/nothing", "{}").header("x-amzn-ErrorType"), "UnknownOperationException");
  FakeExchange get(shard, "GET", "/describeStream", "");
  EXPECT_EQ(send(get).status(), 405);
}

TEST_F(GatewayTest, nothing_is_served_without_a_signature_and_the_handler_is_not_reached) {
  FakeExchange plain(shard, "POST", "/describeStream", R"({"StreamName":"a"})");
  EXPECT_EQ(send(plain).status(), 403);
  EXPECT_EQ(plain.header("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  FakeExchange forged(shard, "POST", "/describeStream", R"({"StreamName":"a"})");
  forged.sign();
  forged.set_body(R"({"StreamName":"b"})");
  EXPECT_EQ(send(forged).status(), 403);
  EXPECT_EQ(forged.header("x-amzn-ErrorType"), "InvalidSignatureException");
  EXPECT_EQ(seen.request_id, "");
  EXPECT_NE(gateway->metrics().text().find("tidegate_signature_failures_total 2"), std::string::npos);
}

TEST_F(GatewayTest, a_body_over_the_limit_is_refused_before_anything_else) {
  const FakeExchange exchange = call("/describeStream", std::string((1 << 20) + 1, ' '));
  EXPECT_EQ(exchange.status(), 413);
}

TEST_F(GatewayTest, streaming_answers_start_with_the_handler_and_are_cut_by_its_failure) {
  const std::string selector = R"("StartSelector":{"StartSelectorType":"NOW"})";
  const FakeExchange whole = call("/getMedia", R"({"StreamName":"a",)" + selector + "}");
  EXPECT_EQ(whole.status(), 200);
  EXPECT_EQ(whole.header("Content-Type"), "video/webm");
  EXPECT_EQ(whole.body(), "abc");
  EXPECT_TRUE(whole.is_finished());
  const FakeExchange cut = call("/getMedia", R"({"StreamName":"cut",)" + selector + "}");
  EXPECT_EQ(cut.status(), 200);
  EXPECT_FALSE(cut.is_finished());
  const FakeExchange gone = call("/getMedia", R"({"StreamName":"gone",)" + selector + "}");
  EXPECT_EQ(gone.status(), 404);
}

TEST_F(GatewayTest, preflights_and_origins) {
  FakeExchange preflight(shard, "OPTIONS", "/describeSignalingChannel", "");
  preflight.add_header("Origin", "http://localhost:8088");
  preflight.add_header("Access-Control-Request-Method", "POST");
  preflight.add_header("Access-Control-Request-Headers", "amz-sdk-invocation-id,authorization,x-amz-date");
  EXPECT_EQ(send(preflight).status(), 204);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Headers"), "amz-sdk-invocation-id,authorization,x-amz-date");
  EXPECT_NE(preflight.header("Access-Control-Allow-Methods").find("POST"), std::string::npos);

  FakeExchange odd(shard, "OPTIONS", "/x", "");
  odd.add_header("Origin", "http://localhost:8088");
  odd.add_header("Access-Control-Request-Headers", "a\r\nSet-Cookie: b");
  EXPECT_EQ(send(odd).header("Access-Control-Allow-Headers").find("Set-Cookie"), std::string::npos);

  FakeExchange signed_call(shard, "POST", "/describeStream", R"({"StreamName":"gone"})");
  signed_call.add_header("Origin", "http://localhost:8088");
  signed_call.sign();
  EXPECT_EQ(send(signed_call).header("Access-Control-Allow-Origin"), "*");
  EXPECT_NE(signed_call.header("Access-Control-Expose-Headers").find("x-amzn-ErrorType"), std::string::npos);
}

TEST_F(GatewayTest, plain_routes) {
  for (const char* path : {"/healthz", "/readyz", "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=x"}) {
    FakeExchange exchange(shard, "GET", path, "");
    EXPECT_EQ(send(exchange).status(), 200) << path;
  }
}

TEST_F(GatewayTest, readyz_says_why_not) {
  trouble = "the disk of /data is full";
  FakeExchange exchange(shard, "GET", "/readyz", "");
  EXPECT_EQ(send(exchange).status(), 503);
  EXPECT_EQ(exchange.body(), "not ready: the disk of /data is full\n");
  trouble.reset();
  FakeExchange again(shard, "GET", "/readyz", "");
  EXPECT_EQ(send(again).status(), 200);
}

TEST_F(GatewayTest, own_reads_take_either_signature_and_their_arguments) {
  const std::string target = "/api/v1/streams/front-door/coverage?from=1994-11-06T08%3A49%3A37Z&limit=3";
  FakeExchange in_headers(shard, "GET", target, "");
  in_headers.sign();
  FakeExchange in_query(shard, "GET", target, "");
  in_query.presign();
  for (FakeExchange* exchange : {&in_headers, &in_query}) {
    EXPECT_EQ(send(*exchange).status(), 200) << exchange->body();
    EXPECT_EQ(exchange->body(), "front-door 1994-11-06T08:49:37.000Z 3");
    EXPECT_EQ(exchange->header("Content-Type"), "application/json");
  }
  EXPECT_EQ(audit.at(1), "/api/v1/streams/{name}/coverage 200 ");
}

TEST_F(GatewayTest, own_reads_fail_in_one_shape) {
  struct Case {
    const char* method;
    const char* target;
    bool is_signed;
    int status;
    const char* body;
  };
  const Case cases[] = {
      {"GET", "/api/v1/streams/gone/coverage", true, 404,
       R"({"code":"ResourceNotFoundException","message":"no stream \"gone\""})"},
      {"GET", "/api/v1/streams/a/coverage?from=yesterday", true, 400,
       R"({"code":"InvalidArgumentException","message":"from is a time: epoch seconds such as 1795421462.123, or UTC such as 2026-11-23T08:11:02Z"})"},
      {"GET", "/api/v1/streams/a/coverage?limit=11", true, 400,
       R"({"code":"InvalidArgumentException","message":"limit is a number from 1 to 10"})"},
      {"GET", "/api/v1/streams/a/coverage?form=1", true, 400,
       R"({"code":"InvalidArgumentException","message":"there is no argument form; this read knows: from, limit"})"},
      {"GET", "/api/v1/streams/a/b/coverage", true, 404,
       R"({"code":"UnknownOperationException","message":"there is nothing at this path"})"},
      {"GET", "/api/v1/streams//coverage", true, 404,
       R"({"code":"UnknownOperationException","message":"there is nothing at this path"})"},
      {"POST", "/api/v1/streams/a/coverage", true, 405,
       R"({"code":"UnknownOperationException","message":"this path is not served by the method POST"})"},
  };
  for (const Case& expected : cases) {
    FakeExchange exchange(shard, expected.method, expected.target, "");
    exchange.sign();
    EXPECT_EQ(send(exchange).status(), expected.status) << expected.target;
    EXPECT_EQ(exchange.body(), expected.body);
    EXPECT_NE(exchange.header("x-amzn-ErrorType"), "");
  }
  for (const char* target : {"/api/v1/streams/a/coverage", "/api/v1/streams/gone/coverage", "/api/v1/nothing"}) {
    FakeExchange exchange(shard, "GET", target, "");
    EXPECT_EQ(send(exchange).status(), 403) << target;
    EXPECT_EQ(exchange.header("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  }
  FakeExchange broken(shard, "GET", "/api/v1/streams/broken/coverage", "");
  broken.sign();
  EXPECT_EQ(send(broken).status(), 500);
  EXPECT_EQ(broken.body().find("/dev/sdz"), std::string::npos);
}

TEST_F(GatewayTest, metrics_are_open_on_loopback_and_need_the_token_elsewhere) {
  call("/describeStream", R"({"StreamName":"a"})");
  FakeExchange here(shard, "GET", "/metrics", "");
  EXPECT_EQ(send(here).status(), 200);
  EXPECT_NE(here.body().find("tidegate_requests_total{operation=\"DescribeStream\",status=\"2xx\"} 1"),
            std::string::npos);
  FakeExchange there(shard, "GET", "/metrics", "");
  there.set_remote(*base::SocketAddress::parse("192.0.2.7:4000"));
  EXPECT_EQ(send(there).status(), 401);
  FakeExchange with_token(shard, "GET", "/metrics", "");
  with_token.set_remote(*base::SocketAddress::parse("192.0.2.7:4000"));
  with_token.add_header("Authorization", "Bearer sesame");
  EXPECT_EQ(send(with_token).status(), 200);
}

const char* const kChannelQuery =
    "X-Amz-ChannelARN=arn%3Aaws%3Akinesisvideo%3Aus-east-1%3A123456789012%3Achannel%2Fdoor%2F1";

TEST_F(GatewayTest, websockets_connect_by_path_or_by_client_id) {
  struct Case {
    std::string target;
    std::string served;
  };
  const std::string query = kChannelQuery;
  for (const Case& expected : std::vector<Case>{{"/master?" + query, "master door "},
                                                {"/master?" + query + "&X-Amz-ClientId=MASTER", "master door "},
                                                {"/viewer?" + query + "&X-Amz-ClientId=v1", "viewer door v1"},
                                                {"/?" + query, "master door "},
                                                {"/?" + query + "&X-Amz-ClientId=v1", "viewer door v1"}}) {
    door.served.clear();
    FakeExchange exchange(shard, "GET", expected.target, "");
    exchange.make_websocket();
    exchange.presign();
    EXPECT_EQ(send(exchange).status(), 101) << expected.target;
    EXPECT_EQ(door.served, expected.served);
  }
}

TEST_F(GatewayTest, websockets_that_are_refused_before_the_upgrade) {
  const std::string query = kChannelQuery;
  const auto connect = [&](const std::string& target, bool is_signed, bool upgrades) {
    FakeExchange exchange(shard, "GET", target, "");
    if (upgrades) exchange.make_websocket();
    if (is_signed) exchange.presign();
    send(exchange);
    EXPECT_EQ(door.served, "");
    return std::to_string(exchange.status()) + " " + exchange.header("x-amzn-ErrorType");
  };
  EXPECT_EQ(connect("/master?" + query, false, true), "403 MissingAuthenticationTokenException");
  EXPECT_EQ(connect("/master?" + query, true, false), "400 InvalidArgumentException");
  EXPECT_EQ(connect("/viewer?" + query, true, true), "400 InvalidArgumentException");
  EXPECT_EQ(connect("/viewer?" + query + "&X-Amz-ClientId=a%20b", true, true), "400 InvalidArgumentException");
  EXPECT_EQ(connect("/master?X-Amz-ChannelARN=arn", true, true), "400 InvalidArgumentException");
  door.refuses = base::Errc::NotFound;
  EXPECT_EQ(connect("/master?" + query, true, true), "404 ResourceNotFoundException");
}

TEST(ServerUrls, echo_the_client_and_never_name_a_default_port) {
  struct Case {
    std::string host;
    bool is_tls;
    std::string public_url;
    std::string base;
    std::string wss;
  };
  for (const Case& expected : std::vector<Case>{
           {"127.0.0.1:8080", false, "", "http://127.0.0.1:8080", "wss://127.0.0.1:8443"},
           {"kvs.example", false, "", "http://kvs.example", "wss://kvs.example:8443"},
           {"kvs.example:80", false, "", "http://kvs.example", "wss://kvs.example:8443"},
           {"kvs.example:8443", true, "", "https://kvs.example:8443", "wss://kvs.example:8443"},
           {"kvs.example", true, "", "https://kvs.example", "wss://kvs.example"},
           {"kvs.example:443", true, "", "https://kvs.example", "wss://kvs.example"},
           {"[::1]:8080", false, "", "http://[::1]:8080", "wss://[::1]:8443"},
           {"[::1]", true, "", "https://[::1]", "wss://[::1]"},
           {"x", false, "https://public.example/", "https://public.example", "wss://public.example"},
           {"x", false, "https://public.example:444", "https://public.example:444", "wss://public.example:444"},
           {"x", true, "http://public.example", "http://public.example", "wss://public.example:8443"},
           {"evil\"host", false, "", "http://10.0.0.1:8080", "wss://10.0.0.1:8443"}}) {
    net::HttpRequest request;
    request.headers.add("Host", expected.host);
    request.is_tls = expected.is_tls;
    request.local = *base::SocketAddress::parse("10.0.0.1:8080");
    const ServerUrls urls = make_server_urls(request, expected.public_url, 8443);
    EXPECT_EQ(urls.base, expected.base) << expected.host;
    EXPECT_EQ(urls.wss, expected.wss) << expected.host;
  }
  EXPECT_EQ(make_server_urls({}, "http://a", 443).wss, "wss://a");
}

}  // namespace
}  // namespace api
