// SPDX-License-Identifier: Apache-2.0
#pragma once
// The few file operations that volumes need, behind an interface so that tests can make each of them fail.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace store {

// An open file. Reads may run on several threads at once; everything else belongs to one writer. Closed by destruction.
class File {
 public:
  virtual ~File() = default;
  // May write less than given; 0 never comes back without an error. A full disk is Errc::Unavailable, the rest
  // Errc::Io.
  virtual base::Result<std::size_t> write_at(std::uint64_t offset, std::span<const base::ByteView> pieces) = 0;
  // Less than asked for only at the end of the file.
  virtual base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) = 0;
  // fdatasync: contents and size are durable when it succeeds. After a failure nothing is known, and trying again
  // proves nothing: the kernel may have dropped the pages.
  virtual base::Result<void> sync() = 0;
  virtual base::Result<void> truncate(std::uint64_t size) = 0;
  virtual base::Result<std::uint64_t> size() = 0;
  // Sets space aside; the file grows to `size` and reads as zeros there. Only an optimisation: may fail.
  virtual base::Result<void> reserve(std::uint64_t size) = 0;
  // Gives the space of these bytes back; they read as zeros, the size stays. Any thread, beside the writer.
  virtual base::Result<void> punch(std::uint64_t offset, std::uint64_t size) = 0;
};

// Held until destroyed.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

class FileLayer {
 public:
  enum class Mode : std::uint8_t { Read, ReadWrite, CreateNew };

  virtual ~FileLayer() = default;
  virtual base::Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  // Names of the plain files in it, sorted.
  virtual base::Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // With its parents; existing is fine.
  virtual base::Result<void> make_directory(const std::string& directory) = 0;
  virtual base::Result<void> remove(const std::string& path) = 0;
  // Created, removed and renamed entries of the directory are durable afterwards.
  virtual base::Result<void> sync_directory(const std::string& directory) = 0;
  // Bytes that the file system of the directory has left for this process.
  virtual base::Result<std::uint64_t> free_bytes(const std::string& directory) = 0;
  // InUse if another process holds it.
  virtual base::Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;
};

// The real one; has no state.
FileLayer& posix_files();

// Writes all of it, however the layer cuts it.
base::Result<void> write_all(File& file, std::uint64_t offset, std::span<const base::ByteView> pieces);

}  // namespace store
