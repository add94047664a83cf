// SPDX-License-Identifier: Apache-2.0
// The part of Node's event emitter (npm "events") that the Kinesis signaling client inherits from.
declare module 'events' {
  export class EventEmitter {
    on(event: string, listener: (...given: never[]) => void): this;
  }
  export default EventEmitter;
}
