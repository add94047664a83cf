// SPDX-License-Identifier: Apache-2.0
#include "delivery/s3_object.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/sigv4.hpp"
#include "aws/sigv4_canonical.hpp"

namespace delivery {
namespace {

constexpr std::size_t kMostMetadata = 2048;  // bytes of names and values, by S3's limit
constexpr std::string_view kHeaderCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

bool is_header_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of(kHeaderCharacters) == std::string_view::npos;
}

bool is_header_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string_view host_of(std::string_view endpoint) {
  const std::size_t scheme = endpoint.find("://");
  return scheme == std::string_view::npos ? endpoint : endpoint.substr(scheme + 3);
}

}  // namespace

std::string id_of(std::string_view text) {
  std::string hex = aws::sigv4::sha256_hex(base::as_bytes(text)).substr(0, 32);
  hex[12] = '8';
  hex[16] = "89ab"[static_cast<std::size_t>(hex[16]) % 4];
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, 1, '-');
  return hex;
}

std::string object_key(const ImageSettings& settings, std::string_view tag_prefix, const ImageSource& source,
                       base::WallTime time) {
  const std::string ms = fmt::format("{}", base::to_milliseconds(time));
  const std::string id = id_of(source.stream_arn + ' ' + source.fragment.number.text() + ' ' + ms);
  const std::string end = fmt::format("{}_{}_{}_{}.{}", source.account_id, source.stream_name, ms, id,
                                      settings.options.format == streams::ImageFormat::Jpeg ? "jpg" : "png");
  std::string key = settings.prefix;
  if (!tag_prefix.empty()) key.append(tag_prefix).append(1, '_');
  return key + end;
}

NamedValues object_metadata(const ImageSource& source, const NamedValues& tags) {
  const streams::FragmentHeader& fragment = source.fragment;
  NamedValues metadata = {
      {"aws_kinesisvideo_fragment_number", fragment.number.text()},
      {"aws_kinesisvideo_producer_timestamp", fmt::format("{}", base::to_milliseconds(fragment.producer_time))},
      {"aws_kinesisvideo_server_timestamp", fmt::format("{}", base::to_milliseconds(fragment.server_time))}};
  std::size_t size = 0;
  for (const auto& [name, value] : metadata) size += name.size() + value.size();
  for (const auto& [name, value] : tags) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool is_known = std::ranges::find(metadata, lower, &NamedValues::value_type::first) != metadata.end();
    if (is_known || !is_header_name(lower) || !is_header_value(value)) continue;
    if (size + lower.size() + value.size() > kMostMetadata) continue;
    size += lower.size() + value.size();
    metadata.emplace_back(std::move(lower), value);
  }
  for (auto& [name, value] : metadata) name.insert(0, "x-amz-meta-");
  return metadata;
}

HttpCall make_put(const S3Options& s3, std::string_view bucket, S3Object object, base::WallTime now) {
  namespace sigv4 = aws::sigv4;
  const std::string target = '/' + std::string(bucket) + '/' + sigv4::uri_encode(object.key, true);
  HttpCall call{"PUT", s3.endpoint + target, std::move(object.headers), std::move(object.bytes)};
  call.headers.emplace_back("x-amz-content-sha256", sigv4::sha256_hex(call.body));
  std::vector<sigv4::Header> headers{{"host", host_of(s3.endpoint)}};
  for (const auto& [name, value] : call.headers) headers.push_back({name, value});
  auto signature = sigv4::sign_headers({call.method, target, headers}, call.body, {s3.access_key, s3.secret_key, {}},
                                       {s3.region, std::string(sigv4::kS3ServiceName)}, now);
  for (auto& header : signature) call.headers.push_back(std::move(header));
  return call;
}

}  // namespace delivery
