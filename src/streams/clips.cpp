// SPDX-License-Identifier: Apache-2.0
#include "streams/clips.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "streams/codec_configurations.hpp"
#include "streams/media_file.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

class UnnamedFile final : public Clip {
 public:
  // Takes the name away: the file lives as long as it is open.
  static Result<std::unique_ptr<Clip>> take(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return base::fail(Errc::Io, fmt::format("opening {}: {}", path, std::strerror(errno)));
    auto taken = std::make_unique<UnnamedFile>(file);
    (void)::unlink(path.c_str());
    struct stat status{};
    if (::fstat(file, &status) < 0) return base::fail(Errc::Io, fmt::format("{}: {}", path, std::strerror(errno)));
    taken->size_ = static_cast<std::uint64_t>(status.st_size);
    return taken;
  }
  explicit UnnamedFile(int file) : file_(file) {}
  ~UnnamedFile() override { ::close(file_); }
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  std::uint64_t size() const override { return size_; }
  Result<base::Bytes> read(std::uint64_t offset, std::size_t most) const override {
    base::Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(most, size_ - std::min(offset, size_))));
    const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0) return base::fail(Errc::Io, fmt::format("reading a clip: {}", std::strerror(errno)));
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }

 private:
  const int file_;
  std::uint64_t size_ = 0;
};

bool gets_rendered_sound(const StoredFragment& fragment) {
  return (fragment.header.flags & kAudio) != 0 && (fragment.header.flags & kProducerDocument) == 0;
}

MediaFileKind kind_of(const std::vector<StoredFragment>& fragments) {
  const auto differs = [&](const StoredFragment& fragment) {
    return fragment.header.codec_fingerprint != fragments.front().header.codec_fingerprint;
  };
  return std::ranges::any_of(fragments, differs) ? MediaFileKind::Mp4InBand : MediaFileKind::Mp4;
}

// Documents of one stream have the tracks of the first, and sound where it was negotiated.
Result<std::vector<container::Track>> tracks_of(base::ByteView first, const std::vector<StoredFragment>& fragments) {
  std::vector<container::Track> tracks;
  TRY_VOID(collect_tracks(first, tracks));
  const bool has_sound = std::ranges::any_of(tracks, [](const auto& track) { return track.is_audio(); });
  if (!has_sound && std::ranges::any_of(fragments, gets_rendered_sound)) tracks.push_back(make_rendered_track());
  return tracks;
}

}  // namespace

Clips::Clips(Playback& playback, async::DiskWorker& workers, std::string directory, ClipLimits limits)
    : playback_(playback), workers_(workers), directory_(std::move(directory)), limits_(limits) {
  std::error_code ignored;  // whoever makes a clip is told
  std::filesystem::remove_all(directory_, ignored);
  std::filesystem::create_directories(directory_, ignored);
}

Task<Result<std::vector<StoredFragment>>> Clips::choose(FragmentLogPtr log, ClipRequest request) const {
  FragmentQuery query{.axis = request.axis, .from = request.from, .to = request.to, .limit = limits_.fragments};
  CO_TRY(FragmentPage page, co_await log->list(query));
  std::vector<StoredFragment> chosen;
  std::uint64_t bytes = 0;
  for (const StoredFragment& fragment : page.fragments) {
    // A picture needs the key frame before it.
    if (chosen.empty() && (fragment.header.flags & kDependent) != 0) continue;
    bytes += fragment.payload_size;
    if (bytes > limits_.bytes && !chosen.empty()) break;
    chosen.push_back(fragment);
  }
  if (chosen.empty()) {
    co_return base::fail(Errc::NotFound, "No fragments found in the stream for the clip request.");
  }
  CO_TRY_VOID(check_configurations(chosen, limits_.configurations));
  co_return chosen;
}

Task<Result<std::unique_ptr<Clip>>> Clips::make(FragmentLogPtr log, std::vector<StoredFragment> fragments) {
  const std::string path = fmt::format("{}/{}.mp4", directory_, ++made_);
  CO_TRY(const std::optional<StoredFragment> next, co_await find_joining(log, fragments.back()));
  std::unique_ptr<MediaFileWriter> file;
  for (const StoredFragment& fragment : fragments) {
    const bool closes = !next && fragment.header.number == fragments.back().header.number;
    CO_TRY(const base::Bytes document, co_await playback_.media_document(log, fragment, std::nullopt, closes));
    CO_TRY_VOID(co_await workers_.run([&]() -> Result<void> {
      if (!file) {
        TRY(auto tracks, tracks_of(document, fragments));
        TRY(file, create_media_file(path, kind_of(fragments), std::move(tracks)));
      }
      return file->add(fragment.header.producer_time, producer_end(fragment), document);
    }));
  }
  if (next) {
    CO_TRY(const base::Bytes document, co_await playback_.media_document(log, *next, std::nullopt));
    CO_TRY_VOID(co_await workers_.run([&] { return file->add_closing_sound(next->header.producer_time, document); }));
  }
  auto clip = co_await workers_.run([&]() -> Result<std::unique_ptr<Clip>> {
    TRY_VOID(file->finish());
    return UnnamedFile::take(path);
  });
  co_return clip;
}

}  // namespace streams
