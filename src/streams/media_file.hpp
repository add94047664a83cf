// SPDX-License-Identifier: Apache-2.0
#pragma once
// One playable file from the documents of many fragments: Matroska, or MP4 with its index in front. Nothing is coded
// anew: frames go into the file as the documents hold them.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "container/matroska.hpp"

namespace streams {

enum class MediaFileKind : std::uint8_t {
  Matroska,
  Mp4,
  Mp4InBand,  // its parameter sets change: sample entry avc3 or hev1 (ISO/IEC 14496-15), they are in the pictures
};

// Where time that is missing in the recording was taken out of the file.
struct MediaFileCut {
  std::chrono::microseconds at{};  // in the file
  std::chrono::microseconds missing{};
};

struct MediaFileReport {
  std::uint64_t video_frames = 0;
  std::uint64_t audio_frames = 0;
  std::chrono::microseconds duration{};
  std::vector<MediaFileCut> cuts;
};

// One thread. The file is there when finish() has succeeded; until then it has the suffix ".partial", which goes away
// with this object.
class MediaFileWriter {
 public:
  virtual ~MediaFileWriter() = default;

  // `document` is one Matroska document, stored or rendered, of the fragment [start, end); in the order of time. A hole
  // of more than 100 ms between fragments is cut out and reported. Unsupported if it has a track that the file has not:
  // the kind of a track and its name decide which is which.
  virtual base::Result<void> add(base::WallTime start, base::WallTime end, base::ByteView document) = 0;
  // `document`: of the fragment at `start` that joins the last one. Its sound that belongs to the pictures of that one.
  virtual base::Result<void> add_closing_sound(base::WallTime start, base::ByteView document) = 0;
  virtual base::Result<MediaFileReport> finish() = 0;
};

// `tracks`: of the whole file. Unsupported names a codec that the kind cannot hold; Io if the file cannot be made.
base::Result<std::unique_ptr<MediaFileWriter>> create_media_file(const std::string& path, MediaFileKind kind,
                                                                 std::vector<container::Track> tracks);

// The tracks of a document, added to those that are known already unless they are there.
base::Result<void> collect_tracks(base::ByteView document, std::vector<container::Track>& tracks);
// The AAC track of documents that GetMedia and GetMediaForFragmentList give.
container::Track make_rendered_track();

}  // namespace streams
