# SPDX-License-Identifier: Apache-2.0
"""The generator against golden files, and its automata against Python's own regular expressions."""
import json
import pathlib
import random
import re
import tempfile
import unittest

import generate_api
from api_patterns import PatternCompiler, PatternError, matches

ROOT = pathlib.Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors" / "generate_api"


def load(model):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "kinesisvideo.json").write_text(json.dumps(model))
        return generate_api.load_services(pathlib.Path(folder))


def tiny_model():
    return json.loads((VECTORS / "models" / "kinesisvideo.json").read_text())


class Generator(unittest.TestCase):
    maxDiff = None

    def test_a_tiny_model_gives_the_golden_files(self):
        # After a deliberate change: generate_api.py --models tests/vectors/generate_api/models --out .../golden.
        with tempfile.TemporaryDirectory() as folder:
            generate_api.write_sources(generate_api.load_services(VECTORS / "models"), pathlib.Path(folder))
            made = {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}
        golden = {path.name: path.read_text() for path in (VECTORS / "golden").iterdir()}
        self.assertEqual(made, golden)

    def test_the_output_depends_on_the_input_only(self):
        first = generate_api.load_services(ROOT / "models")
        second = generate_api.load_services(ROOT / "models")
        for make in (generate_api.emit_operations, generate_api.emit_patterns):
            self.assertEqual(make(first), make(second))

    def test_all_43_operations_and_the_three_without_a_model(self):
        names = [name for service in generate_api.load_services(ROOT / "models") for name in service.operations]
        self.assertEqual(len(names), 46)
        self.assertLessEqual({"PutMedia", "ConnectAsMaster", "ConnectAsViewer"}, set(names))

    def test_models_that_are_wrong(self):
        for change, complaint in (
                (lambda m: m["types"].update(Lamps="list Lump"), "unknown type Lump"),
                (lambda m: m["types"]["Lamp"].update(Level="integer 0..100"), "unknown type integer 0..100"),
                (lambda m: m["types"].update(Lamps="lots Lamp"), "unknown type 'lots Lamp'"),
                (lambda m: m["operations"]["WatchLamp"]["errors"].append("NoException"), "unknown error NoException")):
            model = tiny_model()
            change(model)
            with self.assertRaisesRegex(generate_api.ModelError, complaint):
                load(model)

    def test_a_handler_without_a_row_is_a_mistake(self):
        with self.assertRaisesRegex(generate_api.ModelError, "without a row: Nothing"):
            generate_api.emit_compatibility(load(tiny_model()), {"ListLamps", "Nothing"}, [], {})

    def test_names(self):
        for wire, snake in (("ChannelARN", "channel_arn"), ("APIName", "api_name"), ("KmsKeyId", "kms_key_id"),
                            ("HLSStreamingSessionURL", "hls_streaming_session_url"), ("channelArn", "channel_arn")):
            self.assertEqual(generate_api.snake(wire), snake)


class Patterns(unittest.TestCase):
    def test_automata_agree_with_regular_expressions(self):
        rng = random.Random(1)
        for source in (r"[a-zA-Z0-9_.-]+", r"^[0-9]+$", r"[a-zA-Z0-9+/]+={0,2}", r"^[a-z]+(-[a-z]+)?-[a-z]+-[0-9]$",
                       r"[\w\-\.\+]+/[\w\-\.\+]+(,[\w\-\.\+]+/[\w\-\.\+]+)*", r"^[a-zA-Z_0-9]+:(//)?([^/]+)/?([^*]*)$",
                       r"a{2,4}b", r"(ab|a)(b|)c?", r"arn:[a-z\d-]+:x", r"[^\n]+", r".+", r"(a*)*b"):
            compiled = PatternCompiler(source, {})
            expression = re.compile(source.strip("^$") if not source.endswith(r"\$") else source, re.ASCII)
            for _ in range(3000):
                text = "".join(rng.choice("ab:/-_.+=,1\nAn*x") for _ in range(rng.randrange(9)))
                self.assertEqual(matches(compiled, text), expression.fullmatch(text) is not None, (source, text))

    def test_what_is_too_large_or_unreadable(self):
        for source in (r"[^\n]{11,100}", "(a", "a)"):
            with self.assertRaises((PatternError, IndexError)):
                PatternCompiler(source, {})


if __name__ == "__main__":
    unittest.main()
