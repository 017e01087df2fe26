/** Who carries out what the room decides: every effect has its one executor. */
import type { FrameWatch } from './frame-watch.ts';
import type { Hiding } from './hiding.ts';
import type { Links } from './links.ts';
import type { OwnSide } from './own-side.ts';
import type { ClockPort, DevicePort } from './ports.ts';
import type { Effect, Moment } from './room/events.ts';
import type { TurnServers } from './turn-servers.ts';

export type EffectTable = { readonly [Type in Effect['type']]: (effect: Extract<Effect, { type: Type }>) => void };

export type Executors = {
  readonly devices: DevicePort;
  readonly links: Links;
  readonly hiding: Hiding;
  readonly frameWatch: FrameWatch;
  readonly own: OwnSide;
  readonly turn: TurnServers;
  readonly clock: ClockPort;
  onMoment(moment: Moment): void;
  onDropped(reason: string): void;
};

export function effectTable({
  devices,
  links,
  hiding,
  frameWatch,
  own,
  turn,
  clock,
  onMoment,
  onDropped,
}: Executors): EffectTable {
  return {
    'open-device': ({ kind, deviceId }) => devices.open(kind, deviceId),
    'close-device': ({ kind }) => devices.close(kind),
    'mute-device': ({ kind, isMuted }) => devices.mute(kind, isMuted),
    'publish-track': ({ kind }) => links.publish(kind),
    'connect-relay': ({ peerId }) => own.join(peerId),
    'disconnect-relay': () => {
      own.leave();
      turn.leave();
    },
    send: ({ to, message }) => own.membership?.send(to, message),
    'announce-roster': (effect) => own.membership?.announce(effect),
    assure: (effect) => own.membership?.assure(effect),
    'meet-again': ({ peerId }) => own.membership?.meetAgain(peerId),
    knock: ({ name }) => own.membership?.knock(name),
    'act-as-host': (effect) => own.membership?.actAsHost(effect),
    'refuse-peer': ({ peerId }) => own.membership?.refuse(peerId),
    'rotate-sender-keys': ({ epoch }) => own.membership?.rotateSenderKeys(epoch),
    'switch-sender-keys': ({ age_ms }) => own.membership?.switchSenderKeys(age_ms),
    'repeat-messages': () => own.membership?.repeatMessages(),
    'check-frames': () => void frameWatch.check().catch(() => onDropped('check-failed')),
    'hide-addresses': ({ isOn }) => hiding.turn(isOn),
    'open-link': ({ peerId, generation, isIdle }) => links.open(peerId, generation, isIdle),
    'close-link': ({ peerId }) => links.close(peerId, 'link'),
    'close-standby': ({ peerId }) => links.close(peerId, 'standby'),
    'use-link': ({ peerId, generation, isOnly }) => links.use(peerId, generation, isOnly),
    'make-offer': ({ peerId, generation, round, isRestart }) =>
      links.get(peerId, generation)?.makeOffer(round, isRestart),
    'repeat-offer': ({ peerId, generation, round }) => links.get(peerId, generation)?.repeatOffer(round),
    'repeat-answer': ({ peerId, generation, round }) => links.get(peerId, generation)?.repeatAnswer(round),
    'accept-offer': ({ peerId, generation, round, sdp }) => links.get(peerId, generation)?.acceptOffer(round, sdp),
    'accept-answer': ({ peerId, generation, round, sdp }) => links.get(peerId, generation)?.acceptAnswer(round, sdp),
    'add-candidates': ({ peerId, generation, candidates }) => links.get(peerId, generation)?.addCandidates(candidates),
    'start-timer': ({ id, delay_ms }) => clock.start(id, delay_ms),
    'stop-timer': ({ id }) => clock.stop(id),
    tell: ({ moment }) => onMoment(moment),
    drop: ({ reason }) => onDropped(reason),
  };
}
