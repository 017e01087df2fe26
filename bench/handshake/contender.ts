/** What every contender of the handshake bench does, in Node and in a page. */
export type Handshake = {
  /** Everything up to the published bundle: nobody is charged for it, since it is done before anybody calls. */
  prepare(): Promise<HandshakeRun>;
};

export type HandshakeRun = {
  /** From the published bundle to the first message read by its receiver: both sides' work, in milliseconds. */
  handshake(): Promise<void>;
  /** One message from each side, sealed and opened, in the session that stands. */
  exchange(): Promise<void>;
};

/** What a message of a person has. */
export const MESSAGE = new TextEncoder().encode('a first message of some length '.repeat(4));
