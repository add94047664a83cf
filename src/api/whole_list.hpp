// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lists that one page holds whole: no answer gives a NextToken, so none can be given back.

#include "aws/error.hpp"
#include "aws/kinesisvideo.hpp"

namespace api {

// InvalidArgumentException for a token; an empty one means the first page, as in every list.
template <class Input>
aws::Outcome<void> check_no_token(const Input& input) {
  if (!input.next_token || input.next_token->empty()) return {};
  return aws::fail(aws::kinesisvideo::kInvalidArgument, "NextToken is not one of this list.");
}

}  // namespace api
