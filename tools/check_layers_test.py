# SPDX-License-Identifier: Apache-2.0
"""The layer check finds what it is there for."""
import pathlib
import tempfile
import unittest

from check_layers import problems

ROOMS = """room(base)
room(rtp PURE DEPENDS base LINKS some::library)
room(webrtc/ice PURE DEPENDS base)
room(net DEPENDS base)
"""


class CheckLayers(unittest.TestCase):
    def found(self, path, text):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeLists.txt").write_text(ROOMS)
            file = root / "src" / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return list(problems(root))

    def test_what_is_allowed(self):
        self.assertEqual(self.found("rtp/packet.cpp", '#include "rtp/packet.hpp"\n#include "base/bytes.hpp"\n#include <vector>\n'), [])
        self.assertEqual(self.found("net/port.cpp", "#include <thread>\n"), [])
        self.assertEqual(self.found("rtp/packet_test.cpp", "#include <thread>\n"), [])
        self.assertEqual(self.found("rtp/packet.cpp", "next_time(now); stats.time(now); // std::time(nullptr)\n"), [])

    def test_a_room_that_is_not_on_the_line(self):
        self.assertEqual(self.found("rtp/packet.cpp", '#include "net/port.hpp"\n'), ["src/rtp/packet.cpp:1: rtp may not include net"])
        self.assertEqual(self.found("base/bytes.hpp", '#include "rtp/packet.hpp"\n'), ["src/base/bytes.hpp:1: base may not include rtp"])

    def test_a_private_folder(self):
        self.assertEqual(self.found("net/port.cpp", '#include "base/deep/inside.hpp"\n'), ["src/net/port.cpp:1: base/deep/inside.hpp is private to base"])

    def test_impurity(self):
        for line in ("#include <thread>", "#include <boost/asio/io_context.hpp>", "std::chrono::steady_clock::now();", "std::getenv(name);",
                     "auto t = time(nullptr);", "#include <sys/socket.h>", "#include <fstream>"):
            self.assertEqual(self.found("webrtc/ice/agent.cpp", line + "\n"), ["src/webrtc/ice/agent.cpp:1: webrtc/ice is PURE"], line)

    def test_a_file_in_no_room(self):
        self.assertEqual(self.found("attic/box.cpp", "\n"), ["src/attic/box.cpp: in no room"])


if __name__ == "__main__":
    unittest.main()
