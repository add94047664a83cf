// SPDX-License-Identifier: Apache-2.0
// What the records of a storage session's connections need to know.
#include "sessions/storage_session_member.hpp"

namespace sessions {

void StorageSession::note_signaling(const std::string& client_id, bool connected) {
  for (const auto& member : members_) {
    if (member->client_id == client_id) member->in_signaling = connected;
  }
}

void StorageSession::update_traces() {
  for (const auto& member : members_) member->timeline.note_path(member->peer().path());
}

void StorageSession::end_traces(base::Instant now, const SessionEnd& how) {
  update_traces();
  for (const auto& member : members_) member->timeline.end(now, how);
}

SessionEnd StorageSession::explain(base::Instant now, Member& member, const webrtc::Failed& failed) {
  FailureCircumstances seen;
  seen.is_master = member.is_master();
  seen.answered = member.answered;
  seen.in_signaling = member.in_signaling;
  seen.other_connected = !member.connected && find_active(member.client_id) != nullptr;
  seen.waited = now - member.timeline.joined();
  seen.media_port = environment_.port.local_address().port;
  return explain_failure(failed, seen, member.peer().path(), member.peer().stats());
}

}  // namespace sessions
