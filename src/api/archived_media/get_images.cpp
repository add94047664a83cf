// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "api/archived_media/points.hpp"
#include "api/archived_media/selection_rules.hpp"
#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "aws/archived_media.hpp"
#include "streams/images.hpp"

namespace api {
namespace {

namespace archived = aws::archived_media;
using archived::GetImagesInput;
using async::Task;

// Contract 6.
constexpr auto kLongestRange = std::chrono::seconds(300);
constexpr std::int64_t kLeastInterval = 200;     // ms
constexpr std::int64_t kDefaultInterval = 3000;  // ms; the contract does not know the service's
constexpr std::int64_t kDefaultResults = 25;
constexpr std::size_t kMostImageText = 6'291'456;  // characters of base64
constexpr std::uint64_t kPointsOfImages = 400;     // of a request, and one for each image (contract 8)
constexpr std::size_t kMostBytes = 75'000'000;     // 100 MB as base64

std::unexpected<aws::Error> refuse(std::string message) {
  return aws::fail(archived::kInvalidArgument, std::move(message));
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

aws::Outcome<streams::ImageOptions> read_options(const GetImagesInput& input) {
  streams::ImageOptions options;
  options.format = input.format == archived::Format::Jpeg ? streams::ImageFormat::Jpeg : streams::ImageFormat::Png;
  if (const auto quality = input.format_config.find("JPEGQuality"); quality != input.format_config.end()) {
    const auto number = parse_number<int>(quality->second);
    if (!number || *number < 1 || *number > 100)
      return refuse("FormatConfig JPEGQuality must be a number from 1 to 100.");
    options.quality = *number;
  }
  if (input.width_pixels && !input.height_pixels) {
    return aws::fail(aws::kValidation, "WidthPixels needs HeightPixels beside it.");
  }
  if (input.width_pixels) options.width = static_cast<std::uint32_t>(*input.width_pixels);
  if (input.height_pixels) options.height = static_cast<std::uint32_t>(*input.height_pixels);
  return options;
}

// A token is the time of the first image of its page, in microseconds; it goes with the request that it came from.
aws::Outcome<base::WallTime> read_token(const std::string& token, const streams::ImagesRequest& request) {
  const auto us = parse_number<std::int64_t>(token);
  const base::WallTime at = base::from_microseconds(us.value_or(0));
  if (!us || at <= request.from || at > request.to || (at - request.from) % request.interval != request.interval.zero())
    return refuse("NextToken does not belong to this request.");
  return at;
}

aws::Outcome<streams::ImagesRequest> read_request(const GetImagesInput& input) {
  streams::ImagesRequest request;
  if (input.image_selector_type == archived::ImageSelectorType::ProducerTimestamp) {
    request.axis = streams::TimeAxis::Producer;
  }
  request.from = input.start_timestamp;
  request.to = input.end_timestamp;
  if (request.to < request.from) return refuse("EndTimestamp must not be before StartTimestamp.");
  if (request.to - request.from > kLongestRange) {
    return refuse("EndTimestamp must be within 300 seconds of StartTimestamp.");
  }
  const std::int64_t interval = input.sampling_interval.value_or(kDefaultInterval);
  if (interval < kLeastInterval) return refuse("SamplingInterval must be at least 200 milliseconds.");
  request.interval = std::chrono::milliseconds(interval);
  request.limit = static_cast<std::size_t>(input.max_results.value_or(kDefaultResults));
  auto options = read_options(input);
  if (!options) return std::unexpected(std::move(options).error());
  request.options = *options;
  if (input.next_token) {
    auto from = read_token(*input.next_token, request);
    if (!from) return std::unexpected(std::move(from).error());
    request.from = *from;
  }
  return request;
}

archived::Image describe(const streams::SampledImage& sampled) {
  archived::Image image;
  image.time_stamp = sampled.time;
  if (const auto* bytes = std::get_if<base::Bytes>(&sampled.content)) {
    std::string text = base::to_base64(*bytes);
    if (text.size() <= kMostImageText) {
      image.image_content = std::move(text);
    } else {
      image.error = archived::ImageError::MediaError;
    }
    return image;
  }
  const bool has_media = std::get<streams::MissingImage>(sampled.content) == streams::MissingImage::MediaError;
  image.error = has_media ? archived::ImageError::MediaError : archived::ImageError::NoMedia;
  return image;
}

Task<aws::Outcome<archived::GetImagesOutput>> get_images(const MediaServices& services, GetImagesInput input) {
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  auto request = read_request(input);
  if (!request) co_return std::unexpected(std::move(request).error());
  if (auto kept = check_keeps_data(*stream); !kept) co_return std::unexpected(std::move(kept).error());
  auto paid = charge(services, stream->key, {.metadata = kPointsOfImages + request->limit, .media = request->limit});
  if (!paid) co_return std::unexpected(std::move(paid).error());
  CO_TRY(const streams::ImagePage page,
         co_await streams::sample_images(services.playback, services.renderers, services.archive.log(stream->key),
                                         *request, kMostBytes));
  archived::GetImagesOutput output;
  for (const streams::SampledImage& image : page.images) output.images.push_back(describe(image));
  if (page.next) output.next_token = std::to_string(base::to_microseconds(*page.next));
  co_return output;
}

}  // namespace

void add_get_images(Handlers& handlers, MediaServices services) {
  handlers.add<archived::GetImages>(
      [services](const Call&, GetImagesInput input) { return get_images(services, std::move(input)); });
}

}  // namespace api
