// SPDX-License-Identifier: Apache-2.0
// Ready lines for clients, with this server's address in them. The secret is never in one.

export interface Place { url: string; httpsUrl: string; region: string; accessKeyId: string; hasOwnCa: boolean }
export interface Snippet { name: string; text: string }

const secret = 'YOUR_SECRET_KEY';

export function makeSnippets({url, httpsUrl, region, accessKeyId, hasOwnCa}: Place): Snippet[] {
  const host = url.replace(/^https?:\/\//, '');
  const isTls = url.startsWith('https:');
  const trust = isTls && hasOwnCa;
  return [
    {name: 'AWS CLI', text: `export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secret} AWS_DEFAULT_REGION=${region}
${trust ? 'export AWS_CA_BUNDLE=tidegate-ca.pem\n' : ''}aws --endpoint-url ${url} kinesisvideo list-streams
aws --endpoint-url ${url} kinesis-video-archived-media list-fragments --stream-name front-door`},
    {name: 'boto3', text: `import boto3

options = dict(region_name="${region}", endpoint_url="${url}", aws_access_key_id="${accessKeyId}",
               aws_secret_access_key="${secret}"${trust ? ', verify="tidegate-ca.pem"' : ''})
video = boto3.client("kinesisvideo", **options)
print(video.list_signaling_channels()["ChannelInfoList"])`},
    {name: 'JavaScript', text: `import {KinesisVideoClient, ListStreamsCommand} from '@aws-sdk/client-kinesis-video';
${trust ? '\n// Node: NODE_EXTRA_CA_CERTS=tidegate-ca.pem node example.mjs' : ''}
const video = new KinesisVideoClient({
  region: '${region}', endpoint: '${url}',
  credentials: {accessKeyId: '${accessKeyId}', secretAccessKey: '${secret}'},
});
console.log((await video.send(new ListStreamsCommand({}))).StreamInfoList);`},
    {name: 'WebRTC C SDK', text: `// amazon-kinesis-video-streams-webrtc-sdk-c, samples/Common.c, where channelInfo is filled in:
pSampleConfiguration->channelInfo.pControlPlaneUrl = "${isTls ? url : httpsUrl}";

# and around the sample (it speaks HTTPS only)
export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secret} AWS_DEFAULT_REGION=${region}
${hasOwnCa ? 'export AWS_KVS_CACERT_PATH=$PWD/tidegate-ca.pem\n' : ''}./kvsWebrtcClientMaster front-door`},
    {name: 'kvssink', text: `# GStreamer, amazon-kinesis-video-streams-producer-sdk-cpp${trust ? `
# It trusts the system's authorities only: sudo cp tidegate-ca.pem /usr/local/share/ca-certificates/tidegate-ca.crt &&
# sudo update-ca-certificates` : ''}
export CONTROL_PLANE_URI=${url}
gst-launch-1.0 -v v4l2src ! videoconvert ! x264enc key-int-max=50 tune=zerolatency ! h264parse ! \\
  kvssink stream-name=front-door aws-region=${region} access-key=${accessKeyId} secret-key=${secret}`},
    {name: 'curl', text: `curl ${trust ? '--cacert tidegate-ca.pem ' : ''}--aws-sigv4 aws:amz:${region}:kinesisvideo --user ${accessKeyId}:${secret} \\
  ${isTls ? 'https' : 'http'}://${host}/api/v1/cameras`},
  ];
}
