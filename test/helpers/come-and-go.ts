/** One stays; another comes and goes in one page, each time with a room of its own, and is looked after when it is gone. */
import { strict as assert } from 'node:assert';
import type { TestPage } from './browsers.ts';
import { inviteOf, joinByClick, leaves, seesOthers, seesVideo } from './call.ts';
import { domCounters, openIn, untilDevicesOpen, untilOpen } from './leaks.ts';
import type { DomCounters } from './leaks.ts';
import type { Stage } from './stage.ts';

/** Until then caches fill, and code is compiled. */
const WARM_UP = 3;
/** What may come to be in the meantime; an element that stays behind brings hundreds of nodes with its shadow tree. */
const NODES_SPARE = 40;
const LISTENERS_SPARE = 20;
const NOTHING = { connections: 0, tracks: 0, workers: 0 };

/** In the page: takes the room out. */
function removeRoom(): void {
  document.querySelector('tai-room')?.remove();
}

/** In the page: puts another in. */
function addRoom(): void {
  document.querySelector('#first')?.append(document.createElement('tai-room'));
}

/** Resolves with what was counted, in words. */
export async function comeAndGo(stage: Stage, cycles: number): Promise<readonly string[]> {
  const staying = await stage.open('chromium', `${stage.site.url}/`);
  await joinByClick(staying);
  await untilDevicesOpen(staying);
  const alone = await openIn(staying);
  const coming = await stage.open('chromium', await inviteOf(staying));
  const pages = { staying, coming };
  const lines: string[] = [];
  const counted = async (): Promise<Record<keyof typeof pages, DomCounters>> => ({
    staying: await domCounters(staying),
    coming: await domCounters(coming),
  });
  let warm: Awaited<ReturnType<typeof counted>> | undefined;
  for (let cycle = 1; cycle <= cycles + WARM_UP; cycle++) {
    await joinByClick(coming);
    await seesOthers(staying, 1);
    // not only a name: its connection stands
    await seesVideo(coming, 1, 2);
    await leaves(coming);
    await seesOthers(staying, 0);
    await untilOpen(staying, alone);
    await coming.evaluate(removeRoom);
    await untilOpen(coming, NOTHING);
    if (cycle === WARM_UP) warm = await counted();
    if (cycle < cycles + WARM_UP) await coming.evaluate(addRoom);
  }
  const now = await counted();
  for (const [name, page] of Object.entries(pages) as [keyof typeof pages, TestPage][]) {
    const [before, after] = [warm?.[name], now[name]];
    assert.ok(before);
    const line =
      `${name}: after ${cycles} joins and leaves ${JSON.stringify(await openIn(page))}, ` +
      `nodes ${before.nodes} → ${after.nodes}, listeners ${before.jsEventListeners} → ${after.jsEventListeners}`;
    assert.ok(after.nodes <= before.nodes + NODES_SPARE, line);
    assert.ok(after.jsEventListeners <= before.jsEventListeners + LISTENERS_SPARE, line);
    lines.push(line);
  }
  return lines;
}
