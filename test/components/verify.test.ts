/** Comparing codes: who opens the dialog, what it shows, and what an answer does. */
import type { ParticipantView, SafetyNumber } from '../../src/engine/index.ts';
import { equal, ok, same, until } from './assert.ts';
import { ROOM_CODE, identity, participant, peerId, safetyNumber } from './fake-session.ts';
import { accessible, button, clear, deepElements, find, findAll, joined, nextTask, settle, texts } from './helpers.ts';
import type { Mounted } from './helpers.ts';

const ANA = { name: 'Ana Lima' } as const;

async function call(change: Partial<ParticipantView> = {}): Promise<Mounted> {
  const mounted = await joined(1);
  mounted.session.meet(participant(1, { ...ANA, ...change }));
  mounted.session.encrypt({ roomCode: ROOM_CODE, roster: 'consistent' });
  await settle(mounted.room);
  return mounted;
}

/** With the dialog open: for everybody, or for Ana. */
async function opened(target: 'room' | 'peer', change?: Partial<ParticipantView>): Promise<Mounted> {
  const mounted = await call(change);
  const { room } = mounted;
  if (target === 'peer') find(room, 'button.mark').click();
  else {
    find(room, '.pill').click();
    await settle(room);
    button(room, 'Compare the room code').click();
  }
  await unfold(room);
  if (target === 'peer' && change?.identity !== undefined) return mounted;
  if (target === 'peer') await until(() => findAll(room, '.qr').length === 1, 'the QR code');
  return mounted;
}

/** It is fetched when it is first asked for. */
async function unfold(room: Mounted['room']): Promise<void> {
  await until(() => deepElements(room).some((element) => element.matches('dialog[open]')), 'the dialog');
  await settle(room);
}

function dialog(room: Element): HTMLDialogElement {
  const found = deepElements(room).find((element) => element instanceof HTMLDialogElement);
  ok(found, 'a dialog');
  return found;
}

function title(room: Element): string {
  return find(dialog(room), 'h2').textContent.trim();
}

/** What has the focus, through shadow roots. */
function focused(): Element | null {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return found;
}

function verifications({ session }: Mounted): readonly unknown[] {
  return session.commands.flatMap((command) =>
    command.type === 'set-verified' ? [[command.peerId, command.isVerified]] : [],
  );
}

/** As the browser closes a modal dialog by Escape. */
async function escape(room: Mounted['room']): Promise<void> {
  const closed = new Promise((resolve) => dialog(room).addEventListener('close', resolve, { once: true }));
  dialog(room).close();
  await closed;
  await settle(room);
}

describe('<tai-verify>', () => {
  beforeEach(clear);
  after(clear);

  describe('is accessible', () => {
    it('with the room’s code', async () => {
      const { room } = await opened('room');
      await accessible(room);
    });

    it('with one person’s number and QR code', async () => {
      const { room } = await opened('peer');
      await accessible(room);
    });

    it('once verified', async () => {
      const { room, session } = await opened('peer');
      session.verified(peerId(1));
      await settle(room);
      await accessible(room);
    });

    it('when the codes differ', async () => {
      const { room } = await opened('peer');
      button(room, 'They do not match').click();
      await settle(room);
      await accessible(room);
    });

    it('with another device than before, and with wrong keys', async () => {
      const { room, session } = await opened('peer', { identity: identity(1, { standing: 'changed' }) });
      ok(texts(dialog(room)).includes('Ana Lima has another device than before'), texts(dialog(room)));
      await accessible(room);
      session.change(peerId(1), { encryption: 'wrong-key' });
      await settle(room);
      ok(texts(dialog(room)).includes('The keys of Ana Lima are wrong'), texts(dialog(room)));
      equal(findAll(dialog(room), '.digits, .actions').length, 0, 'nothing to compare');
      await accessible(room);
    });

    it('in dark, with a code that is being made', async () => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync('html { color-scheme: dark; background: #000 }');
      document.adoptedStyleSheets.push(sheet);
      try {
        const { room, session } = await opened('room');
        await accessible(room);
        session.encrypt({ roomCode: undefined, roster: 'settling' });
        await settle(room);
        ok(texts(dialog(room)).includes('being made'), texts(dialog(room)));
        equal(findAll(dialog(room), '.actions').length, 0, 'nothing to answer');
        await accessible(room);
      } finally {
        document.adoptedStyleSheets.pop();
      }
    });
  });

  describe('opens and closes', () => {
    it('from the shield, focus on its title; back on the pill afterwards', async () => {
      const mounted = await opened('room');
      const { room } = mounted;
      equal(title(room), 'Compare the room code');
      equal(focused(), find(dialog(room), 'h2'), 'focus');
      await escape(room);
      equal(findAll(room, 'dialog').length, 0, 'closed');
      equal(focused(), button(room, 'Private room'), 'focus');
      same(mounted.events.slice(-1), ['tai-verify-request']);
    });

    it('for one, from the list of the shield', async () => {
      const { room } = await call();
      button(room, 'Private room').click();
      await settle(room);
      button(room, 'Verify Ana Lima').click();
      await unfold(room);
      equal(title(room), 'Verify Ana Lima');
    });

    it('for one, from the tile; back on the tile afterwards', async () => {
      const { room } = await opened('peer');
      equal(title(room), 'Verify Ana Lima');
      button(dialog(room), 'Close').click();
      await until(() => !dialog(room).open, 'the end');
      equal(focused(), find(room, 'button.mark'), 'focus');
      await nextTask();
      find(room, 'button.mark').click();
      await settle(room);
      ok(dialog(room).open, 'and again');
    });

    it('closed by Escape while the room changes, it stays closed', async () => {
      const { room, session } = await opened('room');
      dialog(room).close();
      session.meet(participant(2));
      await settle(room);
      ok(!dialog(room).open, 'before its event');
      await nextTask();
      await settle(room);
      ok(!dialog(room).open, 'and after');
      find(room, 'button.mark').click();
      await settle(room);
      ok(dialog(room).open, 'until it is asked for');
    });

    it('leads from everybody to one', async () => {
      const { room } = await opened('room');
      button(dialog(room), 'Verify Ana Lima').click();
      await settle(room);
      equal(title(room), 'Verify Ana Lima');
      equal(focused(), find(dialog(room), 'h2'), 'focus');
    });

    it('a prevented request opens nothing, and says whom it was about', async () => {
      const { room } = await call();
      const asked: unknown[] = [];
      room.addEventListener('tai-verify-request', (event) => {
        asked.push(event.peerId);
        event.preventDefault();
      });
      find(room, 'button.mark').click();
      button(room, 'Private room').click();
      await settle(room);
      button(room, 'Compare the room code').click();
      await settle(room);
      same(asked, [peerId(1), undefined]);
      equal(findAll(room, 'dialog').length, 0, 'closed');
    });

    it('the end of the call closes it', async () => {
      const { room, session } = await opened('peer');
      session.exit();
      await settle(room);
      ok(!dialog(room).open, 'closed');
      session.enter();
      await settle(room);
      ok(!dialog(room).open, 'and the next call begins without it');
    });

    it('moved by hand with its room, it is modal again', async () => {
      const { room } = await opened('room');
      const place = document.createElement('div');
      document.body.append(place);
      room.remove();
      place.append(room);
      await nextTask();
      await settle(room);
      ok(dialog(room).matches(':modal'), 'open');
      await escape(room);
      ok(!dialog(room).open, 'and closes as before');
    });

    it('shows nothing outside a room', async () => {
      const element = document.createElement('tai-verify');
      document.body.append(element);
      await element.updateComplete;
      equal(findAll(element, 'dialog').length, 0);
    });
  });

  describe('what an answer brings about', () => {
    for (const answer of ['They match', 'They do not match']) {
      for (const target of ['peer', 'room'] as const) {
        it(`is seen, however far down the button stood: ${answer}, ${target}`, async () => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync('tai-room::part(dialog) { inline-size: 312px; max-block-size: 300px }');
          document.adoptedStyleSheets.push(sheet);
          try {
            const { room, session } = await opened(target);
            const pressed = button(room, answer);
            pressed.focus();
            pressed.scrollIntoView();
            ok(dialog(room).scrollTop > 100, 'far down');
            pressed.click();
            if (answer === 'They match') session.verified(peerId(1));
            await settle(room);
            const said = find(dialog(room), answer === 'They match' ? '.done' : '[role=alert]').getBoundingClientRect();
            const box = dialog(room).getBoundingClientRect();
            ok(said.top >= box.top && said.top < box.bottom - 20, `${said.top} in ${box.top} to ${box.bottom}`);
            equal(focused(), find(dialog(room), 'h2'), 'focus');
          } finally {
            document.adoptedStyleSheets.pop();
          }
        });
      }
    }
  });

  describe('the room’s code', () => {
    it('is six pictures with names, and digits in groups', async () => {
      const { room } = await opened('room');
      const names = findAll(dialog(room), '.emoji li').map((item) => item.textContent.trim());
      same(
        names,
        ROOM_CODE.emoji.map(({ symbol, name }) => symbol + name),
      );
      same(
        findAll(dialog(room), '.digits [aria-hidden]').map((group) => group.textContent),
        ['01234', '56789', '01234', '56789', '01234', '56789'],
      );
      ok(find(dialog(room), '.digits').textContent.includes('0 1 2 3 4, 5 6 7 8 9,'), 'digit by digit for the ear');
      ok(texts(dialog(room)).includes('If one differs'), 'and what a difference means');
    });

    it('is not waited for with somebody who was refused', async () => {
      const { room, session } = await opened('room');
      session.encrypt({ roomCode: undefined, roster: 'settling' });
      session.revoke(peerId(1));
      await settle(room);
      ok(texts(dialog(room)).includes('as soon as somebody else is'), texts(dialog(room)));
      ok(!texts(dialog(room)).includes('being made'), 'there is nobody to make it with');
      equal(findAll(dialog(room), '.people li').length, 1, 'who it was is still told');
    });

    it('matching, marks those on the screen whose keys are agreed, and nobody who came since', async () => {
      const mounted = await call();
      const { room, session } = mounted;
      session.meet(participant(2, { encryption: 'waiting-key', identity: undefined }));
      session.meet(participant(3));
      await settle(room);
      button(room, 'Private room').click();
      await settle(room);
      button(room, 'Compare the room code').click();
      await unfold(room);
      const match = button(room, 'They match');
      session.meet(participant(4));
      match.click();
      same(verifications(mounted), [
        [peerId(1), true],
        [peerId(3), true],
      ]);
    });

    it('says that all is well only once it is true of everybody', async () => {
      const { room, session } = await opened('room');
      session.meet(participant(2));
      await settle(room);
      button(room, 'They match').click();
      session.verified(peerId(1));
      await settle(room);
      equal(findAll(dialog(room), '.done').length, 0);
      session.verified(peerId(2));
      await settle(room);
      equal(find(dialog(room), '.done').textContent.trim(), 'Verified: your codes are the same.');
      ok(find(dialog(room), '.done').matches('[role=status]'), 'aloud');
    });

    it('says so of an answer about this code alone, whoever was verified before', async () => {
      const mounted = await opened('room', { encryption: 'verified' });
      const { room, session } = mounted;
      const isDone = (): boolean => findAll(dialog(room), '.done').length > 0;
      ok(!isDone(), 'nobody has compared this code');
      ok(button(room, 'They do not match'), 'both answers');
      button(room, 'They match').click();
      await settle(room);
      ok(isDone(), 'now somebody has');
      session.encrypt({ roomCode: { ...ROOM_CODE, digits: '9'.repeat(30) } });
      await settle(room);
      ok(!isDone(), 'the code is another');
      session.encrypt({ roomCode: ROOM_CODE });
      await settle(room);
      ok(!isDone(), 'what was said is gone');
      button(room, 'They match').click();
      await settle(room);
      await escape(room);
      button(room, 'Private, verified').click();
      await settle(room);
      button(room, 'Compare the room code').click();
      await settle(room);
      ok(!isDone(), 'another dialog');
      ok(button(room, 'They match'), 'asks again');
    });

    it('an answer about a code that has just been replaced says nothing of the new one', async () => {
      const { room, session } = await opened('room', { encryption: 'verified' });
      const match = button(room, 'They match');
      session.encrypt({ roomCode: { ...ROOM_CODE, digits: '9'.repeat(30) } });
      match.click();
      await settle(room);
      equal(findAll(dialog(room), '.done').length, 0);
    });

    it('taken back, is asked for again, also when a mark comes by another way', async () => {
      const mounted = await opened('room');
      const { room, session } = mounted;
      button(room, 'They match').click();
      session.verified(peerId(1));
      await settle(room);
      button(room, 'No longer trust this').click();
      session.verified(peerId(1), false);
      session.verified(peerId(1));
      await settle(room);
      same(verifications(mounted), [
        [peerId(1), true],
        [peerId(1), false],
      ]);
      equal(findAll(dialog(room), '.done').length, 0);
    });

    it('differing, is reported of all whose keys it speaks of: which of them it was is not known', async () => {
      const mounted = await opened('room', { encryption: 'verified' });
      const { room, session } = mounted;
      session.meet(participant(2));
      session.meet(participant(3, { encryption: 'waiting-key', identity: undefined }));
      await settle(room);
      button(room, 'They do not match').click();
      await settle(room);
      equal(title(room), 'Stop: your codes are different');
      same(session.commands.slice(-1), [{ type: 'report-difference', peerIds: [peerId(1), peerId(2)] }]);
      same(verifications(mounted), []);
    });

    it('can be found different also after it was found equal', async () => {
      const { room, session } = await opened('room', { encryption: 'verified' });
      button(room, 'They match').click();
      await settle(room);
      await accessible(room);
      button(room, 'They do not match').click();
      same(session.commands.slice(-1), [{ type: 'report-difference', peerIds: [peerId(1)] }]);
    });

    it('alone, waits for somebody', async () => {
      const { room, session } = await opened('room');
      session.encrypt({ roomCode: undefined });
      session.part(peerId(1), 'left');
      await settle(room);
      ok(texts(dialog(room)).includes('as soon as somebody else is'), texts(dialog(room)));
    });
  });

  describe('one person’s number', () => {
    it('is twelve groups of five digits', async () => {
      const { room } = await opened('peer');
      const groups = findAll(dialog(room), '.digits [aria-hidden]').map((group) => group.textContent);
      equal(groups.length, 12);
      equal(groups.join(''), safetyNumber(peerId(1)).digits);
    });

    it('matching, asks; the dialog says so when the engine does', async () => {
      const mounted = await opened('peer');
      const { room, session } = mounted;
      button(room, 'They match').click();
      await settle(room);
      same(verifications(mounted), [[peerId(1), true]]);
      equal(findAll(dialog(room), '.done').length, 0, 'nothing has happened yet');
      session.verified(peerId(1));
      await settle(room);
      equal(find(dialog(room), '.done').textContent.trim(), 'Verified: these are the keys of Ana Lima.');
      equal(focused(), find(dialog(room), 'h2'), 'the button is gone, the focus is not');
      button(room, 'No longer trust this').click();
      same(verifications(mounted).slice(1), [[peerId(1), false]]);
    });

    it('differing, warns aloud, is reported, and offers to leave', async () => {
      const { room, session } = await opened('peer');
      button(room, 'They do not match').click();
      await settle(room);
      equal(title(room), 'Stop: your codes are different');
      ok(find(dialog(room), '[role=alert]').textContent.includes('Say nothing private here'), 'what to do');
      same(session.commands.slice(-1), [{ type: 'report-difference', peerIds: [peerId(1)] }]);
      room.addEventListener('tai-leave-request', (event) => event.preventDefault(), { once: true });
      button(dialog(room), 'Leave').click();
      equal(session.count('leave'), 0, 'prevented');
      button(dialog(room), 'Leave').click();
      equal(session.count('leave'), 1);
    });

    it('say who else has to know, and how', async () => {
      for (const target of ['peer', 'room'] as const) {
        const { room } = await opened(target);
        button(room, 'They do not match').click();
        await settle(room);
        const alarm = find(dialog(room), '[role=alert]').textContent;
        ok(alarm.includes('Only you see this warning so far'), alarm);
        ok(alarm.includes('not in this room'), 'by a way on which nobody sits');
        clear();
      }
    });

    it('can be compared once more', async () => {
      const { room } = await opened('peer');
      button(room, 'They do not match').click();
      await settle(room);
      button(room, 'Compare again').click();
      await settle(room);
      equal(title(room), 'Verify Ana Lima');
      ok(button(room, 'They match'), 'the answers');
    });

    it('is there as soon as keys are agreed', async () => {
      const { room, session } = await call();
      session.numbers = () => undefined;
      find(room, 'button.mark').click();
      await unfold(room);
      await nextTask();
      await settle(room);
      ok(texts(dialog(room)).includes('nothing to compare yet'), texts(dialog(room)));
      equal(findAll(dialog(room), '.actions').length, 0);
      session.numbers = safetyNumber;
      session.change(peerId(1), { identity: identity(9) });
      await until(() => findAll(dialog(room), '.digits').length === 1, 'the number of the device that came');
    });

    it('that is still worked out is not taken for none, and moves nothing when it comes', async () => {
      const { room, session } = await call();
      let come: (number: SafetyNumber) => void = () => {};
      session.numbers = () => new Promise((resolve) => (come = resolve));
      find(room, 'button.mark').click();
      await unfold(room);
      ok(texts(dialog(room)).includes('is being worked out'), texts(dialog(room)));
      ok(!texts(dialog(room)).includes('nothing to compare yet'), 'there are keys');
      equal(getComputedStyle(find(dialog(room), '.actions')).visibility, 'hidden', 'nothing to answer yet');
      await accessible(room);
      const before = dialog(room).scrollHeight;
      const top = find(dialog(room), '.actions').getBoundingClientRect().top;
      come(safetyNumber(peerId(1)));
      await until(() => findAll(dialog(room), '.qr').length === 1, 'the QR code');
      equal(findAll(dialog(room), '.pending').length, 0, 'no longer waited for');
      equal(getComputedStyle(find(dialog(room), '.actions')).visibility, 'visible');
      equal(dialog(room).scrollHeight, before, 'height');
      equal(find(dialog(room), '.actions').getBoundingClientRect().top, top, 'the answers stay where they were');
    });

    it('of a session that cannot say it is none', async () => {
      const { room, session } = await call();
      session.numbers = () => new Error('closed (on purpose)');
      find(room, 'button.mark').click();
      await unfold(room);
      await nextTask();
      await settle(room);
      ok(texts(dialog(room)).includes('nothing to compare yet'), texts(dialog(room)));
    });

    it('is gone with the person', async () => {
      const { room, session } = await opened('peer');
      session.part(peerId(1), 'left');
      await settle(room);
      equal(findAll(dialog(room), '.digits, .qr, .actions').length, 0);
      ok(texts(dialog(room)).includes('This person has left'), texts(dialog(room)));
      equal(title(room), 'Verify Ana Lima', 'still about whom it was opened for');
      await accessible(room);
    });

    it('makes no markup of a name', async () => {
      const { room } = await opened('peer', { name: '<img src=x>' });
      equal(findAll(room, 'img').length, 0);
      equal(title(room), 'Verify <img src=x>');
    });
  });

  for (const target of ['room', 'peer'] as const) {
    it(`fits 320 px, with buttons for a finger: ${target}`, async () => {
      const sheet = new CSSStyleSheet();
      // the dialog follows the window, which a test cannot narrow: what it holds must fit where there is less
      sheet.replaceSync('tai-room::part(dialog) { inline-size: 312px }');
      document.adoptedStyleSheets.push(sheet);
      try {
        const { room } = await opened(target);
        const { scrollWidth, clientWidth } = dialog(room);
        equal(scrollWidth, clientWidth, 'sideways');
        for (const element of findAll(dialog(room), 'button')) {
          const { width, height } = element.getBoundingClientRect();
          // a browser that scrolls counts in fractions
          ok(Math.min(width, height) > 43.99, `${element.textContent}: ${width}×${height}`);
        }
      } finally {
        document.adoptedStyleSheets.pop();
      }
    });
  }
});
