// SPDX-License-Identifier: Apache-2.0
// Ready policies for a new key; each is a beginning that may be changed before it is attached (docs/keys.md).

export interface PolicyChoice { id: string; title: string; about: string; document: (name: string) => string }

const document = (...statements: {Action: string[]; Resource: string | string[]}[]): string =>
  JSON.stringify({Version: '2012-10-17', Statement: statements.map(({Action, Resource}) => ({Effect: 'Allow', Action, Resource}))}, null, 2);
const arn = (kind: string, name: string) => `arn:aws:kinesisvideo:*:*:${kind}/${name}/*`;
const actions = (...names: string[]) => names.map((name) => `kinesisvideo:${name}`);

export const policyChoices: PolicyChoice[] = [
  {
    id: 'camera', title: 'A camera', about: 'Sends to the channel of this name, by WebRTC, or to the stream of this name, by PutMedia.',
    document: (name) => document(
      {Action: actions('DescribeSignalingChannel', 'DescribeMediaStorageConfiguration', 'GetSignalingChannelEndpoint', 'GetIceServerConfig', 'ConnectAsMaster', 'JoinStorageSession'), Resource: arn('channel', name || '*')},
      {Action: actions('DescribeStream', 'GetDataEndpoint', 'PutMedia'), Resource: arn('stream', name || '*')}),
  },
  {
    id: 'viewer', title: 'Somebody who watches', about: 'Every camera, live and recorded, also in this console. Changes nothing.',
    document: () => document({Action: actions('List*', 'Describe*', 'Get*', 'ConnectAsViewer', 'JoinStorageSessionAsViewer'), Resource: '*'}),
  },
  {id: 'video', title: 'Everything but keys', about: 'Makes and deletes streams and channels, sends and watches.', document: () => document({Action: ['kinesisvideo:*'], Resource: '*'})},
  {id: 'all', title: 'Everything', about: 'Also makes and revokes keys.', document: () => document({Action: ['*'], Resource: '*'})},
];
