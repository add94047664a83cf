// SPDX-License-Identifier: Apache-2.0
// A foreign WebRTC sender: werift answers the storage session's offer and sends an H.264 and an Opus file in real time.
import {setTimeout as sleep} from 'node:timers/promises';
import {MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket} from 'werift';
import {accessUnits, readAnnexB} from './annexb.mjs';
import {readOgg} from './media_files.mjs';

const payloadLimit = 1180;
const h264 = new RTCRtpCodecParameters({mimeType: 'video/H264', clockRate: 90000, parameters: 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1',
  rtcpFeedback: [{type: 'nack'}, {type: 'nack', parameter: 'pli'}, {type: 'goog-remb'}]});
const opus = new RTCRtpCodecParameters({mimeType: 'audio/opus', clockRate: 48000, channels: 2});

/** RFC 6184: one NAL unit as it is, or cut into FU-A packets. */
function* payloads(unit) {
  if (unit.length <= payloadLimit) {
    yield unit;
    return;
  }
  for (let at = 1; at < unit.length; at += payloadLimit - 2) {
    const part = unit.subarray(at, at + payloadLimit - 2);
    const flags = (at === 1 ? 0x80 : 0) | (at + part.length === unit.length ? 0x40 : 0);
    yield Buffer.concat([Buffer.from([(unit[0] & 0xe0) | 28, flags | (unit[0] & 0x1f)]), part]);
  }
}

class RtpTrack {
  constructor(kind) {
    this.track = new MediaStreamTrack({kind});
    this.sequence = 0;
  }

  write(payload, timestamp, marker) {
    const header = new RtpHeader({sequenceNumber: this.sequence++ & 0xffff, timestamp: timestamp >>> 0, marker, payloadType: 96, ssrc: 1});
    this.track.writeRtp(new RtpPacket(header, payload));
  }
}

export class WeriftSender {
  /** ice: werift's own options over the usual ones. A viewer has no video to send. */
  constructor({withVideo = true, withAudio = true, ice = {}} = {}) {
    this.peer = new RTCPeerConnection({iceServers: [], codecs: {video: [h264], audio: [opus]}, iceAdditionalHostAddresses: ['127.0.0.1'], iceUseTcp: false, ...ice});
    this.video = withVideo ? new RtpTrack('video') : null;
    this.audio = withAudio ? new RtpTrack('audio') : null;
    this.connected = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`werift: still ${this.peer.connectionState} after 20 s`)), 20000).unref();
      this.peer.connectionStateChange.subscribe((state) => {
        if (state === 'connected') resolve();
        if (state === 'failed' || state === 'closed') reject(new Error(`werift: ${state}`));
      });
    });
    this.connected.catch(() => {});
  }

  /**
   * When the other side has said goodbye: an alert record of DTLS has come. Werift itself takes one alert in ten for a plain one, by
   * the nonce in front of it, and does not close.
   */
  goodbye() {
    const {socket} = this.peer.dtlsTransports[0].dtls.transport;
    const take = socket.onData;
    return new Promise((resolve) => {
      socket.onData = (data) => {
        if (data[0] === 21) resolve();
        take(data);
      };
    });
  }

  /** The answer to an offer, with all candidates in it. */
  async answer(offer) {
    await this.peer.setRemoteDescription(offer);
    for (const transceiver of this.peer.getTransceivers()) {
      const rtp = transceiver.kind === 'video' ? this.video : this.audio;
      if (!rtp) {
        transceiver.setDirection(this.video ? 'inactive' : 'recvonly');
        continue;
      }
      await transceiver.sender.replaceTrack(rtp.track);
      transceiver.setDirection('sendonly');
    }
    await this.peer.setLocalDescription(await this.peer.createAnswer());
    return {type: 'answer', sdp: this.peer.localDescription.sdp};
  }

  addCandidate(candidate) {
    return this.peer.addIceCandidate(candidate).catch(() => {});
  }

  /** Sends both files once, picture by picture on the clock; returns what was sent. */
  async publish({videoBytes, audioBytes, fps}) {
    const pictures = accessUnits(readAnnexB(videoBytes));
    const packets = this.audio ? readOgg(audioBytes).slice(2) : [];
    const started = performance.now();
    let video = 0, audio = 0;
    while (video < pictures.length || audio < packets.length) {
      const now = performance.now() - started;
      for (; video < pictures.length && (video * 1000) / fps <= now; video++) this.sendPicture(pictures[video], Math.round((video * 90000) / fps));
      for (; audio < packets.length && audio * 20 <= now; audio++) this.audio.write(packets[audio], audio * 960, audio === 0);
      await sleep(4);
    }
    return {pictures: pictures.length, packets: packets.length, units: pictures.flat()};
  }

  /** Sends the packets of an Ogg Opus file in real time: {packets, began, lag}: when the first of them was sent, in milliseconds of the wall clock, and by how much the latest of them was late. */
  async speak(audioBytes) {
    const packets = readOgg(audioBytes).slice(2);
    const started = performance.now();
    let lag = 0;
    for (let next = 0; next < packets.length; await sleep(4)) {
      lag = Math.max(lag, performance.now() - started - next * 20);
      for (; next < packets.length && next * 20 <= performance.now() - started; next++) this.audio.write(packets[next], next * 960, next === 0);
    }
    return {packets, lag, began: performance.timeOrigin + started};
  }

  sendPicture(units, timestamp) {
    const all = units.flatMap((unit) => [...payloads(unit)]);
    all.forEach((payload, index) => this.video.write(payload, timestamp, index === all.length - 1));
  }

  async close() {
    await this.peer.close();
  }
}
