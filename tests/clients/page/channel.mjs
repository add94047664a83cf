// SPDX-License-Identifier: Apache-2.0
// What every page does before and after it has a peer connection: where the channel is served, and how the connection fared.
import {GetSignalingChannelEndpointCommand} from '@aws-sdk/client-kinesis-video';
import {GetIceServerConfigCommand, KinesisVideoSignalingClient} from '@aws-sdk/client-kinesis-video-signaling';

/** {endpoints by protocol, iceServers as RTCPeerConnection wants them}. */
export async function locate(control, config, ChannelARN, Role, Protocols) {
  const {ResourceEndpointList} = await control.send(new GetSignalingChannelEndpointCommand(
    {ChannelARN, SingleMasterChannelEndpointConfiguration: {Protocols, Role}}));
  const endpoints = Object.fromEntries(ResourceEndpointList.map((entry) => [entry.Protocol, entry.ResourceEndpoint]));
  const signaling = new KinesisVideoSignalingClient({...config, endpoint: endpoints.HTTPS});
  const {IceServerList} = await signaling.send(new GetIceServerConfigCommand({ChannelARN}));
  return {endpoints, iceServers: IceServerList.map((each) => ({urls: each.Uris, username: each.Username, credential: each.Password}))};
}

export const untilConnected = (peer) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`connection state ${peer.connectionState}, ICE ${peer.iceConnectionState}`)), 20000);
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'connected') { clearTimeout(timer); resolve(); }
    if (peer.connectionState === 'failed') {
      clearTimeout(timer);
      peer.getStats().then((stats) => reject(new Error(`connection failed: ${JSON.stringify([...stats.values()].filter((each) => /candidate|transport/.test(each.type)))}`)));
    }
  });
});

const shape = ({candidateType, protocol, relayProtocol, tcpType, address, port}) => ({candidateType, protocol, relayProtocol, tcpType, address, port});

/** Both candidates of the pair that carries the media. */
export function selectedPair(stats) {
  const transport = [...stats.values()].find((each) => each.type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  return {local: shape(stats.get(pair.localCandidateId)), remote: shape(stats.get(pair.remoteCandidateId)), sent: pair.bytesSent, received: pair.bytesReceived};
}
