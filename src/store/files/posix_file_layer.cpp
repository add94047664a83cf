// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "store/file_layer.hpp"
#include "store/files/descriptor.hpp"
#include "store/files/direct_writer.hpp"

namespace store {
namespace {

std::unexpected<base::Error> fail_with_errno(const char* what, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return base::fail(full ? base::Errc::Unavailable : base::Errc::Io,
                    fmt::format("{} {}: {}", what, path, std::generic_category().message(error)));
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)), direct_(path_) {}

  base::Result<std::size_t> write_at(std::uint64_t offset, std::span<const base::ByteView> pieces) override {
    while (true) {
      const auto direct = direct_.write_at(offset, pieces);
      const std::int64_t written = direct ? *direct : write_through_cache(offset, pieces);
      if (written > 0) return static_cast<std::size_t>(written);
      if (written < 0 && errno == EINTR) continue;
      return fail_with_errno("writing", path_, written == 0 ? ENOSPC : errno);
    }
  }

  base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_with_errno("reading", path_, errno);
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  base::Result<void> sync() override {
    direct_.end_group();
    if (::fdatasync(fd_.get()) != 0) return fail_with_errno("syncing", path_, errno);
    return {};
  }

  base::Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return fail_with_errno("cutting", path_, errno);
    return {};
  }

  base::Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return fail_with_errno("examining", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  base::Result<void> reserve(std::uint64_t size) override {
    if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) != 0) {
      return fail_with_errno("reserving space in", path_, errno);
    }
    return {};
  }

  base::Result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(size)) != 0) {
      return fail_with_errno("giving space back of", path_, errno);
    }
    return {};
  }

 private:
  std::int64_t write_through_cache(std::uint64_t offset, std::span<const base::ByteView> pieces) const {
    static constexpr std::size_t kMaxPieces = 512;  // below IOV_MAX
    std::vector<iovec> vectors;
    for (const base::ByteView piece : pieces.first(std::min(pieces.size(), kMaxPieces))) {
      vectors.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});  // writev does not write to it
    }
    return ::pwritev(fd_.get(), vectors.data(), static_cast<int>(vectors.size()), static_cast<off_t>(offset));
  }

  Descriptor fd_;
  std::string path_;
  DirectWriter direct_;
};

class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

class PosixFileLayer final : public FileLayer {
 public:
  base::Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    int flags = O_CLOEXEC;
    if (mode == Mode::Read) flags |= O_RDONLY;
    if (mode == Mode::ReadWrite) flags |= O_RDWR;
    if (mode == Mode::CreateNew) flags |= O_RDWR | O_CREAT | O_EXCL;
    Descriptor fd(::open(path.c_str(), flags, 0640));
    if (fd.get() < 0) {
      if (errno == ENOENT) return base::fail(base::Errc::NotFound, "no file " + path);
      return fail_with_errno("opening", path, errno);
    }
    return std::make_unique<PosixFile>(std::move(fd), path);
  }

  base::Result<std::vector<std::string>> list(const std::string& directory) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->is_regular_file(error)) names.push_back(entry->path().filename().string());
    }
    if (error) return fail_with_errno("listing", directory, error.value());
    std::ranges::sort(names);
    return names;
  }

  base::Result<void> make_directory(const std::string& directory) override {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return fail_with_errno("making directory", directory, error.value());
    return {};
  }

  base::Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_with_errno("removing", path, errno);
    return {};
  }

  base::Result<void> sync_directory(const std::string& directory) override {
    const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return fail_with_errno("syncing directory", directory, errno);
    return {};
  }

  base::Result<std::uint64_t> free_bytes(const std::string& directory) override {
    struct statvfs status{};
    if (::statvfs(directory.c_str(), &status) != 0) return fail_with_errno("examining", directory, errno);
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  }

  base::Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (fd.get() < 0) return fail_with_errno("opening", path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return fail_with_errno("locking", path, errno);
      return base::fail(base::Errc::InUse, "another server is using this data directory (it holds " + path +
                                               "): stop it, or give this one its own --data-dir");
    }
    return std::make_unique<PosixLock>(std::move(fd));
  }
};

}  // namespace

FileLayer& posix_files() {
  static PosixFileLayer layer;
  return layer;
}

base::Result<void> write_all(File& file, std::uint64_t offset, std::span<const base::ByteView> pieces) {
  std::vector<base::ByteView> rest(pieces.begin(), pieces.end());
  std::size_t first = 0;
  while (true) {
    while (first < rest.size() && rest[first].empty()) ++first;
    if (first == rest.size()) return {};
    TRY(std::size_t written, file.write_at(offset, std::span(rest).subspan(first)));
    offset += written;
    while (written > 0) {
      const std::size_t part = std::min(written, rest[first].size());
      rest[first] = rest[first].subspan(part);
      written -= part;
      if (rest[first].empty()) ++first;
    }
  }
}

}  // namespace store
