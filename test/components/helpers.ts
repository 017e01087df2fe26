/** Mounts a room with a fake engine, and looks into it. */
import 'axe-core/axe.js';
import type axeCore from 'axe-core';
import { ENGINE } from '../../src/components/tai-room/tai-room.ts';
import type { TaiRoom } from '../../src/components/tai-room/tai-room.ts';
import '../../src/define.ts';
import { equal, ok, until } from './assert.ts';
import { deepElements } from './deep-elements.ts';
import { FakeEngine, participant } from './fake-session.ts';
import type { FakeSession } from './fake-session.ts';

export { deepElements } from './deep-elements.ts';

declare const axe: typeof axeCore;

export type Mounted = {
  readonly room: TaiRoom;
  readonly engine: FakeEngine;
  readonly session: FakeSession;
  /** Names of the events seen at the document, in order. */
  readonly events: string[];
};

/** Reserved: no test reaches it. */
export const RELAY = 'wss://relay.example';

export const EVENTS = [
  ...['tai-join', 'tai-leave', 'tai-state-change', 'tai-peer-join', 'tai-peer-leave', 'tai-encryption-change'],
  ...['tai-device-change', 'tai-error', 'tai-invite', 'tai-join-request', 'tai-leave-request', 'tai-mute-request'],
  ...['tai-verify', 'tai-verify-request', 'tai-knock'],
] as const;

/** A room in the page whose session is there. */
export async function mount(prepare: (room: TaiRoom) => void = () => {}): Promise<Mounted> {
  const { room, engine, events } = place(prepare);
  const session = await until(() => engine.sessions.at(-1), 'a session');
  await settle(room);
  return { room, engine, session, events };
}

/** A room in the page that may have no session. */
export function place(prepare: (room: TaiRoom) => void = () => {}): Omit<Mounted, 'session'> {
  const room = document.createElement('tai-room');
  const engine = new FakeEngine();
  room[ENGINE] = engine;
  room.relay = RELAY;
  prepare(room);
  const events: string[] = [];
  for (const type of EVENTS) {
    const listen = (event: Event): void => {
      if (event.composedPath().includes(room)) events.push(type);
    };
    document.addEventListener(type, listen);
    stops.push(() => document.removeEventListener(type, listen));
  }
  document.body.append(room);
  return { room, engine, events };
}

export const LIVE = { state: 'live', trackId: 't', deviceId: 'a', label: 'A', isMuted: false } as const;

/** A private room, made by a click, with so many people in it. */
export async function joined(count = 1, prepare?: (room: TaiRoom) => void): Promise<Mounted> {
  const mounted = await mount(prepare);
  button(mounted.room, 'Create a private room').click();
  mounted.session.enter({ microphone: LIVE, camera: LIVE });
  for (let number = 1; number < count; number++) mounted.session.meet(participant(number));
  await settle(mounted.room);
  return mounted;
}

const stops: (() => void)[] = [];

/** Removal is looked at again one task later. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Where what nobody caught is kept, while somebody wants it. */
let net: unknown[] | undefined;

function keep(event: Event, reason: unknown): void {
  if (!net) return;
  net.push(reason);
  event.preventDefault();
  event.stopImmediatePropagation();
}

// While this file loads: the test runner's own listeners, which fail the test, come later. Chromium asks in this order.
addEventListener('error', (event) => keep(event, event.error), { capture: true });
addEventListener('unhandledrejection', (event) => keep(event, event.reason), { capture: true });

/** What nobody caught while `act` ran: errors as the page's `error` event tells them, and rejections. */
export async function uncaught(act: () => unknown): Promise<readonly unknown[]> {
  const last = new Error('the last (on purpose)');
  const caught: unknown[] = [];
  net = caught;
  try {
    await act();
    await nextTask();
    // told in the order in which they happened: after this one there are no earlier ones
    void Promise.reject(last);
    await until(() => caught.includes(last), 'the last rejection');
  } finally {
    net = undefined;
  }
  return caught.filter((reason) => reason !== last);
}

/** An empty page, without a room's link in its address. */
export function clear(): void {
  for (const stop of stops.splice(0)) stop();
  document.body.replaceChildren();
  document.documentElement.lang = 'en';
  document.title = 'test';
  history.replaceState(null, '', location.pathname + location.search);
}

/** Everything inside has rendered. */
export async function settle(room: TaiRoom): Promise<void> {
  await room.updateComplete;
  for (const element of deepElements(room)) {
    if ('updateComplete' in element) await element.updateComplete;
  }
  await room.updateComplete;
}

/** The shown element that matches, anywhere inside. */
export function find<T extends Element = HTMLElement>(root: Element, selector: string): T {
  const found = findAll<T>(root, selector)[0];
  ok(found, `nothing matches ${selector}`);
  return found;
}

export function findAll<T extends Element = HTMLElement>(root: Element, selector: string): T[] {
  return deepElements(root).filter((element): element is T => element.matches(selector) && element.checkVisibility());
}

/** The button with that accessible name. */
export function button(root: Element, name: string): HTMLButtonElement {
  const found = findAll<HTMLButtonElement>(root, 'button').find(
    (element) => (element.getAttribute('aria-label') ?? element.textContent.trim()) === name,
  );
  ok(found, `no button is called ${name}`);
  return found;
}

export function texts(root: Element): string {
  return deepElements(root)
    .filter((element) => element.children.length === 0 && element.checkVisibility())
    .map((element) => element.textContent.trim())
    .join(' | ');
}

/** axe finds nothing, and no element has an inline style. */
export async function accessible(root: Element): Promise<void> {
  // a tile fades in: what is half there has half its contrast
  for (const animation of deepElements(root).flatMap((element) => element.getAnimations())) {
    if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish();
  }
  const { violations, passes } = await axe.run(root, { rules: { region: { enabled: false } } });
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  equal(found.join('\n'), '', 'accessibility');
  ok(passes.length > 0, 'axe looked at nothing');
  equal(deepElements(root).filter((element) => element.hasAttribute('style')).length, 0, 'inline styles');
}
