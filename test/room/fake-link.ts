/**
 * Connections in memory that keep to the signalling states of RTCPeerConnection (W3C WebRTC §4.3, JSEP): work is
 * carried out one piece after the other, when the test says so. What a browser would refuse is reported as failed;
 * what the room must never ask for is written down as a fault.
 */
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import type { NegotiationWork } from '../../src/engine/room/negotiation.ts';
import type { Random } from '../helpers/random.ts';

/** What stands in a description: whose, which exchange, and which ICE credentials. */
type Offer = { readonly pc: number; readonly offer: number; readonly ice: number };
type Answer = { readonly pc: number; readonly offer: number; readonly session: string };

export class FakeNetwork {
  readonly random: Random;
  readonly faults: string[] = [];
  readonly links = new Map<number, FakeLink>();
  /** Exchanges of ICE credentials over which nothing passes any more. */
  readonly brokenSessions = new Set<string>();
  /** Share of the work that a browser refuses for no reason we know. */
  failureShare = 0;
  #ids = 0;

  constructor(random: Random) {
    this.random = random;
  }

  nextId(): number {
    return ++this.#ids;
  }

  isFailing(link?: FakeLink): boolean {
    const isFailing = this.random.chance(this.failureShare);
    if (link && isFailing) link.hasFailed = true;
    return isFailing;
  }

  partnerOf(link: FakeLink): FakeLink | undefined {
    const partner = link.partner === undefined ? undefined : this.links.get(link.partner);
    return partner?.partner === link.id ? partner : undefined;
  }

  /** Both sides have the same exchange: media can flow. */
  review(link: FakeLink): void {
    const partner = this.partnerOf(link);
    if (!partner || link.session === undefined || link.session !== partner.session) return;
    if (this.brokenSessions.has(link.session)) return;
    link.connect();
    partner.connect();
  }

  /** The way between two peers is cut; only an ICE restart or a new connection helps. */
  cut(link: FakeLink): void {
    if (link.session === undefined) return;
    this.brokenSessions.add(link.session);
    this.partnerOf(link)?.fail();
    link.fail();
  }

  /** Gone without a word, as a page whose process was ended. */
  vanish(link: FakeLink): void {
    this.links.delete(link.id);
    const partner = this.partnerOf(link);
    if (partner?.isConnected) partner.fail();
  }

  close(link: FakeLink): void {
    const partner = this.partnerOf(link);
    this.links.delete(link.id);
    if (!partner?.isConnected) return;
    if (this.random.chance(0.8)) partner.report({ type: 'ended-by-peer' });
    else partner.fail();
  }
}

type LinkReport = RoomEvent & { readonly peerId: PeerId; readonly generation: number };
type Unaddressed<T> = T extends unknown ? Omit<T, 'peerId' | 'generation'> : never;

export class FakeLink {
  readonly id: number;
  readonly generation: number;
  readonly #peerId: PeerId;
  readonly #network: FakeNetwork;
  /** Work to be carried out, in order. */
  readonly work: (() => Unaddressed<LinkReport> | undefined)[] = [];
  /** What the connection says by itself, in order. */
  readonly reports: LinkReport[] = [];
  signaling: 'stable' | 'have-local-offer' | 'have-remote-offer' = 'stable';
  partner: number | undefined;
  session: string | undefined;
  /** The offer of the last exchange that this side completed. */
  exchange: number | undefined;
  isConnected = false;
  /** A piece of work was refused: the room then leaves the two sides as they are while media flows. */
  hasFailed = false;
  #localOffer: number | undefined;
  /** What was described last. */
  #described: { readonly type: 'offer' | 'answer'; readonly sdp: string } | undefined;
  #localIce = 1;
  #remoteIce: number | undefined;

  constructor(network: FakeNetwork, peerId: PeerId, generation: number) {
    this.#network = network;
    this.id = network.nextId();
    this.#peerId = peerId;
    this.generation = generation;
    network.links.set(this.id, this);
  }

  address(report: Unaddressed<LinkReport>): LinkReport {
    return { ...report, peerId: this.#peerId, generation: this.generation } as LinkReport;
  }

  report(report: Unaddressed<LinkReport>): void {
    this.reports.push(this.address(report));
  }

  connect(): void {
    if (this.isConnected) return;
    this.isConnected = true;
    this.report({ type: 'transport-changed', transport: 'connecting' });
    this.report({ type: 'transport-changed', transport: 'connected' });
    this.report({ type: 'remote-track', kind: 'camera', trackId: `track-${this.id}` });
  }

  fail(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    this.report({ type: 'transport-changed', transport: 'disconnected' });
    this.report({ type: 'transport-changed', transport: 'failed' });
  }

  makeOffer(round: number, isRestart: boolean): void {
    this.work.push(() => {
      // a browser would make an answer of it, or refuse
      if (this.signaling === 'have-remote-offer' || this.#network.isFailing(this)) return failed('making-offer', round);
      if (isRestart) this.#localIce++;
      this.signaling = 'have-local-offer';
      this.#localOffer = this.#network.nextId();
      const offer: Offer = { pc: this.id, offer: this.#localOffer, ice: this.#localIce };
      this.#described = { type: 'offer', sdp: JSON.stringify(offer) };
      return { type: 'offer-made', round, sdp: this.#described.sdp };
    });
  }

  repeatOffer(round: number): void {
    this.work.push(() => {
      if (this.signaling !== 'have-local-offer' || this.#network.isFailing(this)) return failed('making-offer', round);
      return { type: 'offer-made', round, sdp: this.#described?.sdp ?? '' };
    });
  }

  repeatAnswer(round: number): void {
    this.work.push(() => {
      const isAnswer = this.signaling === 'stable' && this.#described?.type === 'answer';
      if (!isAnswer || this.#network.isFailing(this)) return failed('accepting-offer', round);
      return { type: 'offer-accepted', round, sdp: this.#described?.sdp ?? '' };
    });
  }

  acceptOffer(round: number, sdp: string): void {
    this.work.push(() => {
      if (this.#network.isFailing(this)) return failed('accepting-offer', round);
      const offer = JSON.parse(sdp) as Offer;
      // in have-local-offer this is an implicit rollback; of a first offer it would leave places for tracks behind
      if (this.signaling === 'have-local-offer' && this.exchange === undefined) {
        this.#network.faults.push('two first offers met');
      }
      this.#localOffer = undefined;
      this.signaling = 'have-remote-offer';
      this.#bind(offer.pc);
      if (this.#network.isFailing(this)) return failed('accepting-offer', round);
      if (offer.ice !== this.#remoteIce) {
        this.#remoteIce = offer.ice;
        this.session = `session-${offer.offer}`;
      }
      this.signaling = 'stable';
      this.exchange = offer.offer;
      const answer: Answer = { pc: this.id, offer: offer.offer, session: this.session ?? '' };
      this.#described = { type: 'answer', sdp: JSON.stringify(answer) };
      this.#network.review(this);
      return { type: 'offer-accepted', round, sdp: this.#described.sdp };
    });
  }

  acceptAnswer(round: number, sdp: string): void {
    this.work.push(() => {
      const answer = JSON.parse(sdp) as Answer;
      if (this.signaling !== 'have-local-offer') {
        this.#network.faults.push(`an answer in ${this.signaling}`);
        return failed('accepting-answer', round);
      }
      if (answer.offer !== this.#localOffer) {
        this.#network.faults.push('an answer to another offer');
        return failed('accepting-answer', round);
      }
      if (this.#network.isFailing(this)) return failed('accepting-answer', round);
      this.#bind(answer.pc);
      this.signaling = 'stable';
      this.#localOffer = undefined;
      this.exchange = answer.offer;
      this.session = answer.session;
      this.#network.review(this);
      return { type: 'answer-accepted', round };
    });
  }

  /** One connection meets one other, for good: DTLS does not begin anew with a third. */
  #bind(pc: number): void {
    this.partner ??= pc;
    if (this.partner !== pc) this.#network.faults.push('a description of another connection');
  }
}

function failed(work: NegotiationWork, round: number): Unaddressed<LinkReport> {
  return { type: 'negotiation-failed', work, round };
}
