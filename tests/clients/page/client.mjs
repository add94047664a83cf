// SPDX-License-Identifier: Apache-2.0
// Runs in Chromium: the unmodified Kinesis signaling client, AWS SDK v3 clients and hls.js, bundled by browser.mjs.
import {
  CreateSignalingChannelCommand, CreateStreamCommand, KinesisVideoClient, UpdateMediaStorageConfigurationCommand,
} from '@aws-sdk/client-kinesis-video';
import {GetHLSStreamingSessionURLCommand, KinesisVideoArchivedMediaClient, ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {JoinStorageSessionCommand, KinesisVideoWebRTCStorageClient} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {Role, SignalingClient} from 'amazon-kinesis-video-streams-webrtc';
import Hls from 'hls.js';
import {locate, selectedPair, untilConnected} from './channel.mjs';
import {isFirstStep} from './players.mjs';

export {watchClock} from './low_latency.mjs';
export {p2pMaster, p2pViewer} from './p2p.mjs';
export {watch} from './players.mjs';
export {view} from './viewer.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function prepare(config, name, channelArn) {
  const control = new KinesisVideoClient(config);
  if (channelArn) return {ChannelARN: channelArn, ...await locate(control, config, channelArn, Role.MASTER, ['HTTPS', 'WSS', 'WEBRTC'])};
  const {ChannelARN} = await control.send(new CreateSignalingChannelCommand({ChannelName: name}));
  const {StreamARN} = await control.send(new CreateStreamCommand({StreamName: name, DataRetentionInHours: 24, MediaType: 'video/h264'}));
  await control.send(new UpdateMediaStorageConfigurationCommand({ChannelARN, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN}}));
  return {ChannelARN, ...await locate(control, config, ChannelARN, Role.MASTER, ['HTTPS', 'WSS', 'WEBRTC'])};
}

const tailOf = (data) => Array.from(new Uint8Array(data).slice(-16), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Writes down every encoded frame a sender passes on, unaltered: when, and by which last bytes it can be found again. */
function keepLedger(sender, ledger) {
  const {readable, writable} = sender.createEncodedStreams();
  const note = new TransformStream({transform(frame, next) {
    ledger.push({rtp: frame.getMetadata().rtpTimestamp ?? frame.timestamp, key: frame.type === 'key', bytes: frame.data.byteLength, at: performance.timeOrigin + performance.now(), tail: tailOf(frame.data)});
    next.enqueue(frame);
  }});
  readable.pipeThrough(note).pipeTo(writable).catch(() => {});
}

async function answer(peer, media, ledgers, offer) {
  await peer.setRemoteDescription(offer);
  for (const transceiver of peer.getTransceivers()) {
    const kind = transceiver.receiver.track.kind;
    const track = media.getTracks().find((each) => each.kind === kind);
    if (!track) {
      transceiver.direction = 'inactive';
      continue;
    }
    await transceiver.sender.replaceTrack(track);
    transceiver.direction = 'sendonly';
    keepLedger(transceiver.sender, ledgers[kind]);
  }
  await peer.setLocalDescription(await peer.createAnswer());
}

/** The flow of the examples page: signaling as master, JoinStorageSession once it is open, answer the offer, trickle. `channelArn`: of a channel that is there. */
export async function publish({config, name, seconds, withAudio, policy = 'all', channelArn, video = {width: 640, height: 480, frameRate: 30}}) {
  const session = await prepare(config, name, channelArn);
  const media = await navigator.mediaDevices.getUserMedia({video, audio: withAudio});
  const peer = new RTCPeerConnection({iceServers: session.iceServers, iceTransportPolicy: policy, encodedInsertableStreams: true});
  const ledgers = {video: [], audio: []};
  const signaling = new SignalingClient({channelARN: session.ChannelARN, channelEndpoint: session.endpoints.WSS, role: Role.MASTER,
    region: config.region, credentials: config.credentials});
  const storage = new KinesisVideoWebRTCStorageClient({...config, endpoint: session.endpoints.WEBRTC});
  const statuses = [];
  signaling.on('statusResponse', (status) => statuses.push(status));
  let joinMs = 0;
  const connected = untilConnected(peer);
  const failed = new Promise((_, reject) => {
    signaling.on('error', (error) => reject(new Error(`signaling: ${error?.message ?? error}`)));
    signaling.on('open', async () => {
      const started = performance.now();
      await storage.send(new JoinStorageSessionCommand({channelArn: session.ChannelARN})).catch(reject);
      joinMs = performance.now() - started;
    });
    signaling.on('sdpOffer', (offer, sender) => answer(peer, media, ledgers, offer).then(() => {
      signaling.sendSdpAnswer(peer.localDescription, sender, 'answer-1');
    }, reject));
  });
  signaling.on('iceCandidate', (candidate) => peer.addIceCandidate(candidate).catch(() => {}));
  peer.addEventListener('icecandidate', ({candidate}) => candidate && signaling.sendIceCandidate(candidate));
  signaling.open();
  await Promise.race([connected, failed]);
  await sleep(seconds * 1000);
  for (const track of media.getTracks()) track.stop();
  await sleep(2000); // what was lost on the way is asked for again
  const all = await peer.getStats();
  const stats = [...all.values()].filter((each) => each.type === 'outbound-rtp');
  const videoSent = stats.find((each) => each.kind === 'video');
  const sdp = peer.localDescription.sdp;
  peer.close();
  signaling.close();
  return {joinMs, statuses, sdp, framesSent: videoSent.framesSent, video: videoSent, audio: stats.find((each) => each.kind === 'audio'), ledgers, name, pair: selectedPair(all)};
}

/** Lists the fragments and plays all of them with hls.js until `seconds` is passed and everything is buffered. */
export async function play({config, name, seconds}) {
  const archive = new KinesisVideoArchivedMediaClient(config);
  const {Fragments} = await archive.send(new ListFragmentsCommand({StreamName: name, MaxResults: 1000}));
  const times = Fragments.map((each) => +each.ProducerTimestamp).sort((a, b) => a - b);
  const {HLSStreamingSessionURL: url} = await archive.send(new GetHLSStreamingSessionURLCommand({StreamName: name, PlaybackMode: 'ON_DEMAND',
    HLSFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp: new Date(times[0] - 1000), EndTimestamp: new Date(times.at(-1) + 1000)}}}));
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const errors = [];
  const hls = new Hls({maxBufferLength: 120, maxMaxBufferLength: 120, backBufferLength: 120});
  hls.on(Hls.Events.ERROR, (_, data) => {
    const error = {details: data.details, fatal: data.fatal, reason: String(data.error ?? data.reason ?? '')};
    if (!isFirstStep(error)) errors.push(error);
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  await new Promise((resolve) => hls.once(Hls.Events.MANIFEST_PARSED, resolve));
  await video.play();
  const ranges = () => Array.from({length: video.buffered.length}, (_, i) => [video.buffered.start(i), video.buffered.end(i)]);
  for (const end = Date.now() + (seconds + 15) * 1000; Date.now() < end; await sleep(100)) {
    const last = ranges().at(-1)?.[1] ?? 0;
    if (video.currentTime > seconds && last > video.duration - 0.2) break;
    if (errors.some((error) => error.fatal)) break;
  }
  const quality = video.getVideoPlaybackQuality();
  const result = {url, fragments: Fragments.length, currentTime: video.currentTime, duration: video.duration, buffered: ranges(), errors,
    frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, size: [video.videoWidth, video.videoHeight]};
  hls.destroy();
  video.remove();
  return result;
}
