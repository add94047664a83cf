# SPDX-License-Identifier: Apache-2.0
"""Texts for every constrained string of the AWS models, by name of the shape, written by hand.

good: texts that the pattern takes; together they use every kind of character that it names.
bad: texts of allowed length that it must refuse.
fill: (front, unit, end) of which a text of any length is made.
make_vectors.py checks each of them against the model's own pattern and bounds, and refuses to write vectors when one is wrong.
"""

STREAM = "sample-stream"
CHANNEL = "sample-channel"
ACCOUNT = "arn:aws:kinesisvideo:us-west-2:123456789012:"
STREAM_ARN = f"{ACCOUNT}stream/{STREAM}/1700000000000"
CHANNEL_ARN = f"{ACCOUNT}channel/{CHANNEL}/1700000000000"
ARN_FILL = (f"{ACCOUNT}stream/", "a", "/1700000000000")
NAME = {"bad": ["a b", "a/b", "a:b", "caf\u00e9", "a\n"], "fill": ("", "a", "")}
ARN = {
    "bad": ["arn", STREAM_ARN[:-1] + "x", STREAM_ARN + " ", "x" + STREAM_ARN, STREAM_ARN.replace("kinesisvideo", "s3"),
            STREAM_ARN.replace("stream/", "Stream/"), STREAM_ARN.replace("us-west-2", "US"), STREAM_ARN.replace(STREAM, "a b"),
            STREAM_ARN.replace("123456789012", "12345678901x"), STREAM_ARN.replace("/1700000000000", "")],
    "fill": ARN_FILL,
}
AWS_ONLY = {**ARN, "bad": [*ARN["bad"], STREAM_ARN.replace("arn:aws:", "arn:aws-cn:")]}
NUMBER = {"good": ["91343852333181432392682062622079182544487215150"], "bad": ["12a", "-1", "1 2", "1.5"], "fill": ("", "7", "")}
TAG_BAD = ["a\tb", "a*b", "a,b", "a\nb", "\U0001f600", "a;b"]
TAG_GOOD = ["key", "aZ09_.:/=+-@ ", "\u00e9\u65e5\u0416\u00bd", "a\u00a0b\u2003c"]

TEXTS = {
    "StreamName": {"good": [STREAM, "aZ09_.-"], **NAME},
    "ChannelName": {"good": [CHANNEL, "aZ09_.-"], **NAME},
    "DeviceName": {"good": ["front", "aZ09_.-"], **NAME},
    "ClientId": {"good": ["viewer-1", "aZ09_.-"], **NAME},
    "Username": {"good": ["user", "aZ09_.-"], **NAME},
    "Version": {"good": ["SampleVersion", "aZ09"], "bad": ["a-b", "a b", "a_b", "caf\u00e9"], "fill": ("", "a", "")},
    "MediaType": {
        "good": ["video/h264", "video/h264,audio/aac", "aZ09_-.+/aZ09_-.+"],
        "bad": ["video", "video/", "/h264", "video/h264,", "video/h264,audio", "video/h 264", "a/b/c", "caf\u00e9/b"],
        "fill": ("video/", "h", ""),
    },
    "KmsKeyId": {"good": ["alias/own", "arn:aws:kms:us-west-2:123456789012:key/1", "\u00e9 *"], "bad": ["a\nb"], "fill": ("", "k", "")},
    "TagKey": {"good": TAG_GOOD, "bad": TAG_BAD, "fill": ("", "k", "")},
    "TagValue": {"good": [*TAG_GOOD, ""], "bad": TAG_BAD, "fill": ("", "\u00e9", "")},
    "NextToken": {"good": ["c2FtcGxl"], "bad": ["a-b", "a b", "a_b"], "fill": ("", "A", "")},
    "DestinationRegion": {
        "good": ["us-west-2", "us-gov-west-1"],
        "bad": ["us-west-22", "US-west-2", "us-west-two", "uswestone", "a-b-c-d-e-1"],
        "fill": ("us-", "w", "-2"),
    },
    "DestinationUri": {
        "good": ["s3://sample-bucket/pictures", "arn:aws:sns:us-west-2:123456789012:doors", "a_Z0:x"],
        "bad": ["bucket", "s3://bucket/a*b", "s-3://bucket", ":bucket", "s3:"],
        "fill": ("s3://bucket/", "p", ""),
    },
    "FormatConfigValue": {"good": ["80", "aZ_09"], "bad": ["8 0", "80%", "-1", ""], "fill": ("", "1", "")},
    "HubDeviceArn": {
        "good": ["arn:aws:iot:us-west-2:123456789012:thing/hub", "arn:a-1:iot:a-1:1:thing/aZ09_.-"],
        "bad": ["arn", "arn:aws:iot:us-west-2:123456789012:hub/hub", "arn:aws:iot:us-west-2:123456789012:thing/a b",
                "arn:aws:s3:us-west-2:123456789012:thing/hub", "arn:AWS:iot:us-west-2:123456789012:thing/hub"],
        "fill": ("arn:aws:iot:us-west-2:123456789012:thing/", "a", ""),
    },
    "MediaUriSecretArn": {
        "good": ["arn:aws:secretsmanager:us-west-2:123456789012:secret:camera-Ab12", "arn:a:secretsmanager:a:1:secret:aZ09_.-"],
        "bad": ["arn:aws:secretsmanager:us-west-2:123456789012:secret:a b", "arn:aws:secretsmanager:us-west-2:123456789012:key:camera",
                "arn:aws:s3:us-west-2:123456789012:secret:camera"],
        "fill": ("arn:aws:secretsmanager:us-west-2:1:secret:", "a", ""),
        "short": "arn:a:secretsmanage",  # no text of 19 characters fits the pattern
    },
    "ScheduleExpression": {"good": ["0 0 * * * ? *", "cron \u00e9 0 0 0"], "bad": ["0 0 * * *\n? *"], "fill": ("", "*", "")},
    "MessagePayload": {"good": ["eyJ0eXBlIjoib2ZmZXIifQ==", "aZ09+/="], "bad": ["a-b", "a b", "a_b", "{}"], "fill": ("", "A", "")},
    "FragmentNumberString": NUMBER,
    "ContinuationToken": {"good": ["91343852333181432392682062622079182544487215150", "aZ09_.-"], **NAME},
    "ResourceARN": {"good": [STREAM_ARN], **ARN},
    "ChannelArn": {"good": [CHANNEL_ARN, CHANNEL_ARN.replace("arn:aws:", "arn:aws-Cn:")], **ARN,
                   "bad": [*ARN["bad"], STREAM_ARN.replace("arn:aws:", "arn:other:")]},
}

# Where two services give one name to different patterns: (file, name).
OWN = {
    ("kinesis-video-signaling", "ResourceARN"): {"good": [CHANNEL_ARN], **AWS_ONLY},
    ("kinesis-video-media", "ResourceARN"): {"good": [STREAM_ARN], **AWS_ONLY},
    ("kinesisvideo", "ResourceARN"): {"good": [STREAM_ARN, STREAM_ARN.replace("arn:aws:", "arn:aws-cn:")], **ARN},
    ("kinesis-video-archived-media", "ResourceARN"): {"good": [STREAM_ARN, STREAM_ARN.replace("arn:aws:", "arn:a9:")], **ARN},
    ("kinesisvideo", "NextToken"): {"good": ["c2FtcGxl", "aZ09+/=", "=a", ""], "bad": ["a-b", "a b", "a_b"], "fill": ("", "A", "")},
    ("kinesis-video-archived-media", "NextToken"): {"good": ["c2FtcGxl", "aZ09+/==", "a="], "bad": ["=a", "a===", "a-b", "a_b", "="], "fill": ("", "A", "")},
}

# Members whose sample is not the first one of their shape.
MEMBERS = {"ChannelARN": CHANNEL_ARN, "channelArn": CHANNEL_ARN}


def of_channel(entry):
    """The texts of an ARN for a member that names a channel."""
    def turned(text):
        return text.replace("stream/", "channel/")
    return {"good": [turned(text) for text in entry["good"]], "bad": [turned(text) for text in entry["bad"]],
            "fill": tuple(turned(text) for text in entry["fill"])}


# Numbers and times of the valid calls, by shape; their bounds are probed by themselves.
NUMBERS = {"SamplingInterval": 3000, "DataRetentionInHours": 24, "Timestamp": 1700000000.5}

# Values that other members of a valid call depend on: a range that does not end before it begins, a selector that needs nothing else.
FITTING = {"EndTimestamp": 1700000060.5, "StartSelectorType": "EARLIEST"}

# "Either the name or the ARN": in no model. The member that names the resource in the shortest valid call.
NAMED_BY = ("StreamName", "ChannelName")
