// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stored fragments in the forms that readers ask for: Matroska with H.264 and AAC, MP4 segments. The stored bytes are
// the truth; all of this is derived, and the expensive part of it (AAC) is cached.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "async/disk_worker.hpp"
#include "async/task.hpp"
#include "base/result.hpp"
#include "container/matroska_parser.hpp"
#include "store/derived_files.hpp"
#include "streams/audio_renderer.hpp"
#include "streams/fragment_log.hpp"

namespace streams {

using FragmentLogPtr = std::shared_ptr<FragmentLog>;  // shared by all readers and writers of the stream

// A stored fragment with its document taken apart. Immutable.
struct OpenedFragment {
  StoredFragment fragment;
  Payload payload;  // what the blocks point into
  container::MatroskaDocument document;

  // The rendered audio track is there when the session had negotiated audio.
  bool has_audio() const { return (fragment.header.flags & kAudio) != 0; }
};

// The next fragment, if it is where this one ends: its sound goes on.
async::Task<base::Result<std::optional<StoredFragment>>> find_joining(FragmentLogPtr log, StoredFragment fragment);

// The rendered sound of a fragment, with the ends that were asked for.
struct EdgedSound {
  std::shared_ptr<const RenderedAudio> own;      // the fragment's, the same in every reading
  std::shared_ptr<const RenderedAudio> closing;  // the units after them, up to the end of the pictures; may be null
  AacUnits units;                                // what there is of both

  // Of [units.first, units.past()).
  base::ByteView unit(std::int64_t number) const;
};

// TrackNumber of the contract's URLs.
enum class PlaybackTrack : std::uint8_t { Video = 1, Audio = 2 };

struct PlaybackOptions {
  std::size_t audio_cache_bytes = 64U << 20U;  // about 45 minutes of rendered audio
  AacChoice aac = AacChoice::Own;
  store::DerivedFiles* disk = nullptr;  // rendered sound that memory has no room for; outlives this
};

// Any thread; owned by the process, outlives the handlers that use it.
class Playback {
 public:
  // Rendering runs on `renderers`, a few threads of its own: it is CPU work, not disk work.
  Playback(PlaybackOptions options, async::DiskWorker& renderers);
  ~Playback();
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  async::Task<base::Result<OpenedFragment>> open(FragmentLogPtr log, StoredFragment fragment);
  // The AAC track of the fragment, silence where there is nothing. Rendered once, then from the cache.
  async::Task<base::Result<std::shared_ptr<const RenderedAudio>>> audio(FragmentLogPtr log, StoredFragment fragment);
  // The same with other ends: less at the beginning, more at the end. What is added at the end is made of all that is
  // stored by then.
  async::Task<base::Result<EdgedSound>> edged_sound(FragmentLogPtr log, StoredFragment fragment, SoundEdges edges);

  // Some units of a fragment, which need not be stored yet: `live` has the packets that no stored fragment has. Once
  // for many readers, as above. Rendered with a look-back of its own, so that the bytes are those of the whole fragment
  // only within what the encoder remembers; sample for sample they join.
  async::Task<base::Result<std::shared_ptr<const RenderedAudio>>> audio_part(FragmentLogPtr log, FragmentNumber number,
                                                                             AacUnits units,
                                                                             std::vector<LiveFrame> live);

  // Contract 4.3: one document of GetMedia. `now` is for MILLIS_BEHIND_NOW; without it the document is one of
  // GetMediaForFragmentList (4.4), which has no trailing tags and both names of the times. Where no fragment joins this
  // one its sound goes on to the end of its pictures; `closes`: also when that is not known yet.
  async::Task<base::Result<base::Bytes>> media_document(FragmentLogPtr log, StoredFragment fragment,
                                                        std::optional<base::WallTime> now, bool closes = false);

  // styp, moof, mdat. Unsupported when the fragment has no such track, or in another codec than H.264, H.265, AAC.
  // `edges`: of sound. A producer's sound ends where it does.
  async::Task<base::Result<std::string>> mp4_segment(FragmentLogPtr log, StoredFragment fragment, PlaybackTrack track,
                                                     SoundEdges edges = {});
  // The whole fragment as one MPEG-TS segment, with the tracks that the session has. Errors as above.
  struct TsTracks {
    bool video = true;
    bool audio = true;
    SoundEdges edges{};
  };
  async::Task<base::Result<std::string>> ts_segment(FragmentLogPtr log, StoredFragment fragment, TsTracks tracks);

  struct Stats {
    std::uint64_t audio_rendered = 0;        // whole fragments
    std::uint64_t audio_parts_rendered = 0;  // of low-latency HLS, and what closes a selection: in memory alone
    std::uint64_t audio_from_cache = 0;
    std::uint64_t audio_from_disk = 0;
    std::size_t audio_cache_bytes = 0;
  };
  Stats stats() const;

 private:
  class AudioCache;
  async::Task<std::shared_ptr<const RenderedAudio>> load_kept(FragmentLogPtr log, StoredFragment fragment);
  std::unique_ptr<AudioCache> cache_;
  async::DiskWorker& renderers_;
};

// The initialisation segment of an H.264, H.265 or AAC track, whatever its number is. The codec private data decides
// the size of H.264 pictures and the rate of the sound; Corrupt when it is not usable.
base::Result<std::string> make_init(const container::Track& track);

// What GetMediaForFragmentList says in place of a fragment that it cannot give (contract 4.4): Tags, to follow a
// document.
base::Bytes make_media_exception(std::string_view fragment_number, const base::Error& error);

// What GetMedia says in place of a fragment that cannot be read (contract 4.3): Tags, to follow a document.
base::Bytes make_media_error();

}  // namespace streams
