// SPDX-License-Identifier: Apache-2.0
// What cameras sent (the manifest of `tidegate camera`) against what a data directory holds, frame by frame.
//
// ingest_check --data-dir DIR --manifest FILE [--worst 5]   prints one line of JSON
#include <fmt/format.h>
#include <openssl/sha.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <unordered_map>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "aws/json_document.hpp"
#include "container/matroska_parser.hpp"
#include "store/metadata_store.hpp"
#include "streams/archive_reader.hpp"

namespace {

using Hash = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

// Of one kind of a loop: the hash of each frame, and its numbers in the loop by hash.
struct Track {
  std::vector<Hash> frames;
  std::multimap<Hash, std::size_t> numbers;
};

// `torn`: places inside fragments where sent frames are missing; `unexplained`: the same between two fragments of which
// the later states no gap.
struct Counts {
  std::uint64_t sent = 0, stored = 0, missing = 0, altered = 0, repeated = 0, torn = 0, unexplained = 0;
  Counts& operator+=(const Counts& other) {
    sent += other.sent;
    stored += other.stored;
    missing += other.missing;
    altered += other.altered;
    repeated += other.repeated;
    torn += other.torn;
    unexplained += other.unexplained;
    return *this;
  }
  std::string json() const {
    return fmt::format(
        R"({{"sent":{},"stored":{},"missing":{},"altered":{},"repeated":{},"torn":{},"unexplained":{}}})", sent, stored,
        missing, altered, repeated, torn, unexplained);
  }
};

struct Camera {
  std::string stream;
  std::vector<std::size_t> video, audio;  // loop numbers of what was sent, in order
};

Track read_track(const aws::JsonValue& list) {
  Track track;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string text(list.element(i).text().value_or(""));
    Hash hash{};
    for (std::size_t k = 0; k < hash.size() && 2 * k + 1 < text.size(); ++k)
      hash[k] = static_cast<std::uint8_t>(std::stoi(text.substr(2 * k, 2), nullptr, 16));
    track.frames.push_back(hash);
    track.numbers.emplace(hash, i);
  }
  return track;
}

std::vector<std::size_t> read_runs(const aws::JsonValue& list, std::size_t size) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto first = static_cast<std::size_t>(list.element(i).element(0).integer().value_or(0));
    const auto count = static_cast<std::size_t>(list.element(i).element(1).integer().value_or(0));
    for (std::size_t k = 0; k < count; ++k) numbers.push_back((first + k) % size);
  }
  return numbers;
}

// Follows what was sent by what is stored. A stored frame that the loop has is looked for from where the last one was
// found on, within one turn of the loop: what is passed over is missing. One that is not there any more was there
// before: repeated. One that the loop has not is altered.
class Comparison {
 public:
  Comparison(const Track& track, const std::vector<std::size_t>& sent) : track_(track), sent_(sent) {
    counts_.sent = sent.size();
  }

  void begin_fragment(bool after_gap) { place_ = after_gap ? Place::AfterGap : Place::Between; }

  void take(base::ByteView frame) {
    Hash hash;
    SHA256(frame.data(), frame.size(), hash.data());
    ++counts_.stored;
    const auto [from, to] = track_.numbers.equal_range(hash);
    if (from == to) {
      ++counts_.altered;
      return;
    }
    std::size_t found = sent_.size();
    for (auto number = from; number != to; ++number) {
      const std::size_t end = std::min(sent_.size(), next_ + track_.frames.size());
      for (std::size_t at = next_; at < std::min(end, found); ++at) {
        if (sent_[at] == number->second) found = at;
      }
    }
    if (found == sent_.size()) {
      ++counts_.repeated;
      return;
    }
    if (found > next_ && matched_ > 0) {
      if (place_ == Place::Inside) ++counts_.torn;
      if (place_ == Place::Between) ++counts_.unexplained;
    }
    place_ = Place::Inside;
    ++matched_;
    next_ = found + 1;
  }

  Counts finish() {
    counts_.missing = counts_.sent - matched_;
    return counts_;
  }

 private:
  enum class Place : std::uint8_t { Between, AfterGap, Inside };

  const Track& track_;
  const std::vector<std::size_t>& sent_;
  std::size_t next_ = 0;
  Place place_ = Place::Between;
  std::uint64_t matched_ = 0;
  Counts counts_;
};

class Reader {
 public:
  base::Result<void> open(const std::string& directory) {
    TRY(const auto metadata, store::open_sqlite_metadata_for_reading(directory + "/catalog.sqlite"));
    TRY(const auto rows, metadata->load_streams());
    for (const store::StreamRow& row : rows) rows_.emplace(row.name, row);
    TRY(archive_, streams::open_archive_for_reading(directory, readers_));
    return {};
  }

  // Every stored frame of a stream, in order; `begin` is told of each fragment before its frames.
  template <class Begin, class F>
  base::Result<std::uint64_t> for_each_frame(const std::string& stream, Begin begin, F visit) {
    const auto row = rows_.find(stream);
    if (row == rows_.end()) return 0;  // a camera that could not make it: what it says it sent is missing
    const auto log = archive_->log(row->second.key, row->second.retention_hours);
    std::uint64_t fragments = 0;
    streams::FragmentNumber last{};
    for (;;) {
      const std::size_t page = 100;
      TRY(const auto found, shard_.run_blocking([&] { return log->after(last, page); }));
      for (const streams::StoredFragment& fragment : found) {
        TRY(const auto payload, shard_.run_blocking([&] { return log->read(fragment); }));
        TRY(const auto document, container::parse_matroska(*payload));
        begin(fragment.header.gap_before.has_value());
        for (const container::Block& block : document.blocks) {
          const container::Track* track = document.find_track(block.track);
          if (track != nullptr) visit(track->is_video(), block.payload);
        }
        ++fragments;
        last = fragment.header.number;
      }
      if (found.size() < page) return fragments;
    }
  }

 private:
  async::DiskWorker readers_{{"readers", 1, 64}};
  std::map<std::string, store::StreamRow> rows_;
  std::unique_ptr<streams::ArchiveReader> archive_;
  async::Shard shard_{"check"};
};

base::Result<void> run(const std::string& directory, const std::string& manifest, std::size_t worst) {
  std::ifstream file(manifest);
  std::string line;
  if (!std::getline(file, line)) return base::fail(base::Errc::NotFound, "cannot read " + manifest);
  const auto head = aws::JsonDocument::parse(line);
  if (!head) return base::fail(base::Errc::Corrupt, manifest + " does not begin with its loop");
  const Track video = read_track(head->root().find("video"));
  const Track audio = read_track(head->root().find("audio"));
  Reader reader;
  TRY_VOID(reader.open(directory));
  Counts pictures, sound;
  std::uint64_t fragments = 0, cameras = 0, incomplete = 0;
  std::vector<std::pair<std::uint64_t, std::string>> losers;
  while (std::getline(file, line)) {
    const auto row = aws::JsonDocument::parse(line);
    if (!row) return base::fail(base::Errc::Corrupt, manifest + " has a line that is not JSON");
    const Camera camera{std::string(row->root().find("stream").text().value_or("")),
                        read_runs(row->root().find("video"), std::max<std::size_t>(video.frames.size(), 1)),
                        read_runs(row->root().find("audio"), std::max<std::size_t>(audio.frames.size(), 1))};
    Comparison of_video(video, camera.video), of_audio(audio, camera.audio);
    const auto begin = [&](bool after_gap) {
      of_video.begin_fragment(after_gap);
      of_audio.begin_fragment(after_gap);
    };
    TRY(const std::uint64_t count,
        reader.for_each_frame(camera.stream, begin, [&](bool is_video, base::ByteView frame) {
          (is_video ? of_video : of_audio).take(frame);
        }));
    const Counts seen = of_video.finish(), heard = of_audio.finish();
    ++cameras;
    fragments += count;
    pictures += seen;
    sound += heard;
    const std::uint64_t wrong =
        seen.missing + seen.altered + seen.repeated + heard.missing + heard.altered + heard.repeated;
    if (wrong == 0 && count > 0) continue;
    ++incomplete;
    losers.emplace_back(
        wrong, fmt::format(R"({{"stream":"{}","video":{},"audio":{}}})", camera.stream, seen.json(), heard.json()));
  }
  std::ranges::sort(losers, std::greater<>());
  std::string text;
  for (std::size_t i = 0; i < std::min(worst, losers.size()); ++i) text += (text.empty() ? "" : ",") + losers[i].second;
  fmt::print(R"({{"cameras":{},"incomplete_cameras":{},"fragments":{},"video":{},"audio":{},"worst":[{}]}})"
             "\n",
             cameras, incomplete, fragments, pictures.json(), sound.json(), text);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What was sent against what is stored.");
  std::string directory, manifest;
  std::size_t worst = 5;
  app.add_option("--data-dir", directory)->required();
  app.add_option("--manifest", manifest)->required();
  app.add_option("--worst", worst, "streams that are named when something is wrong");
  CLI11_PARSE(app, argc, argv);
  const auto done = run(directory, manifest, worst);
  if (!done) fmt::print(stderr, "ingest_check: {}\n", done.error().message);
  return done ? 0 : 1;
}
