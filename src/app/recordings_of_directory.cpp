// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "app/recordings.hpp"
#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "store/metadata_store.hpp"
#include "streams/archive_reader.hpp"
#include "streams/playback.hpp"

namespace app {
namespace {

constexpr std::size_t kPage = 1000;

class DirectoryRecordings final : public Recordings {
 public:
  base::Result<void> open(const std::string& directory) {
    const auto explained = [&](base::Error error) {
      return base::fail(std::move(error).with_context(fmt::format(
          "{} is no data directory that can be read (--data-dir DIR, or --endpoint URL of a server)", directory)));
    };
    auto metadata = store::open_sqlite_metadata_for_reading(directory + "/catalog.sqlite");
    if (!metadata) return explained(std::move(metadata).error());
    TRY(const auto rows, (*metadata)->load_streams());
    auto archive = streams::open_archive_for_reading(directory, readers_);
    if (!archive) return explained(std::move(archive).error());
    archive_ = *std::move(archive);
    for (const store::StreamRow& row : rows) rows_.emplace(row.name, row);
    return {};
  }

  base::Result<std::vector<StreamSummary>> streams() override {
    TRY(const auto uses, archive_->uses());
    std::vector<StreamSummary> found;
    for (const auto& [name, row] : rows_) {
      StreamSummary summary{name, row.arn, row.retention_hours, 0, 0};
      for (const store::StreamUse& use : uses) {
        if (use.stream != row.key) continue;
        summary.fragments = use.fragments;
        summary.bytes = use.bytes;
      }
      found.push_back(std::move(summary));
    }
    return found;
  }

  base::Result<api::CoverageAnswer> coverage(const std::string& stream, const Window& window) override {
    TRY(const streams::FragmentLogPtr log, find(stream));
    streams::CoverageQuery query;
    query.from = window.from;
    query.to = window.to;
    query.limit = SIZE_MAX - 1;
    TRY(const auto found, shard_.run_blocking([&] { return log->coverage(query); }));
    return api::describe(stream, found);
  }

  base::Result<api::FragmentsAnswer> fragments(const std::string& stream, const Window& window,
                                               const std::string& token) override {
    TRY(const streams::FragmentLogPtr log, find(stream));
    streams::FragmentQuery query;
    query.axis = streams::TimeAxis::Producer;
    query.from = window.from;
    query.to = window.to;
    query.limit = kPage;
    TRY(const auto page,
        shard_.run_blocking([&] { return token.empty() ? log->list(query) : log->list_next(token, kPage); }));
    api::FragmentsAnswer answer;
    answer.stream_name = stream;
    for (const streams::StoredFragment& fragment : page.fragments) answer.fragments.push_back(api::describe(fragment));
    if (!page.next_token.empty()) answer.next_token = page.next_token;
    return answer;
  }

  base::Result<base::Bytes> rendered(const std::string& stream, const std::string& number) override {
    TRY(const streams::FragmentLogPtr log, find(stream));
    TRY(auto fragment, find_fragment(*log, number));
    return shard_.run_blocking([&] { return playback_.media_document(log, fragment, std::nullopt); });
  }

  base::Result<base::Bytes> stored(const std::string& stream, const std::string& number) override {
    TRY(const streams::FragmentLogPtr log, find(stream));
    TRY(auto fragment, find_fragment(*log, number));
    TRY(const streams::Payload payload, shard_.run_blocking([&] { return log->read(fragment); }));
    return *payload;
  }

  bool gives_stored() const override { return true; }

  base::Result<api::SessionsAnswer> sessions(const std::string&, const std::string&) override {
    return base::fail(base::Errc::Unsupported,
                      "sessions are kept in the memory of a running server: name it with --endpoint URL");
  }

 private:
  base::Result<streams::FragmentLogPtr> find(const std::string& name) {
    const auto row = rows_.find(name);
    if (row == rows_.end()) {
      return base::fail(base::Errc::NotFound, fmt::format("there is no stream \"{}\": see `tidegate streams`", name));
    }
    streams::FragmentLogPtr& log = logs_[name];
    if (!log) log = archive_->log(row->second.key, row->second.retention_hours);
    return log;
  }

  base::Result<streams::StoredFragment> find_fragment(streams::FragmentLog& log, const std::string& text) {
    const auto number = streams::FragmentNumber::parse(text);
    if (!number) return base::fail(base::Errc::InvalidArgument, text + " is no fragment number");
    TRY(auto fragment, shard_.run_blocking([&] { return log.find(*number); }));
    if (!fragment) return base::fail(base::Errc::NotFound, "fragment " + text + " is past its retention by now");
    return *std::move(fragment);
  }

  async::DiskWorker readers_{{"readers", 1, 64}};
  std::map<std::string, store::StreamRow> rows_;
  std::unique_ptr<streams::ArchiveReader> archive_;
  std::map<std::string, streams::FragmentLogPtr> logs_;
  streams::Playback playback_{{}, readers_};
  async::Shard shard_{"recordings"};
};

}  // namespace

base::Result<std::unique_ptr<Recordings>> open_recordings_of_directory(const std::string& directory) {
  auto recordings = std::make_unique<DirectoryRecordings>();
  TRY_VOID(recordings->open(directory));
  return recordings;
}

}  // namespace app
