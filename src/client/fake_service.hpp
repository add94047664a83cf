// SPDX-License-Identifier: Apache-2.0
#pragma once
// A KVS service of one channel, as small as a camera's test needs: plain HTTP, a plain WebSocket, and a storage
// session that counts what it receives. For tests of this room only.

#include <memory>
#include <string>
#include <vector>

#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "async/timer.hpp"
#include "net/http_server.hpp"
#include "net/udp_port.hpp"
#include "webrtc/peer/peer.hpp"

namespace client {

// Made, used and destroyed from outside its shard, by run_blocking().
class FakeService {
 public:
  struct Behaviour {
    int joins_without_offer = 0;  // the first so many joins are answered and nothing follows
    int sessions_that_break = 0;  // the first so many sessions end after `break_after` frames
    int break_after = 20;
    bool refuse_answers = false;          // STATUS_RESPONSE to every answer
    bool refuse_an_older_answer = false;  // STATUS_RESPONSE to one that was sent before, ahead of taking this one
    bool storage_enabled = true;
  };

  FakeService(async::Shard& shard, Behaviour behaviour);
  ~FakeService();

  std::string endpoint() const { return endpoint_; }
  // On the shard:
  const std::vector<std::string>& calls() const { return calls_; }
  std::uint64_t pictures() const { return pictures_; }
  std::uint64_t packets_of_sound() const { return sounds_; }
  std::uint64_t key_frames() const { return key_frames_; }
  std::vector<base::Bytes> payloads;  // of the pictures, in order
  int sessions() const { return sessions_; }
  bool closed_by_camera() const { return closed_by_camera_; }
  void request_key_frame();

 private:
  async::Task<void> serve(net::HttpExchange& exchange);
  async::Task<void> serve_websocket(net::HttpExchange& exchange);
  std::string answer_call(const std::string& path, const std::string& body);
  void start_session();
  void handle_message(const std::string& text);
  void receive(base::Instant now, std::span<base::Datagram> datagrams);
  void drain();
  void note(const webrtc::PeerEvent& event);

  async::Shard& shard_;
  Behaviour behaviour_;
  async::SecureRandom random_;
  std::shared_ptr<const webrtc::Certificate> certificate_;
  std::string endpoint_;
  std::vector<std::string> calls_;
  std::unique_ptr<net::HttpServer> server_;
  net::WebSocket* socket_ = nullptr;
  std::unique_ptr<net::UdpPort> port_;
  std::unique_ptr<webrtc::Peer> peer_;
  std::unique_ptr<async::Timer> timer_;
  std::uint64_t pictures_ = 0, sounds_ = 0, key_frames_ = 0;
  int joins_ = 0;
  int sessions_ = 0;
  int frames_of_session_ = 0;
  bool closed_by_camera_ = false;
};

}  // namespace client
