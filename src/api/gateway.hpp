// SPDX-License-Identifier: Apache-2.0
#pragma once
// The front door: every HTTP request of every listener comes in here. serve() is the list of steps that a request
// meets; nothing that concerns more than one operation is anywhere else.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/authorization.hpp"
#include "api/handlers.hpp"
#include "api/metrics.hpp"
#include "api/signaling_door.hpp"
#include "api/throttle.hpp"
#include "aws/sigv4.hpp"
#include "base/random.hpp"
#include "net/http_server.hpp"

namespace api {

// Everything below this path is ours (docs/api.md), the rest is AWS's.
inline constexpr std::string_view kOwnReads = "/api/";

// One line of an audit trail. Views live for the call of the hook only.
struct AuditEntry {
  std::string_view request_id;
  std::string_view operation;  // "CreateStream", or the path of an own read with its placeholders
  std::string_view access_key_id;
  std::string_view caller;
  int status = 0;
  std::string_view error_code;  // empty on success
  base::Duration took{};
};

struct GatewayOptions {
  std::string region = "us-east-1";
  std::string account_id = "123456789012";
  std::string public_url;           // empty: endpoints echo the scheme and host that the client used
  std::uint16_t https_port = 8443;  // of the HTTPS listener: for wss:// endpoints given to clients on plain HTTP
  std::string metrics_token;        // bearer token for /metrics from elsewhere than loopback; empty: loopback only
  std::size_t max_body_bytes = 1 << 20;
  std::function<base::WallTime()> wall_clock;  // the system's if empty
  FindArn find_arn;              // for policies; without it a name stands for a resource that is not there
  Throttle* throttle = nullptr;  // outlives the gateway; null: no limits
  // Whether an access key is known still: what it opened ends when it is revoked. Empty: it goes on. Any thread.
  std::function<bool(std::string_view)> has_key;
  // For /readyz: why the server is not ready, in plain words; nothing, or an empty function, when it is.
  std::function<std::optional<std::string>()> trouble;
  std::string home;                              // where a browser that asks for "/" is sent; empty: nowhere
  std::function<void(const AuditEntry&)> audit;  // on the connection's shard; none if empty
  // More lines for /metrics in the Prometheus text format, asked on the connection's shard.
  std::vector<std::function<async::Task<std::string>()>> metric_sources;
};

// Made once, after the handlers were added; used by the servers of all shards at once. Everything given outlives it.
class Gateway {
 public:
  // `random` makes request ids: async::SecureRandom, which any thread may use. `signaling` may be null: no WebSockets.
  Gateway(GatewayOptions options, aws::sigv4::FindKey find_key, const Handlers& handlers, SignalingDoor* signaling,
          base::Random& random);

  // The handler of net::HttpServer.
  async::Task<void> serve(net::HttpExchange& exchange);

  const Metrics& metrics() const { return metrics_; }

 private:
  // A WebSocket connect that may proceed.
  struct Connect {
    sessions::Role role = sessions::Role::Master;
    std::string channel_arn;
    std::string client_id;
    Admission admission;
  };

  Call begin(const net::HttpExchange& exchange) const;
  async::Task<void> serve_read(Call& call, net::HttpExchange& exchange);
  async::Task<aws::Outcome<std::string>> verify_and_read(const Handlers::ReadRow* row, Call& call,
                                                         net::HttpExchange& exchange) const;
  async::Task<void> serve_operation(const aws::Operation& operation, Call& call, net::HttpExchange& exchange);
  async::Task<void> serve_json(const aws::Operation& operation, Call& call, net::HttpExchange& exchange);
  async::Task<void> serve_streaming(const aws::Operation& operation, Call& call, net::HttpExchange& exchange);
  async::Task<void> serve_streaming_request(const aws::Operation& operation, Call& call, net::HttpExchange& exchange);
  async::Task<void> end_streaming(const aws::Operation& operation, const Call& call, net::HttpExchange& exchange,
                                  const aws::Outcome<void>& outcome);
  async::Task<void> serve_websocket(const aws::Operation& operation, Call& call, net::HttpExchange& exchange);
  aws::Outcome<Connect> check_connect(const aws::Operation& operation, Call& call,
                                      const net::HttpExchange& exchange) const;
  async::Task<void> serve_metrics(const Call& call, net::HttpExchange& exchange);
  async::Task<bool> serve_plain(const Call& call, net::HttpExchange& exchange);
  async::Task<aws::Outcome<std::string>> read_and_call(const aws::Operation& operation, Call& call,
                                                       net::HttpExchange& exchange);
  // The body, once its signature and the caller's policies were found good.
  async::Task<aws::Outcome<std::string>> read_and_check(const aws::Operation& operation, Call& call,
                                                        net::HttpExchange& exchange);
  // For bodies that are not read: the arguments are known before.
  aws::Outcome<void> check(const aws::Operation& operation, Call& call, const net::HttpRequest& request,
                           std::optional<base::ByteView> body, std::string_view arguments) const;
  aws::Outcome<void> verify(Call& call, const net::HttpRequest& request, std::optional<base::ByteView> body) const;
  // Within the limits. The call's connection counts as long as the admission lives.
  aws::Outcome<Admission> admit(const aws::Operation& operation, std::string_view arguments, const Call& call,
                                const std::string& holder = {}) const;
  async::Task<void> respond_error(const aws::Operation* operation, const Call& call, net::HttpExchange& exchange,
                                  const aws::Error& error);
  void record(const aws::Operation& operation, const Call& call, int status, std::string_view error_code) const;

  GatewayOptions options_;
  aws::sigv4::FindKey find_key_;
  const Handlers& handlers_;
  SignalingDoor* signaling_;
  base::Random& random_;
  mutable Metrics metrics_;
};

}  // namespace api
