"""Opens a bag with the mcap, mcap-ros2-support and rosbags packages and prints what each decoded, as JSON lines."""
import json
import sys
from pathlib import Path

from mcap.reader import make_reader
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader


def value(message):
    if hasattr(message, "data") and hasattr(message, "encoding"):
        return [message.header.frame_id, message.height, message.width, message.encoding, bytes(message.data).hex()]
    return message.data


def mcap_file(path, reader):
    for _, channel, message, decoded in reader.iter_decoded_messages():
        yield ["mcap", channel.topic, message.log_time, message.sequence, value(decoded)]


bag = Path(sys.argv[1])
rows = []
for path in sorted(bag.glob("*.mcap"), key=lambda path: int(path.stem.rsplit("_", 1)[1])):
    with path.open("rb") as stream:
        if "--broken" in sys.argv:
            schemas, channels, factory = {}, {}, DecoderFactory()
            try:
                for record in StreamReader(stream).records:
                    if isinstance(record, Schema):
                        schemas[record.id] = record
                    elif isinstance(record, Channel):
                        channels[record.id] = record
                    elif isinstance(record, Message):
                        channel = channels[record.channel_id]
                        decode = factory.decoder_for("cdr", schemas[channel.schema_id])
                        rows.append(["mcap", channel.topic, record.log_time, record.sequence, value(decode(record.data))])
            except Exception as error:  # the break
                rows.append(["break", type(error).__name__])
            continue
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        header, summary = reader.get_header(), reader.get_summary()
        rows.append(["header", header.profile, summary.statistics.message_count])
        rows += mcap_file(path, reader)
        rows.append(["metadata", [record.name for record in reader.iter_metadata()]])
if "--broken" not in sys.argv:
    with Reader(bag) as reader:
        rows.append(["rosbag2", reader.message_count, reader.start_time, reader.end_time, reader.duration])
    with AnyReader([bag]) as reader:
        for connection in reader.connections:
            qos = connection.ext.offered_qos_profiles
            rows.append(["qos", connection.topic, qos[0].reliability.name, qos[0].durability.name])
        for connection, stamp, raw in reader.messages():
            rows.append(["rosbags", connection.topic, stamp, value(reader.deserialize(raw, connection.msgtype))])
for row in rows:
    print(json.dumps(row))
