/**
 * Says, before any element is defined, that the relay is where this script came from. Only the drop-in includes this
 * module, so `import.meta.url` is the address of the served script or of one of its chunks: the same origin.
 */
import { setDefaultRelay } from './default-relay.ts';

const { origin, protocol } = new URL(import.meta.url);
if (protocol === 'https:' || protocol === 'http:') setDefaultRelay(origin);
