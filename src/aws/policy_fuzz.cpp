// SPDX-License-Identifier: Apache-2.0
// Any text as a policy. What is accepted must rule the same twice, and a Deny of everything beside it must win.
#include <cstddef>
#include <cstdint>

#include "aws/policy.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = aws::Policy::parse(base::as_text({data, size}));
  if (!policy) {
    CHECK(policy.error().code == base::Errc::InvalidArgument && !policy.error().message.empty());
    return 0;
  }
  const aws::AccessQuestion question{"kinesisvideo:CreateStream",
                                     "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1700000000000",
                                     {{"aws:requesttag/site", {"north"}}, {"aws:tagkeys", {"site", "floor"}}}};
  CHECK(policy->rule(question) == policy->rule(question));
  const auto deny =
      aws::Policy::parse(R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})");
  CHECK(deny.has_value());
  aws::Principal principal;
  principal.policies = {*policy, *deny};
  CHECK(aws::rule(principal, question) == aws::Ruling::Deny);
  return 0;
}
