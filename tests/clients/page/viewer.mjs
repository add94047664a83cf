// SPDX-License-Identifier: Apache-2.0
// A viewer of a storage session, as the Kinesis examples page is one: the unmodified signaling client, a join call, an
// answer. With `offers` it makes the offer itself, as viewers do in peer-to-peer mode.
import {GetSignalingChannelEndpointCommand, KinesisVideoClient} from '@aws-sdk/client-kinesis-video';
import {GetIceServerConfigCommand, KinesisVideoSignalingClient} from '@aws-sdk/client-kinesis-video-signaling';
import {JoinStorageSessionAsViewerCommand, JoinStorageSessionCommand, KinesisVideoWebRTCStorageClient} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {Role, SignalingClient} from 'amazon-kinesis-video-streams-webrtc';
import {readClock} from './burnt_in_clock.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const day = 86_400_000;

async function find(config, channelArn, role) {
  const control = new KinesisVideoClient(config);
  const {ResourceEndpointList} = await control.send(new GetSignalingChannelEndpointCommand(
    {ChannelARN: channelArn, SingleMasterChannelEndpointConfiguration: {Protocols: ['HTTPS', 'WSS', 'WEBRTC'], Role: role}}));
  const endpoints = Object.fromEntries(ResourceEndpointList.map((entry) => [entry.Protocol, entry.ResourceEndpoint]));
  const signaling = new KinesisVideoSignalingClient({...config, endpoint: endpoints.HTTPS});
  const {IceServerList} = await signaling.send(new GetIceServerConfigCommand({ChannelARN: channelArn}));
  return {endpoints, iceServers: IceServerList.map((each) => ({urls: each.Uris, username: each.Username, credential: each.Password}))};
}

/** Its sound: a tone, so that the others can be told apart by spectrum. */
function makeTone(context, frequency) {
  const oscillator = new OscillatorNode(context, {frequency});
  const volume = new GainNode(context, {gain: 0.5});
  const out = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(volume).connect(out);
  oscillator.start();
  return out.stream.getAudioTracks()[0];
}

/** How much faster or slower the server may play a voice whose packets come too late or too early (ADR 11): its pitch moves with it. */
const mostCorrection = 0.005;

/** The loudness in dB of each of these tones in what is heard: all that lies as near to one as its pitch may move. */
function makeEar(context, stream) {
  const analyser = new AnalyserNode(context, {fftSize: 32768, smoothingTimeConstant: 0});
  new MediaStreamAudioSourceNode(context, {mediaStream: stream}).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const binOf = (frequency) => frequency * analyser.fftSize / context.sampleRate;
  return (tones) => {
    analyser.getFloatFrequencyData(bins);
    return Object.fromEntries(tones.map((tone) => {
      const near = bins.subarray(Math.floor(binOf(tone * (1 - mostCorrection))) - 3, Math.ceil(binOf(tone * (1 + mostCorrection))) + 4);
      return [tone, 10 * Math.log10(near.reduce((power, level) => power + 10 ** (level / 10), 0))];
    }));
  };
}

/** Joins, watches for `seconds` from the first picture on, and says what it saw and heard. */
export async function view({config, channelArn, clientId, seconds, tone, listenFor = [], offers = false, deadline = 20, isMaster = false}) {
  const role = isMaster ? Role.MASTER : Role.VIEWER;
  const {endpoints, iceServers} = await find(config, channelArn, role);
  const context = new AudioContext();
  const peer = new RTCPeerConnection({iceServers});
  const media = new MediaStream();
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = media;
  document.body.append(video);
  peer.addEventListener('track', ({track}) => { media.addTrack(track); video.play().catch(() => {}); });
  const camera = isMaster ? await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480, frameRate: 15}}) : undefined;
  const voice = tone ? makeTone(context, tone) : undefined;
  const signaling = new SignalingClient({channelARN: channelArn, channelEndpoint: endpoints.WSS, role, ...(isMaster ? {} : {clientId}),
    region: config.region, credentials: config.credentials});
  const storage = new KinesisVideoWebRTCStorageClient({...config, endpoint: endpoints.WEBRTC});
  const statuses = [];
  signaling.on('statusResponse', (status) => statuses.push(status));
  signaling.on('iceCandidate', (candidate) => peer.addIceCandidate(candidate).catch(() => {}));
  peer.addEventListener('icecandidate', ({candidate}) => candidate && signaling.sendIceCandidate(candidate));
  let began = 0, joined;
  const failed = new Promise((_, reject) => {
    signaling.on('error', (error) => reject(new Error(`signaling: ${error?.message ?? error}`)));
    signaling.on('open', async () => {
      began = performance.now();
      if (offers) {
        peer.addTransceiver('video', {direction: 'recvonly'});
        if (voice) peer.addTransceiver(voice, {direction: 'sendrecv'});
        else peer.addTransceiver('audio', {direction: 'recvonly'});
        await peer.setLocalDescription(await peer.createOffer());
        signaling.sendSdpOffer(peer.localDescription);
      } else {
        joined = await storage.send(isMaster ? new JoinStorageSessionCommand({channelArn}) : new JoinStorageSessionAsViewerCommand({channelArn, clientId})).then(() => 'yes', (error) => { reject(error); });
      }
    });
    signaling.on('sdpAnswer', (answer) => peer.setRemoteDescription(answer).catch(reject));
    signaling.on('sdpOffer', async (offer) => {
      try {
        await peer.setRemoteDescription(offer);
        for (const transceiver of peer.getTransceivers()) {
          const {kind} = transceiver.receiver.track;
          if (kind === 'video' && camera) {
            await transceiver.sender.replaceTrack(camera.getVideoTracks()[0]);
            transceiver.direction = 'sendonly';
            continue;
          }
          const isVoice = kind === 'audio' && voice;
          if (isVoice) await transceiver.sender.replaceTrack(voice);
          transceiver.direction = isVoice ? 'sendrecv' : 'recvonly';
        }
        await peer.setLocalDescription(await peer.createAnswer());
        signaling.sendSdpAnswer(peer.localDescription, undefined, 'answer-of-viewer');
      } catch (error) { reject(error); }
    });
  });
  signaling.open();
  failed.catch(() => {});
  const watchIt = async () => {
    let first = 0, ear;
    const ages = [], heard = [], shown = [];
    for (const end = Date.now() + (deadline + seconds) * 1000; Date.now() < end; await sleep(100)) {
      if (!first && (isMaster ? peer.connectionState === 'connected' : video.getVideoPlaybackQuality().totalVideoFrames > 0)) first = performance.now();
      if (!first) {
        if (began && performance.now() - began > deadline * 1000) break;
        continue;
      }
      shown.push([Date.now(), video.getVideoPlaybackQuality().totalVideoFrames]);
      const clock = video.readyState >= 2 ? readClock(video) : undefined;
      if (clock !== undefined) ages.push(((Date.now() - clock) % day + day) % day);
      if (!ear && media.getAudioTracks().length) ear = makeEar(context, new MediaStream(media.getAudioTracks()));
      if (ear && listenFor.length) heard.push({at: Date.now(), ...ear(listenFor)});
      if (performance.now() - first > seconds * 1000) break;
    }
    const stats = [...(await peer.getStats()).values()];
    return {firstFrameMs: first ? first - began : undefined, ages, heard, shown, size: [video.videoWidth, video.videoHeight],
      video: stats.find((each) => each.type === 'inbound-rtp' && each.kind === 'video'),
      audio: stats.find((each) => each.type === 'inbound-rtp' && each.kind === 'audio'),
      audioSent: stats.find((each) => each.type === 'outbound-rtp' && each.kind === 'audio')};
  };
  try {
    const result = await Promise.race([watchIt(), failed]);
    return {...result, statuses, joined, state: peer.connectionState, sdp: peer.remoteDescription?.sdp};
  } finally {
    for (const track of camera?.getTracks() ?? []) track.stop();
    peer.close();
    signaling.close();
    context.close();
    video.remove();
  }
}
