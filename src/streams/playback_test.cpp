// SPDX-License-Identifier: Apache-2.0
// A recording as the recorder makes it, played through Playback and StreamingSessions; ffmpeg is the player.
#include "streams/playback.hpp"

#include <gtest/gtest.h>
#include <opus.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <list>
#include <map>
#include <numbers>
#include <regex>
#include <set>
#include <thread>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "base/random.hpp"
#include "container/matroska_writer.hpp"
#include "container/test_media.hpp"
#include "streams/clips.hpp"
#include "streams/hls_playlists.hpp"
#include "streams/low_latency.hpp"
#include "streams/media_file.hpp"
#include "streams/streaming_sessions.hpp"
#include "streams/test_sound.hpp"

namespace streams {
namespace {

namespace media = container::test_media;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kOnAir{microseconds(1'795'000'000'123'457)};

// One stream's fragments in memory.
class MemoryLog final : public FragmentLog {
 public:
  StreamKey stream() const override { return {7, 1}; }
  FragmentNumber open_fragment(base::WallTime) override { return {}; }
  void commit(FragmentNumber, FragmentDraft, Committed) override {}
  void abandon(FragmentNumber) override {}
  std::optional<StoredFragment> last() const override { return all.empty() ? std::nullopt : std::optional(all.back()); }
  std::optional<RecordingEnd> recorded_until() const override { return std::nullopt; }
  async::Task<base::Result<FragmentPage>> list(FragmentQuery query) override {
    FragmentPage page;
    for (const StoredFragment& one : all) {
      const auto time = query.axis == TimeAxis::Server ? one.header.server_time : one.header.producer_time;
      if ((!query.from || time >= *query.from) && (!query.to || time <= *query.to)) page.fragments.push_back(one);
    }
    if (page.fragments.size() > query.limit) page.fragments.resize(query.limit);
    co_return page;
  }
  async::Task<base::Result<FragmentPage>> list_next(std::string, std::size_t) override { co_return FragmentPage{}; }
  async::Task<base::Result<std::optional<StoredFragment>>> find(FragmentNumber number) override {
    for (const StoredFragment& one : all) {
      if (one.header.number == number) co_return std::optional(one);
    }
    co_return std::optional<StoredFragment>{};
  }
  async::Task<base::Result<std::vector<StoredFragment>>> after(FragmentNumber number, std::size_t limit) override {
    std::vector<StoredFragment> out;
    for (const StoredFragment& one : all) {
      if (one.header.number > number && out.size() < limit) out.push_back(one);
    }
    co_return out;
  }
  async::Task<base::Result<std::vector<StoredFragment>>> newest(std::size_t limit) override {
    std::vector<StoredFragment> out = all;
    if (out.size() > limit) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(limit));
    co_return out;
  }
  async::Task<base::Result<std::optional<StoredFragment>>> starting_at(TimeAxis, base::WallTime time) override {
    for (const StoredFragment& one : all) {
      if (producer_end(one) > time) co_return std::optional(one);
    }
    co_return std::optional<StoredFragment>{};
  }
  async::Task<base::Result<Coverage>> coverage(CoverageQuery) override { co_return Coverage{}; }
  async::Task<base::Result<Payload>> read(StoredFragment fragment) override {
    co_return payloads.at(fragment.header.number);
  }
  async::Task<std::optional<StoredFragment>> wait_after(FragmentNumber number, base::Duration timeout) override {
    for (const base::Instant end = async::now() + timeout; async::now() < end;) {
      for (const StoredFragment& one : all) {
        if (one.header.number > number) co_return one;
      }
      co_await async::sleep_for(std::chrono::milliseconds(5));
    }
    co_return std::nullopt;
  }
  bool deleted() const override { return false; }

  std::vector<StoredFragment> all;
  std::map<FragmentNumber, Payload> payloads;
};

class MemoryArchive final : public Archive {
 public:
  std::shared_ptr<FragmentLog> log(StreamKey) override { return memory; }
  base::Result<void> set_retention(StreamKey, RetentionPolicy) override { return {}; }
  store::VolumeHealth health() const override { return {}; }
  base::Result<std::vector<store::StreamUse>> uses() override { return std::vector<store::StreamUse>(); }
  base::Result<void> sweep() override { return {}; }
  base::Result<void> remove(StreamKey) override { return {}; }
  void flush() override {}
  ArchiveStats stats() const override { return {}; }

  std::shared_ptr<MemoryLog> memory = std::make_shared<MemoryLog>();  // shared as the interface wants
};

std::vector<base::Bytes> make_opus_tone(std::size_t count) {
  int error = 0;
  const std::unique_ptr<OpusEncoder, decltype(&opus_encoder_destroy)> encoder(
      opus_encoder_create(48'000, 1, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
  std::vector<base::Bytes> packets;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<float> pcm(960);
    for (std::size_t k = 0; k < 960; ++k)
      pcm[k] =
          static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(960 * i + k) / 48'000));
    base::Bytes packet(1500);
    packet.resize(static_cast<std::size_t>(opus_encode_float(encoder.get(), pcm.data(), 960, packet.data(), 1500)));
    packets.push_back(std::move(packet));
  }
  return packets;
}

struct Scene {
  int fragments = 5;
  bool audio = true;
  std::set<int> gaps_before{};  // fragment index: ten seconds are missing before it
};

// 25 frames a second with a key frame every two seconds; sound runs along, from a clock of its own.
void record_scene(const Scene& scene, MemoryLog& log) {
  const media::Scratch scratch;
  const media::Video video = media::make_video(scratch, scene.fragments * 50, 50, 0);
  const std::vector<base::Bytes> tone = make_opus_tone(static_cast<std::size_t>(scene.fragments) * 100 + 1);
  auto shift = microseconds(0);
  std::size_t sound = 0;
  for (int f = 0; f < scene.fragments; ++f) {
    if (scene.gaps_before.contains(f)) shift += seconds(10);
    const base::WallTime start = kOnAir + seconds(2 * f) + shift;
    const base::WallTime end = start + seconds(2);
    container::MatroskaFragmentWriter writer(start);
    for (int i = 0; i < 50; ++i) {
      const auto& unit = video.units[static_cast<std::size_t>(50 * f + i)];
      EXPECT_TRUE(writer.add({1, unit.key_frame, start + milliseconds(40 * i), 3600LL * (50 * f + i)}, unit.payload));
    }
    for (; scene.audio && sound < tone.size(); ++sound) {
      const base::WallTime time = kOnAir + milliseconds(7 + 20 * static_cast<int>(sound)) + shift;
      if (time >= end) break;
      EXPECT_TRUE(
          writer.add({2, true, time, static_cast<std::int64_t>(960 * sound) + shift.count() * 6 / 125}, tone[sound]));
    }
    std::vector<container::Track> tracks{container::make_avc_track(1, video.avcc, 160, 96)};
    if (scene.audio) tracks.push_back(container::make_opus_track(2, ""));
    StoredFragment stored;
    stored.header.stream = log.stream();
    stored.header.number = {static_cast<std::uint64_t>(base::to_microseconds(end))};
    stored.header.producer_time = start;
    stored.header.server_time = start + milliseconds(250);
    stored.header.duration = end - start;
    stored.header.flags = scene.audio ? kAudio : 0;
    stored.header.codec_fingerprint = 1;
    const auto payload = std::make_shared<const base::Bytes>(writer.finish(tracks, end));
    stored.payload_size = static_cast<std::uint32_t>(payload->size());
    log.payloads[stored.header.number] = payload;
    log.all.push_back(stored);
  }
}

struct Theatre {
  explicit Theatre(const Scene& scene) { record_scene(scene, *archive.memory); }
  ~Theatre() {  // what it has spawned names the members below
    shard.stop();
    shard.join();
  }

  template <class F>
  auto run(F fn) {
    return shard.run_blocking(std::move(fn));
  }
  base::Result<SessionAnswer> fetch(const std::string& uri, base::WallTime now) {
    SessionFetch request;
    request.resource = uri.substr(0, uri.find('?'));
    const std::regex pair("([A-Za-z]+)=([^&]*)");
    for (std::sregex_iterator it(uri.begin(), uri.end(), pair), end; it != end; ++it) {
      if ((*it)[1] == "SessionToken") request.token = (*it)[2];
      if ((*it)[1] == "TrackNumber") request.track_number = (*it)[2];
      if ((*it)[1] == "FragmentNumber") request.fragment_number = (*it)[2];
      if ((*it)[1] == "From") request.edges.from_picture = (*it)[2] == "Picture";
      if ((*it)[1] == "To") request.edges.to_picture = (*it)[2] == "Picture";
      if ((*it)[1] == "CodecPrivate") request.init.codec_private = (*it)[2];
    }
    return run([&] { return hls.answer(request, now); });
  }
  base::Result<std::string> open(StreamingRequest request, base::WallTime now) {
    return run([&] { return hls.open({7, 1}, request, now); });
  }
  // Another server over the same archive.
  StreamingSessions& restart() { return others.emplace_back(archive, playback, base::Bytes(32, 9), random); }

  async::Shard shard{"test"};
  async::DiskWorker worker{{.name = "render", .threads = 2}};
  MemoryArchive archive;
  Playback playback{{}, worker};
  base::SeededRandom random{5};
  StreamingSessions hls{archive, playback, base::Bytes(32, 9), random};
  std::list<StreamingSessions> others{};  // rendering ahead goes on for a while after the last answer
};

// Fetches a playlist and everything it names into `directory`, under plain names; gives the file's name.
std::string save(Theatre& theatre, const media::Scratch& scratch, const std::string& uri, base::WallTime now,
                 int& counter) {
  const auto answer = theatre.fetch(uri, now);
  EXPECT_TRUE(answer) << uri;
  if (!answer) return "";
  const bool playlist = answer->content_type.find("mpegurl") != std::string::npos;
  const std::string name = std::to_string(counter++) + (playlist                               ? ".m3u8"
                                                        : answer->content_type == "video/mp2t" ? ".ts"
                                                                                               : ".mp4");
  std::string body = answer->segment ? *answer->segment : answer->body;
  if (playlist) {
    static const std::regex address("get[A-Za-z0-9]+\\.(m3u8|mp4|ts)\\?[^\"\\s]+");
    std::map<std::string, std::string> names;
    for (std::sregex_iterator it(body.begin(), body.end(), address), end; it != end; ++it) {
      if (!names.contains(it->str())) names[it->str()] = save(theatre, scratch, it->str(), now, counter);
    }
    for (const auto& [from, to] : names) {
      for (std::size_t at = 0; (at = body.find(from, at)) != std::string::npos;) body.replace(at, from.size(), to);
    }
  }
  scratch.write(name, base::as_bytes(body));
  return name;
}

struct Seen {
  std::vector<double> video;  // presentation times, in order
  std::vector<double> audio;
};

Seen probe(const std::string& file) {
  Seen seen;
  for (const char* kind : {"v", "a"}) {
    std::istringstream lines(media::run("ffprobe -v error -allowed_extensions ALL -select_streams " +
                                        std::string(kind) + " -show_entries packet=pts_time -of csv=p=0 " + file +
                                        " 2>&1 | grep -v unknown-length; true"));
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;  // between the packets of MPEG-TS
      try {
        (*kind == 'v' ? seen.video : seen.audio).push_back(std::stod(line));
      } catch (const std::exception&) {
        ADD_FAILURE() << line;
      }
    }
  }
  return seen;
}

double largest_step(const std::vector<double>& times) {
  double largest = 0;
  for (std::size_t i = 1; i < times.size(); ++i) largest = std::max(largest, std::abs(times[i] - times[i - 1]));
  return largest;
}

TEST(HlsToken, ComesBackAndCannotBeForged) {
  base::SeededRandom random(3);
  const base::Bytes key(32, 4);
  const StreamingSession session{.stream = {9, 2},
                                 .mode = PlaybackMode::OnDemand,
                                 .axis = TimeAxis::Producer,
                                 .discontinuities = DiscontinuityMode::OnDiscontinuity,
                                 .show_timestamps = true,
                                 .audio = true,
                                 .max_fragments = 77,
                                 .from = kOnAir,
                                 .to = kOnAir + seconds(9),
                                 .expires = kOnAir + seconds(300),
                                 .first = {12345},
                                 .target_duration = seconds(3),
                                 .owner = "AKIDEXAMPLE",
                                 .part_target = milliseconds(252)};
  const std::string token = seal_session(session, key, random);
  EXPECT_EQ(token.back(), '~');
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~"),
            std::string::npos);
  EXPECT_EQ(open_session(token, key), session);
  EXPECT_NE(seal_session(session, key, random), token);
  EXPECT_EQ(open_session(token, base::Bytes(32, 5)), std::nullopt);
  for (std::size_t i = 0; i < token.size(); i += 3) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open_session(forged, key), std::nullopt) << i;
  }
  for (const char* bad : {"", "~", "AAAA~", "not a token"}) EXPECT_EQ(open_session(bad, key), std::nullopt);
}

TEST(Hls, OnDemandPlaysInOneRangeWithAndWithoutDiscontinuities) {
  if (!media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  Theatre theatre({.fragments = 5});
  for (const auto mode : {DiscontinuityMode::Never, DiscontinuityMode::Always, DiscontinuityMode::OnDiscontinuity}) {
    const media::Scratch scratch;
    const base::WallTime now = kOnAir + seconds(20);
    const auto token = theatre.open(
        {.mode = PlaybackMode::OnDemand, .discontinuities = mode, .from = kOnAir, .to = now, .max_fragments = 1000},
        now);
    ASSERT_TRUE(token) << token.error().message;
    int counter = 0;
    const std::string master =
        scratch / save(theatre, scratch, "getHLSMasterPlaylist.m3u8?SessionToken=" + *token, now, counter);
    const std::string decoded = media::run("ffmpeg -v error -xerror -allowed_extensions ALL -i " + master +
                                           " -map 0:v -map 0:a -f null - 2>&1");
    EXPECT_EQ(decoded, "");
    const Seen seen = probe(master);
    EXPECT_EQ(seen.video.size(), 250u);
    EXPECT_NEAR(largest_step(seen.video), 0.040, 0.002);
    EXPECT_NEAR(largest_step(seen.audio), 1024.0 / 48'000, 0.002);
    ASSERT_FALSE(seen.audio.empty());
    // Sound and picture end within 100 ms of each other, and both last ten seconds.
    EXPECT_LT(std::abs(seen.video.back() + 0.040 - (seen.audio.back() + 0.0213)), 0.1);
    EXPECT_NEAR(seen.video.back() - seen.video.front(), 9.96, 0.001);
    EXPECT_NEAR(static_cast<double>(seen.audio.size()) * 1024 / 48'000, 10.0, 0.03);
  }
}

// A selection's sound begins and ends with its pictures, to the unit, wherever in a recording it was chosen.
TEST(Hls, ASelectionsSoundLastsAsLongAsItsPictures) {
  if (!media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  constexpr double kUnit = 1024.0 / 48'000;
  Theatre theatre({.fragments = 6, .gaps_before = {4}});
  for (const bool mpeg_ts : {false, true}) {
    for (const auto& [first, last] : {std::pair(0, 3), std::pair(1, 2), std::pair(4, 5)}) {
      const media::Scratch scratch;
      const auto& all = theatre.archive.memory->all;
      const base::WallTime now = kOnAir + seconds(60);
      const auto token = theatre.open({.mode = PlaybackMode::OnDemand,
                                       .discontinuities = DiscontinuityMode::OnDiscontinuity,
                                       .mpeg_ts = mpeg_ts,
                                       .from = all.at(static_cast<std::size_t>(first)).header.server_time,
                                       .to = all.at(static_cast<std::size_t>(last)).header.server_time,
                                       .max_fragments = 1000},
                                      now);
      ASSERT_TRUE(token) << token.error().message;
      int counter = 0;
      const Seen seen =
          probe(scratch / save(theatre, scratch, "getHLSMasterPlaylist.m3u8?SessionToken=" + *token, now, counter));
      ASSERT_FALSE(seen.audio.empty() || seen.video.empty());
      const double begins = seen.audio.front() - seen.video.front();
      const double ends = seen.audio.back() + kUnit - (seen.video.back() + 0.040);
      EXPECT_GE(begins, -0.0001) << first;
      EXPECT_LT(begins, kUnit) << first;
      EXPECT_GE(ends, -0.0001) << last;
      EXPECT_LT(ends, kUnit + 0.0001) << last;
      EXPECT_NEAR(largest_step(seen.audio), kUnit, 0.002);
    }
  }
}

// What a selection adds at its end are the next fragment's own units, where there is one; what is the fragment's own is
// the same with any edges.
TEST(Playback, EdgesLeaveTheFragmentsOwnUnitsAsTheyAre) {
  Theatre theatre({.fragments = 3});
  const auto& log = theatre.archive.memory;
  const StoredFragment one = log->all[1];
  const auto own = theatre.run([&] { return theatre.playback.audio(log, one); });
  const auto next = theatre.run([&] { return theatre.playback.audio(log, log->all[2]); });
  const auto edged =
      theatre.run([&] { return theatre.playback.edged_sound(log, one, {.from_picture = true, .to_picture = true}); });
  ASSERT_TRUE(own && next && edged);
  const std::int64_t first = (*own)->first_sample / kAacFrameSamples;
  EXPECT_GT(edged->units.first, first);
  const auto past = first + static_cast<std::int64_t>((*own)->units().size());
  ASSERT_GE(edged->units.past(), past + 2);
  const auto bytes = [](base::ByteView view) { return base::Bytes(view.begin(), view.end()); };
  const auto own_units = copy_units(**own), next_units = copy_units(**next);
  for (std::int64_t unit = edged->units.first; unit < past; ++unit) {
    EXPECT_EQ(bytes(edged->unit(unit)), own_units.at(static_cast<std::size_t>(unit - first)));
  }
  for (std::int64_t unit = past; unit < edged->units.past(); ++unit) {
    EXPECT_EQ(bytes(edged->unit(unit)), next_units.at(static_cast<std::size_t>(unit - past)));
  }
}

std::size_t count_sound(Theatre& theatre, const StoredFragment& fragment, bool closes = false) {
  const auto document = theatre.run(
      [&] { return theatre.playback.media_document(theatre.archive.memory, fragment, std::nullopt, closes); });
  if (!document) return 0;
  const auto parsed = container::parse_matroska(*document);
  return parsed ? static_cast<std::size_t>(std::ranges::count(
                      parsed->blocks, 1U, [](const container::Block& block) { return block.track == 1 ? 0U : 1U; }))
                : 0;
}

// 93.75 units in two seconds; two or three more where the recording stops.
TEST(Playback, TheLastDocumentOfARunHasAllOfItsSound) {
  Theatre theatre({.fragments = 4, .gaps_before = {2}});
  std::vector<StoredFragment>& all = theatre.archive.memory->all;
  const auto own = [](const StoredFragment& fragment, bool ends) {
    const SoundEdges edges{.to_picture = ends};
    return static_cast<std::size_t>(
        find_edged_units(fragment.header.producer_time, producer_end(fragment), edges).count);
  };
  EXPECT_EQ(count_sound(theatre, all[0]), own(all[0], false));
  EXPECT_EQ(count_sound(theatre, all[1]), own(all[1], true));
  EXPECT_GE(own(all[1], true), own(all[1], false) + 2);
  // Of the newest it is not known yet, unless it says so; GetClip asks for it as it is now.
  EXPECT_EQ(count_sound(theatre, all[3]), own(all[3], false));
  EXPECT_EQ(count_sound(theatre, all[3], true), own(all[3], true));
  all[3].header.ended_by = GapReason::PublisherLeft;
  EXPECT_EQ(count_sound(theatre, all[3]), own(all[3], true));
}

// Sound and picture are on one clock inside the segments, wherever a player starts.
TEST(Playback, SegmentsShareOneClock) {
  if (!media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  Theatre theatre({.fragments = 3});
  const media::Scratch scratch;
  const auto& log = theatre.archive.memory;
  double audio_end = 0;
  for (const StoredFragment& fragment : log->all) {
    const auto video = theatre.run([&] { return theatre.playback.mp4_segment(log, fragment, PlaybackTrack::Video); });
    const auto audio = theatre.run([&] { return theatre.playback.mp4_segment(log, fragment, PlaybackTrack::Audio); });
    ASSERT_TRUE(video && audio);
    const auto opened = theatre.run([&] { return theatre.playback.open(log, fragment); });
    const auto init = make_init(*opened->document.find_video());
    const auto audio_init = make_init(make_rendered_track());
    ASSERT_TRUE(init && audio_init);
    const Seen seen_video = probe(scratch.write("v.mp4", base::as_bytes(*init + *video)));
    const Seen seen_audio = probe(scratch.write("a.mp4", base::as_bytes(*audio_init + *audio)));
    const double start = static_cast<double>(base::to_microseconds(fragment.header.producer_time)) / 1e6;
    EXPECT_NEAR(seen_video.video.front(), start, 0.00002);
    // The fragment's sound begins less than 100 ms before its picture, exactly where the last one's ended.
    EXPECT_LE(seen_audio.audio.front(), start);
    EXPECT_GT(seen_audio.audio.front(), start - 0.1);
    if (audio_end > 0) {
      EXPECT_NEAR(seen_audio.audio.front(), audio_end, 0.00003);
    }
    audio_end = seen_audio.audio.back() + 1024.0 / 48'000;
  }
}

TEST(Playback, GetMediaDocumentsFollowEachOther) {
  if (!media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  Theatre theatre({.fragments = 4});
  const media::Scratch scratch;
  const auto& log = theatre.archive.memory;
  base::Bytes stream;
  for (const StoredFragment& fragment : log->all) {
    const auto document =
        theatre.run([&] { return theatre.playback.media_document(log, fragment, kOnAir + seconds(60)); });
    ASSERT_TRUE(document);
    const auto parsed = container::parse_matroska(*document);
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->tags.size(), 5u);
    EXPECT_EQ(parsed->tags[0].value, fragment.header.number.text());
    EXPECT_EQ(parsed->tags[4].value, fragment.header.number.text());
    ASSERT_EQ(parsed->tracks.size(), 2u);
    EXPECT_EQ(parsed->tracks[1].codec_id, container::kCodecAac);
    // The cluster starts with the fragment, as PRODUCER_TIMESTAMP says.
    const auto first_video = std::ranges::find(parsed->blocks, 1U, &container::Block::track);
    EXPECT_EQ(base::to_milliseconds(first_video->time), base::to_milliseconds(fragment.header.producer_time));
    base::append(stream, *document);
    const std::string one = scratch.write("one.mkv", *document);
    EXPECT_EQ(media::run("ffmpeg -v error -xerror -i " + one + " -map 0:v -map 0:a -f null - 2>&1"), "");
  }
  const std::string file = scratch.write("media.mkv", stream);
  // ffmpeg says "unknown-length" at each further Segment of the service's own layout, and reads on.
  EXPECT_EQ(media::run("(ffmpeg -v error -xerror -i " + file +
                       " -map 0:v -map 0:a -f null - 2>&1 || echo failed) | grep -v unknown-length; true"),
            "");
  const Seen seen = probe(file);
  EXPECT_EQ(seen.video.size(), 200u);
  EXPECT_LT(largest_step(seen.audio), 0.024);
}

// The fragment as it was at the live edge, `pictures` of it.
LiveFragment to_live(const OpenedFragment& opened, std::size_t pictures) {
  LiveFragment live;
  live.header = opened.fragment.header;
  for (const container::Block& block : opened.document.blocks) {
    if (block.track != 1 || live.pictures.size() == pictures) continue;
    live.pictures.push_back(
        {.track = 1,
         .key_frame = block.key_frame,
         .time = block.time,
         .rtp_timestamp = block.rtp_timestamp,
         .payload = std::make_shared<const base::Bytes>(block.payload.begin(), block.payload.end())});
  }
  return live;
}

// The parts of a segment one after the other are its pictures; at the live edge they are the same bytes.
TEST(Parts, AreTheSegment) {
  if (!media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  Theatre theatre({.fragments = 2});
  const auto& log = theatre.archive.memory;
  const media::Scratch scratch;
  const auto opened = theatre.run([&] { return theatre.playback.open(log, log->all[1]); });
  const auto init = make_init(*opened->document.find_video());
  const CutFragment stored = cut_stored(*opened, PlaybackTrack::Video, milliseconds(252));
  ASSERT_EQ(stored.picture_parts.size(), 9U);
  std::string all = *init;
  for (std::size_t i = 0; i < stored.picture_parts.size(); ++i) {
    const PicturePart& part = stored.picture_parts[i];
    const base::Bytes bytes = write_picture_part(stored.pictures, part, stored.end);
    all += base::as_text(bytes);
    const LiveFragment live = to_live(*opened, part.first + part.count + 1);
    const CutFragment cut = cut_live(live, {}, PlaybackTrack::Video, milliseconds(252));
    if (part.first + part.count == 50) continue;  // the last one waits for the fragment's end
    ASSERT_GT(cut.picture_parts.size(), i);
    EXPECT_EQ(write_picture_part(cut.pictures, cut.picture_parts[i], cut.end), bytes);
  }
  const auto segment =
      theatre.run([&] { return theatre.playback.mp4_segment(log, log->all[1], PlaybackTrack::Video); });
  const std::string of_parts = scratch.write("parts.mp4", base::as_bytes(all));
  const std::string of_segment = scratch.write("segment.mp4", base::as_bytes(*init + *segment));
  const auto packets = [](const std::string& file) {
    return media::run(
        "ffprobe -v error -show_entries packet=pts,dts,duration,size,flags,data_hash -show_data_hash md5 "
        "-of csv=p=0 " +
        file + " 2>&1");
  };
  EXPECT_EQ(packets(of_parts), packets(of_segment));
  EXPECT_EQ(probe(of_parts).video.size(), 50U);
}

std::vector<float> decode_sound(const std::string& file) {
  const std::string raw = media::run("ffmpeg -v error -i " + file + " -f f32le -ac 1 - 2>&1");
  std::vector<float> samples(raw.size() / sizeof(float));
  std::memcpy(samples.data(), raw.data(), samples.size() * sizeof(float));
  return samples;
}

// Sound of the parts: every unit once, the same from the live edge and from what is stored.
TEST(Parts, SoundIsTheSameLiveAndStored) {
  if (!media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  Theatre theatre({.fragments = 3});
  const auto& log = theatre.archive.memory;
  const StoredFragment fragment = log->all[1];
  std::vector<LiveFrame> live;
  for (const std::size_t f : {0UL, 1UL}) {
    const auto opened = theatre.run([&] { return theatre.playback.open(log, log->all[f]); });
    for (const container::Block& block : opened->document.blocks) {
      if (block.track != 2) continue;
      live.push_back({.track = 2,
                      .key_frame = true,
                      .time = block.time,
                      .rtp_timestamp = block.rtp_timestamp,
                      .payload = std::make_shared<const base::Bytes>(block.payload.begin(), block.payload.end())});
    }
  }
  const auto init = make_init(make_rendered_track());
  const auto whole = theatre.run([&] { return theatre.playback.audio(log, fragment); });
  std::string all = *init;
  std::size_t units = 0;
  for (const SoundPart& part :
       cut_sound(fragment.header.producer_time, producer_end(fragment), producer_end(fragment), milliseconds(252))) {
    Playback other({}, theatre.worker);
    const auto stored = theatre.run([&] { return other.audio_part(log, fragment.header.number, part.units, {}); });
    // Only the packets that must have come by then.
    std::vector<LiveFrame> come = live;
    const std::int64_t past = (part.units.first + part.units.count - 1) * kAacFrameSamples + kAacReach;
    std::erase_if(come, [&](const LiveFrame& packet) { return to_timeline_sample(packet.time) - 312 > past; });
    const auto fresh =
        theatre.run([&] { return theatre.playback.audio_part(log, fragment.header.number, part.units, come); });
    ASSERT_TRUE(stored && fresh);
    EXPECT_EQ(copy_units(**stored), copy_units(**fresh));
    EXPECT_EQ((*stored)->first_sample, (*whole)->first_sample + static_cast<std::int64_t>(units) * kAacFrameSamples);
    units += (*stored)->units().size();
    all += base::as_text(write_sound_part(**stored));
  }
  EXPECT_EQ(units, (*whole)->units().size());
  const media::Scratch scratch;
  const std::string file = scratch.write("sound.mp4", base::as_bytes(all));
  EXPECT_EQ(media::run("ffmpeg -v error -xerror -i " + file + " -f null - 2>&1"), "");
  const Seen seen = probe(file);
  EXPECT_EQ(seen.audio.size(), units);
  // Sample for sample what the whole segment says, over every border between parts.
  const std::string segment =
      scratch.write("whole.mp4", base::as_bytes(*init + std::string(base::as_text(write_sound_part(**whole)))));
  const std::vector<float> of_parts = decode_sound(file), of_whole = decode_sound(segment);
  ASSERT_EQ(of_parts.size(), of_whole.size());
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < of_whole.size(); ++i) {
    signal += of_whole[i] * of_whole[i];
    noise += (of_whole[i] - of_parts[i]) * (of_whole[i] - of_parts[i]);
  }
  const double ratio = 10 * std::log10(signal / noise);
  RecordProperty("signal_to_difference_db", std::to_string(ratio));
  EXPECT_GT(ratio, 60) << "dB";
  EXPECT_NEAR(largest_step(seen.audio), 1024.0 / 48'000, 0.0001);
}

TEST(Playback, RenderedOnceForManyReaders) {
  Theatre theatre({.fragments = 2});
  const auto& log = theatre.archive.memory;
  const auto first = theatre.run([&] { return theatre.playback.mp4_segment(log, log->all[1], PlaybackTrack::Audio); });
  const auto second = theatre.run([&] { return theatre.playback.mp4_segment(log, log->all[1], PlaybackTrack::Audio); });
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(theatre.playback.stats().audio_rendered, 1u);
  EXPECT_EQ(theatre.playback.stats().audio_from_cache, 1u);
  EXPECT_GT(theatre.playback.stats().audio_cache_bytes, 10'000u);
}

TEST(Hls, VideoOnlyHasNoAudioPlaylist) {
  Theatre theatre({.fragments = 2, .audio = false});
  const base::WallTime now = kOnAir + seconds(5);
  const auto token = theatre.open({.max_fragments = 5}, now);
  ASSERT_TRUE(token);
  const auto master = theatre.fetch("getHLSMasterPlaylist.m3u8?SessionToken=" + *token, now);
  ASSERT_TRUE(master);
  EXPECT_EQ(master->body.find("AUDIO"), std::string::npos);
  EXPECT_NE(master->body.find("RESOLUTION=160x96,FRAME-RATE=25.000"), std::string::npos) << master->body;
  EXPECT_FALSE(theatre.fetch("getHLSMediaPlaylist.m3u8?SessionToken=" + *token + "&TrackNumber=2", now));
}

int number_after(const std::string& text, const std::string& tag) {
  const std::size_t at = text.find(tag);
  return at == std::string::npos ? 0 : std::stoi(text.substr(at + tag.size()));
}

// A live window of three slides over twelve fragments; a restarted server counts the same.
TEST(Hls, LiveSequencesAgreeBetweenLoadsTracksAndServers) {
  for (const auto mode : {DiscontinuityMode::Always, DiscontinuityMode::OnDiscontinuity, DiscontinuityMode::Never}) {
    Theatre theatre({.fragments = 12, .gaps_before = {6}});
    MemoryLog& log = *theatre.archive.memory;
    std::vector<StoredFragment> all;
    std::swap(all, log.all);
    log.all.assign(all.begin(), all.begin() + 4);
    const base::WallTime now = log.all.back().header.server_time + seconds(3);
    const auto token = theatre.open({.discontinuities = mode, .show_timestamps = true, .max_fragments = 3}, now);
    ASSERT_TRUE(token);
    std::map<std::string, std::pair<int, int>> places;  // segment -> media sequence, discontinuity sequence
    for (std::size_t count = 4; count <= 12; ++count) {
      theatre.run([&] { log.all.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)); });
      StreamingSessions& restarted = theatre.restart();
      for (const int track : {1, 2}) {
        const SessionFetch request{.resource = "getHLSMediaPlaylist.m3u8",
                                   .token = *token,
                                   .track_number = std::to_string(track),
                                   .fragment_number = {},
                                   .time = {},
                                   .init = {}};
        const auto answer = theatre.run([&] { return theatre.hls.answer(request, now); });
        const auto again = theatre.run([&] { return restarted.answer(request, now); });
        ASSERT_TRUE(answer && again);
        EXPECT_EQ(answer->body, again->body);
        EXPECT_EQ(answer->body.find("#EXT-X-ENDLIST"), std::string::npos);
        int media_sequence = number_after(answer->body, "#EXT-X-MEDIA-SEQUENCE:");
        int discontinuity = number_after(answer->body, "#EXT-X-DISCONTINUITY-SEQUENCE:");
        EXPECT_EQ(media_sequence, static_cast<int>(count) - 4);
        std::istringstream lines(answer->body);
        int segments = 0;
        for (std::string line; std::getline(lines, line);) {
          if (line == "#EXT-X-DISCONTINUITY") ++discontinuity;
          if (!line.starts_with("getMP4Media")) continue;
          const auto [place, fresh] = places.try_emplace(line, media_sequence, discontinuity);
          EXPECT_EQ(place->second, std::pair(media_sequence, discontinuity)) << line;
          ++media_sequence;
          ++segments;
        }
        EXPECT_EQ(segments, 3);
      }
    }
    const auto last = places.rbegin()->second;
    const int expected = mode == DiscontinuityMode::Always ? 11 : mode == DiscontinuityMode::OnDiscontinuity ? 1 : 0;
    EXPECT_EQ(last.second, expected);
  }
}

// RFC 8216 6.2.1: the target does not change, and 4.3.3.1: no segment, rounded, is above it. A fragment that is longer
// than what the session was opened with raises it for good, also for a server that counts anew.
TEST(Hls, TheTargetDurationIsTheSessionsAndNeverFalls) {
  Theatre theatre({.fragments = 12});
  MemoryLog& log = *theatre.archive.memory;
  std::vector<StoredFragment> all;
  std::swap(all, log.all);
  for (StoredFragment& one : all) one.header.duration = milliseconds(1800);
  all[1].header.duration = milliseconds(2300);  // before the session's first fragment
  all[7].header.duration = milliseconds(4600);
  log.all.assign(all.begin(), all.begin() + 5);
  const base::WallTime now = log.all.back().header.server_time + seconds(3);
  const auto token = theatre.open({.max_fragments = 2}, now);
  ASSERT_TRUE(token);
  for (std::size_t count = 5; count <= 12; ++count) {
    theatre.run([&] { log.all.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)); });
    StreamingSessions& restarted = theatre.restart();
    const SessionFetch request{.resource = "getHLSMediaPlaylist.m3u8",
                               .token = *token,
                               .track_number = "1",
                               .fragment_number = {},
                               .time = {},
                               .init = {}};
    for (StreamingSessions* server : {&theatre.hls, &restarted}) {
      const auto answer = theatre.run([&] { return server->answer(request, now); });
      ASSERT_TRUE(answer);
      EXPECT_EQ(number_after(answer->body, "#EXT-X-TARGETDURATION:"), count < 8 ? 3 : 5) << count;
    }
  }
}

// A fragment whose parts were shown and that was never committed: its place in the sequence is a gap, in every playlist
// that shows what follows, also of a restarted server. Ordinary playlists know nothing of it.
TEST(Hls, WhatWasLostIsAGapOfLowLatencyPlaylists) {
  for (const auto mode : {DiscontinuityMode::Always, DiscontinuityMode::OnDiscontinuity}) {
    Theatre theatre({.fragments = 9, .gaps_before = {5}});
    MemoryLog& log = *theatre.archive.memory;
    std::vector<StoredFragment> all;
    std::swap(all, log.all);
    all[5].header.gap_before = Gap{GapReason::DiskSlow, producer_end(all[4]), all[5].header.producer_time};
    log.all.assign(all.begin(), all.begin() + 2);
    const base::WallTime now = log.all.back().header.server_time + seconds(3);
    const auto token = theatre.open({.discontinuities = mode, .max_fragments = 3}, now);
    ASSERT_TRUE(token);
    std::map<int, std::tuple<std::string, bool, int>> places;  // media sequence -> address, gap, discontinuity sequence
    for (std::size_t count = 2; count <= 9; ++count) {
      theatre.run([&] { log.all.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)); });
      StreamingSessions& restarted = theatre.restart();
      SessionFetch request{.resource = "getHLSMediaPlaylist.m3u8",
                           .token = *token,
                           .track_number = "1",
                           .fragment_number = {},
                           .time = {},
                           .init = {}};
      EXPECT_EQ(theatre.run([&] { return theatre.hls.answer(request, now); })->body.find("EXT-X-GAP"),
                std::string::npos);
      request.low_latency = true;
      for (StreamingSessions* server : {&theatre.hls, &restarted}) {
        const auto answer = theatre.run([&] { return server->answer(request, now); });
        ASSERT_TRUE(answer);
        int sequence = number_after(answer->body, "#EXT-X-MEDIA-SEQUENCE:");
        int discontinuity = number_after(answer->body, "#EXT-X-DISCONTINUITY-SEQUENCE:");
        bool gap = false;
        std::istringstream lines(answer->body);
        for (std::string line; std::getline(lines, line);) {
          if (line == "#EXT-X-DISCONTINUITY") ++discontinuity;
          if (line == "#EXT-X-GAP") gap = true;
          if (!line.starts_with("getMP4Media")) continue;
          const std::tuple place(line, gap, discontinuity);
          EXPECT_EQ(places.try_emplace(sequence++, place).first->second, place);
          gap = false;
        }
      }
    }
    ASSERT_EQ(places.size(), 10U);
    for (const auto& [sequence, place] : places) EXPECT_EQ(std::get<bool>(place), sequence == 5) << sequence;
  }
}

TEST(Hls, IndependentSegmentsOnlyWhereEachBeginsWithAKeyFrame) {
  Theatre theatre({.fragments = 3});
  theatre.archive.memory->all[1].header.flags |= kDependent;
  const base::WallTime now = kOnAir + seconds(8);
  for (const auto [results, video_is_independent] : {std::pair(3U, false), std::pair(1U, true)}) {
    const auto token = theatre.open({.max_fragments = results}, now);
    ASSERT_TRUE(token);
    for (const int track : {1, 2}) {
      const auto playlist = theatre.fetch(
          "getHLSMediaPlaylist.m3u8?SessionToken=" + *token + "&TrackNumber=" + std::to_string(track), now);
      ASSERT_TRUE(playlist);
      const bool told = playlist->body.find("#EXT-X-INDEPENDENT-SEGMENTS\n") != std::string::npos;
      EXPECT_EQ(told, track == 2 || video_is_independent) << playlist->body;
    }
  }
}

TEST(Hls, ANewSpsIsADiscontinuityWithItsOwnMap) {
  Theatre theatre({.fragments = 4});
  MemoryLog& log = *theatre.archive.memory;
  log.all[2].header.codec_fingerprint = 2;
  log.all[3].header.codec_fingerprint = 2;
  const base::WallTime now = kOnAir + seconds(10);
  const auto token = theatre.open({.discontinuities = DiscontinuityMode::Never, .max_fragments = 5}, now);
  ASSERT_TRUE(token);
  const auto playlist = theatre.fetch("getHLSMediaPlaylist.m3u8?SessionToken=" + *token + "&TrackNumber=1", now);
  ASSERT_TRUE(playlist);
  std::size_t discontinuities = 0;
  for (std::size_t at = 0; (at = playlist->body.find("#EXT-X-DISCONTINUITY\n", at)) != std::string::npos; ++at)
    ++discontinuities;
  EXPECT_EQ(discontinuities, 1u);
}

TEST(Live, WhatIsCommittedIsRenderedBeforeItsReaderAsks) {
  Theatre theatre({.fragments = 4});
  MemoryLog& log = *theatre.archive.memory;
  const StoredFragment later = log.all.back();
  log.all.pop_back();
  const base::WallTime now = kOnAir + seconds(10);
  const auto token = theatre.open({.max_fragments = 5}, now);
  ASSERT_TRUE(token);
  ASSERT_TRUE(theatre.fetch("getHLSMediaPlaylist.m3u8?SessionToken=" + *token + "&TrackNumber=1", now));
  EXPECT_EQ(theatre.playback.stats().audio_rendered, 0u);
  theatre.run([&] { log.all.push_back(later); });
  const auto deadline = async::now() + seconds(10);
  while (theatre.playback.stats().audio_rendered == 0 && async::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(theatre.playback.stats().audio_rendered, 1u);
  const auto sound = theatre.fetch("getMP4MediaFragment.mp4?FragmentNumber=" + later.header.number.text() +
                                       "&SessionToken=" + *token + "&TrackNumber=2",
                                   now);
  ASSERT_TRUE(sound && sound->segment);
  EXPECT_EQ(theatre.playback.stats().audio_rendered, 1u);
}

TEST(Dash, AChangeOfConfigurationIsRefusedWhereALimitSaysSo) {
  Theatre theatre({.fragments = 4});
  MemoryLog& log = *theatre.archive.memory;
  const base::WallTime now = kOnAir + seconds(10);
  StreamingSessions strict{theatre.archive, theatre.playback, base::Bytes(32, 9), theatre.random,
                           StreamingOptions{.dash_configurations = 1}};
  const auto token = theatre.open({.max_fragments = 5}, now);
  ASSERT_TRUE(token);
  const SessionFetch manifest{
      .resource = "getDASHManifest.mpd", .token = *token, .track_number = {}, .fragment_number = {}, .init = {}};
  EXPECT_TRUE(theatre.run([&] { return strict.answer(manifest, now); }));
  log.all[2].header.codec_fingerprint = 2;
  log.all[3].header.codec_fingerprint = 2;
  EXPECT_TRUE(theatre.run([&] { return theatre.hls.answer(manifest, now); }));
  const auto refused = theatre.run([&] { return strict.answer(manifest, now); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::LimitExceeded);
}

TEST(Hls, ChangesOfConfigurationAreCountedFromTheBeginningOfTheSession) {
  std::list<StreamingSessions> asked;  // they render ahead, and go after the theatre has waited for that
  Theatre theatre({.fragments = 7});
  MemoryLog& log = *theatre.archive.memory;
  for (std::uint64_t i = 0; i < 7; ++i) log.all[i].header.codec_fingerprint = i;
  const std::vector<StoredFragment> later(log.all.begin() + 4, log.all.end());
  log.all.resize(4);
  const base::WallTime now = kOnAir + seconds(10);
  const auto token = theatre.open({.max_fragments = 2}, now);  // the newest: what is older is none of its business
  ASSERT_TRUE(token);
  const SessionFetch playlist{
      .resource = "getHLSMediaPlaylist.m3u8", .token = *token, .track_number = "1", .fragment_number = {}, .init = {}};
  const auto ask = [&](std::size_t most) {
    StreamingSessions& strict = asked.emplace_back(theatre.archive, theatre.playback, base::Bytes(32, 9),
                                                   theatre.random, StreamingOptions{.hls_codec_changes = most});
    return theatre.run([&] { return strict.answer(playlist, now); });
  };
  EXPECT_TRUE(ask(1)) << "the two that it shows differ once";
  // Three more: all that changed since the session's first fragment, also what its playlist does not show any more.
  log.all.insert(log.all.end(), later.begin(), later.end());
  EXPECT_TRUE(ask(0)) << "no limit";
  EXPECT_TRUE(ask(4));
  const auto refused = ask(3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::LimitExceeded);
}

TEST(Clips, AChangeOfConfigurationIsRefusedWhereALimitSaysSo) {
  Theatre theatre({.fragments = 4});
  const media::Scratch scratch;
  const ClipRequest all{.axis = TimeAxis::Producer, .from = kOnAir - seconds(1), .to = kOnAir + seconds(20)};
  const auto make = [&](Clips& clips) {
    return theatre.run([&]() -> async::Task<base::Result<std::unique_ptr<Clip>>> {
      CO_TRY(auto chosen, co_await clips.choose(theatre.archive.log({7, 1}), all));
      auto made = co_await clips.make(theatre.archive.log({7, 1}), std::move(chosen));
      co_return made;
    });
  };
  Clips strict(theatre.playback, theatre.worker, scratch / "strict", {.configurations = 1});
  Clips usual(theatre.playback, theatre.worker, scratch / "usual", {});
  EXPECT_TRUE(make(strict));
  theatre.archive.memory->all[3].header.codec_fingerprint = 2;
  EXPECT_TRUE(make(usual));
  const auto refused = make(strict);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::LimitExceeded);
}

TEST(Hls, Refusals) {
  Theatre theatre({.fragments = 2});
  const base::WallTime now = kOnAir + seconds(5);
  const auto late = theatre.open({.max_fragments = 5}, kOnAir + seconds(40));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::Errc::NotFound);
  EXPECT_EQ(late.error().message, "No fragments found in the stream for the streaming request.");
  const auto empty =
      theatre.open({.mode = PlaybackMode::OnDemand, .from = kOnAir + seconds(100), .to = kOnAir + seconds(200)}, now);
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, base::Errc::NotFound);

  const auto token = theatre.open({.max_fragments = 5}, now);
  ASSERT_TRUE(token);
  EXPECT_EQ(theatre.fetch("getHLSMasterPlaylist.m3u8?SessionToken=nonsense~", now).error().code,
            base::Errc::AccessDenied);
  EXPECT_EQ(theatre.fetch("getHLSMasterPlaylist.m3u8?SessionToken=" + *token, now + seconds(301)).error().code,
            base::Errc::AccessDenied);
  EXPECT_EQ(theatre.fetch("getHLSMediaPlaylist.m3u8?SessionToken=" + *token + "&TrackNumber=3", now).error().code,
            base::Errc::InvalidArgument);
  EXPECT_EQ(theatre.fetch("getMP4MediaFragment.mp4?SessionToken=" + *token + "&TrackNumber=1&FragmentNumber=5", now)
                .error()
                .code,
            base::Errc::InvalidArgument);
  const std::string unknown = FragmentNumber{77}.text();
  EXPECT_EQ(
      theatre.fetch("getMP4MediaFragment.mp4?SessionToken=" + *token + "&TrackNumber=1&FragmentNumber=" + unknown, now)
          .error()
          .code,
      base::Errc::NotFound);
  EXPECT_EQ(theatre.fetch("getMP4InitFragment.mp4?SessionToken=" + *token + "&TrackNumber=1&CodecPrivate=AAAA", now)
                .error()
                .code,
            base::Errc::InvalidArgument);
  EXPECT_EQ(theatre.fetch("getTSFragment.ts?SessionToken=" + *token + "&TrackNumber=1", now).error().code,
            base::Errc::NotFound);
}

}  // namespace
}  // namespace streams
