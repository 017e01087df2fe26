/**
 * The script a page includes: small, and loads the rest when an element of ours nears the viewport or is used, when the
 * page's address carries an invitation, or when `load()` is called. Does nothing outside a browser; included twice, the
 * second finds the elements defined. Uses no `eval`, no inline style, and no sink that Trusted Types guard.
 */

/** Our elements begin with it. */
const PREFIX = 'tai-';
/** An invitation in the fragment, `#tai=…` or `#tai.<room>=…`: who follows one wants to join. */
const INVITATION = /[#&]tai(\.[^=&%]*)?(=|%3d|&|$)/i;
/** How far outside the viewport an element counts as near: one viewport. */
const NEAR = '100%';
/** Time for the page's own work after its load event before elements nobody could see are looked after. */
const IDLE_TIMEOUT_MS = 3000;

/**
 * Where every copy of this script on a page finds the one load: a second copy of the rest would be refused its Trusted
 * Types policies, whose names may be taken once.
 */
const LOADING = Symbol.for('tai-room.loading');
const page: typeof globalThis & { [LOADING]?: Promise<unknown> | undefined } = globalThis;
let stop = (): void => {};

/** Defines the elements, once; resolves when they are. Rejects when the rest cannot be fetched; call again to retry. */
export async function load(): Promise<void> {
  if (!globalThis.customElements || customElements.get('tai-room')) return;
  page[LOADING] ??= import('./drop-in-rest.ts');
  try {
    await page[LOADING];
    stop();
  } catch (error) {
    page[LOADING] = undefined;
    throw error;
  }
}

function isOurs(target: EventTarget): boolean {
  return target instanceof Element && target.localName.startsWith(PREFIX);
}

function watch(): void {
  /** Loads, and lets a failure show as the browser shows it: an unhandled rejection. */
  const start = (): void => void load();
  const near = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && start(), {
    rootMargin: NEAR,
  });
  const changes = new MutationObserver((records) => {
    for (const { target, addedNodes } of records) {
      // An attribute: `auto-join` set by a script after the element was found.
      if (target instanceof Element && isOurs(target)) consider(target);
      for (const node of addedNodes) if (node instanceof Element) search(node);
    }
  });
  /** Whether one of ours was found that the observers can tell about: it has a box, so it can come near. */
  let hasReachable = false;

  const consider = (element: Element): void => {
    if (element.hasAttribute('auto-join')) start();
    near.observe(element);
    hasReachable ||= element.getClientRects().length > 0;
  };
  const search = (scope: Element | Document | ShadowRoot): void => {
    if (scope instanceof Element) examine(scope);
    for (const element of scope.querySelectorAll('*')) examine(element);
  };
  const examine = (element: Element): void => {
    if (isOurs(element)) consider(element);
    else if (element.shadowRoot) observe(element.shadowRoot);
  };
  const observe = (root: Document | ShadowRoot): void => {
    changes.observe(root, { subtree: true, childList: true, attributeFilter: ['auto-join'] });
    search(root);
  };
  const use = (event: Event): void => {
    if (event.composedPath().some(isOurs)) start();
  };
  // A closed shadow root cannot be searched, one attached late is not reported, and an element kept hidden until it is
  // defined (`:not(:defined) { display: none }`) never comes near: without a reachable element the rest is loaded anyway.
  const settle = (): void => {
    if (page[LOADING]) return;
    search(document);
    if (!hasReachable) start();
  };
  const settleWhenIdle = (): void => {
    // Safari has no idle callback.
    if ('requestIdleCallback' in globalThis) requestIdleCallback(settle, { timeout: IDLE_TIMEOUT_MS });
    else setTimeout(settle, IDLE_TIMEOUT_MS);
  };
  const follow = (): void => {
    if (INVITATION.test(location.hash)) start();
  };

  stop = () => {
    near.disconnect();
    changes.disconnect();
    for (const type of ['pointerover', 'focusin']) removeEventListener(type, use, true);
    removeEventListener('hashchange', follow);
  };
  for (const type of ['pointerover', 'focusin']) addEventListener(type, use, { capture: true, passive: true });
  addEventListener('hashchange', follow);
  observe(document);
  follow();
  if (document.readyState === 'complete') settleWhenIdle();
  else addEventListener('load', settleWhenIdle, { once: true });
}

if (globalThis.document && globalThis.customElements && !customElements.get('tai-room')) watch();
