/** What is shown at the relay's door beside the room's token: the host's claim, and a JWT that only the page can get. */
import { TaiError } from './protocol/errors.ts';
import { parseJwtText } from './protocol/jwt.ts';

/** `room`: what a JWT may name as its `room`, so that it opens this one alone; it does not tell which one that is. */
export type Admission = (request: { readonly room: string }) => Promise<string> | string;

/** A page that never answers must not hold the door for ever. */
export const ADMISSION_WAIT_MS = 10_000;

/** Its text. Rejects with a `TaiError` that names nothing of what was given. */
export async function askForJwt(admission: Admission, room: string, wait_ms = ADMISSION_WAIT_MS): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const failure = new TaiError('relay-refused', 'admission: no JWT came in time');
    timer = setTimeout(() => reject(failure), wait_ms);
  });
  try {
    const jwt = parseJwtText(await Promise.race([admission({ room }), late]));
    if (jwt === undefined) throw new TaiError('usage', 'admission: must give a JWT, three parts of base64url');
    return jwt;
  } finally {
    clearTimeout(timer);
  }
}
