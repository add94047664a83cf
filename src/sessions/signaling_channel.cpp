// SPDX-License-Identifier: Apache-2.0
#include "sessions/signaling_channel.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sessions {

std::shared_ptr<SignalingSink>& SignalingChannel::slot(Role role, const std::string& client_id) {
  return role == Role::Master ? master_ : viewers_[client_id];
}

void SignalingChannel::connect(base::Instant now, Role role, const std::string& client_id,
                               std::shared_ptr<SignalingSink> sink) {
  auto& current = slot(role, client_id);
  if (current) current->close("a newer connection of this client took over");
  current = std::move(sink);
  expire(now);
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->to == role && (role == Role::Master || it->client_id == client_id)) {
      current->send(std::move(it->text));
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
}

void SignalingChannel::disconnect(Role role, const std::string& client_id, const SignalingSink* sink) {
  if (!is_current(role, client_id, sink)) return;
  if (role == Role::Master) {
    master_.reset();
  } else {
    viewers_.erase(client_id);
  }
}

bool SignalingChannel::is_current(Role role, const std::string& client_id, const SignalingSink* sink) const {
  return sink != nullptr && (role == Role::Master ? master_.get() : find_viewer(client_id)) == sink;
}

SignalingSink* SignalingChannel::find_viewer(const std::string& client_id) const {
  const auto it = viewers_.find(client_id);
  return it == viewers_.end() ? nullptr : it->second.get();
}

base::Result<void> SignalingChannel::route(base::Instant now, Role from, const std::string& client_id,
                                           const ClientMessage& message, base::Duration time_to_live) {
  Waiting out;
  out.action = message.action;
  if (from == Role::Viewer) {  // a recipient is not needed and ignored
    out.to = Role::Master;
    out.sender = client_id;
    out.text = make_server_message(message.action, client_id, message.payload);
  } else {
    if (message.recipient_client_id.empty()) {
      return base::fail(base::Errc::InvalidArgument,
                        "recipientClientId is missing: a master names the viewer, and no storage session is open");
    }
    out.to = Role::Viewer;
    out.client_id = message.recipient_client_id;
    out.text = make_server_message(message.action, kMasterSenderId, message.payload);
  }
  SignalingSink* sink = out.to == Role::Master ? master_.get() : find_viewer(out.client_id);
  if (sink != nullptr) {
    sink->send(std::move(out.text));
    return {};
  }
  expire(now);
  out.deadline = now + time_to_live;
  // An undelivered description is replaced by the next one of the same pair of clients (contract 2.2).
  if (out.action != SignalingAction::IceCandidate) {
    std::erase_if(waiting_, [&](const Waiting& other) {
      return other.action == out.action && other.to == out.to && other.client_id == out.client_id &&
             other.sender == out.sender;
    });
  }
  if (waiting_.size() >= kMaxWaiting) {
    return base::fail(
        base::Errc::LimitExceeded,
        fmt::format("{} messages wait on this channel already, the recipient is not connected", kMaxWaiting));
  }
  waiting_.push_back(std::move(out));
  return {};
}

void SignalingChannel::expire(base::Instant now) {
  std::erase_if(waiting_, [&](const Waiting& message) { return message.deadline <= now; });
}

void SignalingChannel::send_to_all(const std::string& text) {
  if (master_) master_->send(text);
  for (auto& [id, sink] : viewers_) sink->send(text);
}

void SignalingChannel::close_all(std::string_view why) {
  if (master_) master_->close(why);
  for (auto& [id, sink] : viewers_) sink->close(why);
}

}  // namespace sessions
