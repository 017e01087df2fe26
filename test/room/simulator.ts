/**
 * Pages, relay and network in memory, with explicit delivery: the test decides what happens next, and time is only
 * the order of the timers. A storm does everything that can happen, in an order given by the seed; then it calms
 * down, everything on its way arrives, and the pages have to agree.
 */
import assert from 'node:assert/strict';
import { peerIdFromBytes } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { TimerId } from '../../src/engine/room/events.ts';
import { presenceOf } from '../../src/engine/room/devices.ts';
import { isStanding } from '../../src/engine/room/peers.ts';
import { Random } from '../helpers/random.ts';
import { FakeNetwork } from './fake-link.ts';
import type { FakeLink } from './fake-link.ts';
import { FakePage } from './fake-page.ts';
import { FakeRelay } from './fake-relay.ts';
import type { FakeSocket, JoinNumbers } from './fake-relay.ts';

export type SimulatorOptions = {
  readonly seed: number;
  readonly joinNumbers?: JoinNumbers;
  /** Whether browsers refuse work now and then, during the storm. */
  readonly isFailing?: boolean;
  /** Whether what peers say about themselves comes in any order, as by two ways, or by a relay that holds it back. */
  readonly isReordering?: boolean;
};

/** Long enough for every retry and for every peer that is gone to be given up. */
const CALM_MAX_MS = 180_000;
const CALM_MAX_STEPS = 50_000;

/** Timers that go on for as long as somebody is there. */
const ENDLESS: readonly string[] = ['roster-beat', 'sender-keys', 'frames-check'];

export class Simulator {
  readonly random: Random;
  readonly network: FakeNetwork;
  readonly relay: FakeRelay;
  /** Pages that exist, in the room or not. */
  readonly pages: FakePage[] = [];
  /** Pages asleep, as on a closed laptop: they hear nothing and their timers wait. */
  readonly asleep = new Set<FakePage>();
  /** All sockets that a message may still be on. */
  #sockets: FakeSocket[] = [];
  now_ms = 0;
  #trackIds = 0;
  readonly #failureShare: number;

  constructor({ seed, joinNumbers = 'clock', isFailing = false, isReordering = false }: SimulatorOptions) {
    this.random = new Random(seed);
    this.network = new FakeNetwork(this.random);
    this.relay = new FakeRelay(joinNumbers);
    this.#failureShare = isFailing ? 0.05 : 0;
    if (isReordering) this.relay.holdsBack = () => this.random.chance(0.4);
  }

  newPeerId(): PeerId {
    return peerIdFromBytes(this.random.bytes(16))!;
  }

  addPage(name = ''): FakePage {
    const page = new FakePage(this.network, () => this.now_ms);
    this.pages.push(page);
    page.dispatch({ type: 'set-name', name });
    page.dispatch({ type: 'join', peerId: this.newPeerId() });
    return page;
  }

  /** The page is closed from one moment to the next. */
  crashPage(page: FakePage): void {
    this.pages.splice(this.pages.indexOf(page), 1);
    this.asleep.delete(page);
    page.vanish();
    if (page.socket) page.socket.isOpenAtPage = false;
    page.socket = undefined;
  }

  crashRelay(): void {
    this.relay.crash();
    for (const socket of this.#sockets) {
      socket.up.length = 0;
      // of what was on its way to the page, some had been sent in time
      socket.down.length = this.random.below(socket.down.length + 1);
    }
  }

  #awake(): readonly FakePage[] {
    return this.asleep.size === 0 ? this.pages : this.pages.filter((page) => !this.asleep.has(page));
  }

  /** Everything that could happen next by itself, timers left aside. */
  #choices(): (() => void)[] {
    const choices: (() => void)[] = [];
    this.#sockets = this.#sockets.filter(
      (socket) => socket.up.length > 0 || socket.isOpenAtRelay || this.pages.some((page) => page.socket === socket),
    );
    for (const socket of this.#sockets) {
      if (socket.up.length > 0) choices.push(() => this.relay.receive(socket));
      else if (socket.isOpenAtRelay && !this.pages.some((page) => page.socket === socket)) {
        choices.push(() => this.relay.lose(socket));
      }
    }
    for (const late of this.relay.late) choices.push(() => this.relay.deliverLate(late));
    for (const page of this.#awake()) {
      const { socket } = page;
      if (socket && socket.down.length > 0) choices.push(() => page.dispatch(socket.down.shift()!));
      // the page may hear of its end before it has opened all that came before
      if (socket && !socket.isOpenAtRelay) choices.push(() => this.dropSocket(page));
      if (page.wantsRelay && !socket && this.relay.isUp) choices.push(() => this.#connect(page));
      if (page.openDevices.length > 0) choices.push(() => this.#answerDevice(page));
      for (const link of page.links.values()) {
        if (link.work.length > 0) choices.push(() => this.#work(page, link));
        if (link.reports.length > 0) choices.push(() => page.dispatch(link.reports.shift()!));
      }
    }
    return choices;
  }

  /** Anything that is on its way arrives; false where nothing is. */
  deliver(): boolean {
    const choices = this.#choices();
    if (choices.length === 0) return false;
    this.random.pick(choices)();
    return true;
  }

  /** The timer that ends first, ends; `undefined` where there is none, or none until then. */
  fireTimer(until_ms = Infinity): TimerId | undefined {
    let first: { page: FakePage; id: TimerId; due_ms: number } | undefined;
    for (const page of this.#awake()) {
      for (const [id, due_ms] of page.timers) if (due_ms < (first?.due_ms ?? Infinity)) first = { page, id, due_ms };
    }
    if (!first || first.due_ms > until_ms) return undefined;
    this.now_ms = Math.max(this.now_ms, first.due_ms);
    first.page.timers.delete(first.id);
    first.page.dispatch({ type: 'timer', id: first.id });
    return first.id;
  }

  /** The page hears that its socket is gone; the relay may not know it yet. */
  dropSocket(page: FakePage): void {
    const { socket } = page;
    if (!socket) return;
    page.socket = undefined;
    socket.isOpenAtPage = false;
    socket.up.length = 0;
    const late = socket.down.splice(0, this.random.below(socket.down.length + 1));
    page.dispatch({ type: 'relay-lost' });
    // opening a message takes a while: what came last may be told after the end
    for (const event of late) page.dispatch(event);
  }

  #connect(page: FakePage): void {
    const socket = this.relay.connect(page.peerId!, page.joinNumber);
    page.socket = socket;
    this.#sockets.push(socket);
  }

  #answerDevice(page: FakePage): void {
    const kind = page.openDevices.shift()!;
    const trackId = `own-${++this.#trackIds}`;
    if (this.network.isFailing()) page.dispatch({ type: 'device-failed', kind, code: 'device-in-use' });
    else page.dispatch({ type: 'device-live', kind, trackId, deviceId: 'd', label: 'l' });
  }

  #work(page: FakePage, link: FakeLink): void {
    const report = link.work.shift()!();
    if (report) page.dispatch(link.address(report));
  }

  // --- mischief ------------------------------------------------------------------------------------

  /** Once: something that people, networks or machines do. */
  disturb(pagesMax: number): void {
    const { random } = this;
    this.network.failureShare = this.#failureShare;
    const awake = this.#awake();
    const page = awake.length > 0 ? random.pick(awake) : undefined;
    const links = page ? [...page.links.values()] : [];
    const kind = random.below(24);
    if (kind < 4 && this.pages.length < pagesMax) this.addPage(`page ${random.below(100)}`);
    else if (!page) this.asleep.clear();
    else if (kind === 4) page.dispatch({ type: 'leave' });
    else if (kind === 5) this.crashPage(page);
    else if (kind === 6) page.dispatch({ type: 'join', peerId: this.newPeerId() });
    else if (kind === 7) this.crashRelay();
    else if (kind < 10) this.relay.isUp = true;
    else if (kind === 10) this.dropSocket(page);
    else if (kind === 11 && page.socket) this.relay.lose(page.socket);
    else if (kind === 12 && links.length > 0) this.network.cut(random.pick(links));
    else if (kind === 13 && links.length > 0) this.#hiccup(random.pick(links));
    else if (kind === 14) page.dispatch({ type: 'set-name', name: `name ${random.below(100)}` });
    else if (kind === 15) page.dispatch({ type: 'set-microphone', isOn: random.chance(0.5) });
    else if (kind === 16) page.dispatch({ type: 'set-camera', isOn: random.chance(0.5) });
    else if (kind === 17) {
      page.dispatch({ type: 'set-device', kind: random.pick(['microphone', 'camera']), deviceId: 'x' });
    } else if (kind === 18) this.#endDevice(page);
    else if (kind === 19) this.#sleep(page);
    else if (kind === 20) this.asleep.clear();
    else if (kind === 21) this.#wait(random.below(20_000));
    else if (kind === 22) page.dispatch({ type: 'set-private', isOn: random.chance(0.7) });
  }

  /** Its links fail for the others, who may hear of it before it does, and the relay may lose it. */
  #sleep(page: FakePage): void {
    this.asleep.add(page);
    for (const link of page.links.values()) this.network.cut(link);
    if (page.socket && this.random.chance(0.7)) this.relay.lose(page.socket);
  }

  /** Time passes, while whoever is awake goes on. */
  #wait(delay_ms: number): void {
    const until_ms = this.now_ms + delay_ms;
    for (let steps = 0; steps < 2_000; steps++) if (!this.deliver() && !this.fireTimer(until_ms)) return;
  }

  #hiccup(link: FakeLink): void {
    if (!link.isConnected) return;
    link.report({ type: 'transport-changed', transport: 'disconnected' });
    link.report({ type: 'transport-changed', transport: 'connected' });
  }

  #endDevice(page: FakePage): void {
    const { camera } = page.state.local;
    if (camera.state === 'live') page.dispatch({ type: 'device-ended', kind: 'camera', trackId: camera.trackId });
  }

  storm(steps: number, pagesMax: number): void {
    for (let i = 0; i < steps; i++) {
      const kind = this.random.below(100);
      if (kind < 15) this.disturb(pagesMax);
      else if (kind < 18) this.fireTimer();
      else if (!this.deliver()) this.disturb(pagesMax);
    }
  }

  /**
   * No more mischief: all arrives, timers end when nothing else is left to do. Gives the time it took until the last timer but
   * those that never end: the roster's beat, and what looks after frames.
   */
  calmDown(atMost_ms = CALM_MAX_MS): number {
    this.network.failureShare = 0;
    this.relay.isUp = true;
    this.asleep.clear();
    const began_ms = this.now_ms;
    let calm_ms = began_ms;
    for (let steps = 0; ; steps++) {
      assert.ok(steps < CALM_MAX_STEPS, 'it goes on without time passing');
      if (this.deliver()) continue;
      const id = this.fireTimer(began_ms + atMost_ms);
      if (id === undefined) return calm_ms - began_ms;
      if (!ENDLESS.includes(id)) calm_ms = this.now_ms;
    }
  }

  // --- what has to be true then --------------------------------------------------------------------

  assertSettled(): void {
    assert.deepEqual(this.network.faults, []);
    const present = this.pages.filter((page) => page.state.call.phase !== 'left');
    for (const page of this.pages) {
      const ids = [...page.timers.keys()].filter((id) => !ENDLESS.includes(id));
      assert.deepEqual(ids, [], 'a timer never ends');
    }
    for (const page of present) {
      const others = present.filter((other) => other !== page);
      const { call } = page.state;
      assert.ok(call.phase === 'joined');
      const verdict = others.length > 0 ? 'consistent' : 'settling';
      assert.deepEqual([call.roster.verdict, call.roster.mismatches], [verdict, []]);
      const ids = others.map((other) => other.peerId!);
      assert.deepEqual([...page.peers.keys()].toSorted(), ids.toSorted(), 'sees others than are there');
      assert.deepEqual([...page.shown].toSorted(), ids.toSorted());
      for (const other of others) this.#assertLinked(page, other);
    }
    assert.equal(this.relay.size, present.length);
    const open = present.reduce((count, page) => count + page.links.size, 0);
    assert.equal(this.network.links.size, open, 'a connection was left open');
  }

  #assertLinked(page: FakePage, other: FakePage): void {
    const peer = page.peers.get(other.peerId!)!;
    const mirrored = other.peers.get(page.peerId!)!;
    const [link, partner] = [page.links.get(other.peerId!)!, other.links.get(page.peerId!)!];
    assert.equal(peer.link.generation, mirrored.link.generation);
    assert.deepEqual(peer.link.negotiation, { at: 'stable' });
    assert.ok(isStanding(peer.link), 'a link does not stand');
    assert.equal(link.partner, partner.id);
    if (!link.hasFailed && !partner.hasFailed) {
      assert.equal(link.signaling, 'stable');
      assert.equal(link.exchange, partner.exchange, 'the two sides completed different exchanges');
    }
    assert.ok(link.isConnected);
    assert.deepEqual(peer.presence, presenceOf(other.state.local), 'seen otherwise than it is');
    assert.equal(peer.isListed, true);
    assert.ok(peer.tracks.camera);
  }
}
