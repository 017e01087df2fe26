import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { AUDIT_ENTRIES_MAX, AUDIT_EVENTS, AuditLog, checkAuditLog } from '../../src/engine/keys/audit-log.ts';
import type { AuditEvent } from '../../src/engine/keys/audit-log.ts';
import { asciiBytes, concatBytes, fromHex, uintBytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';

const START_MS = 1_800_000_000_000;
const SEED = 20_261;
const DEVICE = new Uint8Array(32).fill(0xde);
const CERTIFICATE = new Uint8Array(32).fill(0xce);

function writtenLog(): AuditLog {
  const log = new AuditLog();
  log.add('session-started', START_MS);
  log.add('peer-agreed', START_MS + 1, { device: DEVICE, certificate: CERTIFICATE });
  log.add('roster-changed', START_MS + 2.9, { epoch: 1 });
  log.add('peer-verified', START_MS + 3, { device: DEVICE });
  log.add('wrong-key', START_MS + 4, { certificate: CERTIFICATE, epoch: 0 });
  log.add('session-ended', START_MS + 5);
  return log;
}

/** With so many entries, one a millisecond. */
function longLog(entries: number): AuditLog {
  const log = new AuditLog();
  for (let i = 0; i < entries; i++) log.add('wrong-key', START_MS + i, { epoch: i });
  return log;
}

function linesOf(text: string): string[] {
  return text.trimEnd().split('\n');
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function valueOf(line: string | undefined): Record<string, unknown> {
  // what the log itself has written
  return JSON.parse(line!) as Record<string, unknown>;
}

/** The hash of an entry as the log's comment describes it, by another implementation. */
function hashOf({ n, time_ms, event, epoch, first, device, certificate, prev }: Record<string, unknown>): string {
  const fields = [epoch, first, device, certificate];
  const has = fields.map((field, i) => (field === undefined ? 0 : 2 ** i)).reduce((a, b) => a + b);
  const bytes = concatBytes(
    asciiBytes('tai/1 audit'),
    uintBytes(Number(n), 6),
    uintBytes(Number(time_ms), 6),
    Uint8Array.of(String(event).length),
    asciiBytes(String(event)),
    Uint8Array.of(has),
    uintBytes(Number(epoch ?? 0), 6),
    uintBytes(Number(first ?? 0), 6),
    ...[device, certificate, prev].map((hex) => fromHex(String(hex ?? '00'.repeat(32)))!),
  );
  return createHash('sha256').update(bytes).digest('hex');
}

/** With one field of one entry changed, spelt as the log spells it. */
function changed(text: string, n: number, field: string, value: unknown): string {
  const order = ['n', 'time_ms', 'event', 'epoch', 'first', 'device', 'certificate', 'prev', 'hash'];
  const lines = linesOf(text);
  lines[n] = JSON.stringify({ ...valueOf(lines[n]), [field]: value }, order);
  return textOf(lines);
}

describe('the audit log', () => {
  it('tells what happened, in order, and is intact', () => {
    const text = writtenLog().export();
    assert.equal(checkAuditLog(text), 'intact');
    const entries = linesOf(text).map(valueOf);
    assert.deepEqual(
      entries.map(({ n, time_ms, event }) => [n, time_ms, event]),
      [
        [0, START_MS, 'session-started'],
        [1, START_MS + 1, 'peer-agreed'],
        [2, START_MS + 2, 'roster-changed'],
        [3, START_MS + 3, 'peer-verified'],
        [4, START_MS + 4, 'wrong-key'],
        [5, START_MS + 5, 'session-ended'],
      ],
    );
    assert.deepEqual(
      [entries[1]?.['device'], entries[1]?.['certificate'], entries[2]?.['epoch'], entries[4]?.['epoch']],
      ['de'.repeat(32), 'ce'.repeat(32), 1, 0],
    );
  });

  it('hashes the bytes that it says it hashes', () => {
    for (const text of [writtenLog().export(), longLog(AUDIT_ENTRIES_MAX + 1).export()]) {
      const entries = linesOf(text).map(valueOf);
      for (const entry of entries) assert.equal(entry['hash'], hashOf(entry));
      for (const [i, { prev }] of entries.slice(1).entries()) assert.equal(prev, entries[i]?.['hash']);
    }
    assert.equal(valueOf(linesOf(writtenLog().export())[0])['prev'], '00'.repeat(32));
  });

  it('shows an entry that has its own hash, and does not follow', () => {
    const text = writtenLog().export();
    const changes: readonly (readonly [number, string, unknown])[] = [
      [0, 'prev', '11'.repeat(32)],
      [2, 'n', 7],
      [2, 'prev', '11'.repeat(32)],
      [5, 'n', 4],
      [5, 'prev', '00'.repeat(32)],
    ];
    for (const [n, field, value] of changes) {
      const entry = { ...valueOf(linesOf(text)[n]), [field]: value };
      const forged = changed(changed(text, n, field, value), n, 'hash', hashOf(entry));
      assert.deepEqual(checkAuditLog(forged), { brokenAt: entry['n'] ?? n }, `${field} of ${n}`);
    }
  });

  it('shows any field that was changed, at its entry or the one after it', () => {
    const text = writtenLog().export();
    const changes: readonly (readonly [number, string, unknown, number])[] = [
      [0, 'time_ms', START_MS + 1, 0],
      [1, 'event', 'peer-verified', 1],
      [1, 'device', '00'.repeat(32), 1],
      [1, 'device', undefined, 1],
      [1, 'certificate', 'de'.repeat(32), 1],
      [2, 'epoch', 2, 2],
      [4, 'epoch', undefined, 4],
      [3, 'epoch', 0, 3],
      [3, 'n', 4, 4],
      [3, 'prev', '11'.repeat(32), 3],
      [3, 'hash', '11'.repeat(32), 3],
      [0, 'prev', '11'.repeat(32), 0],
      [0, 'n', 1, 1],
    ];
    for (const [n, field, value, brokenAt] of changes) {
      assert.deepEqual(checkAuditLog(changed(text, n, field, value)), { brokenAt }, `${field} of ${n}`);
    }
  });

  it('shows an entry that was taken out, put in twice or moved', () => {
    const lines = linesOf(writtenLog().export());
    for (let at = 0; at < lines.length - 1; at++) {
      assert.deepEqual(checkAuditLog(textOf(lines.toSpliced(at, 1))), { brokenAt: at + 1 }, `without ${at}`);
      assert.deepEqual(checkAuditLog(textOf(lines.toSpliced(at, 0, lines[at]!))), { brokenAt: at }, `twice ${at}`);
      const moved = lines.toSpliced(at, 2, lines[at + 1]!, lines[at]!);
      assert.deepEqual(checkAuditLog(textOf(moved)), { brokenAt: at + 1 }, `after the next: ${at}`);
    }
  });

  it('does not show that entries are missing at its end: the text says so', () => {
    const lines = linesOf(writtenLog().export());
    assert.equal(checkAuditLog(textOf(lines.slice(0, 3))), 'intact');
  });

  it('takes all its events, and no time before 1970', () => {
    const log = new AuditLog();
    const own = AUDIT_EVENTS.filter((event): event is Exclude<AuditEvent, 'log-cut'> => event !== 'log-cut');
    for (const event of own) log.add(event, -5);
    assert.equal(checkAuditLog(log.export()), 'intact');
    assert.deepEqual(
      linesOf(log.export()).map((line) => [valueOf(line)['event'], valueOf(line)['time_ms']]),
      own.map((event) => [event, 0]),
    );
  });
});

describe('a long audit log', () => {
  const cut = longLog(AUDIT_ENTRIES_MAX + 1).export();

  it('is whole up to its bound', () => {
    const text = longLog(AUDIT_ENTRIES_MAX).export();
    assert.equal(linesOf(text).length, AUDIT_ENTRIES_MAX);
    assert.equal(valueOf(linesOf(text)[0])['n'], 0);
    assert.equal(checkAuditLog(text), 'intact');
  });

  it('is cut at its beginning beyond it, says so in an entry of the chain, and is intact', () => {
    const entries = linesOf(cut).map(valueOf);
    assert.equal(entries.length, AUDIT_ENTRIES_MAX - 1000 + 2);
    assert.equal(entries[0]?.['n'], 1000);
    assert.deepEqual(
      entries.slice(-2).map(({ n, event, first, time_ms }) => ({ n, event, first, time_ms })),
      [
        { n: AUDIT_ENTRIES_MAX, event: 'log-cut', first: 1000, time_ms: START_MS + AUDIT_ENTRIES_MAX },
        { n: AUDIT_ENTRIES_MAX + 1, event: 'wrong-key', first: undefined, time_ms: START_MS + AUDIT_ENTRIES_MAX },
      ],
    );
    assert.equal(checkAuditLog(cut), 'intact');
  });

  it('stays within its bound and checkable however long it goes on', () => {
    const text = longLog(3 * AUDIT_ENTRIES_MAX).export();
    assert.ok(linesOf(text).length <= AUDIT_ENTRIES_MAX);
    assert.equal(checkAuditLog(text), 'intact');
    assert.ok(linesOf(text).filter((line) => line.includes('log-cut')).length > 1);
  });

  it('shows who cuts more than it says, or less, or hides the cut', () => {
    const lines = linesOf(cut);
    assert.deepEqual(checkAuditLog(textOf(lines.slice(1))), { brokenAt: 1001 });
    assert.deepEqual(checkAuditLog(textOf(lines.slice(0, -2))), { brokenAt: 1000 });
    assert.deepEqual(checkAuditLog(changed(cut, lines.length - 2, 'first', 1001)), { brokenAt: 1000 });
    const whole = linesOf(longLog(AUDIT_ENTRIES_MAX).export());
    assert.deepEqual(checkAuditLog(textOf(whole.slice(1))), { brokenAt: 1 });
  });
});

describe('checking an audit log', () => {
  it('reads no text but what a log has written', () => {
    const text = writtenLog().export();
    const [line = ''] = linesOf(text);
    const cutLine = JSON.stringify({ ...valueOf(line), event: 'log-cut' });
    const bad = [
      '',
      '\n',
      'null\n',
      '[]\n',
      text.trimEnd(),
      `${text}\n`,
      text.replaceAll('\n', '\r\n'),
      text.replace('{"n"', '{ "n"'),
      text.replace('"time_ms"', '"time"'),
      text.replace('session-started', 'session-begun'),
      text.replace('"n":0', '"n":-1'),
      text.replace('"n":0', '"n":0,"note":"a name"'),
      text.replace('"n":0', '"n":0.0'),
      text.replace('"epoch":1', '"epoch":1.5'),
      text.replace('"epoch":1', '"first":1'),
      text.replaceAll('de'.repeat(32), 'DE'.repeat(32)),
      text.replaceAll('de'.repeat(32), 'de'.repeat(31)),
      text.replace(/"hash":"[0-9a-f]+"/, '"hash":7'),
      text.replace(/"prev":"[0-9a-f]+",/, ''),
      `${cutLine}\n`,
    ];
    for (const each of bad) assert.equal(checkAuditLog(each), 'unreadable', JSON.stringify(each.slice(0, 80)));
  });

  it('reads no more lines than a log can have, and no text that is longer than one can be', () => {
    const line = `${linesOf(writtenLog().export())[0]}\n`;
    assert.equal(checkAuditLog(line.repeat(AUDIT_ENTRIES_MAX + 1)), 'unreadable');
    assert.equal(checkAuditLog(`${' '.repeat(3_000_000)}\n`), 'unreadable');
  });

  it('fits the longest log into that length', () => {
    const [, line = ''] = linesOf(writtenLog().export());
    const top = 2 ** 48 - 1;
    const longest = JSON.stringify({
      ...valueOf(line),
      n: top,
      time_ms: top,
      epoch: top,
      first: top,
      event: 'roster-mismatch',
    });
    assert.ok(longest.length + 1 <= 480, `${longest.length}`);
  });

  it('fuzz: what differs is never intact, and nothing throws', () => {
    const random = new Random(SEED);
    const text = writtenLog().export();
    for (let i = 0; i < 2_000; i++) {
      const at = random.below(text.length);
      const put = random.pick([
        '',
        '0',
        '1',
        'a',
        'f',
        '"',
        '\n',
        '}',
        '\u0000',
        text.charAt(random.below(text.length)),
      ]);
      const other = text.slice(0, at) + put + text.slice(at + 1);
      if (other !== text) assert.notEqual(checkAuditLog(other), 'intact', `seed ${SEED}, input ${i}`);
    }
  });
});
