// SPDX-License-Identifier: Apache-2.0
#include "streams/images.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "streams/images/image_decoder.hpp"

namespace streams {
namespace {

using async::Task;
using base::Result;

// Times come in whole milliseconds, those of pictures rounded down: what is shown at the end of one counts.
constexpr std::chrono::microseconds kGrain{999};
// Fragments do not follow each other to the microsecond, and arrive less evenly than they were recorded.
constexpr std::chrono::microseconds kProducerTolerance{100'000};
constexpr std::chrono::microseconds kServerTolerance{1'000'000};
// Before a fragment that depends on those before it: intra refresh has a whole picture after a second or two.
constexpr std::chrono::microseconds kReach = std::chrono::seconds(30);
constexpr std::size_t kMostInReach = 300;

bool covers(const StoredFragment& fragment, TimeAxis axis, base::WallTime time) {
  const auto tolerance = axis == TimeAxis::Server ? kServerTolerance : kProducerTolerance;
  const base::WallTime start = start_of(fragment, axis);
  return time >= start - tolerance && time < start + fragment.header.duration + tolerance;
}

// The fragment, and what it depends on.
Task<Result<std::vector<OpenedFragment>>> open_run(Playback& playback, FragmentLogPtr log, StoredFragment fragment) {
  std::vector<StoredFragment> run;
  if ((fragment.header.flags & kDependent) != 0) {
    const base::WallTime reach = fragment.header.producer_time - kReach;
    CO_TRY(const std::optional<StoredFragment> first, co_await log->starting_at(TimeAxis::Producer, reach));
    if (first && first->header.number < fragment.header.number) {
      CO_TRY(run, co_await log->after({first->header.number.value - 1}, kMostInReach));
    }
    std::erase_if(run, [&](const StoredFragment& each) { return each.header.number >= fragment.header.number; });
    const auto key = std::find_if(run.rbegin(), run.rend(),
                                  [](const StoredFragment& each) { return (each.header.flags & kDependent) == 0; });
    run.erase(run.begin(), key == run.rend() ? run.begin() : std::prev(key.base()));
  }
  run.push_back(fragment);
  std::vector<OpenedFragment> opened;
  for (const StoredFragment& each : run) {
    CO_TRY(OpenedFragment one, co_await playback.open(log, each));
    opened.push_back(std::move(one));
  }
  co_return opened;
}

// One call's surroundings.
struct Sampling {
  Playback& playback;
  async::DiskWorker& workers;
  FragmentLogPtr log;
  ImagesRequest request;
};

// Times that one fragment covers.
struct Group {
  StoredFragment fragment;
  std::vector<base::WallTime> times;  // on the request's axis
};

Task<void> render_group(const Sampling& sampling, const Group& group, ImagePage& page) {
  auto images = co_await images_of_fragment(sampling.playback, sampling.workers, sampling.log, group.fragment,
                                            {sampling.request.axis, group.times, sampling.request.options});
  for (std::size_t i = 0; i < group.times.size(); ++i) {
    if (images && (*images)[i]) {
      page.images.push_back({group.times[i], *std::move((*images)[i])});
      continue;
    }
    base::log_debug("no image of fragment {}: {}", group.fragment.header.number.text(),
                    images ? (*images)[i].error().message : images.error().message);
    page.images.push_back({group.times[i], MissingImage::MediaError});
  }
}

std::size_t bytes_of(const ImagePage& page) {
  std::size_t bytes = 0;
  for (const SampledImage& image : page.images) {
    if (const auto* content = std::get_if<base::Bytes>(&image.content)) bytes += content->size();
  }
  return bytes;
}

}  // namespace

Task<Result<std::vector<Result<base::Bytes>>>> images_of_fragment(Playback& playback, async::DiskWorker& workers,
                                                                  FragmentLogPtr log, StoredFragment fragment,
                                                                  FragmentImages wanted) {
  CO_TRY(const std::vector<OpenedFragment> run, co_await open_run(playback, log, fragment));
  // Decoding is by the producer's times.
  for (base::WallTime& time : wanted.times) {
    time = fragment.header.producer_time + (time + kGrain - start_of(fragment, wanted.axis));
  }
  auto rendered = co_await workers.run(
      [&]() -> Result<std::vector<Result<base::Bytes>>> { return render_images(run, wanted.times, wanted.options); });
  co_return rendered;
}

Task<Result<ImagePage>> sample_images(Playback& playback, async::DiskWorker& workers, FragmentLogPtr log,
                                      ImagesRequest request, std::size_t most_bytes) {
  const Sampling sampling{playback, workers, log, request};
  ImagePage page;
  std::optional<Group> group;
  base::WallTime at = request.from;
  while (at <= request.to) {
    const std::size_t count = page.images.size() + (group ? group->times.size() : 0);
    if (count >= request.limit) break;
    CO_TRY(const std::optional<StoredFragment> fragment, co_await log->starting_at(request.axis, at + kGrain));
    const bool has_media = fragment && covers(*fragment, request.axis, at);
    if (group && (!has_media || group->fragment.header.number != fragment->header.number)) {
      co_await render_group(sampling, *std::exchange(group, std::nullopt), page);
      if (bytes_of(page) >= most_bytes) break;
    }
    if (!has_media) {
      page.images.push_back({at, MissingImage::NoMedia});
    } else {
      if (!group) group = Group{*fragment, {}};
      group->times.push_back(at);
    }
    at += request.interval;
  }
  if (group) co_await render_group(sampling, *group, page);
  if (at <= request.to) page.next = at;
  co_return page;
}

}  // namespace streams
