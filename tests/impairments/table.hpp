// SPDX-License-Identifier: Apache-2.0
#pragma once
// The matrix as the Markdown table of docs/impairments.md.

#include <optional>
#include <string>

#include "cell.hpp"

namespace impairments {

std::string table_head();
std::string table_row(const Cell& cell, const Result& result);
// The row of this cell in a text; nothing if it is not there or has not all its figures.
std::optional<Result> read_row(const std::string& text, const Cell& cell);

// `text` with what lies between its two table marks replaced; nothing if it has none.
std::optional<std::string> with_table(std::string text, const std::string& table);

}  // namespace impairments
