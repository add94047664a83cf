// SPDX-License-Identifier: Apache-2.0
// The anchor of the shared precompiled header of all test binaries.
