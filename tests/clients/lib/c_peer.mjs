// SPDX-License-Identifier: Apache-2.0
// The media side of webrtc-sdk-c, played by our own peer: no header extensions, SRTP _32 offered before _80 and no AEAD,
// no RTX, deaf to key frame requests. The SDP that goes to the server is the captured answer of the real client with this
// peer's values put in.
import {pack} from './master.mjs';
import {Relay} from './relay.mjs';

const value = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*)$`, 'm'))?.[1].trim();

const sections = (sdp) => sdp.split(/(?=^m=)/m);
const kindOf = (section) => section.match(/^m=(\w+)/)[1];
const codecOf = {audio: 'opus', video: 'H264'};
const payloadType = (section) => section.match(new RegExp(`^a=rtpmap:(\\d+) ${codecOf[kindOf(section)]}/`, 'm'))[1];
const firstSsrc = (section) => section.match(/^a=ssrc:(\d+)/m)?.[1];

/** One section as the real client wrote it, with our transport, payload type, mid and SSRC. */
function reshaped(theirs, ours) {
  const section = theirs
    .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${value(ours, 'ice-ufrag')}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${value(ours, 'ice-pwd')}`)
    .replace(/^a=mid:.*$/gm, `a=mid:${value(ours, 'mid')}`)
    .replace(/^a=candidate:.*\r?\n/gm, '')
    .replace(/^(m=.*) \d+$/m, `$1 ${payloadType(ours)}`)
    .replace(/^a=(rtpmap|rtcp-fb|fmtp):\d+ /gm, `a=$1:${payloadType(ours)} `);
  const mine = firstSsrc(ours);
  return mine ? section.replaceAll(`a=ssrc:${firstSsrc(theirs)} `, `a=ssrc:${mine} `) : section;
}

/** The captured answer's shape with another peer's values, in the order of that peer's sections; candidates apart. */
export function inCapturedShape(captured, ours) {
  const [head, ...theirs] = sections(captured);
  const [, ...mine] = sections(ours);
  const mids = mine.map((section) => value(section, 'mid')).join(' ');
  const fingerprint = value(ours, 'fingerprint');
  const sdp = [head.replace(/^a=group:BUNDLE .*$/m, `a=group:BUNDLE ${mids}`),
    ...mine.map((section) => reshaped(theirs.find((each) => kindOf(each) === kindOf(section)), section))].join('')
    .replace(/^a=fingerprint:.*$/gm, `a=fingerprint:${fingerprint}`);
  return {sdp, candidates: [...new Set(ours.match(/^a=candidate:.*$/gm) ?? [])].map((line) => line.trim())};
}

/** Carries signaling between `tidegate camera --like-c-sdk` and the raw socket of the C client: the camera answers the
 * offer and sends the media, all that the server sees of signaling comes from the raw client. */
export class CBridge extends Relay {
  /** raw: {socket: RawWebSocket, join: async () => void, captured: the captured SDP_ANSWER} */
  carry(raw) {
    this.raw = raw;
  }

  rewrites(path) {
    return path === '/getSignalingChannelEndpoint' || path === '/getDataEndpoint';
  }

  withOurEndpoints(body) {
    return super.withOurEndpoints(body).replace(/https:\/\/[^/"]+/g, this.url);
  }

  forward(from, to) {
    if (from.url !== '/joinStorageSession') {
      super.forward(from, to);
      return;
    }
    from.resume();
    this.raw.join().then(() => to.end(), () => to.destroy());
  }

  join(client) {
    const {socket, captured} = this.raw;
    client.on('error', () => {});
    const toCamera = async () => {
      for (;;) {
        const frame = await socket.nextText(60000);
        if (frame.opcode === 'gone') break;
        this.seen.push(JSON.parse(frame.text).messageType);
        client.send(frame.text);
      }
      client.close();
    };
    toCamera().catch(() => client.close());
    client.on('message', (text) => {
      const message = JSON.parse(String(text));
      const payload = JSON.parse(Buffer.from(message.messagePayload ?? message.MessagePayload, 'base64').toString());
      if (message.action === 'SDP_ANSWER') this.sendAnswer(JSON.parse(captured.payload_decoded).sdp, payload.sdp, captured.message);
      if (message.action === 'ICE_CANDIDATE') this.sendCandidate(payload.candidate);
    });
  }

  sendAnswer(theirs, ours, message) {
    const {sdp, candidates} = inCapturedShape(theirs, ours);
    this.raw.socket.send(JSON.stringify({...message, MessagePayload: pack({type: 'answer', sdp})}));
    candidates.forEach((line) => this.sendCandidate(line.replace(/^a=/, '')));
  }

  sendCandidate(candidate) {
    if (!candidate) return;
    this.raw.socket.send(JSON.stringify({action: 'ICE_CANDIDATE', RecipientClientId: '', MessagePayload: pack({candidate, sdpMid: '0', sdpMLineIndex: 0})}));
  }

  seen = [];
}
