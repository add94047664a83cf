// SPDX-License-Identifier: Apache-2.0
// The control plane through the gateway, as a script of requests and golden answers: tests/vectors/api/*.txt.
//
//   # comment
//   > CreateStream {"StreamName":"cam-1"}         a signed request to that operation
//   < 200 {"StreamARN":"arn:..."}                 its whole answer: status, error type if it failed, body
// In an answer <*V> stands for letters, digits and '=', remembered as V, and a message "?" for any words (those of the
// catalog); in a request <V> is what was remembered.
#include "api/control_handlers.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <set>

#include "api/fake_exchange.hpp"
#include "api/gateway.hpp"
#include "api/memory_catalog.hpp"
#include "api/signaling/ice_servers.hpp"

namespace api {
namespace {

class ControlPlane {
 public:
  explicit ControlPlane(TurnOptions turn = {}, streams::CatalogLimits limits = {})
      : catalog_({.region = "us-west-2", .account_id = "123456789012", .limits = limits, .wall_clock = fake_now},
                 metadata_, archive_, worker_, random_) {
    add_control_handlers(handlers_, ControlServices{catalog_, door, std::move(turn)});
    GatewayOptions options;
    options.wall_clock = fake_now;
    gateway_.emplace(std::move(options), find_fake_key, handlers_, &door, random_);
  }

  // "200 {...}" or "404 ResourceNotFoundException {...}".
  std::string call(const aws::Operation& operation, const std::string& body, const std::string& host = "") {
    FakeExchange exchange(shard_, std::string(operation.method), std::string(operation.path), body);
    if (!host.empty()) exchange.set_host(host);
    exchange.sign();
    shard_.run_blocking([&] { return gateway_->serve(exchange); });
    const std::string error = exchange.header("x-amzn-ErrorType");
    return std::to_string(exchange.status()) + ' ' + error + (error.empty() ? "" : " ") + exchange.body();
  }

  FakeDoor door;
  const Handlers& handlers() const { return handlers_; }

 private:
  async::Shard shard_{"api"};
  async::DiskWorker worker_{{}};
  base::SeededRandom random_{7};
  MemoryMetadata metadata_;
  NoArchive archive_;
  streams::Catalog catalog_;
  Handlers handlers_;
  std::optional<Gateway> gateway_;
};

const aws::Operation& operation_named(std::string_view name) {
  for (const aws::Operation& operation : aws::operations()) {
    if (operation.name == name) return operation;
  }
  ADD_FAILURE() << "no operation " << name;
  return aws::operations().front();
}

using Variables = std::map<std::string, std::string>;

std::string substitute(std::string text, const Variables& variables) {
  for (const auto& [name, value] : variables) {
    const std::string mark = "<" + name + ">";
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark))
      text.replace(at, mark.size(), value);
  }
  return text;
}

// The golden text with its <*V> replaced by what stands there in `actual`.
std::string fill_in(std::string golden, const std::string& actual, Variables& variables) {
  for (std::size_t at = golden.find("<*"); at != std::string::npos; at = golden.find("<*")) {
    const std::size_t close = golden.find('>', at);
    if (at > actual.size()) return golden;
    std::size_t end = at;
    const auto is_token = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '='; };
    while (end < actual.size() && is_token(actual[end])) ++end;
    const std::string value = actual.substr(at, end - at);
    variables[golden.substr(at + 2, close - at - 2)] = value;
    golden.replace(at, close + 1 - at, value);
    if (value.empty()) return golden;
  }
  return golden;
}

// Where the golden message is "?", the actual one takes its place.
std::string with_any_message(std::string golden, const std::string& actual) {
  const std::string any = "\"?\"}";
  if (!golden.ends_with(any) || actual.size() < golden.size()) return golden;
  const std::size_t at = golden.size() - any.size();
  return golden.substr(0, at) + actual.substr(at);
}

// Gives the names of the operations that were called.
std::set<std::string> run_script(ControlPlane& plane, const std::string& file) {
  std::ifstream in(std::string(TIDEGATE_SOURCE_DIR) + "/tests/vectors/api/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  std::set<std::string> called;
  Variables variables;
  std::string actual;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("> ")) {
      const std::size_t space = line.find(' ', 2);
      const std::string name = line.substr(2, space - 2);
      called.insert(name);
      actual = plane.call(operation_named(name), substitute(line.substr(space + 1), variables));
    } else if (line.starts_with("< ")) {
      std::string golden = fill_in(substitute(line.substr(2), variables), actual, variables);
      golden = with_any_message(std::move(golden), actual);
      EXPECT_EQ(actual, golden) << file << ":" << number;
    }
  }
  return called;
}

TEST(ControlHandlers, golden_scripts) {
  std::set<std::string> called;
  for (const char* file : {"streams.txt", "channels.txt", "tags.txt", "storage.txt", "edge.txt", "delivery.txt"}) {
    ControlPlane plane;
    called.merge(run_script(plane, file));
  }
  // Every operation that this room handles has a golden answer.
  const ControlPlane plane;
  for (const aws::Operation& operation : aws::operations()) {
    if (plane.handlers().serves(operation)) EXPECT_TRUE(called.contains(std::string(operation.name))) << operation.name;
  }
}

TEST(ControlHandlers, limits_name_their_resource) {
  ControlPlane plane({}, {.streams = 1, .channels = 1, .storage_channels = 1});
  (void)plane.call(operation_named("CreateStream"), R"({"StreamName":"a"})");
  (void)plane.call(operation_named("CreateSignalingChannel"), R"({"ChannelName":"a"})");
  EXPECT_EQ(plane.call(operation_named("CreateStream"), R"({"StreamName":"b"})").substr(0, 39),
            "400 AccountStreamLimitExceededException");
  EXPECT_EQ(plane.call(operation_named("CreateSignalingChannel"), R"({"ChannelName":"b"})").substr(0, 40),
            "400 AccountChannelLimitExceededException");
}

TEST(ControlHandlers, ice_servers_are_turn_with_credentials_that_expire) {
  TurnOptions turn{
      {"turn:t.example:3478?transport=udp", "turns:t.example:5349?transport=tcp"}, "north", std::chrono::seconds(600)};
  ControlPlane plane(std::move(turn));
  (void)plane.call(operation_named("CreateSignalingChannel"), R"({"ChannelName":"door"})");
  const std::string answer =
      plane.call(operation_named("GetIceServerConfig"),
                 R"({"ChannelARN":"arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/1795389019582"})");
  const TurnCredentials expected = make_turn_credentials("north", "door", fake_now() + std::chrono::seconds(600));
  EXPECT_EQ(expected.username, "1795389619:door");
  EXPECT_EQ(answer,
            R"(200 {"IceServerList":[{"Password":")" + expected.password +
                R"(","Ttl":600,"Uris":["turn:t.example:3478?transport=udp","turns:t.example:5349?transport=tcp"],)" +
                R"("Username":"1795389619:door"}]})");
}

TEST(ControlHandlers, ice_entries_stay_within_what_webrtc_sdk_c_reads) {
  TurnOptions turn{{}, "north", std::chrono::seconds(5)};
  for (int i = 0; i < 30; ++i) turn.uris.push_back("turn:t" + std::to_string(i) + ".example");
  ControlPlane plane(std::move(turn));
  (void)plane.call(operation_named("CreateSignalingChannel"), R"({"ChannelName":"door"})");
  const std::string answer =
      plane.call(operation_named("GetIceServerConfig"),
                 R"({"ChannelARN":"arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/1795389019582"})");
  const auto count = [&](const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = answer.find(text); at != std::string::npos; at = answer.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("\"Uris\":"), 5U);
  EXPECT_EQ(count("turn:"), 20U);
  EXPECT_EQ(count("\"Ttl\":31,"), 5U);
  EXPECT_LT(answer.size(), 3000U);
}

// printf '1795389619:door' | openssl dgst -sha1 -hmac north -binary | base64
TEST(ControlHandlers, turn_passwords_are_those_that_coturn_computes) {
  const TurnCredentials credentials =
      make_turn_credentials("north", "door", base::from_microseconds(1'795'389'619'000'000));
  EXPECT_EQ(credentials.password, "sCVknHRQG2+pwn1pTLPuSRCKl+c=");
}

TEST(ControlHandlers, endpoints_follow_the_host_that_the_client_used) {
  ControlPlane plane;
  (void)plane.call(operation_named("CreateSignalingChannel"), R"({"ChannelName":"door"})");
  const std::string body =
      R"({"ChannelARN":"arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/1795389019582","SingleMasterChannelEndpointConfiguration":{"Protocols":["WSS","HTTPS"],"Role":"MASTER"}})";
  EXPECT_EQ(plane.call(operation_named("GetSignalingChannelEndpoint"), body, "10.1.2.3:8080"),
            R"(200 {"ResourceEndpointList":[{"Protocol":"WSS","ResourceEndpoint":"wss://10.1.2.3:8443/master"},)"
            R"({"Protocol":"HTTPS","ResourceEndpoint":"http://10.1.2.3:8080"}]})");
}

TEST(ControlHandlers, joins_reach_the_door_and_its_errors_the_client) {
  ControlPlane plane;
  const std::string arn = "arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/1";
  EXPECT_EQ(plane.call(operation_named("JoinStorageSession"), "{\"channelArn\":\"" + arn + "\"}"), "200 ");
  EXPECT_EQ(plane.door.joined, arn + " -");
  // webrtc-sdk-c viewers.
  EXPECT_EQ(plane.call(operation_named("JoinStorageSession"), "{\"channelArn\":\"" + arn + "\",\"clientId\":\"v\"}"),
            "200 ");
  EXPECT_EQ(plane.door.joined, arn + " v");
  plane.door.refuses = base::Errc::NotFound;
  EXPECT_EQ(plane.call(operation_named("JoinStorageSession"), "{\"channelArn\":\"" + arn + "\"}"),
            R"(404 ResourceNotFoundException {"message":"refused by the door"})");
  plane.door.refuses = base::Errc::Unsupported;
  EXPECT_EQ(
      plane.call(operation_named("JoinStorageSessionAsViewer"), "{\"channelArn\":\"" + arn + "\",\"clientId\":\"v\"}"),
      R"(400 InvalidArgumentException {"message":"refused by the door"})");
}

}  // namespace
}  // namespace api
