// SPDX-License-Identifier: Apache-2.0
#include "sessions/signaling_socket.hpp"

namespace sessions {

void SignalingSocket::send(std::string text) {
  if (!outgoing_.try_push({std::move(text), false})) outgoing_.close();
}

void SignalingSocket::close(std::string_view why) {
  outgoing_.try_push({std::string(why), true});
  outgoing_.close();
}

async::Task<void> SignalingSocket::write_to(std::shared_ptr<net::WebSocket> socket) {
  static constexpr std::uint16_t kNormal = 1000;
  static constexpr std::uint16_t kTryAgainLater = 1013;
  for (;;) {
    std::optional<Outgoing> out = co_await outgoing_.pop();
    if (!out) {
      co_await socket->close(kTryAgainLater, "too many messages were waiting");
      co_return;
    }
    if (out->is_close) {
      co_await socket->close(kNormal, std::move(out->text));
      co_return;
    }
    socket->write(std::move(out->text));
  }
}

}  // namespace sessions
