/**
 * The demo's pages: what all of them share stands once, in `demo/frame`, and a page says where it goes by a comment, such
 * as `<!-- frame/top.html -->`. What is built is whole, plain HTML.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const PLACE = /^([ \t]*)<!-- (frame\/[a-z-]+\.html) -->$/gm;
/** The demo includes `/tai.js` exactly as a customer's page does: not to be bundled into it. */
const SERVED_SCRIPT = /(<script\b[^>]*\bsrc="\/tai[^"]*")/g;

export const FRAME_FOLDER = 'frame';

/** Without a way to itself: on the room's page that would end the call. `path` is that of the page; the frame lies beside it. Throws where a part of the frame is missing. */
export function framePage(html, path) {
  const own = basename(path) === 'index.html' ? './' : `./${basename(path)}`;
  return html.replaceAll(PLACE, (_place, indent, part) =>
    readFileSync(join(dirname(path), part), 'utf8')
      .trimEnd()
      .replace(`<a href="${own}">`, '<a aria-current="page">')
      .replaceAll(/^(?=.)/gm, indent),
  );
}

/** For Vite. */
export function demoPagesPlugin() {
  return {
    name: 'tai-demo-pages',
    enforce: 'pre',
    transform: (code, id) =>
      id.endsWith('.html') ? framePage(code, id).replaceAll(SERVED_SCRIPT, '$1 vite-ignore') : undefined,
  };
}
