// SPDX-License-Identifier: Apache-2.0
#include "store/derived_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/log.hpp"

namespace store {
namespace {

constexpr std::uint64_t kBlock = 4096;            // what a file system gives at a time, mostly
constexpr std::size_t kRememberedForgets = 4096;  // a derivation that takes longer than so many is not kept

std::uint64_t to_blocks(std::uint64_t bytes) {
  return (bytes + kBlock - 1) / kBlock * kBlock;
}

}  // namespace

base::Result<std::unique_ptr<DerivedFiles>> DerivedFiles::open(DerivedOptions options, FileLayer& layer) {
  std::unique_ptr<DerivedFiles> files(new DerivedFiles(std::move(options), layer));
  TRY_VOID(layer.make_directory(files->options_.directory));
  TRY_VOID(files->take_stock());
  return files;
}

// The file layer knows no times; a fault here is a cache that does not open.
base::Result<void> DerivedFiles::take_stock() {
  namespace fs = std::filesystem;
  std::vector<std::tuple<fs::file_time_type, DerivedName, std::uint64_t>> found;
  std::error_code error;
  for (fs::directory_iterator entry(options_.directory, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = parse_derived_file_name(entry->path().filename().string());
    if (!name) continue;
    std::error_code gone;
    const std::uint64_t size = entry->file_size(gone);
    const fs::file_time_type used = entry->last_write_time(gone);
    if (!gone) found.emplace_back(used, *name, to_blocks(size));
  }
  if (error) {
    return base::fail(base::Errc::Io, fmt::format("listing {}: {}", options_.directory, error.message()));
  }
  std::ranges::sort(found);
  const std::lock_guard lock(mutex_);
  for (const auto& [used, name, bytes] : found) add(name, bytes);
  return evict_for(0);
}

std::optional<base::Bytes> DerivedFiles::find(const DerivedName& name, std::string_view tag) {
  std::uint64_t limit = 0;
  const std::unique_ptr<File> file = open_entry(name, limit);
  if (!file) {
    ++counters_.misses;
    return std::nullopt;
  }
  const auto size = file->size();
  base::Bytes bytes(size ? std::min(*size, limit) : 0);
  const auto got = file->read_at(0, bytes);
  if (!size || !got) ++counters_.failures;
  const auto entry = parse_derived_entry(bytes);
  if (entry && entry->name == name && entry->tag == tag) {
    ++counters_.hits;
    return base::Bytes(entry->payload.begin(), entry->payload.end());
  }
  ++counters_.misses;
  ++(entry && entry->name == name ? counters_.outdated : counters_.damaged);
  drop(name);
  return std::nullopt;
}

// Null when there is none. `limit`: what the file can have at most.
std::unique_ptr<File> DerivedFiles::open_entry(const DerivedName& name, std::uint64_t& limit) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(name);
  if (place == places_.end()) return nullptr;
  auto file = layer_.open(path_of(name), FileLayer::Mode::Read);
  if (!file) {
    ++counters_.failures;
    static_cast<void>(remove(place));
    return nullptr;
  }
  limit = place->second->bytes;
  entries_.splice(entries_.begin(), entries_, place->second);
  std::error_code ignored;  // then it counts as used earlier, after a restart
  std::filesystem::last_write_time(path_of(name), std::filesystem::file_time_type::clock::now(), ignored);
  return *std::move(file);
}

void DerivedFiles::drop(const DerivedName& name) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(name);
  if (place != places_.end()) static_cast<void>(remove(place));
}

void DerivedFiles::put(const DerivedName& name, std::string_view tag, base::ByteView payload, std::uint64_t ticket) {
  const base::Bytes bytes = write_derived_entry({name, tag, payload});
  const std::uint64_t size = to_blocks(bytes.size());
  if (size > options_.budget) return;
  const std::lock_guard lock(mutex_);
  if (places_.contains(name) || was_forgotten(name, ticket)) return;
  if (std::chrono::steady_clock::now() < resume_) {
    ++counters_.refused;
    return;
  }
  const auto free = layer_.free_bytes(options_.directory);
  if (free && *free < options_.keep_free + size) {
    ++counters_.refused;
    return;
  }
  auto done = free ? evict_for(size) : base::Result<void>(std::unexpected(free.error()));
  if (done) done = write(name, bytes);
  if (!done) {
    note_trouble(done.error());
    return;
  }
  in_trouble_ = false;
  ++counters_.written;
  add(name, size);
}

base::Result<void> DerivedFiles::write(const DerivedName& name, base::ByteView bytes) {
  const std::string path = path_of(name);
  auto file = layer_.open(path, FileLayer::Mode::CreateNew);
  auto done = file ? write_all(**file, 0, {&bytes, 1}) : base::Result<void>(std::unexpected(file.error()));
  if (!done) static_cast<void>(layer_.remove(path));  // or it stays, torn, and is no entry
  return done;
}

base::Result<void> DerivedFiles::forget(StreamKey stream, FragmentNumber through) {
  const std::lock_guard lock(mutex_);
  forgotten_.push_back({++forgets_, stream, through});
  if (forgotten_.size() > kRememberedForgets) forgotten_.pop_front();
  auto place = places_.lower_bound({stream, {}});
  while (place != places_.end() && place->first.stream == stream && place->first.fragment <= through) {
    const auto next = std::next(place);
    TRY_VOID(remove(place));
    place = next;
  }
  return {};
}

std::uint64_t DerivedFiles::give_way(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  resume_ = std::chrono::steady_clock::now() + options_.pause;
  std::uint64_t freed = 0;
  while (freed < bytes && !entries_.empty()) {
    const std::uint64_t size = entries_.back().bytes;
    if (!remove(places_.find(entries_.back().name))) break;
    ++counters_.evicted;
    freed += size;
  }
  return freed;
}

base::Result<void> DerivedFiles::evict_for(std::uint64_t bytes) {
  while (!entries_.empty() && (counters_.bytes + bytes > options_.budget || entries_.size() >= options_.most_entries)) {
    TRY_VOID(remove(places_.find(entries_.back().name)));
    ++counters_.evicted;
  }
  return {};
}

base::Result<void> DerivedFiles::remove(std::map<DerivedName, Entries::iterator>::iterator place) {
  if (auto removed = layer_.remove(path_of(place->first)); !removed) {
    ++counters_.failures;
    return removed;
  }
  counters_.bytes -= place->second->bytes;
  --counters_.entries;
  entries_.erase(place->second);
  places_.erase(place);
  return {};
}

void DerivedFiles::add(const DerivedName& name, std::uint64_t bytes) {
  entries_.push_front({name, bytes});
  places_[name] = entries_.begin();
  counters_.bytes += bytes;
  ++counters_.entries;
}

bool DerivedFiles::was_forgotten(const DerivedName& name, std::uint64_t ticket) const {
  if (ticket == forgets_) return false;
  if (forgotten_.empty() || forgotten_.front().count > ticket + 1) return true;  // nobody knows
  return std::ranges::any_of(forgotten_, [&](const Forgotten& each) {
    return each.count > ticket && each.stream == name.stream && each.through >= name.fragment;
  });
}

void DerivedFiles::note_trouble(const base::Error& error) {
  ++counters_.failures;
  resume_ = std::chrono::steady_clock::now() + options_.pause;
  if (in_trouble_) return;
  in_trouble_ = true;
  base::log_warning("nothing is kept in the rendering cache until this has passed: {}", error.message);
}

std::string DerivedFiles::path_of(const DerivedName& name) const {
  return options_.directory + "/" + derived_file_name(name);
}

std::vector<std::pair<StreamKey, FragmentNumber>> DerivedFiles::streams() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<StreamKey, FragmentNumber>> all;
  for (const auto& [name, entry] : places_) {
    if (all.empty() || all.back().first != name.stream) all.emplace_back(name.stream, name.fragment);
    all.back().second = name.fragment;
  }
  return all;
}

DerivedStats DerivedFiles::stats() const {
  const Counters& c = counters_;
  return {c.hits, c.misses, c.damaged, c.outdated, c.written, c.evicted, c.refused, c.failures, c.bytes, c.entries};
}

}  // namespace store
