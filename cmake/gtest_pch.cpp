// The anchor of the shared precompiled header of all test binaries.
