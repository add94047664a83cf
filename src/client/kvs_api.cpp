// SPDX-License-Identifier: Apache-2.0
#include "client/kvs_api.hpp"

#include <fmt/format.h>

#include "async/shard.hpp"
#include "aws/json_write.hpp"
#include "net/http_client.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

constexpr std::size_t kMaxAnswer = 256U << 20U;

std::string quoted(std::string_view text) {
  std::string out;
  aws::write_value(out, text);
  return out;
}

std::string object(std::initializer_list<std::pair<std::string_view, std::string>> members) {
  std::string out = "{";
  for (const auto& [name, value] : members)
    out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", quoted(name), value);
  return out + "}";
}

std::string to_text(aws::JsonValue value) {
  return std::string(value.text().value_or(""));
}

// {"message": ...} or {"Message": ...}, and the type in a header or in the body.
base::Error read_error(std::string_view operation, const net::HttpClientResponse& response) {
  std::string type(response.headers.find("x-amzn-ErrorType").value_or(""));
  std::string message = response.body.substr(0, 300);
  if (const auto document = aws::JsonDocument::parse(response.body)) {
    for (const char* name : {"message", "Message"}) {
      if (const auto text = document->root().find(name).text()) message = std::string(*text);
    }
    if (type.empty()) type = to_text(document->root().find("__type"));
  }
  type = type.substr(0, type.find(':'));
  Errc code = response.status >= 500 ? Errc::Unavailable : Errc::InvalidArgument;
  if (response.status == 404) code = Errc::NotFound;
  if (response.status == 403 || response.status == 401) code = Errc::AccessDenied;
  if (type == "ResourceInUseException") code = Errc::AlreadyExists;
  if (type == "ClientLimitExceededException") code = Errc::LimitExceeded;
  return {code,
          fmt::format("{}: {} ({}): {}", operation, response.status, type.empty() ? "no error type" : type, message)};
}

std::string without_slash(std::string endpoint) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

base::Result<void> unless_there(base::Error error) {
  if (error.code == Errc::AlreadyExists) return {};
  return fail(std::move(error));
}

}  // namespace

KvsApi::KvsApi(ApiOptions options) : options_(std::move(options)) {}

// Signs and sends. `name` is for the messages.
async::Task<base::Result<std::string>> KvsApi::send(std::string name, net::HttpClientRequest request) {
  CO_TRY(const net::Url url, net::Url::parse(request.url));
  request.headers.add("Host", url.authority());
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  std::vector<aws::sigv4::Header> headers;
  for (const auto& header : request.headers) headers.push_back({header.name, header.value});
  const auto added = aws::sigv4::sign_headers({request.method, url.target, headers}, base::as_bytes(request.body),
                                              options_.credentials, {options_.region}, async::wall_now());
  for (const auto& [header, value] : added) request.headers.add(header, value);
  net::HttpClientOptions http;
  http.tls = options_.tls;
  http.timeout = options_.timeout;
  http.max_body_bytes = kMaxAnswer;
  http.connections = options_.connections;
  auto response = co_await net::send_http(std::move(request), http);
  if (!response) co_return fail(std::move(response).error().with_context(name));
  if (response->status < 200 || response->status > 299) co_return fail(read_error(name, *response));
  co_return std::move(response->body);
}

async::Task<base::Result<aws::JsonDocument>> KvsApi::call(std::string endpoint, std::string operation,
                                                          std::string body) {
  net::HttpClientRequest request;
  request.method = "POST";
  request.url = without_slash(std::move(endpoint)) + "/" + operation;
  request.body = std::move(body);
  CO_TRY(const std::string answer, co_await send(operation, std::move(request)));
  auto document = aws::JsonDocument::parse(answer);
  if (!document) co_return fail(Errc::Corrupt, fmt::format("{}: the answer is not JSON", operation));
  co_return std::move(*document);
}

async::Task<base::Result<std::string>> KvsApi::fetch(std::string method, std::string target, std::string body) {
  net::HttpClientRequest request;
  request.method = std::move(method);
  request.url = without_slash(options_.endpoint) + target;
  request.body = std::move(body);
  std::string name = target.substr(0, target.find('?'));
  auto answer = co_await send(std::move(name), std::move(request));
  co_return answer;
}

// One text member of an answer: {outer: {inner: text}}, or {inner: text} when `outer` is empty.
async::Task<base::Result<std::string>> KvsApi::find_text(std::string operation, std::string body, std::string outer,
                                                         std::string inner) {
  CO_TRY(const auto document, co_await call(options_.endpoint, operation, std::move(body)));
  const aws::JsonValue parent = outer.empty() ? document.root() : document.root().find(outer);
  std::string text = to_text(parent.find(inner));
  if (text.empty()) co_return fail(Errc::Corrupt, fmt::format("{}: the answer has no {}", operation, inner));
  co_return text;
}

async::Task<base::Result<void>> KvsApi::create_channel(std::string name) {
  std::string body = object({{"ChannelName", quoted(name)}, {"ChannelType", quoted("SINGLE_MASTER")}});
  auto document = co_await call(options_.endpoint, "createSignalingChannel", std::move(body));
  if (!document) co_return unless_there(std::move(document).error());
  co_return base::Result<void>();
}

async::Task<base::Result<void>> KvsApi::create_stream(std::string name, int retention_hours) {
  std::string body = object({{"StreamName", quoted(name)}, {"DataRetentionInHours", std::to_string(retention_hours)}});
  auto document = co_await call(options_.endpoint, "createStream", std::move(body));
  if (!document) co_return unless_there(std::move(document).error());
  co_return base::Result<void>();
}

async::Task<base::Result<void>> KvsApi::enable_storage(std::string channel_arn, std::string stream_arn) {
  const std::string configuration = object({{"StreamARN", quoted(stream_arn)}, {"Status", quoted("ENABLED")}});
  std::string body = object({{"ChannelARN", quoted(channel_arn)}, {"MediaStorageConfiguration", configuration}});
  auto document = co_await call(options_.endpoint, "updateMediaStorageConfiguration", std::move(body));
  if (!document) co_return fail(std::move(document).error());
  co_return base::Result<void>();
}

async::Task<base::Result<std::string>> KvsApi::find_channel_arn(const std::string& name) {
  return find_text("describeSignalingChannel", object({{"ChannelName", quoted(name)}}), "ChannelInfo", "ChannelARN");
}

async::Task<base::Result<std::string>> KvsApi::find_stream_arn(const std::string& name) {
  return find_text("describeStream", object({{"StreamName", quoted(name)}}), "StreamInfo", "StreamARN");
}

async::Task<base::Result<std::string>> KvsApi::find_storage_stream(std::string channel_arn) {
  std::string body = object({{"ChannelARN", quoted(channel_arn)}});
  CO_TRY(const auto document, co_await call(options_.endpoint, "describeMediaStorageConfiguration", std::move(body)));
  const aws::JsonValue configuration = document.root().find("MediaStorageConfiguration");
  if (configuration.find("Status").text() != "ENABLED")
    co_return fail(Errc::InUse, "storage is not enabled for this channel: map it to a stream, or use --create");
  co_return to_text(configuration.find("StreamARN"));
}

async::Task<base::Result<ChannelEndpoints>> KvsApi::find_endpoints(std::string channel_arn, std::string_view role) {
  const std::string configuration = object({{"Protocols", R"(["WSS","HTTPS","WEBRTC"])"}, {"Role", quoted(role)}});
  std::string body =
      object({{"ChannelARN", quoted(channel_arn)}, {"SingleMasterChannelEndpointConfiguration", configuration}});
  CO_TRY(const auto document, co_await call(options_.endpoint, "getSignalingChannelEndpoint", std::move(body)));
  const aws::JsonValue list = document.root().find("ResourceEndpointList");
  ChannelEndpoints endpoints;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto protocol = list.element(i).find("Protocol").text();
    std::string endpoint = to_text(list.element(i).find("ResourceEndpoint"));
    if (protocol == "WSS")
      endpoints.wss = std::move(endpoint);
    else if (protocol == "HTTPS")
      endpoints.https = std::move(endpoint);
    else if (protocol == "WEBRTC")
      endpoints.webrtc = std::move(endpoint);
  }
  if (endpoints.wss.empty() || endpoints.https.empty() || endpoints.webrtc.empty())
    co_return fail(Errc::InUse, "getSignalingChannelEndpoint: the answer lacks WSS, HTTPS or WEBRTC");
  co_return endpoints;
}

// The addresses are not used: a storage session of ours is reached directly. The call is what a client does.
async::Task<base::Result<void>> KvsApi::check_ice_servers(std::string https_endpoint, std::string channel_arn) {
  std::string body = object({{"ChannelARN", quoted(channel_arn)}, {"Service", quoted("TURN")}});
  CO_TRY(const auto document, co_await call(https_endpoint, "v1/get-ice-server-config", std::move(body)));
  if (document.root().find("IceServerList").size() == 0)
    co_return fail(Errc::Corrupt, "get-ice-server-config: the list is empty, which stops webrtc-sdk-c");
  co_return base::Result<void>();
}

async::Task<base::Result<void>> KvsApi::join_storage_session(std::string webrtc_endpoint, std::string channel_arn,
                                                             std::string client_id) {
  std::string body = object({{"channelArn", quoted(channel_arn)}});
  std::string operation = "joinStorageSession";
  if (!client_id.empty()) {
    operation = "joinStorageSessionAsViewer";
    body = object({{"channelArn", quoted(channel_arn)}, {"clientId", quoted(client_id)}});
  }
  auto document = co_await call(webrtc_endpoint, std::move(operation), std::move(body));
  if (!document) co_return fail(std::move(document).error());
  co_return base::Result<void>();
}

async::Task<base::Result<std::string>> KvsApi::find_data_endpoint(const std::string& stream_arn) {
  return find_text("getDataEndpoint",
                   object({{"StreamARN", quoted(stream_arn)}, {"APIName", quoted("LIST_FRAGMENTS")}}), "",
                   "DataEndpoint");
}

async::Task<base::Result<std::size_t>> KvsApi::count_fragments(std::string data_endpoint, std::string stream_arn,
                                                               base::WallTime since) {
  std::string start;
  std::string end;
  aws::write_value(start, since);
  aws::write_value(end, since + std::chrono::hours(24));
  const std::string range = object({{"StartTimestamp", start}, {"EndTimestamp", end}});
  const std::string selector =
      object({{"FragmentSelectorType", quoted("SERVER_TIMESTAMP")}, {"TimestampRange", range}});
  std::string body = object({{"StreamARN", quoted(stream_arn)}, {"FragmentSelector", selector}});
  CO_TRY(const auto document, co_await call(data_endpoint, "listFragments", std::move(body)));
  co_return document.root().find("Fragments").size();
}

base::Result<std::string> KvsApi::sign_websocket_url(const std::string& wss_endpoint, const std::string& channel_arn,
                                                     const std::string& client_id) const {
  const std::string endpoint = without_slash(wss_endpoint);
  TRY(const net::Url url, net::Url::parse(endpoint));
  std::string encoded;
  for (const char c : channel_arn) encoded += c == ':' ? "%3A" : c == '/' ? "%2F" : std::string(1, c);
  std::string target = fmt::format("{}?X-Amz-ChannelARN={}", url.target, encoded);
  if (!client_id.empty()) target += fmt::format("&X-Amz-ClientId={}", client_id);  // its characters need no escapes
  return fmt::format("{}://{}{}", url.scheme, url.authority(),
                     aws::sigv4::presign_target({target, url.authority()}, options_.credentials, {options_.region},
                                                async::wall_now()));
}

}  // namespace client
