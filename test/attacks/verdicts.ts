/** What pages say about who is seen by whom, in a form that a test can write down. */
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { JUDGE, untilWith } from '../session/page.ts';
import type { Page } from '../session/page.ts';

/** `[by, peerId]`: whom `by` does not see, or sees though the page does not. */
export type Difference = readonly [by: PeerId, peerId: PeerId];

/** Waits until `page` names these and no others. */
export async function untilNamed(
  pages: readonly Page[],
  page: Page,
  differences: readonly Difference[],
): Promise<void> {
  const expected = differences.map(([by, peerId]) => `${by} ${peerId}`).sort();
  await untilWith(pages, JUDGE, `${page.name} names ${expected.join(', ')}`, () => {
    const { roster, mismatches } = page.view.encryption;
    const named = mismatches.map(({ by, peerId }) => `${by} ${peerId}`).sort();
    return roster === 'mismatch' && named.join() === expected.join();
  });
}

/** Everything that these pages tell of trouble. */
export function troubles(...pages: readonly Page[]): readonly string[] {
  return pages.flatMap(({ name, errors }) => errors.map(([code]) => `${name} ${code}`));
}
