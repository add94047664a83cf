// SPDX-License-Identifier: Apache-2.0
#include "rtp/h264_depacketizer.hpp"

#include <gtest/gtest.h>

namespace rtp {
namespace {

base::Bytes depacketizer_hex(std::string_view text) {
  return base::parse_hex(text).value();
}

// Feeds payloads and keeps what comes out.
class DepacketizerRun {
 public:
  DepacketizerRun& push(std::int64_t timestamp, std::string_view payload, bool marker = false) {
    machine.push({timestamp, marker, depacketizer_hex(payload), base::Instant(std::chrono::milliseconds(++time_))},
                 out);
    return *this;
  }
  // Each access unit in hexadecimal, "K " before a key frame, "broken" for one with a part missing.
  std::vector<std::string> units() const {
    std::vector<std::string> texts;
    for (const DepacketizedFrame& frame : out) {
      texts.push_back(!frame.whole ? "broken"
                                   : (frame.frame.key_frame ? "K " : "") + base::to_hex(frame.frame.payload));
    }
    return texts;
  }
  H264Depacketizer machine;
  std::vector<DepacketizedFrame> out;

 private:
  int time_ = 0;
};
using Units = std::vector<std::string>;

TEST(H264Depacketizer, SingleNalUnitsUpToTheMarker) {
  DepacketizerRun run;
  run.push(100, "09f0")
      .push(100, "6742")
      .push(100, "6880")
      .push(100, "0601")
      .push(100, "6588aa")
      .push(100, "6542bb", true);
  EXPECT_EQ(run.units(), Units{"K 0000000209f0"
                               "000000026742"
                               "000000026880"
                               "000000020601"
                               "000000036588aa"
                               "000000036542bb"});
  EXPECT_EQ(run.out[0].timestamp, 100);
  EXPECT_EQ(run.out[0].arrived, base::Instant(std::chrono::milliseconds(1)));
}

TEST(H264Depacketizer, ARecoveryPointIsAKeyFrameWithoutIdr) {
  DepacketizerRun run;
  run.push(100, "06060209c480").push(100, "419abb", true);
  run.push(200, "060502aabb80").push(200, "419abb", true);
  run.push(300, "419acc", true);
  EXPECT_EQ(run.units(), (Units{"K 0000000606060209c480"
                                "00000003419abb",
                                "00000006060502aabb80"
                                "00000003419abb",
                                "00000003419acc"}));
}

TEST(H264Depacketizer, AggregateThenFragments) {
  DepacketizerRun run;
  run.push(1,
           "78"
           "00026742"
           "00026880")
      .push(1,
            "7c85"
            "8801")
      .push(1,
            "7c05"
            "0203")
      .push(1,
            "7c45"
            "04",
            true);
  EXPECT_EQ(run.units(), Units{"K 000000026742"
                               "000000026880"
                               "00000006"
                               "658801020304"});
}

TEST(H264Depacketizer, TheTimestampEndsAnAccessUnitWithoutMarker) {
  DepacketizerRun run;
  run.push(1, "4188").push(1, "4142").push(2, "4188").push(3, "4188");
  EXPECT_EQ(run.units(), (Units{"000000024188000000024142", "000000024188"}));
  run.machine.finish(run.out);
  EXPECT_EQ(run.units().size(), 3U);
}

TEST(H264Depacketizer, TwoAccessUnitsFromOnePacket) {
  DepacketizerRun run;
  run.push(1, "4188").push(2, "4199", true);
  EXPECT_EQ(run.units(), (Units{"000000024188", "000000024199"}));
}

TEST(H264Depacketizer, ParameterSetsUnderTheirOwnTimestampJoinThePicture) {
  DepacketizerRun run;
  run.push(1, "6742", true).push(2, "6880", true).push(3, "6588", true);
  EXPECT_EQ(run.units(), Units{"K 000000026742000000026880000000026588"});
  EXPECT_EQ(run.out[0].timestamp, 3);
}

TEST(H264Depacketizer, AMarkerInTheMiddleIsDistrustedFromThenOn) {
  DepacketizerRun run;
  run.push(1, "6588", true).push(1, "6542", true).push(2, "4188", true).push(2, "4142", true).push(3, "4188");
  // The first picture was handed out at its marker; its rest cannot be joined any more and is reported as broken.
  EXPECT_EQ(run.units(), (Units{"K 000000026588", "broken", "000000024188000000024142"}));
}

TEST(H264Depacketizer, TwoPicturesWithOneTimestampStayTwo) {
  DepacketizerRun run;
  run.push(1, "4188", true)
      .push(1, "4199", true)
      .push(1,
            "7c81"
            "8801")
      .push(1,
            "7c41"
            "02",
            true);
  EXPECT_EQ(run.units(), (Units{"000000024188", "000000024199",
                                "00000004"
                                "61880102"}));
}

TEST(H264Depacketizer, ALossBreaksTheUnitsAroundIt) {
  DepacketizerRun run;
  run.push(1,
           "7c85"
           "88");
  run.machine.lose();
  run.push(1,
           "7c45"
           "02",
           true)
      .push(2, "4188", true);
  EXPECT_EQ(run.units(), (Units{"broken", "000000024188"}));

  DepacketizerRun between;
  between.push(1, "4188", true);
  between.machine.lose();
  between.push(2, "4142", true).push(3, "4188", true);  // the first slice of 2 may have been lost
  EXPECT_EQ(between.units(), (Units{"000000024188", "broken", "000000024188"}));

  DepacketizerRun delimiter;
  delimiter.push(1, "4188", true);
  delimiter.machine.lose();
  delimiter.push(2, "09f0").push(2, "6588", true);  // an AUD is always the first
  EXPECT_EQ(delimiter.units(), (Units{"000000024188", "K 0000000209f0000000026588"}));
}

TEST(H264Depacketizer, ALossOfTheEndBreaksBothSides) {
  DepacketizerRun run;
  run.push(1, "4188");
  run.machine.lose();
  run.push(2, "4142").push(2, "4142", true).push(3, "4188", true);
  EXPECT_EQ(run.units(), (Units{"broken", "broken", "000000024188"}));
}

TEST(H264Depacketizer, RefusesWhatBreaksTheFormat) {
  const char* bad[] = {
      "7d85aa",          // FU-B
      "79000167",        // STAP-B
      "6001",            // type 0
      "7c05aa",          // a fragment without its first
      "7c85",            // a fragment of nothing
      "78",              // an empty aggregate
      "780000",          // an empty unit
      "78000367",        // a length past the end
      "78000278000167",  // an aggregate inside an aggregate
  };
  for (const char* payload : bad) {
    SCOPED_TRACE(payload);
    DepacketizerRun run;
    run.push(1, payload).push(1, "4188", true).push(2, "4188", true);
    EXPECT_EQ(run.units(), (Units{"broken", "000000024188"}));
    EXPECT_EQ(run.machine.take_malformed(), 1U);
  }
  DepacketizerRun mixed;  // a fragment of another unit type
  mixed.push(1, "7c8588").push(1, "7c4102", true);
  EXPECT_EQ(mixed.units(), Units{"broken"});
  DepacketizerRun unfinished;  // and one that ends without its last
  unfinished.push(1, "7c8588", true).push(2, "4188", true);
  EXPECT_EQ(unfinished.units(), (Units{"broken", "000000024188"}));
  DepacketizerRun interrupted;
  interrupted.push(1, "7c8588").push(1, "4188", true);
  EXPECT_EQ(interrupted.units(), Units{"broken"});
}

TEST(H264Depacketizer, BoundsAnAccessUnitThatNeverEnds) {
  H264Depacketizer machine;
  std::vector<DepacketizedFrame> out;
  const base::Bytes slice(60'000, 0x41);
  for (int i = 0; i < 400; ++i) machine.push({1, false, slice, {}}, out);
  EXPECT_TRUE(out.empty());
  machine.push({2, true, slice, {}}, out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_FALSE(out[0].whole);
  EXPECT_TRUE(out[1].whole);
}

TEST(H264Depacketizer, IgnoresEmptyPayloads) {
  DepacketizerRun run;
  run.push(1, "4188").push(1, "", true).push(1, "4142", true);
  EXPECT_EQ(run.units(), Units{"000000024188000000024142"});
}

}  // namespace
}  // namespace rtp
