// SPDX-License-Identifier: Apache-2.0
// A viewer of a storage session by the Kinesis SDK: join, take the server's offer, answer it. Without a picture in time it fails, and
// the page falls back to HLS.
import {GetSignalingChannelEndpointCommand, KinesisVideoClient} from '@aws-sdk/client-kinesis-video';
import {GetIceServerConfigCommand, KinesisVideoSignalingClient} from '@aws-sdk/client-kinesis-video-signaling';
import {JoinStorageSessionAsViewerCommand, JoinStorageSessionCommand, KinesisVideoWebRTCStorageClient} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {Role, SignalingClient} from 'amazon-kinesis-video-streams-webrtc';
import {clientConfig} from '../api/clients';

export interface Connection {
  peer: RTCPeerConnection;
  close: () => void;
}
export interface ConnectOptions {
  channelArn: string;
  /** A viewer's name; none: the master. */
  clientId?: string;
  /** What is sent; kinds without a track are only received (viewer) or refused (master). */
  tracks: MediaStreamTrack[];
  onTrack?: (track: MediaStreamTrack) => void;
  onEnd: (reason: string) => void;
}

async function locate(channelArn: string, isMaster: boolean) {
  const config = clientConfig();
  const control = new KinesisVideoClient(config);
  const {ResourceEndpointList = []} = await control.send(new GetSignalingChannelEndpointCommand({
    ChannelARN: channelArn, SingleMasterChannelEndpointConfiguration: {Protocols: ['HTTPS', 'WSS', 'WEBRTC'], Role: isMaster ? 'MASTER' : 'VIEWER'},
  }));
  const endpoint = (protocol: string) => ResourceEndpointList.find((each) => each.Protocol === protocol)?.ResourceEndpoint ?? config.endpoint;
  const signaling = new KinesisVideoSignalingClient({...config, endpoint: endpoint('HTTPS')});
  const {IceServerList = []} = await signaling.send(new GetIceServerConfigCommand({ChannelARN: channelArn}));
  const iceServers = IceServerList.map((each): RTCIceServer => ({
    urls: each.Uris ?? [], ...(each.Username ? {username: each.Username} : {}), ...(each.Password ? {credential: each.Password} : {}),
  }));
  return {config, iceServers, wss: endpoint('WSS'), webrtc: endpoint('WEBRTC')};
}

async function answer(peer: RTCPeerConnection, offer: RTCSessionDescription, {tracks, clientId}: ConnectOptions): Promise<void> {
  await peer.setRemoteDescription(offer);
  for (const transceiver of peer.getTransceivers()) {
    const track = tracks.find(({kind}) => kind === transceiver.receiver.track.kind);
    if (track) await transceiver.sender.replaceTrack(track);
    if (clientId) transceiver.direction = track ? 'sendrecv' : 'recvonly';
    else transceiver.direction = track ? 'sendrecv' : 'inactive';
  }
  await peer.setLocalDescription(await peer.createAnswer());
}

/** Joins; what fails later is told to `onEnd`, once. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const {channelArn, clientId} = options;
  const {config, iceServers, wss, webrtc} = await locate(channelArn, !clientId);
  const peer = new RTCPeerConnection({iceServers});
  const signaling = new SignalingClient({channelARN: channelArn, channelEndpoint: wss, role: clientId ? Role.VIEWER : Role.MASTER,
    ...(clientId ? {clientId} : {}), region: config.region, credentials: config.credentials});
  const storage = new KinesisVideoWebRTCStorageClient({...config, endpoint: webrtc});
  let over = false;
  const close = () => {
    over = true;
    peer.close();
    signaling.close();
  };
  const fail = (reason: string) => {
    if (over) return;
    close();
    options.onEnd(reason);
  };
  const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
  peer.addEventListener('track', ({track}) => options.onTrack?.(track));
  peer.addEventListener('icecandidate', ({candidate}) => { if (candidate) signaling.sendIceCandidate(candidate); });
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'failed') fail('the connection for media failed');
  });
  signaling.on('iceCandidate', (candidate: RTCIceCandidate) => void peer.addIceCandidate(candidate).catch(() => {}));
  signaling.on('error', (error: unknown) => fail(`signaling: ${reasonOf(error)}`));
  signaling.on('statusResponse', (status: {success?: boolean; description?: string}) => { if (status.success === false) fail(status.description ?? 'the server refused'); });
  signaling.on('sdpOffer', (offer: RTCSessionDescription) => {
    answer(peer, offer, options).then(() => peer.localDescription && signaling.sendSdpAnswer(peer.localDescription, undefined, 'answer'),
      (error: unknown) => fail(`the offer could not be answered: ${reasonOf(error)}`));
  });
  signaling.on('open', () => {
    const join = clientId ? storage.send(new JoinStorageSessionAsViewerCommand({channelArn, clientId})) : storage.send(new JoinStorageSessionCommand({channelArn}));
    join.catch((error: unknown) => fail(reasonOf(error)));
  });
  signaling.open();
  return {peer, close};
}
