// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <thread>

#include "base/log.hpp"
#include "base/random.hpp"
#include "store/crc32c.hpp"
#include "store/simulated_disk.hpp"
#include "store/volume_record.hpp"
#include "store/volume_scan.hpp"
#include "store/volume_store.hpp"

namespace store {
namespace {

// The faults below are meant; their log lines would bury what matters.
[[maybe_unused]] const bool kQuiet = (base::set_log_level(base::LogLevel::Off), true);

TEST(Crc32c, MatchesRfc3720) {
  // RFC 3720 B.4.
  base::Bytes bytes(32, 0);
  EXPECT_EQ(crc32c(bytes), 0x8a9136aaU);
  std::ranges::fill(bytes, std::uint8_t{0xff});
  EXPECT_EQ(crc32c(bytes), 0x62a8ab43U);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc32c(bytes), 0x46dd794eU);
  EXPECT_EQ(crc32c(base::as_bytes("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c_portable(base::as_bytes("123456789")), 0xe3069283U);
}

TEST(Crc32c, BothWaysAgreeOnEveryLengthAndInPieces) {
  base::SeededRandom random(7);
  base::Bytes bytes(10'000);
  random.fill(bytes);
  for (std::size_t size = 0; size < bytes.size(); size += size < 64 ? 1 : 509) {
    const base::ByteView view = base::ByteView(bytes).first(size);
    const std::uint32_t whole = crc32c(view);
    EXPECT_EQ(whole, crc32c_portable(view)) << size;
    const std::size_t cut = size / 3;
    EXPECT_EQ(whole, crc32c(view.subspan(cut), crc32c(view.first(cut)))) << size;
  }
}

TEST(FragmentNumber, TextIs47Digits) {
  const FragmentNumber number{1'790'000'000'123'456};
  EXPECT_EQ(number.text(), "91343852333000000000000000000001790000000123456");
  EXPECT_EQ(number.text().size(), 47U);
  EXPECT_EQ(FragmentNumber::parse(number.text()), number);
  const char* const kBad[] = {"",
                              "0",
                              "91343852333",
                              "9134385233300000000000000000000179000000012345",
                              "913438523330000000000000000000001790000000123456",
                              "9134385233300000000000000000000179000000012345x",
                              "81343852333000000000000000000001790000000123456",
                              "91343852333999999999999999999999999999999999999"};
  for (const char* text : kBad) EXPECT_FALSE(FragmentNumber::parse(text)) << text;
}

FragmentHeader example_header() {
  FragmentHeader header;
  header.stream = {0x1122334455667788, 3};
  header.number = {1'790'000'000'123'456};
  header.producer_time = base::from_microseconds(1'790'000'000'000'001);
  header.server_time = base::from_microseconds(1'790'000'000'123'456);
  header.duration = std::chrono::microseconds(2'000'033);
  header.flags = kDependent | kAudio;
  header.codec_fingerprint = 0xfeedfacecafebeef;
  header.pictures_after = std::chrono::microseconds(140'000);
  header.sound_after = std::chrono::microseconds(-1);
  header.sound_length = std::chrono::milliseconds(2'005);
  header.gap_before = Gap{GapReason::PacketsLost, base::from_microseconds(5), base::from_microseconds(17)};
  header.ended_by = GapReason::PublisherLeft;
  return header;
}

TEST(VolumeRecord, GoldenBytes) {
  RecordHeader record;
  record.salt = 0x0102030405060708;
  record.offset = 4096;
  record.payload_size = 9;
  record.payload_crc = 0xe3069283;
  record.fragment = example_header();
  const auto bytes = write_record_header(record);
  // Put together from docs/formats/volume.md by an independent program, the checksum by the polynomial bit for bit.
  EXPECT_EQ(base::to_hex(bytes),
            "8a5447520d0a1a0a"
            "01"
            "00"
            "0080"
            "74bf926e"
            "0102030405060708"
            "0000000000001000"
            "0000000000000009"
            "e3069283"
            "00000009"
            "1122334455667788"
            "00000003"
            "02"
            "01"
            "07d5"
            "00065bfeda27c240"
            "00065bfeda25e001"
            "00065bfeda27c240"
            "00000000001e84a1"
            "0000000000000005"
            "0000000000000011"
            "feedfacecafebeef"
            "000222e0"
            "ffffffff");
  const auto parsed = parse_record_header(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->fragment, record.fragment);
  EXPECT_EQ(parsed->payload_size, 9U);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_FALSE(parse_record_header(damaged)) << i;
  }
}

// Everything that the store answered, and what it must therefore still hold.
struct Ledger {
  std::mutex mutex;
  std::map<std::uint64_t, StoredFragment> acknowledged;  // by number
  std::map<std::uint64_t, base::Bytes> payloads;
  std::uint64_t last_acknowledged = 0;
  bool in_order = true;
  std::size_t refused = 0;

  void append(VolumeStore& volumes, std::uint64_t number, base::Bytes payload) {
    FragmentHeader header = example_header();
    header.number = {number};
    payloads[number] = payload;
    volumes.append(header, std::make_shared<const base::Bytes>(std::move(payload)),
                   [this, number](base::Result<StoredFragment> result) {
                     const std::lock_guard lock(mutex);
                     if (!result) {
                       ++refused;
                       return;
                     }
                     in_order = in_order && number > last_acknowledged;
                     last_acknowledged = number;
                     acknowledged[number] = *result;
                   });
  }
};

base::Bytes random_payload(base::Random& random, std::size_t below) {
  base::Bytes payload(random.below(below));
  random.fill(payload);
  return payload;
}

struct Opened {
  std::unique_ptr<VolumeStore> volumes;
  RecoveredRecords recovered;
};

// No patience: what cannot be written is given back at once.
Opened open_volumes(SimulatedDisk& disk, std::span<const VolumeMark> known = {},
                    std::uint64_t volume_bytes = 1U << 20U) {
  static base::SeededRandom salts(99);
  Opened opened;
  FileVolumeOptions options;
  options.directory = "/volumes";
  options.volume_bytes = volume_bytes;
  options.reserve_bytes = 128U << 10U;
  options.patience = base::Duration::zero();
  auto volumes = open_file_volumes(options, disk, salts, known, opened.recovered);
  EXPECT_TRUE(volumes) << (volumes ? "" : volumes.error().message);
  if (volumes) opened.volumes = *std::move(volumes);
  return opened;
}

// What is wrong with the reopened store, or empty.
std::string compare(Ledger& ledger, Opened& opened) {
  std::map<std::uint64_t, const StoredFragment*> found;
  for (const StoredFragment& fragment : opened.recovered.fragments) {
    const std::uint64_t number = fragment.header.number.value;
    found.emplace(number, &fragment);
    if (!ledger.payloads.contains(number)) return "a fragment that was never written";
    auto payload = opened.volumes->read(fragment);
    if (!payload) return "unreadable: " + payload.error().message;
    if (**payload != ledger.payloads[number]) return "a payload is not what was written";
  }
  for (const auto& [number, fragment] : ledger.acknowledged) {
    if (!found.contains(number)) return "acknowledged fragment " + std::to_string(number) + " is missing";
    if (found[number]->header != fragment.header) return "a header is not what was acknowledged";
  }
  return {};
}

TEST(FileVolumes, AppendReadReopen) {
  SimulatedDisk disk(1);
  base::SeededRandom random(2);
  Ledger ledger;
  {
    auto opened = open_volumes(disk);
    for (std::uint64_t number = 1; number <= 50; ++number)
      ledger.append(*opened.volumes, number, random_payload(random, 9000));
    opened.volumes->flush();
    EXPECT_EQ(ledger.acknowledged.size(), 50U);
    EXPECT_TRUE(ledger.in_order);
    for (const auto& [number, fragment] : ledger.acknowledged) {
      auto payload = opened.volumes->read(fragment);
      ASSERT_TRUE(payload) << payload.error().message;
      EXPECT_EQ(**payload, ledger.payloads[number]);
    }
    EXPECT_LT(opened.volumes->stats().commits, 50U);  // group commit
  }
  auto again = open_volumes(disk);
  EXPECT_EQ(compare(ledger, again), "");
  EXPECT_EQ(again.recovered.fragments.size(), 50U);
  EXPECT_EQ(again.recovered.damaged_places, 0U);
  // A sealed volume that the index knows is not read again.
  auto known = open_volumes(disk, again.recovered.marks);
  EXPECT_TRUE(known.recovered.fragments.empty());
}

TEST(FileVolumes, RollsBySize) {
  SimulatedDisk disk(1);
  base::SeededRandom random(2);
  Ledger ledger;
  {
    auto opened = open_volumes(disk, {}, 20'000);
    for (std::uint64_t number = 1; number <= 40; ++number) {
      ledger.append(*opened.volumes, number, random_payload(random, 9000));
      opened.volumes->flush();
    }
  }
  EXPECT_GT(disk.list("/volumes")->size(), 4U);
  auto again = open_volumes(disk);
  EXPECT_EQ(compare(ledger, again), "");
}

TEST(FileVolumes, RollsByAgeAndOnDemand) {
  SimulatedDisk disk(1);
  base::SeededRandom salts(3);
  RecoveredRecords recovered;
  FileVolumeOptions options;
  options.directory = "/volumes";
  base::WallTime now = base::from_microseconds(1'000'000'000);
  options.wall_clock = [&now] { return now; };
  options.volume_age = std::chrono::hours(1);
  auto volumes = open_file_volumes(options, disk, salts, {}, recovered);
  ASSERT_TRUE(volumes);
  Ledger ledger;
  const auto append = [&](std::uint64_t number) {
    ledger.append(**volumes, number, base::Bytes(100, 1));
    (*volumes)->flush();
    return ledger.acknowledged[number].place.volume;
  };
  EXPECT_EQ((*volumes)->open_volume(), 0U);
  EXPECT_EQ(append(1), 1U);
  now += std::chrono::minutes(59);
  EXPECT_EQ(append(2), 1U);
  now += std::chrono::minutes(1);
  EXPECT_EQ(append(3), 2U);
  EXPECT_EQ((*volumes)->open_volume(), 2U);
  (*volumes)->roll();
  EXPECT_EQ((*volumes)->open_volume(), 0U);
  EXPECT_EQ(append(4), 3U);
}

TEST(FileVolumes, SpaceGivenBackLeavesTheNeighboursAlone) {
  SimulatedDisk disk(1);
  base::SeededRandom random(2);
  Ledger ledger;
  {
    auto opened = open_volumes(disk);
    for (std::uint64_t number = 1; number <= 9; ++number) {
      base::Bytes payload(20'000 + random.below(20'000));
      random.fill(payload);
      ledger.append(*opened.volumes, number, std::move(payload));
    }
    opened.volumes->flush();
    std::vector<VolumeRange> ranges;
    std::uint64_t seen = 0;
    const auto visited =
        opened.volumes->visit(opened.volumes->open_volume(), [&](const StoredFragment& fragment) -> base::Result<void> {
          ++seen;
          const std::uint64_t number = fragment.header.number.value;
          EXPECT_EQ(fragment, ledger.acknowledged[number]);
          if (number % 3 == 0) ranges.push_back({fragment.place.offset + 128, fragment.payload_size});
          return {};
        });
    ASSERT_TRUE(visited);
    EXPECT_EQ(seen, 9U);
    const std::uint64_t before = disk.used_bytes();
    ASSERT_TRUE(opened.volumes->punch(opened.volumes->open_volume(), ranges));
    EXPECT_GE(before - disk.used_bytes(), 3U * (20'000U - 2 * 4096U));
    for (const std::uint64_t number : {3U, 6U, 9U}) {
      EXPECT_FALSE(opened.volumes->read(ledger.acknowledged[number]));
      ledger.acknowledged.erase(number);
    }
    for (const auto& [number, fragment] : ledger.acknowledged) {
      const auto payload = opened.volumes->read(fragment);
      ASSERT_TRUE(payload) << payload.error().message;
      EXPECT_EQ(**payload, ledger.payloads[number]);
    }
  }
  auto again = open_volumes(disk);
  EXPECT_EQ(compare(ledger, again), "");
  EXPECT_EQ(again.recovered.hollow_payloads, 3U);
  EXPECT_EQ(again.recovered.damaged_payloads, 0U);
}

TEST(FileVolumes, WhatWaitsOnAFullDiskIsWrittenWhenThereIsRoomAgain) {
  SimulatedDisk disk(1);
  base::SeededRandom salts(3);
  RecoveredRecords recovered;
  FileVolumeOptions options;
  options.directory = "/volumes";
  options.patience = std::chrono::minutes(10);
  options.retry_interval = std::chrono::milliseconds(1);
  auto volumes = open_file_volumes(options, disk, salts, {}, recovered);
  ASSERT_TRUE(volumes);
  EXPECT_TRUE((*volumes)->health().writable);
  Ledger ledger;
  disk.set_full(true);
  ledger.append(**volumes, 1, base::Bytes(5000, 1));
  while ((*volumes)->health().writable) std::this_thread::yield();
  EXPECT_NE((*volumes)->health().reason.find("full"), std::string::npos);
  ledger.append(**volumes, 2, base::Bytes(5000, 2));
  disk.set_full(false);
  (*volumes)->flush();
  EXPECT_TRUE((*volumes)->health().writable);
  EXPECT_EQ(ledger.acknowledged.size(), 2U);
  EXPECT_EQ(ledger.refused, 0U);
}

TEST(FileVolumes, TombstonesComeBackInOrder) {
  SimulatedDisk disk(1);
  Ledger ledger;
  {
    auto opened = open_volumes(disk);
    ledger.append(*opened.volumes, 1, {1, 2, 3});
    std::promise<bool> buried;
    opened.volumes->append_tombstone(
        {{7, 1}, {99}}, [&buried](base::Result<RecordPlace> place) { buried.set_value(place.has_value()); });
    EXPECT_TRUE(buried.get_future().get());
  }
  auto again = open_volumes(disk);
  ASSERT_EQ(again.recovered.tombstones.size(), 1U);
  EXPECT_EQ(again.recovered.tombstones[0].first.stream, (StreamKey{7, 1}));
  EXPECT_EQ(again.recovered.tombstones[0].first.through.value, 99U);
}

TEST(FileVolumes, DamageHidesOnlyWhatItHits) {
  for (const bool damage_header : {false, true}) {
    SimulatedDisk disk(1);
    base::SeededRandom random(5);
    Ledger ledger;
    {
      auto opened = open_volumes(disk);
      for (std::uint64_t number = 1; number <= 20; ++number)
        ledger.append(*opened.volumes, number, random_payload(random, 3000));
      opened.volumes->flush();
    }
    const RecordPlace place = ledger.acknowledged[10].place;
    const std::string path = "/volumes/" + disk.list("/volumes")->front();
    disk.contents(path)[place.offset + (damage_header ? 70 : 128)] ^= 1;
    disk.contents(path)[16] ^= 1;  // the volume's own header: the records carry the salt
    auto again = open_volumes(disk);
    EXPECT_EQ(again.recovered.fragments.size(), 19U) << damage_header;
    EXPECT_EQ(again.recovered.damaged_payloads, damage_header ? 0U : 1U);
    EXPECT_EQ(again.recovered.damaged_places, damage_header ? 1U : 0U);
    ledger.acknowledged.erase(10);
    EXPECT_EQ(compare(ledger, again), "");
  }
}

TEST(FileVolumes, AnEmbeddedVolumeIsPayload) {
  // A payload that holds a copy of the volume must never be taken for records when a damaged header is searched past.
  SimulatedDisk disk(1);
  Ledger ledger;
  std::string path;
  {
    auto opened = open_volumes(disk);
    ledger.append(*opened.volumes, 1, base::Bytes(5000, 7));
    opened.volumes->flush();
    path = "/volumes/" + disk.list("/volumes")->front();
    const base::Bytes copy = disk.contents(path);
    ledger.append(*opened.volumes, 2, base::Bytes(copy.begin() + 4096, copy.begin() + 4096 + 8000));
    ledger.append(*opened.volumes, 3, base::Bytes(300, 8));
    opened.volumes->flush();
  }
  disk.contents(path)[ledger.acknowledged[2].place.offset + 20] ^= 1;
  auto again = open_volumes(disk);
  ASSERT_EQ(again.recovered.fragments.size(), 2U);
  EXPECT_EQ(again.recovered.fragments[1].header.number.value, 3U);
}

TEST(VolumeScan, ReadsWhatAnotherProgramWroteByTheDocument) {
  // Made by a program that knows docs/formats/volume.md and nothing of this code.
  std::ifstream in(std::string(TIDEGATE_SOURCE_DIR) + "/tests/fuzz_corpus/store_volume_scan/two_groups",
                   std::ios::binary);
  const base::Bytes bytes((std::istreambuf_iterator<char>(in)), {});
  ASSERT_EQ(bytes.size(), 8648U);
  const auto volume = parse_volume_header(bytes);
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->number, 1U);
  SimulatedDisk disk(1);
  auto file = disk.open("/v/file", FileLayer::Mode::CreateNew);
  const base::ByteView view(bytes);
  ASSERT_TRUE(write_all(**file, 0, {&view, 1}));
  std::vector<std::pair<int, std::uint64_t>> found;
  const auto scan = scan_volume(**file, volume->salt, 0, [&](const RecordHeader& record) {
    found.emplace_back(static_cast<int>(record.type), record.fragment.number.value);
  });
  ASSERT_TRUE(scan);
  EXPECT_EQ(found, (std::vector<std::pair<int, std::uint64_t>>{{1, 100}, {1, 101}, {2, UINT64_MAX}, {9, 1}, {1, 102}}));
  EXPECT_EQ(scan->damaged_payloads + scan->damaged_places, 0U);
  EXPECT_EQ(scan->end, bytes.size());
}

TEST(FileVolumes, ReadFindsDamage) {
  SimulatedDisk disk(1);
  Ledger ledger;
  auto opened = open_volumes(disk);
  ledger.append(*opened.volumes, 1, base::Bytes(5000, 7));
  opened.volumes->flush();
  disk.contents("/volumes/" + disk.list("/volumes")->front())[4096 + 128 + 4999] ^= 0x10;
  auto payload = opened.volumes->read(ledger.acknowledged[1]);
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, base::Errc::Corrupt);
}

TEST(FileVolumes, AFullDiskIsRefusedAndRecoversByItself) {
  SimulatedDisk disk(1);
  Ledger ledger;
  auto opened = open_volumes(disk);
  ledger.append(*opened.volumes, 1, base::Bytes(5000, 1));
  opened.volumes->flush();
  disk.set_full(true);
  ledger.append(*opened.volumes, 2, base::Bytes(5000, 2));
  opened.volumes->flush();
  EXPECT_EQ(ledger.refused, 1U);
  EXPECT_TRUE(opened.volumes->read(ledger.acknowledged[1]));  // what is committed stays readable
  disk.set_full(false);
  ledger.append(*opened.volumes, 3, base::Bytes(5000, 3));
  opened.volumes->flush();
  EXPECT_EQ(ledger.acknowledged.size(), 2U);
  opened.volumes.reset();
  auto again = open_volumes(disk);
  EXPECT_EQ(compare(ledger, again), "");
  EXPECT_EQ(again.recovered.fragments.size(), 2U);
}

TEST(FileVolumes, AFailedSyncSealsTheVolumeAndRewritesFromMemory) {
  SimulatedDisk disk(1);
  Ledger ledger;
  auto opened = open_volumes(disk);
  ledger.append(*opened.volumes, 1, base::Bytes(5000, 1));
  opened.volumes->flush();
  disk.schedule(2, SimulatedDisk::Fault::Error);  // 1 is the write, 2 the sync
  ledger.append(*opened.volumes, 2, base::Bytes(5000, 2));
  opened.volumes->flush();
  ASSERT_TRUE(disk.fault_happened());
  ASSERT_EQ(ledger.acknowledged.size(), 2U);
  EXPECT_NE(ledger.acknowledged[1].place.volume, ledger.acknowledged[2].place.volume);
  EXPECT_EQ(opened.volumes->stats().failed_syncs, 1U);
  EXPECT_EQ(opened.volumes->stats().rewritten, 1U);
  disk.power_on();
  opened.volumes.reset();
  auto again = open_volumes(disk);
  EXPECT_EQ(compare(ledger, again), "");
}

TEST(FileVolumes, AFullQueueIsRefusedAtOnce) {
  SimulatedDisk disk(1);
  base::SeededRandom salts(3);
  RecoveredRecords recovered;
  FileVolumeOptions options;
  options.directory = "/volumes";
  options.max_queued_bytes = 1000;
  auto volumes = open_file_volumes(options, disk, salts, {}, recovered);
  ASSERT_TRUE(volumes);
  Ledger ledger;
  ledger.append(**volumes, 1, base::Bytes(1001, 1));
  EXPECT_EQ(ledger.refused, 1U);
  EXPECT_EQ((*volumes)->stats().failed_appends, 1U);
}

// One life of the store on a disk that fails at its n-th operation; then the power comes back and everything that was
// acknowledged must be there. Gives what was wrong.
std::string run_with_fault(std::uint64_t seed, std::uint64_t operation, SimulatedDisk::Fault fault,
                           SimulatedDisk::Mutant mutant, bool& fault_happened) {
  SimulatedDisk disk(seed);
  base::SeededRandom random(seed * 31 + operation);
  Ledger ledger;
  {
    auto opened = open_volumes(disk, {}, 30'000);
    disk.set_mutant(mutant);
    disk.schedule(operation, fault);
    for (std::uint64_t number = 1; number <= 24; ++number) {
      ledger.append(*opened.volumes, number, random_payload(random, 6000));
      if (random.below(3) == 0) opened.volumes->flush();
    }
    opened.volumes->flush();
    fault_happened = disk.fault_happened();
    disk.schedule(1, SimulatedDisk::Fault::PowerCut);  // before the orderly end
  }
  disk.power_on();
  disk.set_mutant(SimulatedDisk::Mutant::None);
  if (!ledger.in_order) return "acknowledged out of order";
  auto again = open_volumes(disk, {}, 30'000);
  if (std::string wrong = compare(ledger, again); !wrong.empty()) return wrong;
  // And it goes on from there.
  const std::size_t before = ledger.acknowledged.size();
  ledger.append(*again.volumes, 1000, random_payload(random, 6000));
  again.volumes->flush();
  if (ledger.acknowledged.size() != before + 1) return "does not go on after the restart";
  again.volumes.reset();
  auto third = open_volumes(disk);
  return compare(ledger, third);
}

TEST(FileVolumes, NothingAcknowledgedIsLostWhateverFails) {
  using Fault = SimulatedDisk::Fault;
  for (const Fault fault : {Fault::Error, Fault::NoSpace, Fault::ShortWrite, Fault::PowerCut}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      bool fault_happened = true;
      for (std::uint64_t operation = 1; fault_happened; ++operation) {
        ASSERT_EQ(run_with_fault(seed, operation, fault, SimulatedDisk::Mutant::None, fault_happened), "")
            << "fault " << static_cast<int>(fault) << " seed " << seed << " operation " << operation;
      }
    }
  }
}

TEST(FileVolumes, TheTestSeesAStoreThatDoesNotSync) {
  for (const auto mutant : {SimulatedDisk::Mutant::SyncDoesNothing, SimulatedDisk::Mutant::SyncComesLate}) {
    std::size_t caught = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      bool fault_happened = true;
      for (std::uint64_t operation = 1; fault_happened && caught == 0; ++operation) {
        caught +=
            run_with_fault(seed, operation, SimulatedDisk::Fault::PowerCut, mutant, fault_happened).empty() ? 0 : 1;
      }
    }
    EXPECT_GT(caught, 0U) << static_cast<int>(mutant);
  }
}

}  // namespace
}  // namespace store
