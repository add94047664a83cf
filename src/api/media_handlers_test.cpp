// SPDX-License-Identifier: Apache-2.0
// ListFragments, GetMedia and HLS through the gateway, over a real archive in a directory of its own. The fragments are
// tests/vectors/fragments: three of two seconds, H.264 and Opus, as the recorder writes them.
#include "api/media_handlers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <regex>

#include "api/fake_exchange.hpp"
#include "api/gateway.hpp"
#include "api/memory_catalog.hpp"
#include "async/shard.hpp"
#include "aws/archived_media.hpp"
#include "aws/json.hpp"
#include "aws/media.hpp"

namespace api {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr base::WallTime kFirstPicture{microseconds(1'795'000'000'123'457)};  // of the vectors

streams::Payload read_vector(int index) {
  std::ifstream in(TIDEGATE_SOURCE_DIR "/tests/vectors/fragments/" + std::to_string(index) + ".mkv", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return std::make_shared<const base::Bytes>(base::to_bytes(text));
}

std::string quote(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

struct Reply {
  int status = 0;
  std::string error;
  std::string body;
  std::string content_type;
  std::string cors;
};

class Media : public testing::Test {
 protected:
  Media() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-media-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    streams::ArchiveOptions options;
    options.directory = directory_;
    archive_ = *streams::open_archive(std::move(options), worker_);
    catalog_.emplace(streams::CatalogOptions{}, metadata_, *archive_, worker_, random_);
    streaming_.emplace(*archive_, playback_, base::Bytes(32, 1), random_);
    clips_.emplace(playback_, worker_, directory_ + "/clips", streams::ClipLimits{});
    const MediaServices services{*catalog_,         *archive_, playback_, *streaming_,
                                 put_media_counts_, *clips_,   worker_,   std::chrono::milliseconds(50)};
    add_media_handlers(handlers_, services);
    add_session_routes(handlers_, services);
    add_recording_reads(handlers_, services);
    GatewayOptions gateway;
    gateway.wall_clock = fake_now;
    gateway_.emplace(std::move(gateway), find_fake_key, handlers_, &door_, random_);
    make_stream("cam", 24);
  }
  ~Media() override {
    gateway_.reset();
    streaming_.reset();
    catalog_.reset();
    archive_.reset();
    std::filesystem::remove_all(directory_);
  }

  streams::StreamPtr make_stream(const std::string& name, std::uint32_t hours) {
    streams::NewStream wanted;
    wanted.name = name;
    wanted.retention_hours = hours;
    auto made = shard_.run_blocking([&] { return catalog_->create_stream(wanted); });
    EXPECT_TRUE(made);
    return *made;
  }

  // Fragment `index` of the vectors, recorded `age` ago.
  streams::StoredFragment commit(int index, seconds age) {
    const auto log = archive_->log((*catalog_->find_stream({.name = "cam", .arn = {}}))->key);
    const base::WallTime server_time = started_ - age;
    streams::FragmentDraft draft;
    draft.producer_time = kFirstPicture + seconds(2 * index);
    draft.server_time = server_time;
    draft.duration = seconds(2);
    draft.flags = streams::kAudio;
    draft.codec_fingerprint = 1;
    draft.payload = read_vector(index);
    base::Result<streams::StoredFragment> stored = base::fail(base::Errc::Internal, "not answered");
    log->commit(log->open_fragment(server_time), std::move(draft),
                [&](base::Result<streams::StoredFragment> result) { stored = std::move(result); });
    archive_->flush();
    EXPECT_TRUE(stored);
    return *stored;
  }
  // Two seconds at `start` behind lost packets.
  void commit_gap(base::WallTime start) {
    const auto log = archive_->log((*catalog_->find_stream({.name = "cam", .arn = {}}))->key);
    streams::FragmentDraft draft;
    draft.producer_time = start;
    draft.server_time = started_;
    draft.duration = seconds(2);
    draft.gap_before = streams::Gap{streams::GapReason::PacketsLost, kFirstPicture + seconds(6), start};
    draft.payload = read_vector(0);
    log->commit(log->open_fragment(started_), std::move(draft), [](auto) {});
    archive_->flush();
  }
  void commit_all() {
    for (int i = 0; i < 3; ++i) fragments_.push_back(commit(i, seconds(8 - 2 * i)));
  }

  Reply call(const aws::Operation& operation, const std::string& body) {
    FakeExchange exchange(shard_, std::string(operation.method), std::string(operation.path), body);
    exchange.sign();
    shard_.run_blocking([&] { return gateway_->serve(exchange); });
    return to_reply(exchange);
  }
  Reply list(const std::string& body) { return call(aws::archived_media::ListFragments::row(), body); }
  Reply get_media(const std::string& selector) {
    return call(aws::media::GetMedia::row(),
                "{\"StreamName\":\"cam\",\"StartSelector\":{\"StartSelectorType\":" + selector + "}}");
  }
  Reply get_list(const std::vector<std::string>& numbers, const std::string& stream = "cam") {
    std::string list;
    for (const std::string& number : numbers) list += (list.empty() ? "" : ",") + quote(number);
    return call(aws::archived_media::GetMediaForFragmentList::row(),
                "{\"StreamName\":" + quote(stream) + ",\"Fragments\":[" + list + "]}");
  }
  Reply read(const std::string& target) {
    FakeExchange exchange(shard_, "GET", target, "");
    exchange.sign();
    shard_.run_blocking([&] { return gateway_->serve(exchange); });
    return to_reply(exchange);
  }
  Reply open_hls(const std::string& more) {
    return call(aws::archived_media::GetHLSStreamingSessionURL::row(), "{\"StreamName\":\"cam\"" + more + "}");
  }
  Reply get(const std::string& target) {
    FakeExchange exchange(shard_, "GET", target, "");
    exchange.add_header("Origin", "https://player.example");
    shard_.run_blocking([&] { return gateway_->serve(exchange); });
    return to_reply(exchange);
  }

  std::string epoch(base::WallTime time) {
    return std::to_string(static_cast<double>(base::to_microseconds(time)) / 1e6);
  }
  // The values of the fragment number tags, in order, of documents and of exceptions.
  std::vector<std::string> named(const std::string& body) {
    std::vector<std::string> numbers;
    const std::regex tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER\x44\x87.([0-9]+)");
    for (std::sregex_iterator each(body.begin(), body.end(), tag), none; each != none; ++each)
      numbers.push_back((*each)[1]);
    return numbers;
  }
  // The numbers of the documents in a GetMedia answer, from their first tag.
  std::vector<std::string> documents(const std::string& body) {
    std::vector<std::string> numbers;
    const std::string name = "AWS_KINESISVIDEO_FRAGMENT_NUMBER";
    for (std::size_t at = 0; (at = body.find(name, at)) != std::string::npos; ++at) {
      numbers.push_back(body.substr(at + name.size() + 3, 47));
    }
    return numbers;
  }
  std::vector<std::string> numbers_from(std::size_t first) {
    std::vector<std::string> numbers;
    for (std::size_t i = first; i < fragments_.size(); ++i) numbers.push_back(fragments_[i].header.number.text());
    return numbers;
  }

  static Reply to_reply(const FakeExchange& exchange) {
    return {exchange.status(), exchange.header("x-amzn-ErrorType"), exchange.body(), exchange.header("Content-Type"),
            exchange.header("Access-Control-Allow-Origin")};
  }

  const base::WallTime started_ = async::wall_now();
  std::string directory_;
  async::Shard shard_{"api"};
  async::DiskWorker worker_{{}};
  base::SeededRandom random_{7};
  MemoryMetadata metadata_;
  std::unique_ptr<streams::Archive> archive_;
  std::optional<streams::Catalog> catalog_;
  streams::Playback playback_{{}, worker_};
  std::optional<streams::StreamingSessions> streaming_;
  PutMediaCounts put_media_counts_;
  std::optional<streams::Clips> clips_;
  FakeDoor door_;
  Handlers handlers_;
  std::optional<Gateway> gateway_;
  std::vector<streams::StoredFragment> fragments_;
};

TEST_F(Media, ListFragmentsPagesAndDescribes) {
  commit_all();
  const Reply first = list(R"({"StreamName":"cam","MaxResults":2})");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_NE(first.body.find("\"FragmentLengthInMilliseconds\":2000"), std::string::npos) << first.body;
  EXPECT_NE(first.body.find("\"ProducerTimestamp\":1795000000.123"), std::string::npos) << first.body;
  EXPECT_NE(first.body.find("\"FragmentSizeInBytes\":" + std::to_string(fragments_[0].payload_size)),
            std::string::npos);
  EXPECT_NE(first.body.find(quote(fragments_[1].header.number.text())), std::string::npos);
  EXPECT_EQ(first.body.find(quote(fragments_[2].header.number.text())), std::string::npos);
  std::smatch token;
  ASSERT_TRUE(std::regex_search(first.body, token, std::regex("\"NextToken\":\"([^\"]+)\"")));
  const Reply second = list(R"({"StreamName":"cam","MaxResults":2,"NextToken":")" + token[1].str() + "\"}");
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_NE(second.body.find(quote(fragments_[2].header.number.text())), std::string::npos);
  EXPECT_EQ(second.body.find("NextToken"), std::string::npos);
  EXPECT_EQ(list(R"({"StreamName":"cam","NextToken":"AAAA"})").error, "InvalidArgumentException");
  EXPECT_EQ(list(R"({"StreamName":"none"})").status, 404);
  EXPECT_EQ(list(R"({"StreamName":"cam","MaxResults":1001})").error, "InvalidArgumentException");
}

TEST_F(Media, ListFragmentsBoundsAreInclusive) {
  commit_all();
  const auto select = [&](const char* axis, base::WallTime from, base::WallTime to) {
    const Reply reply =
        list(R"({"StreamName":"cam","FragmentSelector":{"FragmentSelectorType":")" + std::string(axis) +
             R"(","TimestampRange":{"StartTimestamp":)" + epoch(from) + ",\"EndTimestamp\":" + epoch(to) + "}}}");
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::size_t count = 0;
    for (std::size_t at = 0; (at = reply.body.find("\"FragmentNumber\"", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(select("PRODUCER_TIMESTAMP", kFirstPicture, kFirstPicture + seconds(2)), 2u);
  EXPECT_EQ(select("PRODUCER_TIMESTAMP", kFirstPicture + microseconds(1), kFirstPicture + seconds(2) - microseconds(1)),
            0u);
  EXPECT_EQ(select("SERVER_TIMESTAMP", fragments_[1].header.server_time, fragments_[2].header.server_time), 2u);
  const Reply reversed = list(R"({"StreamName":"cam","FragmentSelector":{"FragmentSelectorType":"SERVER_TIMESTAMP",)"
                              R"("TimestampRange":{"StartTimestamp":200,"EndTimestamp":100}}})");
  EXPECT_EQ(reversed.error, "InvalidArgumentException");
}

TEST_F(Media, GetMediaStartsWhereItIsTold) {
  commit_all();
  const Reply all = get_media(R"("EARLIEST")");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.content_type, "video/webm");
  EXPECT_EQ(documents(all.body), numbers_from(0));
  EXPECT_EQ(all.body.substr(0, 4), "\x1A\x45\xDF\xA3");
  EXPECT_NE(all.body.find("A_AAC"), std::string::npos);
  EXPECT_EQ(all.body.find("A_OPUS"), std::string::npos);
  const std::string first = fragments_[0].header.number.text();
  EXPECT_EQ(documents(get_media(R"("FRAGMENT_NUMBER","AfterFragmentNumber":)" + quote(first)).body), numbers_from(1));
  EXPECT_EQ(documents(get_media(R"("CONTINUATION_TOKEN","ContinuationToken":)" + quote(first)).body), numbers_from(1));
  EXPECT_EQ(documents(get_media(R"("NOW")").body), numbers_from(2));
  const auto at = [&](const char* type, base::WallTime time) {
    return documents(get_media(quote(type) + ",\"StartTimestamp\":" + epoch(time)).body);
  };
  EXPECT_EQ(at("PRODUCER_TIMESTAMP", kFirstPicture + seconds(3)), numbers_from(1));
  EXPECT_EQ(at("PRODUCER_TIMESTAMP", kFirstPicture - seconds(100)), numbers_from(0));
  EXPECT_EQ(at("SERVER_TIMESTAMP", fragments_[2].header.server_time), numbers_from(2));
  EXPECT_EQ(at("SERVER_TIMESTAMP", started_ + seconds(60)), std::vector<std::string>{});
}

TEST_F(Media, GetMediaFollowsTheLiveTail) {
  commit_all();
  const auto log = archive_->log((*catalog_->find_stream({.name = "cam", .arn = {}}))->key);
  MediaServices patient{*catalog_, *archive_, playback_, *streaming_, put_media_counts_, *clips_, worker_, seconds(2)};
  Handlers handlers;
  add_media_handlers(handlers, patient);
  GatewayOptions options;
  options.wall_clock = fake_now;
  Gateway gateway(std::move(options), find_fake_key, handlers, &door_, random_);
  FakeExchange exchange(
      shard_, "POST", "/getMedia",
      R"({"StreamName":"cam","StartSelector":{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":)" +
          quote(fragments_[2].header.number.text()) + "}}");
  exchange.sign();
  const async::TaskHandle reading = shard_.spawn("get media", [&] { return gateway.serve(exchange); });
  fragments_.push_back(commit(0, seconds(0)));
  shard_.run_blocking([&]() -> async::Task<void> {
    while (!reading.is_done()) co_await boost::asio::post(shard_.executor(), boost::asio::use_awaitable);
  });
  EXPECT_EQ(documents(exchange.body()), numbers_from(3));
}

TEST_F(Media, GetMediaForFragmentListKeepsTheOrderOfTheList) {
  commit_all();
  const std::vector<std::string> all = numbers_from(0);
  const Reply reply = get_list({all[2], all[0], all[2], all[1]});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.content_type, "video/webm");
  EXPECT_EQ(documents(reply.body), (std::vector<std::string>{all[2], all[0], all[2], all[1]}));
  for (const char* name :
       {"_SERVER_TIMESTAMP", "_SERVER_SIDE_TIMESTAMP", "_PRODUCER_TIMESTAMP", "_PRODUCER_SIDE_TIMESTAMP"}) {
    EXPECT_NE(reply.body.find(std::string("AWS_KINESISVIDEO") + name), std::string::npos) << name;
  }
  EXPECT_EQ(reply.body.find("MILLIS_BEHIND_NOW"), std::string::npos);
  EXPECT_EQ(reply.body.find("CONTINUATION_TOKEN"), std::string::npos);
  EXPECT_EQ(reply.body.find("EXCEPTION"), std::string::npos);
}

TEST_F(Media, GetMediaForFragmentListSaysInsideWhatIsMissing) {
  commit_all();
  const std::vector<std::string> all = numbers_from(0);
  std::string missing = all[0];
  missing.back() = missing.back() == '1' ? '2' : '1';
  const Reply reply = get_list({"17", all[1], missing, all[2]});
  ASSERT_EQ(reply.status, 200);
  // Every number that is named: the one before the first document comes behind it.
  EXPECT_EQ(named(reply.body), (std::vector<std::string>{all[1], "17", missing, all[2]}));
  const std::regex exception("AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE[^]{1,3}4000");
  EXPECT_EQ(
      std::distance(std::sregex_iterator(reply.body.begin(), reply.body.end(), exception), std::sregex_iterator()), 2);
  EXPECT_NE(reply.body.find("the stream has no fragment " + missing), std::string::npos);
  EXPECT_EQ(get_list({missing, "17"}).error, "ResourceNotFoundException");
  EXPECT_EQ(get_list({missing, "17"}).status, 404);
}

TEST_F(Media, GetMediaForFragmentListErrors) {
  commit_all();
  const std::string first = numbers_from(0)[0];
  EXPECT_EQ(get_list({}).error, "InvalidArgumentException");
  EXPECT_EQ(get_list({"12x"}).error, "InvalidArgumentException");
  EXPECT_EQ(get_list(std::vector<std::string>(1001, first)).error, "FragmentLimitExceededException");
  EXPECT_EQ(documents(get_list(std::vector<std::string>(1000, first)).body).size(), 1000u);
  EXPECT_EQ(get_list({first}, "none").error, "ResourceNotFoundException");
  make_stream("forgets", 0);
  EXPECT_EQ(get_list({first}, "forgets").error, "InvalidArgumentException");  // the model has no NoDataRetention here
}

TEST_F(Media, ListFragmentsGivesEachOnceWhileMoreAreAdded) {
  const auto log = archive_->log((*catalog_->find_stream({.name = "cam", .arn = {}}))->key);
  const auto payload = std::make_shared<const base::Bytes>(base::to_bytes("x"));
  int made = 0;
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i, ++made) {
      streams::FragmentDraft draft;
      draft.producer_time = draft.server_time = started_ - std::chrono::hours(2) + seconds(2 * made);
      draft.duration = seconds(2);
      draft.payload = payload;
      log->commit(log->open_fragment(draft.server_time), std::move(draft), [](auto) {});
    }
  };
  add(2500);
  archive_->flush();
  std::vector<std::string> found;
  std::string token;
  const std::regex number("\"FragmentNumber\":\"([0-9]{47})\"");
  const std::regex next("\"NextToken\":\"([^\"]+)\"");
  int pages = 0;
  do {
    const Reply page = list(R"({"StreamName":"cam","MaxResults":1000)" +
                            (token.empty() ? "" : ",\"NextToken\":" + quote(token)) + "}");
    ASSERT_EQ(page.status, 200) << page.body;
    for (std::sregex_iterator each(page.body.begin(), page.body.end(), number), none; each != none; ++each)
      found.push_back((*each)[1]);
    std::smatch match;
    token = std::regex_search(page.body, match, next) ? match[1].str() : "";
    ++pages;
    if (pages <= 3) add(137);  // durable at some time while the next page is read
  } while (!token.empty());
  EXPECT_GE(pages, 3);
  EXPECT_TRUE(std::ranges::is_sorted(found));
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
  EXPECT_GE(found.size(), 2500u);
  archive_->flush();
  const auto whole = shard_.run_blocking([&] { return log->after({}, 10'000); });
  ASSERT_EQ(whole->size(), static_cast<std::size_t>(made));
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], (*whole)[i].header.number.text());
}

TEST_F(Media, CoverageAndFragmentsAreReadAsJson) {
  commit_all();
  const base::WallTime end = kFirstPicture + seconds(6);
  commit_gap(end + seconds(5));
  const Reply coverage = read("/api/v1/streams/cam/coverage");
  EXPECT_EQ(coverage.status, 200);
  const auto json_time = [](base::WallTime time) {
    std::string text;
    aws::write_value(text, time);
    return text;
  };
  EXPECT_EQ(coverage.body,
            "{\"streamName\":\"cam\",\"ranges\":[{\"start\":" + json_time(kFirstPicture) +
                ",\"end\":" + json_time(end) + "},{\"start\":" + json_time(end + seconds(5)) +
                ",\"end\":" + json_time(end + seconds(7)) + "}],\"gaps\":[{\"start\":" + json_time(end) +
                ",\"end\":" + json_time(end + seconds(5)) +
                ",\"reason\":\"packets_lost\",\"reasonText\":\"packets lost\",\"open\":false}],\"live\":true}");
  const Reply cut = read("/api/v1/streams/cam/coverage?from=1795000002&to=2026-11-18T11:06:44Z");
  EXPECT_NE(cut.body.find("\"ranges\":[{\"start\":1795000002,"), std::string::npos) << cut.body;
  const Reply fragments = read("/api/v1/streams/cam/fragments?maxResults=3");
  EXPECT_EQ(fragments.status, 200);
  EXPECT_NE(fragments.body.find("\"durationMicroseconds\":2000000"), std::string::npos) << fragments.body;
  EXPECT_NE(fragments.body.find("\"flags\":[\"audio\"]"), std::string::npos);
  std::smatch token;
  ASSERT_TRUE(std::regex_search(fragments.body, token, std::regex("\"nextToken\":\"([^\"]+)\"")));
  const Reply last =
      read("/api/v1/streams/cam/fragments?nextToken=" + std::regex_replace(token[1].str(), std::regex("[+]"), "%2B"));
  EXPECT_NE(last.body.find("\"gapBefore\":{"), std::string::npos) << last.body;
  EXPECT_EQ(last.body.find("nextToken"), std::string::npos);
  EXPECT_EQ(read("/api/v1/streams/none/coverage").status, 404);
  EXPECT_EQ(read("/api/v1/streams/cam/coverage?from=2&to=2").status, 400);
  EXPECT_EQ(read("/api/v1/streams/cam/coverage?nextToken=AAAA").status, 400);
}

TEST_F(Media, GetMediaErrors) {
  EXPECT_EQ(get_media(R"("FRAGMENT_NUMBER")").error, "InvalidArgumentException");
  EXPECT_EQ(get_media(R"("FRAGMENT_NUMBER","AfterFragmentNumber":"12")").error, "InvalidArgumentException");
  EXPECT_EQ(get_media(R"("PRODUCER_TIMESTAMP")").error, "InvalidArgumentException");
  EXPECT_EQ(get_media(R"("SIDEWAYS")").status, 400);
  EXPECT_EQ(
      call(aws::media::GetMedia::row(), R"({"StreamName":"none","StartSelector":{"StartSelectorType":"NOW"}})").error,
      "ResourceNotFoundException");
}

std::string address_in(const std::string& body, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(body, found, std::regex(pattern)) ? found[1].str() : "";
}

TEST_F(Media, HlsSessionPlaysFromItsUrlAlone) {
  commit_all();
  const Reply opened = open_hls("");
  ASSERT_EQ(opened.status, 200) << opened.body;
  const std::string url = address_in(opened.body,
                                     "\"HLSStreamingSessionURL\":\"http://kvs.example:8080(/hls/v1/"
                                     "getHLSMasterPlaylist.m3u8\\?SessionToken=[A-Za-z0-9_-]+~)\"");
  ASSERT_FALSE(url.empty()) << opened.body;
  const Reply master = get(url);
  ASSERT_EQ(master.status, 200);
  EXPECT_EQ(master.content_type, "application/vnd.apple.mpegurl");
  EXPECT_FALSE(master.cors.empty());
  EXPECT_NE(master.body.find("mp4a.40.2"), std::string::npos) << master.body;
  for (const char* track : {"1", "2"}) {
    const std::string media =
        address_in(master.body, "(getHLSMediaPlaylist[^\"\\s]+TrackNumber=" + std::string(track) + ")");
    const Reply playlist = get("/hls/v1/" + media);
    ASSERT_EQ(playlist.status, 200) << playlist.body;
    const Reply init = get("/hls/v1/" + address_in(playlist.body, "(getMP4InitFragment[^\"]+)"));
    EXPECT_EQ(init.status, 200);
    EXPECT_EQ(init.body.substr(4, 4), "ftyp");
    const Reply segment = get("/hls/v1/" + address_in(playlist.body, "(getMP4MediaFragment\\S+)"));
    EXPECT_EQ(segment.status, 200);
    EXPECT_EQ(segment.body.substr(4, 4), "styp");
    EXPECT_EQ(segment.content_type, *track == '1' ? "video/mp4" : "audio/mp4");
  }
  // Clients may escape the tilde.
  EXPECT_EQ(get(std::regex_replace(url, std::regex("~"), "%7E")).status, 200);
  EXPECT_EQ(get("/hls/v1/getHLSMasterPlaylist.m3u8").status, 403);
  EXPECT_EQ(get("/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=abc~").error, "NotAuthorizedException");
}

TEST_F(Media, HlsRefusals) {
  const Reply nothing = open_hls("");
  EXPECT_EQ(nothing.status, 404);
  EXPECT_EQ(nothing.body, R"({"Message":"No fragments found in the stream for the streaming request."})");
  commit_all();
  struct Row {
    const char* request;
    const char* error;
  };
  const std::string day = std::to_string(86'401 + 1000);
  const std::string too_long =
      R"(,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1000,"EndTimestamp":)" +
      day + "}}";
  const Row rows[] = {
      {R"(,"PlaybackMode":"LIVE_REPLAY")", "InvalidArgumentException"},
      {R"(,"PlaybackMode":"ON_DEMAND")", "InvalidArgumentException"},
      {R"(,"HLSFragmentSelector":{"TimestampRange":{"StartTimestamp":1,"EndTimestamp":2}})",
       "InvalidArgumentException"},
      {R"(,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{"TimestampRange":{"StartTimestamp":2,"EndTimestamp":2}})",
       "InvalidArgumentException"},
      {R"(,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{"TimestampRange":{"StartTimestamp":2}})",
       "InvalidArgumentException"},
      {R"(,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{"TimestampRange":{"StartTimestamp":4999999000,"EndTimestamp":4999999999}})",
       "InvalidArgumentException"},
      {R"(,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{"TimestampRange":{"StartTimestamp":1000,"EndTimestamp":2000}})",
       "ResourceNotFoundException"},
      {R"(,"Expires":299)", "InvalidArgumentException"},
      {R"(,"MaxMediaPlaylistFragmentResults":5001)", "InvalidArgumentException"},
      {too_long.c_str(), "InvalidArgumentException"},
  };
  for (const Row& row : rows) EXPECT_EQ(open_hls(row.request).error, row.error) << row.request;
  make_stream("forgets", 0);
  const Reply forgets = call(aws::archived_media::GetHLSStreamingSessionURL::row(), R"({"StreamName":"forgets"})");
  EXPECT_EQ(forgets.error, "NoDataRetentionException");
}

}  // namespace
}  // namespace api
