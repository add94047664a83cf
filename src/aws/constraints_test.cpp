// SPDX-License-Identifier: Apache-2.0
// Every constraint of the models, broken once: the cases are generated from the models (tools/api_cases.py).
#include <gtest/gtest.h>

#include <set>

#include "aws/constraint_cases.hpp"

namespace aws {
namespace {

TEST(Constraints, every_rule_of_every_member_of_every_operation_is_checked) {
  std::set<std::string_view> operations_seen;
  for (const ConstraintCase& broken : kConstraintCases) {
    operations_seen.insert(broken.operation);
    const auto error = broken.decode(broken.body);
    const std::string what = std::string(broken.operation) + " " + std::string(broken.body).substr(0, 300);
    if (*broken.kind == '\0') {
      EXPECT_FALSE(error.has_value()) << what << ": " << (error ? error->message : "");
      continue;
    }
    ASSERT_TRUE(error.has_value()) << what;
    EXPECT_EQ(error->message.find(std::string(broken.member) + " "), 0u) << what << ": " << error->message;
    const bool is_form = error->kind == &kSerialization;
    EXPECT_EQ(is_form ? "form" : "rule", std::string(broken.kind)) << what << ": " << error->message;
    if (!is_form) EXPECT_EQ(error->code, base::Errc::InvalidArgument) << what;
  }
  EXPECT_EQ(operations_seen.size(), operations().size());
}

}  // namespace
}  // namespace aws
