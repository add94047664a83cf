// SPDX-License-Identifier: Apache-2.0
#pragma once
// The viewer behind SendAlexaOfferToMaster (contract 2.6): no socket, but a call that waits for one answer.

#include <mutex>
#include <optional>
#include <string>

#include "async/task.hpp"
#include "base/time.hpp"
#include "sessions/signaling_channel.hpp"
#include "streams/commit_signal.hpp"

namespace sessions {

// Shared by the channel that it is connected to and the call. Any shard.
class OfferCall final : public SignalingSink {
 public:
  // Everything but the first answer is ignored: who calls does not trickle.
  void send(std::string text) override;
  void close(std::string_view why) override;

  // The payload of the answer, base64 as the master sent it; nothing when none came, or another connection took over.
  async::Task<std::optional<std::string>> wait(base::Instant deadline);

 private:
  std::mutex mutex_;
  std::optional<std::string> answer_;
  bool closed_ = false;
  streams::CommitSignal changed_;
};

}  // namespace sessions
