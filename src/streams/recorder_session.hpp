// SPDX-License-Identifier: Apache-2.0
#pragma once
// The insides of Recorder: cutting, gaps, waiting for audio, and handing over.

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "codecs/h264_parameter_sets.hpp"
#include "streams/commit_signal.hpp"
#include "streams/recorder.hpp"
#include "streams/recorder_fragment.hpp"

namespace streams {

// At the live edge a participant that was silent for longer is not waited for: players would stop.
inline constexpr auto kAudioIsSending = std::chrono::seconds(1);

// Nothing follows the last fragment that could take the sound which goes on for a moment: packets of 20 to 60 ms.
inline constexpr auto kSoundAfterPictures = std::chrono::milliseconds(100);

// What became of the fragments that were handed over. Shared with the store's callbacks, which outlive the recorder.
struct RecorderOutcome {
  mutable std::mutex mutex;
  std::uint64_t uncommitted_bytes = 0;
  std::uint64_t uncommitted = 0;
  std::uint64_t committed = 0;
  std::uint64_t failed = 0;
  std::uint64_t newest_durable = 0;  // counted from 1 as handed over
  bool recorder_is_gone = false;
  std::optional<Gap> lost;  // refused by the store and not yet recorded as a gap
  CommitSignal answered;
};

class Recorder::Session {
 public:
  Session(RecorderOptions options, std::shared_ptr<FragmentLog> log, base::Instant now, base::WallTime wall);
  ~Session();

  void set_sdp_parameter_sets(const std::vector<base::Bytes>& nal_units);
  Participant& participant(const std::string& id);
  void add_audio(Participant& who);
  void end_audio(base::Instant now, const std::string& id);
  void write_video(const ArrivedFrame& frame);
  void prefetch(int step) const;
  void write_audio(Participant& from, const ArrivedFrame& frame);
  void handle_report(Participant& from, const ClockReport& report);
  void handle_timeout(base::Instant now, base::WallTime wall);
  void commit_waiting(base::Instant now) { commit_closing(now, false); }
  void restart_media(base::Instant now);
  void interrupt(base::Instant now, GapReason reason);
  bool wants_key_frame(base::Instant now) const;
  std::vector<RecentPicture> since_key_frame() const;
  void finish(base::Instant now, GapReason reason);
  void show(base::Instant now);
  RecorderStats stats() const;
  std::optional<std::chrono::microseconds> skew() const { return master_.timeline.skew(); }
  std::shared_ptr<RecorderOutcome> outcome() const { return outcome_; }

 private:
  struct Pause {
    GapReason reason = GapReason::KeyFrameAwaited;
    base::WallTime from;
    bool since_last_session = false;
    std::optional<HeldFrame> first_frame = std::nullopt;  // dropped; its time says `from` once the timeline is settled
  };

  base::WallTime media_clock(base::Instant now) const;
  base::WallTime server_clock(base::Instant now) const;
  void count_dropped();
  void settle();
  void replace_times(Participant& from);
  HeldFrame place(Participant& from, const ArrivedFrame& frame);
  void open(const HeldFrame& frame, base::ByteView payload, base::Instant now, bool dependent);
  void append(const HeldFrame& frame, base::ByteView payload);
  base::WallTime close(base::WallTime end, base::Instant now, std::optional<GapReason> pauses = std::nullopt);
  base::WallTime nominal_end() const;
  void limit_audio(Participant& from);
  bool audio_is_complete(base::Instant now) const;
  void commit_closing(base::Instant now, bool in_any_case);
  void commit(OpenFragment fragment);
  std::optional<Pause> pause_since_last_session() const;
  std::optional<Gap> gap_before(base::WallTime start);
  std::uint32_t flags_of(const OpenFragment& fragment);
  bool can_show();
  bool show_fragment(const OpenFragment& fragment);
  void show_sound(const Participant& from, const HeldFrame& packet);
  base::WallTime sound_until(base::Instant now) const;

  // What every frame looks at comes first, as far as `clock_at_`.
  const RecorderOptions options_;
  const std::shared_ptr<FragmentLog> log_;  // shared with readers of the stream
  Participants participants_;
  Participant& master_;  // among them from the beginning
  const base::Instant began_;
  const base::WallTime began_wall_;
  base::Instant video_arrived_;
  std::chrono::microseconds frame_time_{40'000};
  bool awaits_key_ = true;
  bool group_dropped_ = false;  // what depends on it is dropped too
  bool finished_ = false;
  bool shown_ = false;     // what is open is at the log's live edge
  bool reorders_ = false;  // pictures are not sent in the order in which they are shown
  RecorderStats stats_;
  std::unique_ptr<OpenFragment> closing_;  // waits for audio
  std::optional<OpenFragment> open_;
  codecs::h264::ParameterSets parameter_sets_;

  base::Instant clock_at_;  // the server's clock was clock_wall_ then
  base::WallTime clock_wall_;
  const std::shared_ptr<RecorderOutcome> outcome_;
  std::uint32_t next_audio_track_ = 2;
  base::Instant closed_;
  std::optional<Pause> pause_;       // nothing is stored until a key frame; what is missing began there
  std::size_t expected_frames_ = 0;  // of the next fragment: a little more than the last one had
};

}  // namespace streams
