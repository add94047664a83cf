// SPDX-License-Identifier: Apache-2.0
#include "client/fake_service.hpp"

#include <fmt/format.h>

#include "aws/json_document.hpp"
#include "aws/json_write.hpp"

namespace client {

FakeService::FakeService(async::Shard& shard, Behaviour behaviour) : shard_(shard), behaviour_(behaviour) {
  certificate_ = webrtc::Certificate::make(async::wall_now()).value();
  shard_.run_blocking([this] {
    net::HttpServerOptions options;
    options.listen = base::SocketAddress::parse("127.0.0.1:0").value();
    server_ = std::move(net::HttpServer::open(shard_, options, [this](net::HttpExchange& exchange) {
                          return serve(exchange);
                        }).value());
    endpoint_ = fmt::format("http://127.0.0.1:{}", server_->local_address().port);
    net::UdpPortOptions port;
    port.listen = options.listen;
    port_ = std::move(net::UdpPort::open(shard_, port, [this](base::Instant now, std::span<base::Datagram> batch) {
                        receive(now, batch);
                      }).value());
    timer_ = std::make_unique<async::Timer>(shard_, [this] {
      if (!peer_) return;
      peer_->handle_timeout(shard_.now());
      drain();
    });
  });
}

FakeService::~FakeService() {
  shard_.run_blocking([this]() -> async::Task<void> {
    co_await server_->stop(std::chrono::seconds(1));
    timer_.reset();
    port_.reset();
    peer_.reset();
  });
}

async::Task<void> FakeService::serve(net::HttpExchange& exchange) {
  if (exchange.is_websocket_request()) co_return co_await serve_websocket(exchange);
  const auto body = co_await exchange.read_body(65536);
  net::HttpResponse response;
  response.body = answer_call(exchange.request().path, body ? *body : "");
  const auto sent = co_await exchange.respond(std::move(response));
  if (sent && exchange.request().path == "/joinStorageSession" && ++joins_ > behaviour_.joins_without_offer)
    start_session();
}

std::string FakeService::answer_call(const std::string& path, const std::string& body) {
  calls_.push_back(path + " " + body);
  const std::string wss = fmt::format("ws://127.0.0.1:{}", server_->local_address().port);
  if (path == "/describeSignalingChannel") return R"({"ChannelInfo":{"ChannelARN":"arn:aws:channel/a/1"}})";
  if (path == "/describeStream") return R"({"StreamInfo":{"StreamARN":"arn:aws:stream/a/1"}})";
  if (path == "/describeMediaStorageConfiguration")
    return fmt::format(R"({{"MediaStorageConfiguration":{{"Status":"{}","StreamARN":"arn:aws:stream/a/1"}}}})",
                       behaviour_.storage_enabled ? "ENABLED" : "DISABLED");
  if (path == "/getSignalingChannelEndpoint")
    return fmt::format(
        R"({{"ResourceEndpointList":[{{"Protocol":"WSS","ResourceEndpoint":"{}"}},)"
        R"({{"Protocol":"HTTPS","ResourceEndpoint":"{}"}},{{"Protocol":"WEBRTC","ResourceEndpoint":"{}"}}]}})",
        wss, endpoint_, endpoint_);
  if (path == "/v1/get-ice-server-config") return R"({"IceServerList":[{"Uris":["stun:127.0.0.1:1"],"Ttl":300}]})";
  if (path == "/getDataEndpoint") return fmt::format(R"({{"DataEndpoint":"{}"}})", endpoint_);
  if (path == "/listFragments")
    return pictures_ > 30 ? R"({"Fragments":[{"FragmentNumber":"1"}]})" : R"({"Fragments":[]})";
  return "{}";
}

async::Task<void> FakeService::serve_websocket(net::HttpExchange& exchange) {
  calls_.push_back("websocket " + exchange.request().query);
  auto accepted = co_await exchange.accept_websocket({});
  if (!accepted) co_return;
  socket_ = accepted->get();
  while (const auto message = co_await socket_->read()) handle_message(message->payload);
  socket_ = nullptr;
}

void FakeService::start_session() {
  if (socket_ == nullptr) return;
  ++sessions_;
  frames_of_session_ = 0;
  webrtc::PeerOptions options;
  options.certificate = certificate_;
  options.local_addresses = {port_->local_address()};
  peer_ = std::make_unique<webrtc::Peer>(shard_.now(), random_, options);
  std::string sdp;
  aws::write_value(sdp, peer_->create_offer(shard_.now()));
  const std::string payload = base::to_base64(base::as_bytes(fmt::format(R"({{"type":"offer","sdp":{}}})", sdp)));
  socket_->write(fmt::format(R"({{"messageType":"SDP_OFFER","messagePayload":"{}"}})", payload));
}

void FakeService::handle_message(const std::string& text) {
  const auto document = aws::JsonDocument::parse(text);
  const auto field = [](aws::JsonValue object, const char* lower, const char* upper) {
    return object.find(lower).text().value_or(object.find(upper).text().value_or(""));
  };
  const std::string_view action = field(document->root(), "action", "action");
  const auto bytes = base::parse_base64(field(document->root(), "messagePayload", "MessagePayload"));
  const auto payload = aws::JsonDocument::parse(base::as_text(*bytes));
  calls_.push_back(std::string(action));
  if (action == "SDP_ANSWER" && behaviour_.refuse_an_older_answer) {
    socket_->write(
        R"({"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"older",)"
        R"("errorType":"InvalidArgumentException","description":"no offer waits for this answer","success":false}})");
  }
  if (action == "SDP_ANSWER" && behaviour_.refuse_answers) {
    socket_->write(R"({"messageType":"STATUS_RESPONSE","statusResponse":{"errorType":"InvalidArgumentException",)"
                   R"("description":"the answer offers VP8 only: offer H.264","success":false}})");
    return;
  }
  if (action == "SDP_ANSWER" && !peer_->set_answer(shard_.now(), field(payload->root(), "sdp", "sdp")))
    calls_.push_back("bad answer");
  if (action == "ICE_CANDIDATE" &&
      !peer_->add_remote_candidate(shard_.now(), field(payload->root(), "candidate", "candidate")))
    calls_.push_back("bad candidate");
  drain();
}

void FakeService::request_key_frame() {
  peer_->request_key_frame(shard_.now());
  drain();
}

void FakeService::receive(base::Instant now, std::span<base::Datagram> datagrams) {
  if (!peer_) return;
  peer_->handle_datagrams(now, datagrams);
  drain();
}

void FakeService::drain() {
  while (auto out = peer_->poll_transmit()) port_->send(std::move(*out));
  while (const auto event = peer_->poll_event()) note(*event);
  if (sessions_ <= behaviour_.sessions_that_break && frames_of_session_ == behaviour_.break_after) {
    ++frames_of_session_;
    peer_->close(shard_.now());
    while (auto out = peer_->poll_transmit()) port_->send(std::move(*out));
  }
  timer_->arm(peer_->next_timeout());
}

void FakeService::note(const webrtc::PeerEvent& event) {
  if (std::holds_alternative<webrtc::RemoteClosed>(event)) closed_by_camera_ = true;
  const auto* received = std::get_if<webrtc::FrameReceived>(&event);
  if (received == nullptr) return;
  if (received->kind == webrtc::MediaKind::Audio) {
    ++sounds_;
    return;
  }
  ++pictures_;
  ++frames_of_session_;
  key_frames_ += received->frame.frame.key_frame ? 1 : 0;
  payloads.push_back(received->frame.frame.payload);
}

}  // namespace client
