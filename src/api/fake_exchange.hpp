// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the tests of this room: an HTTP exchange without a socket, signed with a known key, and a door to no signaling.

#include <string>
#include <utility>

#include "api/signaling_door.hpp"
#include "aws/sigv4.hpp"
#include "net/http_server.hpp"

namespace api {

inline base::WallTime fake_now() {
  return base::from_microseconds(1'795'389'019'582'000);
}
inline std::optional<aws::sigv4::KnownKey> find_fake_key(std::string_view id) {
  if (id != "AKID") return std::nullopt;
  static const auto kOwner = std::make_shared<const aws::Principal>(
      aws::Principal{.arn = "arn:aws:iam::123456789012:root", .has_all_rights = true});
  return aws::sigv4::KnownKey{.secret = "secret", .principal = kOwner};
}

class FakeExchange final : public net::HttpExchange {
 public:
  FakeExchange(async::Shard& shard, std::string method, std::string target, std::string body)
      : shard_(&shard), given_body_(std::move(body)) {
    request_.method = std::move(method);
    request_.headers.add("Host", "kvs.example:8080");
    request_.remote = base::SocketAddress{base::IpAddress::v4(127, 0, 0, 1), 40000};
    request_.local = base::SocketAddress{base::IpAddress::v4(127, 0, 0, 1), 8080};
    set_target(std::move(target));
  }

  void add_header(std::string name, std::string value) { request_.headers.add(std::move(name), std::move(value)); }
  void set_body(std::string body) { given_body_ = std::move(body); }
  void set_host(std::string host) { request_.headers.front().value = std::move(host); }
  void set_remote(base::SocketAddress remote) { request_.remote = remote; }
  void make_websocket() {
    add_header("Connection", "Upgrade");
    add_header("Upgrade", "websocket");
  }
  void sign() {
    const std::vector<aws::sigv4::Header> headers{{"Host", *request_.headers.find("Host")}};
    const auto added = aws::sigv4::sign_headers({request_.method, request_.target, headers},
                                                base::as_bytes(given_body_), credentials(), {"us-east-1"}, fake_now());
    for (const auto& [name, value] : added) add_header(name, value);
  }
  void presign() {
    set_target(aws::sigv4::presign_target({request_.target, *request_.headers.find("Host")}, credentials(),
                                          {"us-east-1"}, fake_now()));
  }

  int status() const { return response_.status; }
  const std::string& body() const { return response_.shared_body ? *response_.shared_body : response_.body; }
  std::string header(std::string_view name) const { return std::string(response_.headers.find(name).value_or("")); }
  bool is_finished() const { return finished_; }

  const net::HttpRequest& request() const override { return request_; }
  async::Shard& shard() const override { return *shard_; }
  async::Task<base::Result<std::string>> read_body(std::size_t limit) override {
    if (given_body_.size() > limit) co_return base::fail(base::Errc::LimitExceeded, "the body is too long");
    co_return given_body_;
  }
  async::Task<base::Result<base::Bytes>> read_body_some() override {
    const std::string piece = std::exchange(given_body_, {});
    co_return base::to_bytes(piece);
  }
  void set_body_timeout(base::Duration) override {}
  async::Task<base::Result<void>> respond(net::HttpResponse response) override {
    response_ = std::move(response);
    if (response_.shared_body) response_.body = *response_.shared_body;
    responded_ = finished_ = true;
    co_return base::Result<void>{};
  }
  async::Task<base::Result<void>> start_stream(net::HttpResponse head, std::optional<std::uint64_t> length) override {
    response_ = std::move(head);
    if (length) response_.headers.add("Content-Length", std::to_string(*length));
    responded_ = true;
    co_return base::Result<void>{};
  }
  async::Task<base::Result<void>> write_chunk(base::ByteView bytes) override {
    response_.body += base::as_text(bytes);
    co_return base::Result<void>{};
  }
  async::Task<base::Result<void>> finish() override {
    finished_ = true;
    co_return base::Result<void>{};
  }
  void watch_disconnect(std::move_only_function<void()>) override {}
  bool is_websocket_request() const override { return request_.headers.has_token("Upgrade", "websocket"); }
  async::Task<base::Result<std::unique_ptr<net::WebSocket>>> accept_websocket(net::WebSocketOptions) override {
    response_.status = 101;
    responded_ = true;
    co_return std::unique_ptr<net::WebSocket>();
  }
  bool has_responded() const override { return responded_; }

 private:
  static aws::sigv4::Credentials credentials() { return {"AKID", "secret", ""}; }
  void set_target(std::string target) {
    request_.target = std::move(target);
    request_.path = request_.target.substr(0, request_.target.find('?'));
    const std::size_t at = request_.target.find('?');
    request_.query = at == std::string::npos ? "" : request_.target.substr(at + 1);
  }

  async::Shard* shard_;
  net::HttpRequest request_;
  std::string given_body_;
  net::HttpResponse response_;
  bool responded_ = false;
  bool finished_ = false;
};

class FakeDoor final : public SignalingDoor {
 public:
  base::Result<void> check_connect(sessions::Role, const std::string&, const std::string&) override {
    if (refuses) return base::fail(*refuses, "refused by the door");
    return {};
  }
  net::WebSocketOptions websocket_options() override { return {}; }
  async::Task<void> serve(std::unique_ptr<net::WebSocket>, sessions::Role role, std::string channel_arn,
                          std::string client_id, std::function<bool()>) override {
    const std::string name = channel_arn.substr(channel_arn.find('/') + 1);
    served =
        (role == sessions::Role::Master ? "master " : "viewer ") + name.substr(0, name.find('/')) + ' ' + client_id;
    co_return;
  }
  async::Task<base::Result<void>> join(std::string channel_arn, std::optional<std::string> client_id) override {
    if (refuses) co_return base::fail(*refuses, "refused by the door");
    joined = channel_arn + ' ' + client_id.value_or("-");
    co_return base::Result<void>{};
  }
  async::Task<base::Result<std::string>> offer_to_master(std::string channel_arn, std::string client_id,
                                                         std::string payload) override {
    if (refuses) co_return base::fail(*refuses, "refused by the door");
    co_return channel_arn + ' ' + client_id + ' ' + payload;
  }
  std::string stun_uri(const base::SocketAddress&) override { return "stun:192.0.2.1:8443"; }

  std::optional<base::Errc> refuses;
  std::string served;
  std::string joined;
};

}  // namespace api
