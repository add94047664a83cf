// SPDX-License-Identifier: Apache-2.0
// A request of lines: method, target, then "Name: value" headers, an empty line, the body.
#include <cstddef>
#include <cstdint>

#include "aws/sigv4.hpp"
#include "aws/sigv4_canonical.hpp"
#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aws::sigv4;
  std::string_view rest = base::as_text({data, size});
  const auto take_line = [&] {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
  };
  const std::string_view method = take_line();
  const std::string_view target = take_line();
  std::vector<Header> headers;
  for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
    const std::size_t colon = line.find(':');
    headers.push_back({line.substr(0, colon), colon == std::string_view::npos ? "" : line.substr(colon + 1)});
  }
  const Request request{method, target, headers};
  const auto find = [](std::string_view) { return std::optional(KnownKey{"secret"}); };
  const base::WallTime now = base::from_microseconds(1'795'389'019'000'000);
  const auto outcome = verify(request, Payload{base::as_bytes(rest)}, find, now);
  CHECK(outcome.has_value() || outcome.error().kind != nullptr);

  // Canonical forms are fixed points.
  const std::string query = canonical_query(query_of(target));
  CHECK(canonical_query(query) == query);
  CHECK(uri_decode(uri_encode(target, false)) == target);
  CHECK(canonical_path(path_of(target)).starts_with('/'));
  return 0;
}
