// SPDX-License-Identifier: Apache-2.0
#include "delivery/image_courier.hpp"

#include <algorithm>

#include "aws/arn.hpp"
#include "aws/json.hpp"
#include "base/log.hpp"
#include "delivery/fragment_tags.hpp"
#include "delivery/image_times.hpp"
#include "delivery/post.hpp"
#include "streams/images.hpp"

namespace delivery {
namespace {

namespace kv = aws::kinesisvideo;
using async::Task;
using base::Result;

// Images in memory at once: a fragment may ask for a hundred.
constexpr std::size_t kBatch = 8;

Result<ImageSettings> settings_of(const streams::Stream& stream) {
  const auto found = stream.configurations.find(std::string(kImageGeneration));
  if (found == stream.configurations.end()) return ImageSettings{};
  const auto configuration = aws::decode<kv::ImageGenerationConfiguration>(found->second);
  if (!configuration) return base::fail(base::Errc::Corrupt, configuration.error().message);
  const auto arn = aws::parse_arn(stream.arn);
  return read_settings(*configuration, arn ? arn->region : "");
}

std::string content_type(streams::ImageFormat format) {
  return format == streams::ImageFormat::Jpeg ? "image/jpeg" : "image/png";
}

}  // namespace

// What one fragment asks for.
struct ImageCourier::Order {
  ImageSettings settings;
  FragmentTags tags;
  std::vector<base::WallTime> times;
};

bool ImageCourier::is_enabled(const streams::Stream& stream) const {
  const auto settings = settings_of(stream);
  return settings && settings->enabled;
}

Task<Result<void>> ImageCourier::deliver(const Parcel& parcel, Progress& progress) {
  const streams::FragmentHeader& header = parcel.fragment.header;
  Order order;
  CO_TRY(order.settings, settings_of(*parcel.stream));
  const bool is_tagged_kind = (header.flags & streams::kProducerDocument) != 0;
  if (is_tagged_kind) {
    CO_TRY(const streams::Payload payload, co_await parcel.log->read(parcel.fragment));
    order.tags = read_tags(*payload);
    if (!order.tags.wants_images) co_return Result<void>();
  }
  if (s3_.access_key.empty()) {
    co_return base::fail(base::Errc::Unavailable, "no credentials for S3: set s3_access_key and s3_secret_key");
  }
  order.times = image_times(is_tagged_kind ? Pace::SinceLast : Pace::Grid,
                            {streams::start_of(parcel.fragment, order.settings.axis), header.duration},
                            order.settings.interval, progress.last_image);
  while (!order.times.empty()) {
    CO_TRY_VOID(co_await deliver_some(parcel, order, progress));
    order.times.erase(order.times.begin(),
                      order.times.begin() + static_cast<std::ptrdiff_t>(std::min(kBatch, order.times.size())));
  }
  co_return Result<void>();
}

// `progress` moves on with every image, so that another attempt begins with the one that failed.
Task<Result<void>> ImageCourier::deliver_some(const Parcel& parcel, const Order& order, Progress& progress) {
  const std::vector<base::WallTime> times(
      order.times.begin(), order.times.begin() + static_cast<std::ptrdiff_t>(std::min(kBatch, order.times.size())));
  streams::FragmentImages wanted{order.settings.axis, times, order.settings.options};
  CO_TRY(auto images,
         co_await streams::images_of_fragment(playback_, workers_, parcel.log, parcel.fragment, std::move(wanted)));
  const ImageSource source{account_id_, parcel.stream->name, parcel.stream->arn, parcel.fragment.header};
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images[i]) {
      S3Object object{object_key(order.settings, order.tags.image_prefix, source, times[i]),
                      object_metadata(source, order.tags.custom), *std::move(images[i])};
      object.headers.emplace_back("content-type", content_type(order.settings.options.format));
      HttpCall call = make_put(s3_, order.settings.bucket, std::move(object), async::wall_now());
      CO_TRY_VOID(co_await send(workers_, client_, std::move(call)));
      ++counts_.sent;
    } else {
      ++counts_.unusable;
      base::log_debug("no image of fragment {}: {}", source.fragment.number.text(), images[i].error().message);
    }
    progress.last_image = times[i];
  }
  co_return Result<void>();
}

}  // namespace delivery
