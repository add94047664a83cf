// SPDX-License-Identifier: Apache-2.0
// Which pictures left a sender whole, as far as the wire tells: the headers of RTP are in the clear (RFC 3711 section 3.1).

const isRtp = (packet) => packet.length >= 12 && packet[0] >> 6 === 2 && (packet[1] < 192 || packet[1] > 223);  // RFC 5761 section 4

/**
 * The RTP timestamps of the pictures whose last packet was seen. A browser may encode a picture and never send it: Chromium, between two
 * connections of one page without any loss, left out pictures that were still waiting in its pacer when a key frame was asked for.
 */
export class SentPictures {
  constructor() {
    this.ended = new Set();
  }

  see(packet) {
    const isLastOfPicture = packet[1] >= 128;  // the marker bit, RFC 6184 section 5.1
    if (isRtp(packet) && isLastOfPicture) this.ended.add(packet.readUInt32BE(4));
  }

  has(rtpTimestamp) {
    return this.ended.has(rtpTimestamp >>> 0);
  }
}
