// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cell.hpp"

namespace impairments {

std::vector<Cell> all_cells();

// One hour with both clocks drifting; too long for the table's other cells to wait for.
Cell hour_of_drift(int ppm);

// What is wrong with the result of a cell by the project's bars; empty: nothing.
std::vector<std::string> shortfalls(const Cell& cell, const Result& result);

}  // namespace impairments
