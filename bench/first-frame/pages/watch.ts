/** Looks over a contender's shoulder: its sockets and connections, without a change to its code. */

/** Points that every join passes on the joiner's side. */
export const MARKS = ['socketOpen', 'described', 'answered', 'connected'] as const;
export type Mark = (typeof MARKS)[number];

export type Watch = {
  /** Messages on all sockets so far, both directions. Heartbeats come seconds apart and do not fall into a join. */
  messages(): number;
  /** When a point was first passed, on the clock of `performance.now()`. */
  marks(): Readonly<Partial<Record<Mark, DOMHighResTimeStamp>>>;
};

/** Has to run before the contender takes hold of the classes. */
export function watchConnections(): Watch {
  const marks: Partial<Record<Mark, DOMHighResTimeStamp>> = {};
  const pass = (mark: Mark): void => {
    marks[mark] ??= performance.now();
  };
  let messages = 0;
  const counted = (): void => {
    messages++;
  };
  globalThis.WebSocket = class extends globalThis.WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('open', () => pass('socketOpen'));
      this.addEventListener('message', counted);
    }

    override send(data: Parameters<WebSocket['send']>[0]): void {
      counted();
      super.send(data);
    }
  };
  globalThis.RTCPeerConnection = class extends globalThis.RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('signalingstatechange', () => {
        if (this.signalingState === 'have-local-offer') pass('described');
        if (this.signalingState === 'stable') pass('answered');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') pass('connected');
      });
    }
  };
  return { messages: () => messages, marks: () => marks };
}
