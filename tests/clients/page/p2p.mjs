// SPDX-License-Identifier: Apache-2.0
// Browser to browser through the signaling alone: the master and the viewer of the Kinesis WebRTC SDK's examples page, with its
// data channel, which here carries the viewer's word that it has seen enough.
import {KinesisVideoClient} from '@aws-sdk/client-kinesis-video';
import {Role, SignalingClient} from 'amazon-kinesis-video-streams-webrtc';
import {locate, selectedPair, untilConnected} from './channel.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const rtp = (stats, type, kind) => [...stats.values()].find((each) => each.type === type && each.kind === kind);

async function open({config, channelARN, policy}, role, clientId) {
  const {endpoints, iceServers} = await locate(new KinesisVideoClient(config), config, channelARN, role, ['HTTPS', 'WSS']);
  const signaling = new SignalingClient({channelARN, channelEndpoint: endpoints.WSS, role, clientId, region: config.region, credentials: config.credentials});
  const failed = new Promise((_, reject) => signaling.on('error', (error) => reject(new Error(`signaling: ${error?.message ?? error}`))));
  failed.catch(() => {});
  return {signaling, failed, rtc: {iceServers, iceTransportPolicy: policy ?? 'all'}};
}

const late = (seconds, what) => sleep(seconds * 1000).then(() => { throw new Error(`${what} did not happen in ${seconds} s`); });

/** Serves one viewer with the fake camera until it says that it is done. */
export async function p2pMaster(job) {
  const {signaling, failed, rtc} = await open(job, Role.MASTER);
  const media = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480, frameRate: 30}, audio: true});
  const done = new Promise((resolve, reject) => signaling.on('sdpOffer', async (offer, clientId) => {
    try {
      const peer = new RTCPeerConnection(rtc);
      const connected = untilConnected(peer);
      peer.addEventListener('icecandidate', ({candidate}) => candidate && signaling.sendIceCandidate(candidate, clientId));
      signaling.on('iceCandidate', (candidate, from) => from === clientId && peer.addIceCandidate(candidate).catch(reject));
      const words = new Promise((heard) => peer.addEventListener('datachannel', ({channel}) => channel.addEventListener('message', ({data}) => heard(data))));
      for (const track of media.getTracks()) peer.addTrack(track, media);
      await peer.setRemoteDescription(offer);
      await peer.setLocalDescription(await peer.createAnswer());
      signaling.sendSdpAnswer(peer.localDescription, clientId);
      await connected;
      const heard = await words;
      const stats = await peer.getStats();
      peer.close();
      resolve({clientId, heard, framesSent: rtp(stats, 'outbound-rtp', 'video').framesSent, pair: selectedPair(stats)});
    } catch (error) {
      reject(error);
    }
  }));
  signaling.open();
  try {
    return await Promise.race([done, failed, late(40, 'the viewer\'s visit')]);
  } finally {
    for (const track of media.getTracks()) track.stop();
    signaling.close();
  }
}

/** Watches the master for `seconds` after the first picture. */
export async function p2pViewer(job) {
  const {signaling, failed, rtc} = await open(job, Role.VIEWER, job.clientId);
  const peer = new RTCPeerConnection(rtc);
  const connected = untilConnected(peer);
  connected.catch(() => {});
  const video = document.createElement('video');
  document.body.append(video);
  peer.addEventListener('track', ({streams}) => {
    video.srcObject = streams[0];
    video.play().catch(() => {});
  });
  peer.addTransceiver('video', {direction: 'recvonly'});
  peer.addTransceiver('audio', {direction: 'recvonly'});
  const channel = peer.createDataChannel('kvsDataChannel');
  peer.addEventListener('icecandidate', ({candidate}) => candidate && signaling.sendIceCandidate(candidate));
  signaling.on('sdpAnswer', (answer) => peer.setRemoteDescription(answer));
  signaling.on('iceCandidate', (candidate) => peer.addIceCandidate(candidate));
  signaling.on('open', async () => {
    await peer.setLocalDescription(await peer.createOffer());
    signaling.sendSdpOffer(peer.localDescription);
  });
  signaling.open();
  try {
    await Promise.race([connected, failed]);
    for (const end = Date.now() + 15000; video.videoWidth === 0 && Date.now() < end;) await sleep(50);
    const from = video.currentTime;
    await sleep(job.seconds * 1000);
    const stats = await peer.getStats();
    const result = {frames: rtp(stats, 'inbound-rtp', 'video').framesDecoded, shown: video.getVideoPlaybackQuality().totalVideoFrames, played: video.currentTime - from,
      size: [video.videoWidth, video.videoHeight], audioEnergy: rtp(stats, 'inbound-rtp', 'audio').totalAudioEnergy, pair: selectedPair(stats)};
    channel.send('done');
    await sleep(300); // the words must be on their way before the connection goes
    return result;
  } finally {
    peer.close();
    signaling.close();
  }
}
