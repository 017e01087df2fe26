/** What `drop-in.ts` loads when it is wanted. The order counts: elements start in the moment they are defined. */
import './components/internal/relay-of-this-script.ts';
import './define.ts';
