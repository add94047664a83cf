// SPDX-License-Identifier: Apache-2.0
#include "streams/archive_reader.hpp"

#include "async/secure_random.hpp"
#include "base/log.hpp"
#include "streams/stream_log.hpp"

namespace streams {
namespace {

constexpr std::size_t kCacheBytes = 64U << 20U;
constexpr std::size_t kRecent = 64;

class IndexedArchive final : public ArchiveReader {
 public:
  IndexedArchive(std::unique_ptr<store::FragmentIndex> index, const std::string& directory, async::DiskWorker& readers)
      : index_(std::move(index)),
        volumes_(store::open_file_volumes_for_reading(directory + "/volumes", store::posix_files(), random_)) {
    around_.volumes = volumes_.get();
    around_.index = index_.get();
    around_.cache = &cache_;
    around_.readers = &readers;
    around_.wall_clock = [] { return async::wall_now(); };
  }

  std::shared_ptr<FragmentLog> log(StreamKey stream, std::uint32_t retention_hours) override {
    const auto last = index_->last_number(stream);
    auto recent = index_->newest(stream, kRecent);
    if (!last || !recent) {
      base::log_error("the fragment index cannot be read: {}", last ? recent.error().message : last.error().message);
      return std::make_shared<StreamLog>(around_, stream, FragmentNumber{}, std::vector<StoredFragment>{},
                                         retention_hours);
    }
    return std::make_shared<StreamLog>(around_, stream, *last, *std::move(recent), retention_hours);
  }

  base::Result<std::vector<store::StreamUse>> uses() override { return index_->stream_uses(); }

 private:
  async::SecureRandom random_;
  std::unique_ptr<store::FragmentIndex> index_;
  std::unique_ptr<store::VolumeStore> volumes_;
  PayloadCache cache_{kCacheBytes};
  LogSurroundings around_;
};

}  // namespace

base::Result<std::unique_ptr<ArchiveReader>> open_archive_for_reading(const std::string& directory,
                                                                      async::DiskWorker& readers) {
  TRY(auto index, store::open_sqlite_index_for_reading(directory + "/index.db"));
  return std::make_unique<IndexedArchive>(std::move(index), directory, readers);
}

}  // namespace streams
