/** docs/relay-api.md as tests read it: its blocks of code and its tables. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PEER_ID_BYTES, ROOM_ID_BYTES } from '../../src/engine/protocol/ids.ts';

export const RELAY_DOCUMENT = readFileSync(fileURLToPath(new URL('../../docs/relay-api.md', import.meta.url)), 'utf8');

/** The blocks of one language, in order. */
export function codeBlocks(language: string): string[] {
  return [...RELAY_DOCUMENT.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code = '']) => code);
}

/** With its ids at full length: `0xaa…` goes on in the same way, after how many bytes depends on whose id it is. */
export function withWholeIds(line: string): string {
  return line.replaceAll(/"(\w+)":"0x([0-9a-f]{2})…"/g, (_, name: string, pair: string) => {
    return `"${name}":"0x${pair.repeat(name === 'room_id' ? ROOM_ID_BYTES : PEER_ID_BYTES)}"`;
  });
}

/** The cells of the table under a heading (of any level) that stands before it. */
export function tableUnder(heading: string): string[][] {
  const start = RELAY_DOCUMENT.search(new RegExp(`^#+ ${heading.replaceAll(/[()]/g, '\\$&')}$`, 'm'));
  if (start < 0) throw new Error(`no heading “${heading}”`);
  const lines = RELAY_DOCUMENT.slice(start).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|---'));
  const rows = lines.slice(first + 1, lines.indexOf('', first));
  return rows.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '').trim()));
}

/** The names between backticks. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/`([a-z_-]+)`/g)].map(([, name = '']) => name);
}
