// SPDX-License-Identifier: Apache-2.0
#pragma once
// An image as an S3 object: its key, its metadata, its signed PUT (contract 7). Pure.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "delivery/http_client.hpp"
#include "delivery/settings.hpp"
#include "streams/fragment.hpp"

namespace delivery {

struct S3Options {
  std::string endpoint;  // "https://s3.example:9000"; no slash at the end
  std::string region;    // of the signature
  std::string access_key;
  std::string secret_key;
};

// Whom an image is of.
struct ImageSource {
  std::string account_id;
  std::string stream_name;
  std::string stream_arn;
  streams::FragmentHeader fragment;
};
using NamedValues = std::vector<std::pair<std::string, std::string>>;

// <prefix><tag>_<account>_<stream>_<ms>_<id>.<jpg|png>; without the tag's prefix it begins at the account. The id looks
// like the GUID it is at AWS, but the same image has the same one: what is sent twice is there once.
std::string object_key(const ImageSettings& settings, std::string_view tag_prefix, const ImageSource& source,
                       base::WallTime time);

// x-amz-meta- headers: the fragment's number and times, then the producer's own tags. Of those, names that are no
// header name, values with control characters, and what passes S3's limit of 2 KB are left out.
NamedValues object_metadata(const ImageSource& source, const NamedValues& tags);

struct S3Object {
  std::string key;
  NamedValues headers;  // content-type, metadata
  base::Bytes bytes;
};
// PUT <endpoint>/<bucket>/<key>, signed.
HttpCall make_put(const S3Options& s3, std::string_view bucket, S3Object object, base::WallTime now);

// An id in the form of a UUID (RFC 9562, version 8) that depends on nothing but the text.
std::string id_of(std::string_view text);

}  // namespace delivery
