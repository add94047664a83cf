// SPDX-License-Identifier: Apache-2.0
#pragma once
// The calls a KVS master or viewer makes: signed rest-json over HTTP.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.hpp"
#include "aws/json_document.hpp"
#include "aws/sigv4.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "net/http_connections.hpp"
#include "net/tls_context.hpp"

namespace client {

struct ApiOptions {
  std::string endpoint;  // of the control plane
  std::string region;
  aws::sigv4::Credentials credentials;
  std::shared_ptr<const net::TlsContext> tls;
  base::Duration timeout = std::chrono::seconds(10);
  std::shared_ptr<net::HttpConnections> connections{};  // of the shard, to be used again; null: one per call
};

struct ChannelEndpoints {
  std::string https, wss, webrtc;
};

// On the shard of its owner. Errors name the operation and the service's own words; Errc::NotFound and
// Errc::AlreadyExists are told apart.
class KvsApi {
 public:
  explicit KvsApi(ApiOptions options);

  // Makes what is missing; what is there already is left as it is, apart from the mapping.
  async::Task<base::Result<void>> create_channel(std::string name);
  async::Task<base::Result<void>> create_stream(std::string name, int retention_hours);
  async::Task<base::Result<void>> enable_storage(std::string channel_arn, std::string stream_arn);

  async::Task<base::Result<std::string>> find_channel_arn(const std::string& name);
  async::Task<base::Result<std::string>> find_stream_arn(const std::string& name);
  // The stream that the channel records into; an error when storage is off.
  async::Task<base::Result<std::string>> find_storage_stream(std::string channel_arn);
  async::Task<base::Result<ChannelEndpoints>> find_endpoints(std::string channel_arn, std::string_view role);
  async::Task<base::Result<void>> check_ice_servers(std::string https_endpoint, std::string channel_arn);
  // As the master, or with a client id as that viewer.
  async::Task<base::Result<void>> join_storage_session(std::string webrtc_endpoint, std::string channel_arn,
                                                       std::string client_id);
  async::Task<base::Result<std::string>> find_data_endpoint(const std::string& stream_arn);
  // Fragments whose server timestamp is not before `since`.
  async::Task<base::Result<std::size_t>> count_fragments(std::string data_endpoint, std::string stream_arn,
                                                         base::WallTime since);

  // Whatever else the API offers. `operation` is the path without its slash: "describeSignalingChannel".
  async::Task<base::Result<aws::JsonDocument>> call(std::string endpoint, std::string operation, std::string body);
  // The body of a 2xx answer as it came, at most 256 MiB. `target` is path and query.
  async::Task<base::Result<std::string>> fetch(std::string method, std::string target, std::string body);

  // The URL that connects as master, or with a client id as that viewer: the query is signed for five minutes.
  base::Result<std::string> sign_websocket_url(const std::string& wss_endpoint, const std::string& channel_arn,
                                               const std::string& client_id) const;
  const ApiOptions& options() const { return options_; }

 private:
  async::Task<base::Result<std::string>> send(std::string name, net::HttpClientRequest request);
  async::Task<base::Result<std::string>> find_text(std::string operation, std::string body, std::string outer,
                                                   std::string inner);

  ApiOptions options_;
};

}  // namespace client
