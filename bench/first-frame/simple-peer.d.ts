/** The part of simple-peer that is used; the package brings no declarations. */
declare module 'simple-peer/simplepeer.min.js' {
  export default class SimplePeer {
    constructor(options: {
      readonly initiator: boolean;
      readonly trickle: boolean;
      readonly config: RTCConfiguration;
      readonly stream?: MediaStream;
    });
    on(event: 'signal', listener: (signal: unknown) => void): void;
    on(event: 'stream', listener: (stream: MediaStream) => void): void;
    signal(signal: unknown): void;
  }
}
