// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "api/archived_media/session_fetch.hpp"
#include "base/check.hpp"
#include "streams/dash_manifests.hpp"
#include "streams/playback.hpp"

// The input is an address, path and query; all that is made of its values before anything stored is looked at.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view address = base::as_text({bytes, size});
  const std::size_t query = std::min(address.find('?'), address.size());
  const auto fetch =
      api::read_session_fetch(address.substr(0, query), address.substr(std::min(query + 1, address.size())));
  CHECK(fetch.resource.find('/') == std::string::npos);
  CHECK(fetch.init.width <= 16'384 && fetch.init.height <= 16'384);
  CHECK(fetch.reload.msn.value_or(0) <= UINT32_MAX && fetch.part.value_or(0) <= UINT32_MAX);
  if (fetch.fragment_number) (void)streams::FragmentNumber::parse(*fetch.fragment_number);
  const auto time = streams::parse_media_time({fetch.time.value_or(""), fetch.timescale.value_or("")});
  if (time) CHECK(time->ticks >= 0 && time->timescale > 0 && time->ticks / time->timescale < 253'402'300'800);
  for (const auto track : {streams::PlaybackTrack::Video, streams::PlaybackTrack::Audio}) {
    const auto described = streams::to_track(fetch.init, track);
    if (!described) continue;
    const auto init = streams::make_init(*described);
    if (init) CHECK(init->size() < 64'000);
  }
  return 0;
}
