// SPDX-License-Identifier: Apache-2.0
#include "store/simulated_disk.hpp"

#include <algorithm>
#include <functional>

#include "base/check.hpp"

namespace store {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSector = 512;

std::unexpected<base::Error> io_error() {
  return base::fail(base::Errc::Io, "simulated input/output error");
}
std::unexpected<base::Error> full_error() {
  return base::fail(base::Errc::Unavailable, "simulated full disk");
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::Node> node)
      : disk_(disk), node_(std::move(node)), boot_(disk.boots_) {}

  base::Result<std::size_t> write_at(std::uint64_t offset, std::span<const base::ByteView> pieces) override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead()) return io_error();
    base::Bytes all;
    for (const base::ByteView piece : pieces) base::append(all, piece);
    using Verdict = SimulatedDisk::Verdict;
    const Verdict verdict = disk_.begin_operation();
    if (verdict == Verdict::Fail) return io_error();
    if (verdict == Verdict::FailFull) return full_error();
    if (verdict != Verdict::Proceed) all.resize(std::max<std::size_t>(all.size() / 2, 1));
    disk_.write(*node_, static_cast<std::size_t>(offset), all);
    if (verdict == Verdict::HalfThenFail) return io_error();
    if (verdict == Verdict::HalfThenFull) return full_error();
    return all.size();
  }

  base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead()) return io_error();
    const base::Bytes& bytes = node_->now;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min(out.size(), bytes.size() - static_cast<std::size_t>(offset));
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }

  base::Result<void> sync() override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead()) return io_error();
    if (disk_.begin_operation() != SimulatedDisk::Verdict::Proceed) {
      // As Linux does: the pages are marked clean, whether they reached the disk or not.
      disk_.lose_pages(*node_);
      return io_error();
    }
    ++disk_.syncs_;
    if (disk_.mutant_ == SimulatedDisk::Mutant::SyncComesLate) disk_.late_syncs_.insert(node_);
    if (disk_.mutant_ == SimulatedDisk::Mutant::None) disk_.make_durable(*node_);
    return {};
  }

  base::Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead() || disk_.begin_operation() != SimulatedDisk::Verdict::Proceed) return io_error();
    disk_.resize(*node_, static_cast<std::size_t>(size));
    return {};
  }

  base::Result<std::uint64_t> size() override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead()) return io_error();
    return node_->now.size();
  }

  base::Result<void> reserve(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead() || disk_.begin_operation() != SimulatedDisk::Verdict::Proceed) return io_error();
    if (size > node_->now.size()) disk_.resize(*node_, static_cast<std::size_t>(size));
    return {};
  }

  base::Result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_dead() || disk_.begin_operation() != SimulatedDisk::Verdict::Proceed) return io_error();
    disk_.punch(*node_, static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    return {};
  }

 private:
  bool is_dead() const { return disk_.off_ || boot_ != disk_.boots_; }

  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Node> node_;
  std::uint64_t boot_;
};

namespace {

class SimulatedLock final : public DirectoryLock {
 public:
  explicit SimulatedLock(std::function<void()> release) : release_(std::move(release)) {}
  ~SimulatedLock() override { release_(); }

 private:
  std::function<void()> release_;
};

}  // namespace

void SimulatedDisk::schedule(std::uint64_t operation, Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_[operations_ + operation] = fault;
}

bool SimulatedDisk::fault_happened() const {
  const std::lock_guard lock(mutex_);
  return fault_happened_;
}

void SimulatedDisk::set_full(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void SimulatedDisk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t SimulatedDisk::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used_now();
}

std::vector<std::string> SimulatedDisk::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, node] : names_) paths.push_back(path);
  return paths;
}

void SimulatedDisk::set_mutant(Mutant mutant) {
  const std::lock_guard lock(mutex_);
  mutant_ = mutant;
}

std::uint64_t SimulatedDisk::sync_count() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

void SimulatedDisk::cut_off() {
  const std::lock_guard lock(mutex_);
  off_ = true;
}

void SimulatedDisk::restart() {
  const std::lock_guard lock(mutex_);
  late_syncs_.clear();
  off_ = false;
  full_ = false;
  faults_.clear();
  locks_.clear();
  ++boots_;
}

void SimulatedDisk::power_on() {
  const std::lock_guard lock(mutex_);
  late_syncs_.clear();
  std::map<std::string, std::shared_ptr<Node>> kept = durable_names_;
  for (const auto& [path, node] : names_) {
    if (!kept.contains(path) && random_.below(2) == 0) kept[path] = node;
  }
  for (auto entry = kept.begin(); entry != kept.end();) {
    const bool removed = !names_.contains(entry->first);
    entry = removed && random_.below(2) == 0 ? kept.erase(entry) : std::next(entry);
  }
  names_ = durable_names_ = kept;
  for (const auto& [path, node] : names_) {
    lose_pages(*node);
    node->durable = node->now;
  }
  off_ = false;
  full_ = false;
  faults_.clear();
  locks_.clear();
  ++boots_;
}

base::Bytes& SimulatedDisk::contents(const std::string& path) {
  const std::lock_guard lock(mutex_);
  CHECK(names_.contains(path));
  return names_[path]->now;
}

SimulatedDisk::Verdict SimulatedDisk::begin_operation() {
  ++operations_;
  const auto fault = faults_.find(operations_);
  if (fault == faults_.end() || fault->second != Fault::PowerCut) finish_late_syncs();
  if (full_) return Verdict::FailFull;
  if (fault == faults_.end()) return Verdict::Proceed;
  fault_happened_ = true;
  switch (fault->second) {
    case Fault::Error:
      return Verdict::Fail;
    case Fault::NoSpace:
      return Verdict::HalfThenFull;
    case Fault::ShortWrite:
      return Verdict::Half;
    case Fault::PowerCut:
      off_ = true;
      return Verdict::HalfThenFail;
  }
  return Verdict::Proceed;
}

void SimulatedDisk::make_durable(Node& node) {
  node.durable = node.now;
  node.dirty.clear();
}

void SimulatedDisk::finish_late_syncs() {
  for (const auto& node : late_syncs_) make_durable(*node);
  late_syncs_.clear();
}

// Each page that was not synced is kept, lost, or torn at a sector; so is the size.
void SimulatedDisk::lose_pages(Node& node) {
  if (node.dirty.empty() && node.now.size() == node.durable.size()) return;
  const std::size_t size = random_.below(2) == 0 ? node.now.size() : node.durable.size();
  base::Bytes before = node.durable;
  before.resize(node.now.size());
  for (const std::size_t page : node.dirty) {
    const std::size_t begin = page * kPage;
    const std::size_t end = std::min(begin + kPage, node.now.size());
    if (begin >= end) continue;
    std::size_t lost_from = begin;
    const auto fate = random_.below(3);
    if (fate == 0) continue;
    if (fate == 1) lost_from = std::min(end, begin + random_.below(kPage / kSector) * kSector);
    std::copy(before.begin() + static_cast<std::ptrdiff_t>(lost_from),
              before.begin() + static_cast<std::ptrdiff_t>(end),
              node.now.begin() + static_cast<std::ptrdiff_t>(lost_from));
  }
  node.now.resize(size);
  node.dirty.clear();
}

void SimulatedDisk::write(Node& node, std::size_t offset, base::ByteView bytes) {
  if (node.now.size() < offset + bytes.size()) resize(node, offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), node.now.begin() + static_cast<std::ptrdiff_t>(offset));
  for (std::size_t page = offset / kPage; page * kPage < offset + bytes.size(); ++page) {
    node.dirty.insert(page);
    node.holes.erase(page);
  }
}

// As a hole on a disk: whole pages lose their space, and a power cut may bring the old bytes back.
void SimulatedDisk::punch(Node& node, std::size_t offset, std::size_t size) {
  const std::size_t end = std::min(offset + size, node.now.size());
  if (offset >= end) return;
  std::fill(node.now.begin() + static_cast<std::ptrdiff_t>(offset), node.now.begin() + static_cast<std::ptrdiff_t>(end),
            std::uint8_t{0});
  for (std::size_t page = offset / kPage; page * kPage < end; ++page) {
    node.dirty.insert(page);
    if (page * kPage >= offset && (page + 1) * kPage <= end) node.holes.insert(page);
  }
}

std::uint64_t SimulatedDisk::used_now() const {
  std::uint64_t used = 0;
  for (const auto& [path, node] : names_) {
    used += (node->now.size() + kPage - 1) / kPage * kPage - node->holes.size() * kPage;
  }
  return used;
}

void SimulatedDisk::resize(Node& node, std::size_t size) {
  node.holes.erase(node.holes.lower_bound((size + kPage - 1) / kPage), node.holes.end());
  const std::size_t from = std::min(size, node.now.size());
  node.now.resize(size);
  for (std::size_t page = from / kPage; page * kPage < std::max(size, from + 1); ++page) node.dirty.insert(page);
}

base::Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, Mode mode) {
  const std::lock_guard lock(mutex_);
  if (off_) return io_error();
  const bool exists = names_.contains(path);
  if (mode == Mode::CreateNew) {
    const Verdict verdict = begin_operation();
    if (verdict == Verdict::FailFull || verdict == Verdict::HalfThenFull) return full_error();
    if (verdict != Verdict::Proceed && verdict != Verdict::Half) return io_error();
    if (exists) return base::fail(base::Errc::Io, "file exists: " + path);
    names_[path] = std::make_shared<Node>();
  } else if (!exists) {
    return base::fail(base::Errc::NotFound, "no file " + path);
  }
  return std::make_unique<SimulatedFile>(*this, names_[path]);
}

base::Result<std::vector<std::string>> SimulatedDisk::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (off_) return io_error();
  std::vector<std::string> names;
  for (const auto& [path, node] : names_) {
    if (directory_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
  }
  return names;
}

base::Result<void> SimulatedDisk::make_directory(const std::string&) {
  return {};
}

base::Result<void> SimulatedDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (off_ || begin_operation() != Verdict::Proceed) return io_error();
  names_.erase(path);
  return {};
}

base::Result<void> SimulatedDisk::sync_directory(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (off_ || begin_operation() != Verdict::Proceed) return io_error();
  std::erase_if(durable_names_, [&directory](const auto& entry) { return directory_of(entry.first) == directory; });
  for (const auto& [path, node] : names_) {
    if (directory_of(path) == directory) durable_names_[path] = node;
  }
  return {};
}

base::Result<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) {
  const std::lock_guard lock(mutex_);
  if (off_) return io_error();
  const std::uint64_t used = used_now();
  return used > capacity_ ? 0 : capacity_ - used;
}

base::Result<std::unique_ptr<DirectoryLock>> SimulatedDisk::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!locks_.insert(path).second) return base::fail(base::Errc::InUse, path + " is held");
  return std::make_unique<SimulatedLock>([this, path] {
    const std::lock_guard release(mutex_);
    locks_.erase(path);
  });
}

}  // namespace store
